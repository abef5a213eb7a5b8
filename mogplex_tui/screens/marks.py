"""The marks of a list: rows that are chosen for what works on several at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mogplex_tui.live.store import RowSet
from mogplex_tui.live.view import SortedView
from mogplex_tui.screens.base import ConsoleScreen
from mogplex_tui.widgets.line_table import LineTable
from mogplex_tui.widgets.status_line import Segment
from mogplex_tui.widgets.tones import Tone


class MarkScreen(ConsoleScreen):
    """A screen with a table whose rows can be marked; subclasses bring the rows and their order."""

    _rows: RowSet[Any]
    _view: SortedView[Any]

    def __init__(self) -> None:
        super().__init__()
        self._marked: set[str] = set()

    @property
    def table(self) -> LineTable:
        """The table."""
        return self.query_one("#table", LineTable)

    def marked(self) -> list[Any]:
        """Return the marked rows that are still there, in the order of the list as far as it shows them."""
        places = ((self._view.index_of(key), key) for key in self._marked if key in self._rows.rows)
        last = len(self._view)
        return [
            self._rows.rows[key] for _, key in sorted((last if at is None else at, key) for at, key in places)
        ]

    def why_no_mark(self, _: Any) -> str | None:
        """Return why there is nothing that a mark on a row would be for, None when there is; for subclasses."""
        return None

    def toggle_mark(self) -> None:
        """Mark the row under the cursor, or take its mark away, and go on to the next."""
        key = self.table.cursor_key
        if key is None:
            return
        row = self._rows.rows.get(key)
        why_not = None if key in self._marked or row is None else self.why_no_mark(row)
        if why_not is not None:
            self.notify(why_not, severity="warning", markup=False)
        else:
            self._marked.symmetric_difference_update((key,))
        self.table.refresh_rows((key,))
        self.table.action_cursor(1)
        self.refresh_chrome()

    def unmark(self) -> None:
        """Take every mark away."""
        self._marked.clear()
        self.table.refresh_rows(self.table.visible_keys)
        self.refresh_chrome()

    def drop_marks(self, keys: Iterable[str]) -> None:
        """Take the marks of rows that are gone, or that nothing can be done to any more."""
        for key in self._marked.intersection(keys):
            row = self._rows.rows.get(key)
            if row is None or self.why_no_mark(row) is not None:
                self._marked.discard(key)

    def mark_segments(self) -> list[Segment]:
        """Return how many rows are marked, and how many of these the filter hides."""
        if not self._marked:
            return []
        hidden = sum(self._view.index_of(key) is None for key in self._marked)
        told = f"{len(self._marked)} marked"
        return [Segment(f"{told}, {hidden} not shown" if hidden else told, Tone.WARN, priority=1)]
