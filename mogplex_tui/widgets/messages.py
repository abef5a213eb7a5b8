"""Base class of the messages that line-drawn widgets send."""

from __future__ import annotations

from textual.message import Message
from textual.widget import Widget


class LineMessage(Message):
    """A message whose `control` is the widget that sent it.

    Textual's `@on` decorator can therefore select messages by the id of the widget.
    """

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self._widget = widget

    @property
    def control(self) -> Widget:
        """Return the widget that sent the message."""
        return self._widget
