"""The line in which a filter or a search word is typed; hidden when it is not in use."""

from __future__ import annotations

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static


class OneLine(Input):
    """An input that takes what is pasted as one line, whatever it was before."""

    def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        self.replace(" ".join(event.text.split()), *self.selection)


class FilterBar(Horizontal):
    """A `/` and an input. Says every change at once; Enter keeps the text, esc clears it, both close."""

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
        """The text is different."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Closed(Message):
        """The bar has closed and the keys belong to the list again."""

    def __init__(self, example: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._example = example

    def compose(self) -> ComposeResult:
        """Lay out the sign and the input."""
        yield Static("/")
        yield OneLine(placeholder=self._example, select_on_focus=False)

    @property
    def text(self) -> str:
        """What is typed."""
        return self.query_one(Input).value

    def open(self, text: str = "", example: str = "") -> None:
        """Show the bar with a text that what is typed replaces, and what could be typed while there is none."""
        self.add_class("-open")
        box = self.query_one(Input)
        box.placeholder = example or self._example
        box.value = text
        box.select_all()
        box.focus()

    def fill(self, text: str) -> None:
        """Have a text as if it had been typed, open or not."""
        self.query_one(Input).value = text

    def clear(self) -> None:
        """Empty the text and close."""
        self.fill("")
        self._close()

    def action_clear(self) -> None:
        """Empty the text and close."""
        self.clear()

    def action_keep(self) -> None:
        """Keep the text and close."""
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
