"""The base of the messages that line-drawn widgets send."""

from __future__ import annotations

from textual.message import Message
from textual.widget import Widget


class LineMessage(Message):
    """What a widget says; `control` is the widget, so that `@on` can tell one from another by its id."""

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self._widget = widget

    @property
    def control(self) -> Widget:
        """The widget that says so."""
        return self._widget
