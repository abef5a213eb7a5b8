"""Base class of the messages that line-drawn widgets send."""

from __future__ import annotations

from textual.message import Message
from textual.widget import Widget


class LineMessage(Message):
    """A message of a widget; `control` is the sender, so that `@on` can match its id."""

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self._widget = widget

    @property
    def control(self) -> Widget:
        """Return the widget that sent the message."""
        return self._widget
