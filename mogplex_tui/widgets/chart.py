"""Amounts over time as columns with an axis, eight steps to a character cell."""

from __future__ import annotations

from collections.abc import Sequence

from .drawn import Drawn
from .text import pad_left
from .tones import Cell, Tone

_BLOCKS = " ▁▂▃▄▅▆▇█"
AXIS = 8


class CostChart(Drawn):
    """Columns of dollars. A bucket that is not known is a dot, not an empty column."""

    DEFAULT_CSS = "CostChart { height: 1fr; }"

    def __init__(self, *, id: str | None = None, ascii_mode: bool = False) -> None:
        super().__init__(id=id)
        self._values: list[float | None] = []
        self._labels: list[str] = []
        self._title = ""
        self._ascii = ascii_mode

    def set_series(self, values: Sequence[float | None], *, labels: Sequence[str], title: str) -> None:
        """Show these amounts, oldest first; the same ones again cost nothing."""
        told = (list(values), list(labels), title)
        if told != (self._values, self._labels, self._title):
            self._values, self._labels, self._title = told
            self.refresh()

    def cells_of(self, y: int) -> Sequence[Cell]:
        """Return the title, a row of the columns, the axis, or its labels."""
        height = self.size.height
        rows = height - 3
        if y == 0:
            return [(self._title, Tone.DIM)]
        if not self._values:
            return [("–", Tone.DIM)] if y == 1 else []
        if rows < 1:
            return []
        if y <= rows:
            return self._row(rows - y, rows)
        if y == rows + 1:
            corner, line = ("+", "-") if self._ascii else ("└", "─")
            return [(" " * AXIS + corner + line * (self._step * len(self._values)), Tone.DIM)]
        return [(self._times(), Tone.DIM)] if y == rows + 2 else []

    @property
    def _step(self) -> int:
        return max(1, (self.size.width - AXIS - 2) // max(1, len(self._values)))

    @property
    def _top(self) -> float:
        return nice(max((value for value in self._values if value is not None), default=0.0))

    def _row(self, level: int, rows: int) -> list[Cell]:
        """Draw the row whose bottom is `level` rows above the axis."""
        cells: list[Cell] = [(self._scale(level, rows), Tone.DIM)]
        step = self._step
        bar = max(1, step - 1) if step > 1 else 1
        for value in self._values:
            if value is None:
                mark = "." if self._ascii else "·"
                cells.append(((mark if level == 0 else " ").ljust(step), Tone.DIM))
                continue
            eighths = round(value / self._top * rows * 8) - level * 8
            eighths = max(0, min(8, eighths))
            block = ("#" if eighths >= 4 else " ") if self._ascii else _BLOCKS[eighths]
            cells.append(((block * bar).ljust(step), Tone.ACCENT))
        return cells

    def _scale(self, level: int, rows: int) -> str:
        edge = "|" if self._ascii else "┤"
        wall = "|" if self._ascii else "│"
        every = max(1, rows // 4)
        if (level + 1) % every == 0 or level == rows - 1:
            return pad_left(dollars(self._top * (level + 1) / rows), AXIS - 1) + " " + edge
        return " " * AXIS + wall

    def _times(self) -> str:
        step, line = self._step, ""
        every = max(1, -(-9 // step))
        for place in range(0, len(self._labels), every):
            at = AXIS + 1 + place * step
            line = line.ljust(at) + self._labels[place]
        return line


def nice(top: float) -> float:
    """Return a round number at or above an amount: 1, 2 or 5 times a power of ten."""
    if top <= 0:
        return 1.0
    scale = 1e-6
    while True:
        for step in (1, 2, 5):
            if step * scale >= top:
                return step * scale
        scale *= 10


def dollars(value: float) -> str:
    """Return an axis label."""
    if value >= 10:
        return f"${value:,.0f}"
    return f"${value:.2f}".rstrip("0").rstrip(".") if value >= 0.1 else f"${value:.3f}".rstrip("0")
