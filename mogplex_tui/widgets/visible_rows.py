"""The rows that a tail shows: repeated rows are folded, and rows may be filtered."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field

from .styles import Tone
from .tail_rows import TailRow, TailSource
from .text import visible

# Bits of a version that hold the number of repeats.
_REPEAT_BITS = 20


@dataclass(slots=True)
class RowChanges:
    """The effect of a change of the source on the visible rows.

    `appended` is the number of rows added at the end and `touched` has the keys of changed rows. If
    `reordered` is True, rows were also inserted or removed elsewhere.
    """

    appended: int = 0
    touched: set[str] = field(default_factory=set)
    reordered: bool = False


class VisibleRows:
    """A source of rows that folds repeated rows and can hide rows that do not match.

    `fold_key` returns a key for the row at an index. Successive rows with the same key are folded into
    one row; a row with the key None is never folded. Changes of the source take effect in `update`.
    """

    def __init__(self, source: TailSource, fold_key: Callable[[int], Hashable | None] | None = None) -> None:
        self._source, self._fold_key = source, fold_key
        self.folds = fold_key is not None
        # The index in the source of the first row of each group, and the number of rows in all groups.
        self._starts: list[int] = []
        self._size = 0
        self._last_key: Hashable | None = None
        self.filter_term = ""
        self._needle: re.Pattern[str] | None = None
        self.context = 0
        # The groups that match the filter, how many were searched, and those that are shown.
        self._matches: list[int] = []
        self._searched = 0
        self._shown: list[int] | None = None

    # The rows.

    def __len__(self) -> int:
        return len(self._starts) if self._shown is None else len(self._shown)

    def row(self, index: int) -> TailRow:
        """Return the first row of the group at an index, with the size of the group."""
        group = self._group_at(index)
        start = self._starts[group]
        if start >= len(self._source):
            # The source has lost rows since the last update.
            return TailRow(f"gone {index}", "", ("", Tone.PLAIN), ())
        row, repeats = self._source.row(start), self._repeats(group)
        if repeats == 1:
            return row
        text, tone = row.right or ("", Tone.DIM)
        return row._replace(right=(f"×{repeats}  {text}".rstrip(), tone))

    def text(self, index: int) -> str:
        """Return the text of the row at an index that a search looks through."""
        start = self._starts[self._group_at(index)]
        return self._source.text(start) if start < len(self._source) else ""

    def index_of(self, key: str) -> int | None:
        """Return the index of the visible row that contains the source's row with a key.

        None if no visible row contains it.
        """
        group = self._group_of(key)
        if group is None or self._shown is None:
            return group
        at = bisect_left(self._shown, group)
        return at if at < len(self._shown) and self._shown[at] == group else None

    def version(self, key: str) -> int:
        """Return a number that changes whenever the row or its number of repeats changes."""
        return self._source.version(key) << _REPEAT_BITS | self.repeats(key)

    def repeats(self, key: str) -> int:
        """Return the number of rows of the source that are folded into the row with a key."""
        group = self._group_of(key)
        return 1 if group is None else self._repeats(group)

    def nearest(self, key: str) -> str | None:
        """Return the key of the first visible row at or after the source's row with a key.

        If there is none, return the key of the last visible row, or None without rows.
        """
        group = self._group_of(key)
        if not len(self) or group is None:
            return None
        at = group if self._shown is None else bisect_left(self._shown, group)
        return self.row(min(at, len(self) - 1)).key

    def next_of(self, keys: Iterable[str], key: str | None, by: int) -> str | None:
        """Return the key of the next (1) or previous (-1) row among those with `keys`.

        The search starts at the row with `key`. If `key` is None, it starts before the first row, or
        after the last one if `by` is -1. After the last row, it continues at the other end of the list.
        """
        order = sorted({index for each in keys if (index := self.index_of(each)) is not None})
        if not order:
            return None
        start = self.index_of(key) if key is not None else None
        if by > 0:
            at = 0 if start is None else bisect_right(order, start) % len(order)
        else:
            at = -1 if start is None else bisect_left(order, start) - 1
        return self.row(order[at]).key

    def _group_at(self, index: int) -> int:
        return index if self._shown is None else self._shown[index]

    def _group_of(self, key: str) -> int | None:
        index = self._source.index_of(key)
        return None if index is None or index >= self._size else bisect_right(self._starts, index) - 1

    def _repeats(self, group: int) -> int:
        end = self._starts[group + 1] if group + 1 < len(self._starts) else self._size
        return end - self._starts[group]

    # Changes.

    def set_filter(self, term: str) -> None:
        """Show only the rows that contain a term, ignoring case; "" shows all rows."""
        self.filter_term = term
        self._needle = re.compile(re.escape(term), re.IGNORECASE) if term else None
        self._filter_again()

    def set_context(self, rows: int) -> None:
        """Also show `rows` rows before and after each matching row."""
        self.context = rows
        self._show_matches()

    def set_folding(self, folds: bool) -> None:
        """Fold repeated rows if `folds` is True, else show each of them."""
        self.folds = folds and self._fold_key is not None
        self._rebuild()

    def update(self, touched: Iterable[str] = (), *, reordered: bool = False) -> RowChanges:
        """Adopt the changes of the source and return their effect.

        `touched` are the keys of rows that have changed. Set `reordered` if rows were inserted or removed.
        Rows added at the end of the source need not be in `touched`.
        """
        touched = set(touched)
        if reordered or len(self._source) < self._size or any(map(self._changes_groups, touched)):
            self._rebuild()
            return RowChanges(reordered=True)
        before = len(self._starts)
        changed = {each for key in touched if (each := self._key_of_group(key)) is not None}
        if before and self._extend() and self._starts[before - 1] < len(self._source):
            # The last group may have grown.
            changed.add(self._source.row(self._starts[before - 1]).key)
        elif not before:
            self._extend()
        if self._needle is None:
            return RowChanges(len(self._starts) - before, changed)
        # Changed rows may match or no longer match.
        shown = self._shown
        if touched:
            self._filter_again()
        else:
            self._show_matches()
        return RowChanges(touched=changed, reordered=shown != self._shown)

    def _key_of_group(self, key: str) -> str | None:
        group = self._group_of(key)
        return None if group is None else self._source.row(self._starts[group]).key

    def _changes_groups(self, key: str) -> bool:
        """Return whether a changed row may join or leave a group of repeated rows."""
        index = self._source.index_of(key)
        if not self.folds or self._fold_key is None or index is None or index >= self._size:
            return False
        if index == self._size - 1:
            self._last_key = self._fold_key(index)
        group = bisect_right(self._starts, index) - 1
        if self._repeats(group) > 1:
            return True
        own = self._fold_key(index)
        neighbours = (each for each in (index - 1, index + 1) if 0 <= each < self._size)
        return own is not None and any(self._fold_key(each) == own for each in neighbours)

    def _extend(self) -> bool:
        """Add the source's new rows to the groups; return whether the last group may grow.

        Without folding, each row is a group of its own and the result is False.
        """
        first, self._size = self._size, len(self._source)
        if not self.folds or self._fold_key is None:
            self._starts.extend(range(first, self._size))
            return False
        for index in range(first, self._size):
            key = self._fold_key(index)
            if key is None or key != self._last_key:
                self._starts.append(index)
            self._last_key = key
        return self._size > first

    def _rebuild(self) -> None:
        self._starts, self._size, self._last_key = [], 0, None
        self._extend()
        self._filter_again()

    def _filter_again(self) -> None:
        self._matches, self._searched = [], 0
        self._show_matches()

    def _show_matches(self) -> None:
        """Search the rows not searched yet, and show the matching rows with their context."""
        if self._needle is None:
            self._shown = None
            return
        search, source = self._needle.search, self._source
        count = len(self._starts)
        self._matches += [
            group
            for group in range(self._searched, count)
            if search(visible(source.text(self._starts[group]), None))
        ]
        self._searched = count
        shown: list[int] = []
        for match in self._matches:
            first = max(match - self.context, shown[-1] + 1 if shown else 0)
            shown.extend(range(first, min(match + self.context + 1, count)))
        self._shown = shown
