"""A sorted and filtered order of rows that is updated as rows change.

If a few rows change, only these are moved (by binary search in a list of tuples); if many
change, all rows are sorted.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Mapping
from typing import Generic, TypeVar

R = TypeVar("R")

# Beyond this many changed rows, sorting the whole list is cheaper than moving each.
RESORT_ABOVE = 2000


class SortedView(Generic[R]):
    """The keys of rows that pass a filter, ordered by the key function `sort`.

    Rows that compare equal are ordered by key. `descending` reverses the order.
    """

    def __init__(
        self, rows: Mapping[str, R], sort: Callable[[R], object], *, descending: bool = True
    ) -> None:
        self._rows = rows
        self._sort = sort
        self._accept: Callable[[R], bool] | None = None
        self.descending = descending
        self._entries: list[tuple[object, str]] = []
        self._sort_of: dict[str, object] = {}
        self.rebuild()

    def __len__(self) -> int:
        return len(self._entries)

    def key_at(self, index: int) -> str:
        """Return the key at a position. Raises IndexError if there is no such position."""
        if not 0 <= index < len(self._entries):
            raise IndexError(index)
        return self._entries[-1 - index if self.descending else index][1]

    def index_of(self, key: str) -> int | None:
        """Return the position of a key, or None if it is filtered out."""
        if key not in self._sort_of:
            return None
        place = bisect_left(self._entries, (self._sort_of[key], key))
        return len(self._entries) - 1 - place if self.descending else place

    def set_order(
        self, sort: Callable[[R], object], accept: Callable[[R], bool] | None, *, descending: bool
    ) -> bool:
        """Change the key function and the filter; return whether any position changed.

        If `accept` is None, all rows pass the filter. If the key function or the filter depends on the
        time, call this again as time passes: until then `apply` uses the time of the last call.
        """
        before, turned = self._entries, self.descending != descending
        self._sort, self._accept, self.descending = sort, accept, descending
        self.rebuild()
        return turned or [key for _, key in before] != [key for _, key in self._entries]

    def rebuild(self) -> None:
        """Sort and filter all rows."""
        accept, sort = self._accept, self._sort
        self._sort_of = {key: sort(row) for key, row in self._rows.items() if accept is None or accept(row)}
        self._entries = sorted((value, key) for key, value in self._sort_of.items())

    def apply(self, changed: Collection[str], removed: Collection[str] = ()) -> bool:
        """Update the order after rows have changed; return whether a position changed."""
        if len(changed) + len(removed) > RESORT_ABOVE:
            before = self._entries
            self.rebuild()
            return before != self._entries
        moved = False
        for key in removed:
            moved |= self._take_out(key)
        for key in changed:
            row = self._rows.get(key)
            shown = row is not None and (self._accept is None or self._accept(row))
            if not shown or row is None:
                moved |= self._take_out(key)
                continue
            value = self._sort(row)
            if key in self._sort_of and self._sort_of[key] == value:
                continue
            self._take_out(key)
            self._sort_of[key] = value
            insort(self._entries, (value, key))
            moved = True
        return moved

    def _take_out(self, key: str) -> bool:
        if key not in self._sort_of:
            return False
        del self._entries[bisect_left(self._entries, (self._sort_of.pop(key), key))]
        return True
