"""A small panel of figures with their names, drawn by line."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from .text import cut_end, visible, width
from .tones import TONE_CLASSES, TONE_CSS, Cell, Palette, Tone


class Card(Widget):
    """A title over lines of cells; the first cell of each line is right-aligned to a common edge."""

    COMPONENT_CLASSES = set(TONE_CLASSES)
    DEFAULT_CSS = "Card { height: 1fr; background: $background; color: $foreground;" + TONE_CSS + "}"

    def __init__(self, title: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title = title
        self._lines: list[list[Cell]] = []

    def set_lines(self, lines: Sequence[Sequence[Cell]]) -> None:
        """Show these lines; the same ones again cost nothing."""
        fresh = [[(visible(text), tone) for text, tone in line] for line in lines]
        if fresh != self._lines:
            self._lines = fresh
            self.refresh()

    def render(self) -> str:
        """Nothing: every line comes from `render_line`."""
        return ""

    def render_line(self, y: int) -> Strip:
        """Draw the title, or one line of figures."""
        palette, total = Palette(self), self.size.width
        cells: list[Cell] = []
        if y == 0:
            cells = [(f" {self._title}", Tone.STRONG)]
        elif y <= len(self._lines):
            edge = max((width(line[0][0]) for line in self._lines if len(line) > 1), default=0)
            first, *rest = self._lines[y - 1]
            cells = [(" " * (max(0, edge - width(first[0])) + 1), Tone.PLAIN), first]
            for cell in rest:
                cells += [("  ", Tone.PLAIN), cell]
        segments, left = [], total
        for text, tone in cells:
            shown = cut_end(text, left)
            segments.append(Segment(shown, palette.style(tone)))
            left -= width(shown)
            if left <= 0:
                break
        if left > 0:
            segments.append(Segment(" " * left, palette.style(Tone.PLAIN)))
        return Strip(segments, total)
