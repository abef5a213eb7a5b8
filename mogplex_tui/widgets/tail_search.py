"""The search in a tail, while the term is typed and rows are added."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from .tail_rows import TailSource
from .text import visible


class _Found:
    """The indexes of the rows that contain one term, in ascending order.

    Only the first `searched` rows of the tail have been searched.
    """

    __slots__ = ("needle", "rows", "searched", "term")

    def __init__(self, term: str) -> None:
        self.term = term
        self.needle = re.compile(re.escape(term), re.IGNORECASE)
        self.rows: list[int] = []
        self.searched = 0

    def extend(self, source: TailSource, among: Iterable[int], count: int) -> None:
        """Add the rows in `among` that match; then `count` rows have been searched."""
        search, text = self.needle.search, source.text
        self.rows.extend(index for index in among if search(visible(text(index), None)))
        self.searched = count

    def recheck(self, index: int, text: str) -> None:
        """Add or remove the row at `index`, depending on whether its new text matches."""
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
    """The indexes of the rows that match the current search term, in ascending order.

    While the user types, each term contains the previous term, so only the rows that matched the
    previous term are searched. When a letter is deleted, the matches of the shorter term are used
    again. All rows are searched only once, for the first letter.
    """

    def __init__(self) -> None:
        self._terms: list[_Found] = []

    def restart(self) -> None:
        """Discard the matches, because row indexes have changed, but keep the term."""
        self._terms = [_Found(search.term) for search in self._terms[-1:]]

    def seek(self, term: str | None) -> re.Pattern[str] | None:
        """Set the term to search for, ignoring case, and return its pattern.

        None or an empty term ends the search; then None is returned.
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
        """Search the rows with these keys again, because their texts have changed.

        Their indexes must be the same as before.
        """
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
        """Return the indexes of the matching rows among the first `count` rows.

        Only rows that have not been searched yet are searched.
        """
        wider: _Found | None = None
        for search in self._terms:
            among: Iterable[int] = range(search.searched, count)
            if wider is not None:
                among = wider.rows[bisect_left(wider.rows, search.searched) :]
            search.extend(source, among, count)
            wider = search
        return self._terms[-1].rows if self._terms else []

    def after(self, row: int) -> int:
        """Return the position, among the matches, of the first match after a row.

        If there is none, return the position of the first match.
        """
        rows = self._terms[-1].rows
        at = bisect_right(rows, row)
        return at if at < len(rows) else 0

    def before(self, row: int) -> int:
        """Return the position, among the matches, of the last match before a row.

        If there is none, return the position of the last match.
        """
        rows = self._terms[-1].rows
        return (bisect_left(rows, row) - 1) % len(rows)
