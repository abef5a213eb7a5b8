"""The pane below the tail that shows one event or record as indented JSON."""

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
    """A scrollable pane that shows JSON and is hidden while there is none to show."""

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
        """Sent when the pane has closed and could not restore the previous focus."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._json = ""
        self._before: Widget | None = None

    def compose(self) -> ComposeResult:
        """Lay out the text of the JSON."""
        yield LongText()

    @property
    def is_open(self) -> bool:
        """Whether the pane is visible."""
        return self.has_class("-open")

    def show(self, event: dict[str, object]) -> None:
        """Open the pane with a mapping as indented JSON; markup in it is not interpreted."""
        self._json = json.dumps(event, indent=2, ensure_ascii=False)
        self.query_one(LongText).set_texts([("", self._json)])
        self.scroll_home(animate=False)
        if not self.is_open:
            self._before = self.screen.focused
        self.add_class("-open")
        self.focus()

    def close(self) -> None:
        """Hide the pane and restore the previous focus."""
        self.remove_class("-open")
        if self._before is not None and self._before.focusable:
            self._before.focus(scroll_visible=False)
        else:
            self.post_message(self.Closed())

    def action_close(self) -> None:
        """Hide the pane; if it is already hidden, pass the key on to the screen."""
        if not self.is_open:
            raise SkipAction
        self.close()

    def action_copy(self) -> None:
        """Copy the JSON to the terminal's clipboard; masked values stay masked."""
        if not self.is_open:
            raise SkipAction
        self.app.copy_to_clipboard(self._json)
        self.notify("Copied the JSON.", timeout=3, markup=False)
