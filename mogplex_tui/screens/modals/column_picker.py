"""The dialog that chooses the columns of a list and their order."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from mogplex_tui.screens.modals.base import Dialog


class ColumnChoice(NamedTuple):
    """The names of the chosen columns from the left, None for the default columns."""

    columns: tuple[str, ...] | None


class ColumnPicker(Dialog[ColumnChoice]):
    """Dialog that lists all columns of a list, those that are shown first.

    Space shows or hides the column under the cursor, and the shifted arrow keys move it.
    """

    DEFAULT_CSS = """
    ColumnPicker {
        #box { width: 52; }
        OptionList, OptionList:focus {
            height: auto; border: none; background: $surface; padding: 0; margin-bottom: 1;
        }
    }
    ColumnPicker.-low { #box { padding: 0 2; } OptionList { margin-bottom: 0; } }
    """
    BINDINGS = [
        Binding("space", "show_or_hide", "Show or hide", show=False, priority=True),
        Binding("shift+up,K", "shift(-1)", "Move up", show=False),
        Binding("shift+down,J", "shift(1)", "Move down", show=False),
        Binding("j", "move(1)", "Down", show=False),
        Binding("k", "move(-1)", "Up", show=False),
        Binding("d", "reset", "Default columns", show=False),
    ]
    AUTO_FOCUS = "OptionList"

    def __init__(
        self, title: str, columns: Mapping[str, str], chosen: Sequence[str] | None, empty: Collection[str]
    ) -> None:
        """Create the dialog.

        `columns` maps the names of the columns to their titles. `chosen` are the shown ones from the left,
        None for all of them. `empty` are those that have no value in any row.
        """
        super().__init__()
        self._title, self._titles, self._empty = title, columns, frozenset(empty)
        shown = [name for name in (columns if chosen is None else chosen) if name in columns]
        self._names = [*shown, *(name for name in columns if name not in shown)]
        self._shown = set(shown)

    def compose(self) -> ComposeResult:
        """Lay out the columns and the hints."""
        with Vertical(id="box") as box:
            box.border_title = self._title
            yield OptionList(*self._options())
            yield Static(
                "Show or hide with space, move with shift+↑ ↓,\nsave with enter, restore the default with d.",
                classes="line dim",
            )
            yield Static("", classes="line trouble")

    def _options(self) -> list[Option]:
        return [Option(self._line(name)) for name in self._names]

    def _line(self, name: str) -> Content:
        is_shown = name in self._shown
        note = "  no value in any row" if name in self._empty else ""
        return Content.assemble(
            (" ✓  " if is_shown else "    ", "$primary bold"),
            (self._titles[name], "" if is_shown else "$foreground 60%"),
            (note, "$foreground 60%"),
        )

    def _redraw(self, cursor: int) -> None:
        options = self.query_one(OptionList)
        options.set_options(self._options())
        options.highlighted = cursor

    @property
    def _cursor(self) -> int:
        return self.query_one(OptionList).highlighted or 0

    def action_show_or_hide(self) -> None:
        """Show the column under the cursor, or hide it."""
        self._shown ^= {self._names[self._cursor]}
        self._redraw(self._cursor)

    def action_shift(self, by: int) -> None:
        """Move the column under the cursor by a number of places."""
        names, place = self._names, self._cursor
        if 0 <= place + by < len(names):
            names[place], names[place + by] = names[place + by], names[place]
            self._redraw(place + by)

    def action_move(self, by: int) -> None:
        """Move the cursor by a number of columns."""
        options = self.query_one(OptionList)
        options.action_cursor_down() if by > 0 else options.action_cursor_up()

    def action_reset(self) -> None:
        """Choose the default columns."""
        self.dismiss(ColumnChoice(None))

    @on(OptionList.OptionSelected)
    def _save(self) -> None:
        chosen = tuple(name for name in self._names if name in self._shown)
        if chosen:
            self.dismiss(ColumnChoice(None if chosen == tuple(self._titles) else chosen))
            return
        trouble = self.query_one(".trouble", Static)
        trouble.update("Choose at least one column.")
        trouble.add_class("-shown")
