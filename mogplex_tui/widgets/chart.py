"""A small line chart of costs over time, with labelled axes."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, log10
from typing import Final

from .styles import Cell, Tone
from .text import pad_left, visible, width
from .tone_widget import ToneWidget, clipped

_LEAST_WIDTH: Final = 16
_LEAST_HEIGHT: Final = 3


class CostChart(ToneWidget):
    """Line chart of costs in dollars, with one value for each interval of time.

    An interval without a known cost (None) leaves a gap in the curve, because an unknown cost is
    not zero. The time axis is drawn at zero and is dotted where the cost is unknown.
    """

    DEFAULT_CSS = "CostChart { height: 1fr; }"

    def __init__(self, *, ascii_mode: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._ascii = ascii_mode
        self._values: tuple[float | None, ...] = ()
        self._labels: tuple[str, ...] = ()
        self._title = ""

    def set_series(
        self, values: Sequence[float | None], *, labels: Sequence[str] = (), title: str = ""
    ) -> None:
        """Show these values, oldest first, with a label for each interval of time.

        Does nothing if values, labels and title are unchanged.
        """
        fresh = (tuple(values), tuple(labels), title)
        if fresh != (self._values, self._labels, self._title):
            self._values, self._labels, self._title = fresh
            self.renew()

    def lines(self, across: int, down: int, /) -> list[list[Cell]]:
        """Return the lines of title, plot and time axis.

        Without known costs a sentence replaces the plot; without room for a plot there is only the
        title.
        """
        out: list[list[Cell]] = []
        if self._title:
            out.append(clipped([(visible(self._title), Tone.DIM)], across))
        rows = down - len(out) - 2
        known = [value for value in self._values if value is not None]
        if not known:
            out.append(clipped([("no costs are known in this time", Tone.DIM)], across))
            return out
        if rows < _LEAST_HEIGHT - 1 or across < _LEAST_WIDTH:
            return out
        scale = axis(max(known), rows)
        left = max(width(text) for text in scale if text)
        plot = self._plot(across - left - 2, rows, _step_and_top(max(known), rows)[1])
        for text, line in zip(scale[:-1], plot[:-1], strict=True):
            out.append([(f"{pad_left(text, left)} {'┤' if text else '│'}", Tone.DIM), (line, Tone.ACCENT)])
        ticks, names = self._times(left + 2, across)
        out.append([(f"{pad_left(scale[-1], left)} └", Tone.DIM), *self._zero_line(plot[-1], ticks)])
        out.append([(names, Tone.DIM)])
        return out[:down]

    def _columns(self, cells: int) -> list[int]:
        """Return, for each column of the plot, the index of the value that it shows."""
        count = len(self._values)
        return [min(count - 1, column * count // cells) for column in range(cells)]

    def _plot(self, cells: int, rows: int, top: float) -> list[str]:
        """Return the lines of the curve, from the top down.

        There are `rows` + 1 lines; the last line stands for zero. `top` is the amount of the first
        line.
        """
        grid = [[" "] * cells for _ in range(rows + 1)]
        before: int | None = None
        for column, bucket in enumerate(self._columns(cells)):
            value = self._values[bucket]
            if value is None:
                before = None
                continue
            level = _row(value, top, rows)
            if before is None or before == level:
                grid[level][column] = "─"
            elif self._ascii:
                low, high = max(level, before), min(level, before)
                for row in range(high, low + 1):
                    grid[row][column] = "/" if level < before else "\\"
            else:
                low, high = max(level, before), min(level, before)
                for row in range(high + 1, low):
                    grid[row][column] = "│"
                up = level < before
                grid[before][column] = "╯" if up else "╮"
                grid[level][column] = "╭" if up else "╰"
            before = level
        return ["".join(row) for row in grid]

    def _zero_line(self, curve: str, ticks: set[int]) -> list[Cell]:
        """Return the cells of the line at zero: the time axis and the curve over it."""
        cells: list[Cell] = []
        for column, bucket in enumerate(self._columns(len(curve))):
            sign = curve[column]
            if sign in " ─" and column in ticks:
                drawn = "┬"
            elif sign == " ":
                drawn = "╌" if self._values[bucket] is None else "─"
            else:
                drawn = sign
            cells.append((drawn, Tone.DIM if sign == " " else Tone.ACCENT))
        return cells

    def _times(self, indent: int, across: int) -> tuple[set[int], str]:
        """Return the plot columns that have a tick, and the line with their time labels."""
        cells = across - indent
        columns = self._columns(cells)
        labels = [visible(label) for label in self._labels]
        marked: set[int] = set()
        names = [" "] * across
        longest = max((width(label) for label in labels), default=0)
        if longest and len(labels) == len(self._values):
            ticks = max(1, min(4, cells // (longest + 4)))
            for tick in range(ticks):
                bucket = tick * len(labels) // ticks
                column = columns.index(bucket) if bucket in columns else 0
                marked.add(column)
                start = max(0, min(indent + column - longest // 2, across - longest))
                for offset, character in enumerate(labels[bucket]):
                    names[start + offset] = character
        return marked, "".join(names).rstrip()


def axis(most: float, rows: int) -> list[str]:
    """Return the labels of the cost axis: `rows` labels from the top down, then "$0".

    Lines that do not stand for a round amount have an empty label.
    """
    step, top = _step_and_top(most, rows)
    if most <= 0:
        return [_money(top, step), *[""] * (rows - 1), "$0"]
    labels = [""] * rows
    amount = top
    while amount > step / 2:
        row = _row(amount, top, rows)
        if row < rows and not labels[row]:
            labels[row] = _money(amount, step)
        amount -= step
    return [*labels, "$0"]


def _row(amount: float, top: float, rows: int) -> int:
    """Return the plot line on which an amount is drawn.

    Line 0, at the top, stands for `top` dollars; line `rows` stands for zero.
    """
    return max(0, min(rows, round((1 - amount / top) * rows)))


def _step_and_top(most: float, rows: int) -> tuple[float, float]:
    """Return the cost axis's amount between two labels, and the amount at its top.

    Both are 1 dollar if `most`, the greatest cost, is not positive.
    """
    if most <= 0:
        return 1.0, 1.0
    step = _step(most / max(1, min(rows, 4)))
    return step, step * max(1, -(-most // step))


def _step(least: float) -> float:
    """Return the smallest round amount that is at least `least`.

    Round amounts are 1, 2 or 5 times a power of ten.
    """
    power = 10.0 ** floor(log10(least))
    for times in (1, 2, 5, 10):
        if times * power >= least * 0.999:
            return times * power
    return 10 * power


def _money(amount: float, step: float) -> str:
    if amount >= 10_000 and step >= 100:
        return f"${amount / 1000:g}k"
    places = 0 if step >= 1 else min(6, max(2, -floor(log10(step))))
    return f"${amount:.{places}f}"
