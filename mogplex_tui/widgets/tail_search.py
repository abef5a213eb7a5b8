"""Which rows of a tail hold a term: found once, narrowed as the term grows, kept true as rows come and change."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from .tail_rows import TailSource
from .text import visible


class _Found:
    """The rows that hold one term, in order, among the first `searched`."""

    __slots__ = ("needle", "rows", "searched", "term")

    def __init__(self, term: str) -> None:
        self.term = term
        self.needle = re.compile(re.escape(term), re.IGNORECASE)
        self.rows: list[int] = []
        self.searched = 0

    def extend(self, source: TailSource, among: Iterable[int], count: int) -> None:
        """Search those rows that were not searched yet, up to `count`."""
        search, text = self.needle.search, source.text
        self.rows.extend(index for index in among if search(visible(text(index), None)))
        self.searched = count

    def recheck(self, index: int, text: str) -> None:
        """Put a row in or out, now that it says something else."""
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
    """The indexes of the rows that match the term of the moment, in order.

    While one types, each term holds the one before: what matches it is looked for among the matches of that one,
    and a letter that is taken back finds its matches as they were. All rows are read once, for the first letter.
    """

    def __init__(self) -> None:
        self._terms: list[_Found] = []

    def restart(self) -> None:
        """Forget what was found, because rows have moved: the term stays."""
        self._terms = [_Found(found.term) for found in self._terms[-1:]]

    def seek(self, term: str | None) -> re.Pattern[str] | None:
        """Look for another term from now on, whatever its case; None or nothing ends it. Return its pattern."""
        if not term:
            self._terms = []
            return None
        while self._terms and self._terms[-1].term not in term:
            self._terms.pop()
        if not self._terms or self._terms[-1].term != term:
            self._terms.append(_Found(term))
        return self._terms[-1].needle

    def changed(self, source: TailSource, keys: Iterable[str]) -> None:
        """Look again at the rows of these keys, which say something else but stand where they stood."""
        if not self._terms:
            return
        for key in keys:
            index = source.index_of(key)
            if index is None:
                continue
            text = visible(source.text(index), None)
            for found in self._terms:
                found.recheck(index, text)

    def find(self, source: TailSource, count: int) -> list[int]:
        """The indexes of the matching rows among the first `count`; only what was never searched is read."""
        wider: _Found | None = None
        for found in self._terms:
            among: Iterable[int] = range(found.searched, count)
            if wider is not None:
                among = wider.rows[bisect_left(wider.rows, found.searched) :]
            found.extend(source, among, count)
            wider = found
        return self._terms[-1].rows if self._terms else []

    def after(self, row: int) -> int:
        """Which match comes after a row, the first when there is none."""
        rows = self._terms[-1].rows
        at = bisect_right(rows, row)
        return at if at < len(rows) else 0

    def before(self, row: int) -> int:
        """Which match comes before a row, the last when there is none."""
        rows = self._terms[-1].rows
        return (bisect_left(rows, row) - 1) % len(rows)
