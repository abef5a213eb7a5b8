"""Which rows of a tail hold a term, found once and extended as rows arrive."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right

from .tail_rows import TailSource, plain_text


class MatchList:
    """The indexes of the rows that match, in order; rows are read once and later only the new ones."""

    def __init__(self) -> None:
        self._rows: list[int] = []
        self._searched = 0

    def restart(self) -> None:
        """Forget everything: the term or the rows are others."""
        self._rows = []
        self._searched = 0

    def find(self, source: TailSource, needle: re.Pattern[str], count: int) -> list[int]:
        """The indexes of the matching rows among the first `count`."""
        for index in range(self._searched, count):
            if needle.search(plain_text(source.row(index))):
                self._rows.append(index)
        self._searched = max(self._searched, count)
        return self._rows

    def after(self, row: int) -> int:
        """Which match comes after a row, the first when there is none."""
        at = bisect_right(self._rows, row)
        return at if at < len(self._rows) else 0

    def before(self, row: int) -> int:
        """Which match comes before a row, the last when there is none."""
        return (bisect_left(self._rows, row) - 1) % len(self._rows)
