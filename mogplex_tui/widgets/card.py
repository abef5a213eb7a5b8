"""A small panel of figures with their names, drawn by line."""

from __future__ import annotations

from collections.abc import Sequence

from .drawn import Drawn
from .text import visible, width
from .tones import Cell, Tone


class Card(Drawn):
    """A title over lines of cells; the first cell of each line is right-aligned to a common edge."""

    DEFAULT_CSS = "Card { height: 1fr; }"

    def __init__(self, title: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title = title
        self._lines: list[list[Cell]] = []

    def set_lines(self, lines: Sequence[Sequence[Cell]]) -> None:
        """Show these lines; the same ones again cost nothing."""
        fresh = [[(visible(text), tone) for text, tone in line] for line in lines]
        if fresh != self._lines:
            self._lines = fresh
            self.refresh()

    def cells_of(self, y: int) -> Sequence[Cell]:
        """Return the title, or one line of figures."""
        if y == 0:
            return [(f" {self._title}", Tone.STRONG)]
        if y > len(self._lines):
            return []
        edge = max((width(line[0][0]) for line in self._lines if len(line) > 1), default=0)
        first, *rest = self._lines[y - 1]
        cells: list[Cell] = [(" " * (max(0, edge - width(first[0])) + 1), Tone.PLAIN), first]
        for cell in rest:
            cells += [("  ", Tone.PLAIN), cell]
        return cells
