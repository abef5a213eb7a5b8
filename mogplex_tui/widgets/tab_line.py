"""The line that shows a newcomer all there is: a digit and a name a screen."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.message import Message

from .drawn import Drawn
from .text import width
from .tones import Cell, Tone

GAP = 3


class TabLine(Drawn):
    """Tabs as text; the active one is bright. Says which was clicked."""

    DEFAULT_CSS = "TabLine { height: 1; padding: 0 1; }"

    class Picked(Message):
        """A tab was clicked."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, tabs: Sequence[tuple[str, str, str]], *, active: str, id: str | None = None) -> None:
        """Each tab is its key, its title and its name."""
        super().__init__(id=id)
        self._tabs, self._active = tabs, active

    def cells_of(self, y: int) -> Sequence[Cell]:
        """Return the line."""
        cells: list[Cell] = []
        for key, title, name in self._tabs:
            active = name == self._active
            cells += [
                (f"{key} ", Tone.ACCENT if active else Tone.DIM),
                (title, Tone.STRONG if active else Tone.DIM),
                (" " * GAP, Tone.PLAIN),
            ]
        return cells

    def on_click(self, event: events.Click) -> None:
        """Say which tab is under the mouse."""
        x = event.get_content_offset_capture(self).x
        for key, title, name in self._tabs:
            length = width(key) + 1 + width(title)
            if 0 <= x < length:
                self.post_message(self.Picked(name))
                return
            x -= length + GAP
