"""A line of tabs, one for each screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual import events
from textual.message import Message

from .styles import Cell, Tone
from .text import cut_end, visible, width
from .tone_widget import ToneWidget, clipped

Tab = tuple[str, str, str]
"""A tab: the key that shows its screen, its title, and the name of the screen."""

_STEPS = (
    (3, False, 99),
    (2, False, 99),
    (3, True, 99),
    (2, True, 99),
    (2, True, 4),
    (1, True, 4),
    (1, True, 3),
)
"""Layouts of the tab line, the widest first.

Each is the gap between tabs, whether titles are short, and the greatest width of a title.
"""


class TabLine(ToneWidget):
    """A line of tabs; titles are shortened if the line is too narrow for them."""

    class Picked(Message):
        """Sent when a tab was clicked."""

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
        """Create the line of tabs; `shorts` maps titles to shorter ones for narrow lines.

        If the shorter titles do not fit either, all titles are cut to their first letters.
        """
        super().__init__(id=id)
        self._tabs = tuple(tabs)
        self._shorts = dict(shorts or {})
        self._active = active

    def _laid(self, across: int) -> list[tuple[str, list[Cell]]]:
        """Return each tab's name and its cells, which include the gap before the tab."""
        laid: list[tuple[str, list[Cell]]] = []
        for gap, short, longest in _STEPS:
            laid = []
            for number, (key, title, name) in enumerate(self._tabs):
                is_active = name == self._active
                label = self._shorts.get(title, title) if short else title
                label = cut_end(visible(label), longest, "")
                cells: list[Cell] = [
                    (" " * (gap if number else 1), Tone.PLAIN),
                    (visible(key), Tone.ACCENT if is_active else Tone.DIM),
                    (f" {label}", Tone.STRONG if is_active else Tone.DIM),
                ]
                laid.append((name, cells))
            if sum(width(text) for _, cells in laid for text, _ in cells) <= across - 1:
                break
        return laid

    def lines(self, across: int, _down: int, /) -> list[list[Cell]]:
        """Return one line with all tabs, shortened to the width."""
        cells = [cell for _, tab in self._laid(across) for cell in tab]
        return [clipped(cells, across)]

    def on_click(self, event: events.Click) -> None:
        """Send `Picked` for the tab that was clicked."""
        end = 0
        for name, cells in self._laid(self.size.width):
            end += sum(width(text) for text, _ in cells)
            if event.x < end:
                self.post_message(self.Picked(name))
                return
