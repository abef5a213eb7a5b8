"""The dialog that asks for the column to sort a list by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from mogplex_tui.screens.modals.base import Dialog

# Letters that move the cursor and so do not choose a column.
_CURSOR_LETTERS = "jk"
_DEFAULT_ORDER = "default order"


class SortChoice(NamedTuple):
    """The column that the user chose to sort by; None is the kind's default order."""

    column: str | None


def letters_of(titles: Iterable[str]) -> list[str]:
    """Return a different letter for each title, to choose the title with.

    It is the first letter of the title that no earlier title uses. If there is none, it is any unused
    letter, or an empty text if all letters are used.
    """
    taken = set(_CURSOR_LETTERS)
    letters = []
    for title in titles:
        candidates = [letter for letter in title.lower() if letter.isascii() and letter.isalpha()]
        free = (each for each in (*candidates, *"abcdefghilmnopqrstuvwxyz") if each not in taken)
        letters.append(next(free, ""))
        taken.add(letters[-1])
    return letters


class SortPicker(Dialog[SortChoice]):
    """Dialog that lists the columns of a list, each with a letter that selects it.

    Choosing the current sort column again reverses the order.
    """

    DEFAULT_CSS = """
    SortPicker {
        #box { width: 44; }
        OptionList, OptionList:focus {
            height: auto; border: none; background: $surface; padding: 0; margin-bottom: 1;
        }
    }
    SortPicker.-low { #box { padding: 0 2; } OptionList { margin-bottom: 0; } }
    """
    BINDINGS = [
        Binding("j", "move(1)", "Down", show=False),
        Binding("k", "move(-1)", "Up", show=False),
    ]

    def __init__(self, title: str, columns: Mapping[str, str], current: str | None, descending: bool) -> None:
        """Create the dialog.

        `columns` maps the names of the columns to their titles; `current` is the column that the list
        is sorted by.
        """
        super().__init__()
        self._title, self._current, self._descending = title, current, descending
        self._names: Sequence[str | None] = [None, *columns]
        self._titles = [_DEFAULT_ORDER, *columns.values()]
        self._letters = letters_of(self._titles)

    def compose(self) -> ComposeResult:
        """Lay out the columns and the hint."""
        with Vertical(id="box") as box:
            box.border_title = self._title
            yield OptionList(*(Option(self._line(place)) for place in range(len(self._names))))
            yield Static("A letter or enter sorts; the same one again reverses.", classes="line dim")

    def _line(self, place: int) -> Content:
        order = ""
        if self._names[place] == self._current and self._current is not None:
            order = "  ▾ descending" if self._descending else "  ▴ ascending"
        return Content.assemble(
            (f" {self._letters[place] or ' '}  ", "$primary bold"), self._titles[place], (order, "$primary")
        )

    def on_mount(self) -> None:
        """Put the cursor on the current sort column."""
        options = self.query_one(OptionList)
        options.highlighted = self._names.index(self._current) if self._current in self._names else 0
        options.focus()

    def on_key(self, event: events.Key) -> None:
        """Choose the column with the typed letter."""
        if event.character and event.character in self._letters:
            event.stop()
            self._choose(self._letters.index(event.character))

    def action_move(self, by: int) -> None:
        """Move the cursor by a number of columns."""
        options = self.query_one(OptionList)
        options.action_cursor_down() if by > 0 else options.action_cursor_up()

    @on(OptionList.OptionSelected)
    def _option_selected(self, event: OptionList.OptionSelected) -> None:
        self._choose(event.option_index)

    def _choose(self, place: int) -> None:
        self.dismiss(SortChoice(self._names[place]))
