"""Horizontal bars with their label and value, for comparing a few amounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .drawn import Drawn
from .text import cut_end, pad_left, pad_right, visible, width
from .tones import Cell, Tone

LONGEST_LABEL = 22


class Bar(NamedTuple):
    """A label, an amount that sets the bar's length, and the value as it is written."""

    label: str
    amount: float
    value: str


class BarList(Drawn):
    """A title over bars, the largest as long as there is room."""

    DEFAULT_CSS = "BarList { height: auto; }"

    def __init__(self, *, id: str | None = None, ascii_mode: bool = False) -> None:
        super().__init__(id=id)
        self._bars: list[Bar] = []
        self._title = ""
        self._block = "#" if ascii_mode else "█"

    def set_bars(self, bars: Sequence[Bar], *, title: str) -> None:
        """Show these bars; the same ones again cost nothing."""
        fresh = [Bar(visible(bar.label), bar.amount, visible(bar.value)) for bar in bars]
        if (fresh, title) != (self._bars, self._title):
            self._bars, self._title = fresh, title
            self.refresh()

    def cells_of(self, y: int) -> Sequence[Cell]:
        """Return the title, a bar, or how many do not fit."""
        if y == 0:
            return [(self._title, Tone.DIM)]
        room = self.size.height - 1
        hidden = len(self._bars) - room
        if hidden > 0 and y == room:
            return [(f"and {hidden + 1} more", Tone.DIM)]
        if y - 1 >= len(self._bars):
            return [("–", Tone.DIM)] if y == 1 and not self._bars else []
        return self._bar(self._bars[y - 1])

    def _bar(self, bar: Bar) -> list[Cell]:
        label = min(LONGEST_LABEL, max(width(each.label) for each in self._bars))
        value = max(width(each.value) for each in self._bars)
        room = max(1, self.size.width - label - value - 4)
        top = max((each.amount for each in self._bars), default=0.0)
        length = 0 if top <= 0 or bar.amount <= 0 else max(1, round(bar.amount / top * room))
        return [
            (pad_right(cut_end(bar.label, label), label) + "  ", Tone.PLAIN),
            (pad_right(self._block * length, room), Tone.ACCENT),
            ("  " + pad_left(bar.value, value), Tone.PLAIN),
        ]
