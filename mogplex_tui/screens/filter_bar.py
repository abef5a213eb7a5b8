"""The input line for a filter or a search term, hidden when not in use."""

from __future__ import annotations

from collections.abc import Sequence

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
    BINDINGS = [
        Binding("escape", "clear", "clear", show=False),
        Binding("up", "earlier", "earlier", show=False),
        Binding("down", "later", "later", show=False),
        Binding("ctrl+s", "save", "save", show=False),
    ]

    class Changed(Message):
        """Sent when the text has changed."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class SaveRequested(Message):
        """Sent when the user wants to save the text under a name."""

    class Closed(Message):
        """Sent when the bar has closed, so that the screen focuses the list again."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, example: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._example = example
        # The earlier texts, the newest last, and the place of the shown one; None for a typed text.
        self._history: Sequence[str] = ()
        self._place: int | None = None
        self._can_save = False

    def compose(self) -> ComposeResult:
        """Lay out the `/` and the input."""
        yield Static("/")
        yield OneLine(placeholder=self._example, select_on_focus=False)

    @property
    def text(self) -> str:
        """The typed text."""
        return self.query_one(Input).value

    def open(
        self, text: str = "", example: str = "", history: Sequence[str] = (), *, can_save: bool = False
    ) -> None:
        """Show the bar with `text` selected; `example` is the placeholder.

        `history` are earlier texts, the newest last. If the text can be saved under a name, the owner
        handles `SaveRequested`.
        """
        self._history = [each for each in history if each != text]
        self._place, self._can_save = None, can_save
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

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether the bar handles one of its keys; if not, the screen handles it."""
        return self._can_save if action == "save" else super().check_action(action, parameters)

    def action_save(self) -> None:
        """Ask the owner to save the text under a name; an empty text is not saved."""
        if self.text.strip():
            self.post_message(self.SaveRequested())

    def action_earlier(self) -> None:
        """Replace the text by the next older one of the history."""
        place = len(self._history) if self._place is None else self._place
        if place > 0:
            self._show_earlier(place - 1)

    def action_later(self) -> None:
        """Replace the text by the next newer one of the history.

        After the newest one, clear the text. If the text was typed and not taken from the history, close
        the bar.
        """
        if self._place is None:
            self._close()
        elif self._place + 1 < len(self._history):
            self._show_earlier(self._place + 1)
        else:
            self._place = None
            self.fill("")

    def _show_earlier(self, place: int) -> None:
        self._place = place
        self.fill(self._history[place])
        self.query_one(Input).action_end()

    def _close(self) -> None:
        self.remove_class("-open")
        self.post_message(self.Closed(self.text))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(event.value))

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self._close()
