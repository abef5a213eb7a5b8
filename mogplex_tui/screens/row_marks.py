"""The marked rows of a list, for bulk actions."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mogplex_tui.live.sorted_view import SortedView
from mogplex_tui.live.store import AnyRowSet
from mogplex_tui.screens.list_model import AnyRow
from mogplex_tui.widgets.segment_line import Segment
from mogplex_tui.widgets.styles import Tone


class RowMarks:
    """The set of marked rows of a list, by key."""

    def __init__(
        self, rows: AnyRowSet, view: SortedView[AnyRow], why_not: Callable[[AnyRow], str | None]
    ) -> None:
        """Create an empty set of marks.

        `why_not` returns why a row cannot be marked, or None if it can be marked.
        """
        self._rows, self._view, self._why_not = rows, view, why_not
        self.keys: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self.keys)

    def rows(self) -> list[AnyRow]:
        """Return the marked rows in the order of the list.

        Rows that the filter hides come last.
        """
        places = ((self._view.index_of(key), key) for key in self.keys if key in self._rows.rows)
        last = len(self._view)
        return [
            self._rows.rows[key] for _, key in sorted((last if at is None else at, key) for at, key in places)
        ]

    def toggle(self, key: str) -> str | None:
        """Mark a row, or unmark a marked one; return the reason if it cannot be marked."""
        row = self._rows.rows.get(key)
        why_not = None if key in self.keys or row is None else self._why_not(row)
        if why_not is None:
            self.keys.symmetric_difference_update((key,))
        return why_not

    def clear(self) -> None:
        """Remove every mark."""
        self.keys.clear()

    def drop_invalid(self, changed: Iterable[str]) -> None:
        """Remove the marks of changed rows that no longer exist or cannot be marked now."""
        for key in self.keys.intersection(changed):
            row = self._rows.rows.get(key)
            if row is None or self._why_not(row) is not None:
                self.keys.discard(key)

    def segments(self) -> list[Segment]:
        """Return the title segment with the number of marked rows.

        It also counts the marked rows that the filter hides.
        """
        if not self.keys:
            return []
        hidden = sum(self._view.index_of(key) is None for key in self.keys)
        text = f"{len(self.keys)} marked"
        return [Segment(f"{text}, {hidden} not shown" if hidden else text, Tone.WARN, priority=1)]
