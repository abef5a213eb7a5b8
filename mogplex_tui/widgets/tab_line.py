"""One line that shows every screen there is, so that a newcomer sees them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual import events
from textual.message import Message

from .styles import Cell, Tone
from .text import cut_end, visible, width
from .tone_widget import ToneWidget, clipped

Tab = tuple[str, str, str]
"""The key that leads there, the title, and the screen's name."""

_STEPS = (
    (3, False, 99),
    (2, False, 99),
    (3, True, 99),
    (2, True, 99),
    (2, True, 4),
    (1, True, 4),
    (1, True, 3),
)
"""Cells between tabs, whether titles are short, and the longest title, from roomy to tight."""


class TabLine(ToneWidget):
    """A line of tabs; titles shorten before anything is lost."""

    class Picked(Message):
        """A tab was clicked."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(
        self,
        tabs: Sequence[Tab],
        active: str = "",
        *,
        shorts: Mapping[str, str] | None = None,
        id: str | None = None,
    ) -> None:
        """`shorts` gives titles a shorter form for narrow terminals; others are cut to their first letters."""
        super().__init__(id=id)
        self._tabs = tuple(tabs)
        self._shorts = dict(shorts or {})
        self._active = active

    def _laid(self, across: int) -> list[tuple[str, list[Cell]]]:
        """Each tab's name with its cells, the gap before it included."""
        laid: list[tuple[str, list[Cell]]] = []
        for gap, short, longest in _STEPS:
            laid = []
            for number, (key, title, name) in enumerate(self._tabs):
                here = name == self._active
                told = self._shorts.get(title, title) if short else title
                told = cut_end(visible(told), longest, "")
                cells: list[Cell] = [
                    (" " * (gap if number else 1), Tone.PLAIN),
                    (visible(key), Tone.ACCENT if here else Tone.DIM),
                    (f" {told}", Tone.STRONG if here else Tone.DIM),
                ]
                laid.append((name, cells))
            if sum(width(text) for _, cells in laid for text, _ in cells) <= across - 1:
                break
        return laid

    def lines(self, across: int, _down: int, /) -> list[list[Cell]]:
        """The one line, shortened to the width."""
        cells = [cell for _, tab in self._laid(across) for cell in tab]
        return [clipped(cells, across)]

    def on_click(self, event: events.Click) -> None:
        """Say which tab was clicked."""
        end = 0
        for name, cells in self._laid(self.size.width):
            end += sum(width(text) for text, _ in cells)
            if event.x < end:
                self.post_message(self.Picked(name))
                return
