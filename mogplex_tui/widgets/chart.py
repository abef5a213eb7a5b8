"""A bar chart of costs or counts over time, with labelled axes and a cursor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from .bars import Edge
from .styles import Cell, Tone
from .text import pad_left, visible, width
from .tone_widget import ToneWidget, clipped

_LEAST_WIDTH: Final = 16
_LEAST_HEIGHT: Final = 3
_MOST_BAR: Final = 16
_EIGHTHS: Final = " ▁▂▃▄▅▆▇█"
_ASCII_EIGHTHS: Final = " ..::::##"
# Numbers of bars from one time label to the next.
_LABEL_STEPS: Final = (1, 2, 3, 4, 6, 8, 12, 24)


@dataclass(frozen=True, slots=True)
class ChartMeasure:
    """What the bars of a chart measure: a plural noun, and whether it is in dollars."""

    nouns: str
    is_money: bool = False
    tone: Tone = Tone.ACCENT


COSTS: Final = ChartMeasure("costs", is_money=True)


@dataclass(frozen=True, slots=True)
class ChartBar:
    """One interval of time, with its cost or count and the label of its start.

    A `value` of None means that it is not known. A bar that is not `is_whole` is a lower bound. A bar
    with `parts` is stacked: the parts are drawn from the axis up, each with the fill of its place in
    FILLS.
    """

    value: float | None
    label: str
    is_whole: bool = True
    parts: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Fill:
    """How one part of a stacked bar is drawn; the glyph alone tells the parts apart."""

    glyph: str
    ascii: str
    tone: Tone


FILLS: Final = (
    Fill("█", "#", Tone.ACCENT),
    Fill("▓", "%", Tone.PLAIN),
    Fill("▒", "+", Tone.ACCENT),
    Fill("░", "-", Tone.PLAIN),
    Fill("·", ".", Tone.DIM),
)
"""The fills of the parts of stacked bars, from the axis up; the last one is for the rest."""


class UsageChart(ToneWidget, can_focus=True):
    """Bar chart of costs or counts, with one bar for each interval of time.

    An interval without a known value has no bar and a dotted time axis, because an unknown value is not
    zero. The cursor marks one interval; the parent widget shows what it stands for.
    """

    DEFAULT_CSS = "UsageChart { height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "leave(-1)", "Up", show=False, id="move.up"),
        Binding("down,j", "leave(1)", "Down", show=False, id="move.down"),
        Binding("pageup,ctrl+b", "leave(-1)", "Page up", show=False, id="move.page-up"),
        Binding("pagedown,ctrl+f", "leave(1)", "Page down", show=False, id="move.page-down"),
        Binding("home", "first", "First", show=False, id="move.first"),
        Binding("end,G", "last", "Last", show=False, id="move.last"),
    ]

    class Moved(Message):
        """Sent when the cursor has moved, or the chart has got or lost the focus."""

    class Selected(Message):
        """Sent when the user clicks the bar that is already under the cursor."""

    def __init__(self, *, ascii_mode: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._ascii = ascii_mode
        self._bars: tuple[ChartBar, ...] = ()
        self._measure = COSTS
        # The place of the cursor, counted from the last bar, so that it stays at "now" as time goes on.
        self._back = 0

    def set_bars(self, bars: Sequence[ChartBar], measure: ChartMeasure = COSTS) -> None:
        """Show these bars, oldest first; do nothing if they are unchanged."""
        fresh = tuple(bars)
        if (fresh, measure) != (self._bars, self._measure):
            self._bars, self._measure = fresh, measure
            self._back = max(0, min(self._back, len(fresh) - 1))
            self.renew()

    @property
    def cursor(self) -> int:
        """The index of the bar under the cursor; -1 if there are no bars."""
        return len(self._bars) - 1 - self._back

    def move(self, bars: int) -> None:
        """Move the cursor by a number of bars; a negative number moves it back in time."""
        self._place(self._back - bars)

    def _place(self, back: int) -> None:
        self._back = max(0, min(back, len(self._bars) - 1))
        self.renew()
        self.post_message(self.Moved())

    def action_first(self) -> None:
        """Move the cursor to the oldest bar."""
        self._place(len(self._bars))

    def action_last(self) -> None:
        """Move the cursor to the newest bar."""
        self._place(0)

    def action_leave(self, direction: int) -> None:
        """Ask the parent to focus the widget above or below."""
        self.post_message(Edge(self, direction))

    def on_focus(self) -> None:
        """Draw the cursor bright."""
        self.renew()
        self.post_message(self.Moved())

    def on_blur(self) -> None:
        """Draw the cursor dim."""
        self.renew()
        self.post_message(self.Moved())

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the clicked bar; if it is there already, select the bar."""
        layout = self._layout(self.size.width, self.size.height)
        if layout is None:
            return
        column = event.x - layout.left - 2
        place = layout.first + column // layout.bar
        if column >= 0 and place < len(self._bars):
            if place == self.cursor:
                self.post_message(self.Selected())
            else:
                self._place(len(self._bars) - 1 - place)

    def lines(self, across: int, down: int, /) -> list[list[Cell]]:
        """Return the lines of plot and time axis; a sentence if no value is known."""
        known = [bar.value for bar in self._bars if bar.value is not None]
        if not known:
            return [clipped([(f"no {self._measure.nouns} are known in this time", Tone.DIM)], across)]
        layout = self._layout(across, down)
        if layout is None:
            return []
        out: list[list[Cell]] = []
        for row, text in enumerate(layout.scale[:-1]):
            edge = f"{pad_left(text, layout.left)} {'┤' if text else '│'}"
            out.append([(edge, Tone.DIM), *self._row(layout, row)])
        out.append([(f"{pad_left(layout.scale[-1], layout.left)} └", Tone.DIM), *self._zero_line(layout)])
        out.append([(" " * (layout.left + 2) + self._times(layout, across - layout.left - 2), Tone.DIM)])
        return out

    def _layout(self, across: int, down: int) -> _Layout | None:
        """Return the chart's layout; None if there is no room or no known cost."""
        rows = down - 2
        known = [bar.value for bar in self._bars if bar.value is not None]
        if not known or rows < _LEAST_HEIGHT - 1 or across < _LEAST_WIDTH:
            return None
        is_money = self._measure.is_money
        scale, top = axis(max(known), rows, is_money=is_money), _top(max(known), rows, is_money=is_money)
        left = max(width(text) for text in scale if text)
        cells = across - left - 2
        bar = max(1, min(_MOST_BAR, cells // len(self._bars)))
        # In a terminal that is too narrow, the oldest bars are left out.
        return _Layout(scale, left, bar, max(0, len(self._bars) - cells // bar), top, rows)

    def _tone(self, place: int) -> Tone:
        if place == self.cursor and self.has_focus:
            return Tone.STRONG
        return self._measure.tone if self._bars[place].is_whole else Tone.DIM

    def _row(self, layout: _Layout, row: int) -> list[Cell]:
        """Return the cells of one line of the plot, counted from the top."""
        cells: list[Cell] = []
        for place in range(layout.first, len(self._bars)):
            if self._bars[place].parts:
                cells.append(self._stacked_cell(layout, row, place))
                continue
            value = self._bars[place].value or 0.0
            eighths = round(value / layout.top * layout.rows * 8) if value > 0 else 0
            eighths = max(1, eighths) if value > 0 else 0
            filled = max(0, min(8, eighths - 8 * (layout.rows - 1 - row)))
            sign = (_ASCII_EIGHTHS if self._ascii else _EIGHTHS)[filled]
            drawn = sign * max(1, layout.bar - 1)
            cells.append((drawn + " " * (layout.bar - len(drawn)), self._tone(place)))
        return cells

    def _stacked_cell(self, layout: _Layout, row: int, place: int) -> Cell:
        """Return the cell of a stacked bar in one line of the plot."""
        height, below = layout.rows - 1 - row, 0.0
        drawn, tone = " ", Tone.PLAIN
        for part, fill in zip(self._bars[place].parts, FILLS, strict=False):
            # Rounded edges, so that the parts together are as high as their sum.
            start, end = (round(amount / layout.top * layout.rows) for amount in (below, below + part))
            if start <= height < end:
                drawn, tone = fill.ascii if self._ascii else fill.glyph, fill.tone
            elif part > 0 and not height and not end:
                # Too little for a line, but not nothing.
                drawn, tone = ("_" if self._ascii else "▁"), fill.tone
            below += part
        if place == self.cursor and self.has_focus:
            tone = Tone.STRONG
        drawn *= max(1, layout.bar - 1)
        return drawn + " " * (layout.bar - len(drawn)), tone

    def _zero_line(self, layout: _Layout) -> list[Cell]:
        """Return the cells of the time axis, dotted where the value is unknown."""
        cells: list[Cell] = []
        for place in range(layout.first, len(self._bars)):
            sign = "╌" if self._bars[place].value is None else "─"
            drawn = sign * layout.bar
            if place == self.cursor:
                middle = max(0, (layout.bar - 2) // 2)
                tone = Tone.LIVE if self.has_focus else Tone.PLAIN
                cells += [(drawn[:middle], Tone.DIM), ("▴", tone), (drawn[middle + 1 :], Tone.DIM)]
            else:
                cells.append((drawn, Tone.DIM))
        return cells

    def _times(self, layout: _Layout, cells: int) -> str:
        """Return the line of time labels below the axis."""
        labels = [visible(bar.label) for bar in self._bars]
        longest = max(width(label) for label in labels)
        step = next((step for step in _LABEL_STEPS if step * layout.bar >= longest + 2), len(labels))
        names = ""
        for place in range(layout.first, len(labels), step):
            column = (place - layout.first) * layout.bar
            if column + longest <= cells:
                names = f"{names:<{column}}{labels[place]}"
        return names


@dataclass(frozen=True, slots=True)
class _Layout:
    """The layout of a chart: its value axis, and the width and the number of its bars.

    `scale` has the labels of the cost axis and `left` is their width. `bar` is the width of a bar with
    its gap and `first` the index of the first bar that is shown. The plot has `rows` lines; `top` is
    the amount at its top.
    """

    scale: list[str]
    left: int
    bar: int
    first: int
    top: float
    rows: int


def axis(most: float, rows: int, *, is_money: bool = True) -> list[str]:
    """Return the labels of the value axis: `rows` labels from the top down, then zero.

    `most` is the greatest cost. Lines that do not stand for a round amount have an empty label.
    """
    step, top = _step_and_top(most, rows, is_money=is_money)
    zero = "$0" if is_money else "0"
    show = _money if is_money else _count
    if most <= 0:
        return [show(top, step), *[""] * (rows - 1), zero]
    labels = [""] * rows
    amount = top
    while amount > step / 2:
        row = _row(amount, top, rows)
        if row < rows and not labels[row]:
            labels[row] = show(amount, step)
        amount -= step
    return [*labels, zero]


def _top(most: float, rows: int, *, is_money: bool) -> float:
    return _step_and_top(most, rows, is_money=is_money)[1]


def _row(amount: float, top: float, rows: int) -> int:
    """Return the plot line on which an amount is drawn.

    Line 0, at the top, stands for the amount `top`; line `rows` stands for zero.
    """
    return max(0, min(rows, round((1 - amount / top) * rows)))


def _step_and_top(most: float, rows: int, *, is_money: bool) -> tuple[float, float]:
    """Return the amount between two labels of the axis, and the amount at its top.

    Both are 1 if `most`, the greatest amount, is not positive. Counts have no labels between whole numbers.
    """
    if most <= 0:
        return 1.0, 1.0
    step = _step(most / max(1, min(rows, 4)))
    step = step if is_money else max(1.0, step)
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


def _count(amount: float, _: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if amount >= size:
            return f"{amount / size:g}{letter}"
    return f"{amount:g}"
