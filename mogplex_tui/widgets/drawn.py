"""The base of small fixed panels that are drawn by line from tones: no children, no markup, no layout of their own."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from .text import cut_end, width
from .tones import TONE_CLASSES, TONE_CSS, Cell, Palette, Tone


class Drawn(Widget):
    """A widget whose every line is a list of cells."""

    COMPONENT_CLASSES = set(TONE_CLASSES)
    DEFAULT_CSS = "Drawn { background: $background; color: $foreground;" + TONE_CSS + "}"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._palette: Palette | None = None

    def cells_of(self, y: int) -> Sequence[Cell]:
        """Return the cells of line `y`; what is too long is cut."""
        raise NotImplementedError

    def notify_style_update(self) -> None:
        """The theme may have changed."""
        super().notify_style_update()
        self._palette = None

    def render(self) -> str:
        """Nothing: every line comes from `cells_of`."""
        return ""

    def render_line(self, y: int) -> Strip:
        """Draw one line, exactly as wide as the content."""
        if self._palette is None:
            self._palette = Palette(self)
        total = self.size.width
        return strip_of(self.cells_of(y), total, self._palette)


def strip_of(cells: Sequence[Cell], total: int, palette: Palette) -> Strip:
    """Return a strip of exactly `total` cells."""
    segments, left = [], total
    for text, tone in cells:
        if left <= 0:
            break
        shown = cut_end(text, left)
        segments.append(Segment(shown, palette.style(tone)))
        left -= width(shown)
    if left > 0:
        segments.append(Segment(" " * left, palette.style(Tone.PLAIN)))
    return Strip(segments, total)
