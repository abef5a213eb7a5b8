"""A small panel that shows figures with their names under a title."""

from __future__ import annotations

from collections.abc import Sequence

from .styles import Cell, Tone
from .text import visible, width
from .tone_widget import ToneWidget, clipped


class Card(ToneWidget):
    """A titled panel of lines, each of which is a figure followed by its name.

    The figures are right-aligned with each other. The gap between figures and names is two
    columns, or one if a line would otherwise not fit.
    """

    DEFAULT_CSS = "Card { height: 1fr; }"

    def __init__(self, title: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title = title
        self._figures: list[list[Cell]] = []

    def set_lines(self, lines: Sequence[Sequence[Cell]]) -> None:
        """Show these lines; do nothing if they are unchanged."""
        fresh = [[(visible(text), tone) for text, tone in line] for line in lines]
        if fresh != self._figures:
            self._figures = fresh
            self.renew()

    def lines(self, across: int, down: int, /) -> list[list[Cell]]:
        """Return the title and the lines of figures."""
        out: list[list[Cell]] = [clipped([(f" {self._title}", Tone.STRONG)], across)]
        edge = max((width(line[0][0]) for line in self._figures if len(line) > 1), default=0)
        names = max((sum(2 + width(cell[0]) for cell in line[1:]) for line in self._figures), default=0)
        # The last column stays blank: another card may follow on the right.
        gap = "  " if 1 + edge + names < across else " "
        for line in self._figures[: max(0, down - 1)]:
            if not line:
                out.append([])
                continue
            first, *other_cells = line
            cells: list[Cell] = [(" " * (max(0, edge - width(first[0])) + 1), Tone.PLAIN), first]
            for cell in other_cells:
                cells += [(gap, Tone.PLAIN), cell]
            out.append(clipped(cells, across))
        return out
