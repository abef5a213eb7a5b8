"""The search in a widget that shows lines: its term, and which match is shown."""

from __future__ import annotations

from typing import Protocol


class Searchable(Protocol):
    """A widget that highlights a term in its lines and moves from match to match.

    Positions are the number of the match and the number of all matches, (0, 0) if there are none.
    """

    def set_highlight(self, term: str | None) -> None:
        """Search for a term, ignoring case, and highlight it; None ends the search."""
        ...

    def match_from(self, key: str | None) -> tuple[int, int]:
        """Go to the first match at or after the line with a key; return its position."""
        ...

    def next_match(self) -> tuple[int, int]:
        """Go to the next match and return its position."""
        ...

    def prev_match(self) -> tuple[int, int]:
        """Go to the previous match and return its position."""
        ...


class LineSearch:
    """A search in one widget; while its term is typed, it starts at the same line."""

    def __init__(self, lines: Searchable) -> None:
        self._lines = lines
        self.term = ""
        self._start: str | None = None
        self._position = (0, 0)

    def start_at(self, key: str | None) -> None:
        """Make each change of the term search from the line with a key."""
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
        """Return the term after a sign, with the position among the matches, or ""."""
        if not self.term:
            return ""
        number, count = self._position
        return f"{sign} {self.term} {f'{number}/{count}' if count else '0'}"
