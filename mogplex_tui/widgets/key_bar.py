"""The last line: the keys that work here. What does not fit is left out from the end."""

from __future__ import annotations

from collections.abc import Sequence

from .drawn import Drawn
from .text import width
from .tones import Cell, Tone

GAP = 3


class KeyBar(Drawn):
    """Keys with their titles."""

    DEFAULT_CSS = "KeyBar { height: 1; padding: 0 1; background: $surface; }"

    def __init__(self, items: Sequence[tuple[str, str]], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._items = list(items)

    def set_items(self, items: Sequence[tuple[str, str]]) -> None:
        """Show these keys; the same ones again cost nothing."""
        fresh = list(items)
        if fresh != self._items:
            self._items = fresh
            self.refresh()

    @property
    def shown(self) -> list[tuple[str, str]]:
        """The items that fit; the last one is always among them, because it is the one that explains the rest."""
        kept = list(self._items)
        while len(kept) > 1 and _needed(kept) > self.size.width:
            del kept[-2]
        return kept

    def cells_of(self, y: int) -> Sequence[Cell]:
        """Return the line."""
        cells: list[Cell] = []
        for key, title in self.shown:
            if cells:
                cells.append((" " * GAP, Tone.PLAIN))
            cells += [(key, Tone.ACCENT), (f" {title}", Tone.DIM)]
        return cells


def _needed(items: Sequence[tuple[str, str]]) -> int:
    return sum(width(key) + 1 + width(title) for key, title in items) + GAP * (len(items) - 1)
