"""Incremental search of a tail, updated as rows are added or changed."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from .tail_rows import TailSource
from .text import visible


class _Found:
    """The rows that contain one term, in order, among the first `searched` rows."""

    __slots__ = ("needle", "rows", "searched", "term")

    def __init__(self, term: str) -> None:
        self.term = term
        self.needle = re.compile(re.escape(term), re.IGNORECASE)
        self.rows: list[int] = []
        self.searched = 0

    def extend(self, source: TailSource, among: Iterable[int], count: int) -> None:
        """Search the rows that were not searched yet, up to `count`."""
        search, text = self.needle.search, source.text
        self.rows.extend(index for index in among if search(visible(text(index), None)))
        self.searched = count

    def recheck(self, index: int, text: str) -> None:
        """Add or remove a row, because its text changed."""
        if index >= self.searched:
            return
        at = bisect_left(self.rows, index)
        held = at < len(self.rows) and self.rows[at] == index
        holds = self.needle.search(text) is not None
        if holds and not held:
            self.rows.insert(at, index)
        elif held and not holds:
            del self.rows[at]


class MatchList:
    """The indexes of the rows that match the current term, in order.

    While the user types, each term contains the previous one: only the matches of that one are searched, and a deleted
    letter restores the earlier matches. All rows are read once, for the first letter.
    """

    def __init__(self) -> None:
        self._terms: list[_Found] = []

    def restart(self) -> None:
        """Drop the matches because rows have moved; keep the term."""
        self._terms = [_Found(search.term) for search in self._terms[-1:]]

    def seek(self, term: str | None) -> re.Pattern[str] | None:
        """Search for another term, ignoring case, and return its pattern.

        None or an empty term ends the search.
        """
        if not term:
            self._terms = []
            return None
        while self._terms and self._terms[-1].term not in term:
            self._terms.pop()
        if not self._terms or self._terms[-1].term != term:
            self._terms.append(_Found(term))
        return self._terms[-1].needle

    def changed(self, source: TailSource, keys: Iterable[str]) -> None:
        """Search the rows of these keys again: their text changed, not their index."""
        if not self._terms:
            return
        for key in keys:
            index = source.index_of(key)
            if index is None:
                continue
            text = visible(source.text(index), None)
            for search in self._terms:
                search.recheck(index, text)

    def find(self, source: TailSource, count: int) -> list[int]:
        """Return the matching rows among the first `count`; reads only new rows."""
        wider: _Found | None = None
        for search in self._terms:
            among: Iterable[int] = range(search.searched, count)
            if wider is not None:
                among = wider.rows[bisect_left(wider.rows, search.searched) :]
            search.extend(source, among, count)
            wider = search
        return self._terms[-1].rows if self._terms else []

    def after(self, row: int) -> int:
        """Return the position of the match after a row, wrapping to the first."""
        rows = self._terms[-1].rows
        at = bisect_right(rows, row)
        return at if at < len(rows) else 0

    def before(self, row: int) -> int:
        """Return the position of the match before a row, wrapping to the last."""
        rows = self._terms[-1].rows
        return (bisect_left(rows, row) - 1) % len(rows)
