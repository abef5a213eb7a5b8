"""The search in a widget that shows lines: the term and the current match."""

from __future__ import annotations

from typing import Protocol


class Searchable(Protocol):
    """A widget that highlights a term in its lines and moves from match to match.

    A position is a pair: the number of the current match, counted from 1, and the number of all
    matches. It is (0, 0) if there is no match.
    """

    def set_highlight(self, term: str | None) -> None:
        """Search for a term, ignoring case, and highlight it; None ends the search."""
        ...

    def match_from(self, key: str | None) -> tuple[int, int]:
        """Go to the first match at or after the line with `key`; return its position."""
        ...

    def next_match(self) -> tuple[int, int]:
        """Go to the next match and return its position."""
        ...

    def prev_match(self) -> tuple[int, int]:
        """Go to the previous match and return its position."""
        ...


class LineSearch:
    """A search in one widget, repeated from the same line whenever the term changes."""

    def __init__(self, lines: Searchable) -> None:
        self._lines = lines
        self.term = ""
        self._start: str | None = None
        self._position = (0, 0)

    def start_at(self, key: str | None) -> None:
        """Set the line, given by its key, at which each search for a changed term starts."""
        self._start = key

    def set_term(self, term: str) -> None:
        """Search for a term; "" ends the search."""
        self.term = term
        self._lines.set_highlight(term or None)
        self._position = self._lines.match_from(self._start) if term else (0, 0)

    def step(self, by: int) -> None:
        """Go to the next (1) or previous (-1) match."""
        self._position = self._lines.next_match() if by > 0 else self._lines.prev_match()

    def text(self, sign: str = "/") -> str:
        """Return `sign`, the term and the current position, such as `/ error 2/5`.

        Returns an empty text if there is no search.
        """
        if not self.term:
            return ""
        number, count = self._position
        return f"{sign} {self.term} {f'{number}/{count}' if count else '0'}"
