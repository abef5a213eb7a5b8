"""The whole of one event as indented JSON, below the tail."""

from __future__ import annotations

import json

from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding
from textual.message import Message
from textual.widget import Widget

from mogplex_tui.widgets.long_text import LongText
from mogplex_tui.widgets.scroll_page import ScrollPage


class EventPane(ScrollPage, can_focus=True):
    """A scrolled pane that is hidden until an event is shown in it."""

    DEFAULT_CSS = """
    EventPane {
        display: none; border-top: solid $border; padding: 0 2; background: $background; scrollbar-size-vertical: 1;
    }
    EventPane:focus { border-top: solid $primary; }
    EventPane.-open { display: block; }
    """
    BINDINGS = [
        Binding("escape,enter", "close", "close", show=False),
        Binding("y", "copy", "copy", show=False, id="kind.copy"),
    ]

    class Closed(Message):
        """The pane has closed, and what had the keys before is not there to have them again."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._json = ""
        self._before: Widget | None = None

    def compose(self) -> ComposeResult:
        """Lay out the text."""
        yield LongText()

    @property
    def is_open(self) -> bool:
        """Whether an event is shown."""
        return self.has_class("-open")

    def show(self, event: dict[str, object]) -> None:
        """Show an event; text in it stays text."""
        self._json = json.dumps(event, indent=2, ensure_ascii=False)
        self.query_one(LongText).set_texts([("", self._json)])
        self.scroll_home(animate=False)
        if not self.is_open:
            self._before = self.screen.focused
        self.add_class("-open")
        self.focus()

    def close(self) -> None:
        """Hide the pane; what had the keys before has them again."""
        self.remove_class("-open")
        if self._before is not None and self._before.focusable:
            self._before.focus(scroll_visible=False)
        else:
            self.post_message(self.Closed())

    def action_close(self) -> None:
        """Hide the pane; a key that comes before the focus has left a closed one is meant for the screen."""
        if not self.is_open:
            raise SkipAction
        self.close()

    def action_copy(self) -> None:
        """Put all of the JSON on the terminal's clipboard, what is masked still masked."""
        if not self.is_open:
            raise SkipAction
        self.app.copy_to_clipboard(self._json)
        self.notify("Copied the JSON.", timeout=3, markup=False)
