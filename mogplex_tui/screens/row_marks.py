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
        # The row that was marked last by itself, where a range begins.
        self._last_marked: str | None = None

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
        """Mark a row or remove its mark; return the reason if the row cannot be marked."""
        row = self._rows.rows.get(key)
        why_not = None if key in self.keys or row is None else self._why_not(row)
        if why_not is None:
            self.keys.symmetric_difference_update((key,))
            self._last_marked = key if key in self.keys else None
        return why_not

    def mark_shown(self) -> str | None:
        """Mark every row that the filter shows; return a reason if none can be marked.

        Rows that cannot be marked are left out.
        """
        return self._mark(map(self._view.key_at, range(len(self._view))))

    def mark_similar(
        self, key: str, similarity_key: Callable[[AnyRow], tuple[object, ...] | None]
    ) -> str | None:
        """Mark the shown rows that are similar to a row; return a reason if none can be.

        `alike` returns the values that similar rows have in common, or None for a row that no other row
        is similar to. Returns None if at least one row was marked.
        """
        common = similarity_key(self._rows.rows[key])
        shown = (self._view.key_at(place) for place in range(len(self._view)))
        similar = [
            each
            for each in shown
            if each == key or similarity_key(self._rows.rows[each]) == common is not None
        ]
        return self._mark(similar)

    def mark_range(self, key: str) -> str | None:
        """Mark all rows from the last marked row to the row with `key`.

        Returns a reason if there is no marked row to start from or no row can be marked. Rows that cannot
        be marked are left out.
        """
        last = self._last_marked if self._last_marked in self.keys else None
        start, end = None if last is None else self._view.index_of(last), self._view.index_of(key)
        if start is None or end is None:
            return "Mark a row first: a range goes from the last marked row to the cursor."
        return self._mark(map(self._view.key_at, range(min(start, end), max(start, end) + 1)))

    def invert(self) -> str | None:
        """Mark the shown rows that are not marked and unmark the other shown rows.

        Returns a reason if no row could be marked or unmarked, else None.
        """
        shown = {self._view.key_at(index) for index in range(len(self._view))}
        marked = self.keys & shown
        why_not = self.mark_shown()
        if why_not is None or marked:
            self.keys -= marked
            return None
        return why_not

    def _mark(self, keys: Iterable[str]) -> str | None:
        """Mark the rows that can be marked; return a reason if none of them can be."""
        reasons = {key: self._why_not(self._rows.rows[key]) for key in keys}
        can_be_marked = [key for key, reason in reasons.items() if reason is None]
        self.keys.update(can_be_marked)
        return None if can_be_marked else next(iter(reasons.values()), "There are no rows to mark.")

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

        The segment also states how many of the marked rows the filter hides. The list is empty if no row
        is marked.
        """
        if not self.keys:
            return []
        hidden = sum(self._view.index_of(key) is None for key in self.keys)
        text = f"{len(self.keys)} marked"
        return [Segment(f"{text}, {hidden} not shown" if hidden else text, Tone.WARN, priority=1)]
