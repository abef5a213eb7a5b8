"""The key bar at the bottom of a screen: the screen's keys with their titles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from .styles import Cell, Tone
from .text import visible, width
from .tone_widget import ToneWidget, clipped

WIDE_GAP: Final = 3
NARROW_GAP: Final = 2

Item = tuple[str, str]
"""A key as shown in the key bar, and its title."""


class KeyBar(ToneWidget):
    """A line of keys with their titles.

    If not all keys fit, they are dropped from the right. Keys in `lasting` are dropped only after all
    other keys, in the order of `lasting`.
    """

    DEFAULT_CSS = "KeyBar { background: $surface; dock: bottom; }"

    def __init__(
        self, items: Sequence[Item] = (), *, lasting: Sequence[str] = (), id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self._items, self._lasting = tuple(items), tuple(lasting)

    def set_items(self, items: Sequence[Item]) -> None:
        """Show these keys; do nothing if they are unchanged."""
        fresh = tuple(items)
        if fresh != self._items:
            self._items = fresh
            self.renew()

    def lines(self, across: int, _down: int, /) -> list[list[Cell]]:
        """Return one line with as many keys as fit."""
        items = [(visible(key), visible(title)) for key, title in self._items]
        gap = WIDE_GAP
        while len(items) > 1 and _needed(items, gap) > across - 2:
            if gap > NARROW_GAP:
                gap = NARROW_GAP
            else:
                items.pop(self._least(items))
        cells: list[Cell] = [(" ", Tone.PLAIN)]
        for number, (key, title) in enumerate(items):
            cells.append((" " * (gap if number else 0), Tone.PLAIN))
            cells.append((key, Tone.ACCENT))
            cells.append((f" {title}", Tone.DIM))
        return [clipped(cells, across, "")]

    def _least(self, items: Sequence[Item]) -> int:
        """Return the index of the key to drop next."""
        ranks = [
            self._lasting.index(key) if key in self._lasting else -1 - place
            for place, (key, _) in enumerate(items)
        ]
        return ranks.index(min(ranks))


def _needed(items: Sequence[Item], gap: int) -> int:
    return sum(width(key) + 1 + width(title) for key, title in items) + gap * (len(items) - 1)
