"""The input line for a filter or a search term, hidden when not in use."""

from __future__ import annotations

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static


class OneLine(Input):
    """A text input that joins the lines of a pasted text into one line."""

    def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        self.replace(" ".join(event.text.split()), *self.selection)


class FilterBar(Horizontal):
    """A text input after a `/`, for a filter or a search term.

    A `Changed` message is posted for every change of the text. Enter applies the text and esc
    clears it; both close the bar.
    """

    DEFAULT_CSS = """
    FilterBar {
        height: 1; display: none; background: $surface;
        Static { width: 3; padding: 0 1; color: $primary; }
        Input { border: none; height: 1; padding: 0; background: $surface; width: 1fr; }
        Input:focus { border: none; }
    }
    FilterBar.-open { display: block; }
    """
    BINDINGS = [Binding("escape", "clear", "clear", show=False), Binding("down", "keep", "keep", show=False)]

    class Changed(Message):
        """Sent when the text has changed."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Closed(Message):
        """Sent when the bar has closed, so that the screen focuses the list again."""

    def __init__(self, example: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._example = example

    def compose(self) -> ComposeResult:
        """Lay out the `/` and the input."""
        yield Static("/")
        yield OneLine(placeholder=self._example, select_on_focus=False)

    @property
    def text(self) -> str:
        """The typed text."""
        return self.query_one(Input).value

    def open(self, text: str = "", example: str = "") -> None:
        """Show the bar with `text` selected; `example` is the placeholder."""
        self.add_class("-open")
        box = self.query_one(Input)
        box.placeholder = example or self._example
        box.value = text
        box.select_all()
        box.focus()

    def fill(self, text: str) -> None:
        """Set the text as if the user had typed it, even if the bar is closed."""
        self.query_one(Input).value = text

    def clear(self) -> None:
        """Clear the text and close the bar."""
        self.fill("")
        self._close()

    def action_clear(self) -> None:
        """Clear the text and close the bar."""
        self.clear()

    def action_keep(self) -> None:
        """Close the bar and keep the text."""
        self._close()

    def _close(self) -> None:
        self.remove_class("-open")
        self.post_message(self.Closed())

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(event.value))

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self._close()
