"""The footer: which keys work here and what they do."""

from __future__ import annotations

from collections.abc import Sequence

from .text import visible, width
from .tone_widget import ToneWidget
from .tones import Cell, Tone

Item = tuple[str, str]
"""A key as it is shown, and what it does."""


class KeyBar(ToneWidget):
    """A line of keys with their titles; at narrow widths the last ones go."""

    DEFAULT_CSS = "KeyBar { background: $surface; dock: bottom; }"

    def __init__(
        self, items: Sequence[Item] = (), *, ascii_mode: bool = False, id: str | None = None
    ) -> None:
        super().__init__(ascii_mode=ascii_mode, id=id)
        self._items = tuple(items)

    def set_items(self, items: Sequence[Item]) -> None:
        """Show these keys; the same ones again cost nothing."""
        fresh = tuple(items)
        if fresh != self._items:
            self._items = fresh
            self.renew()

    def lines(self, across: int, _down: int, /) -> list[list[Cell]]:
        """The one line with as many keys as fit."""
        for gap in (3, 2):
            cells: list[Cell] = [(" ", Tone.PLAIN)]
            left = across - 2
            for number, (key, title) in enumerate(self._items):
                key, title = visible(key), visible(title)
                need = width(key) + 1 + width(title) + (gap if number else 0)
                if need > left:
                    break
                left -= need
                cells.append((" " * (gap if number else 0), Tone.PLAIN))
                cells.append((key, Tone.ACCENT))
                cells.append((f" {title}", Tone.DIM))
            else:
                break
        return [cells]
