"""Base class of the small widgets that consist of lines of text with tones."""

from __future__ import annotations

from collections.abc import Sequence

from textual.strip import Strip
from textual.widget import Widget

from .styles import Cell, Ground, Palette, Tone
from .text import ELLIPSIS, cut_end, width


class ToneWidget(Widget):
    """A widget that consists of lines of cells and is repainted only if they change.

    A subclass implements `lines`. In ASCII mode, glyphs are replaced later, when a line is drawn.
    """

    ALLOW_SELECT = False
    DEFAULT_CSS = "ToneWidget { background: $background; color: $foreground; height: 1; }"

    def __init__(
        self,
        *,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._palette: Palette | None = None
        self._drawn: list[list[Cell]] | None = None
        self._drawn_for = (-1, -1)

    def lines(self, across: int, down: int, /) -> Sequence[Sequence[Cell]]:
        """Return the lines to draw in a widget `across` cells wide and `down` lines high.

        Texts must have passed through `visible`, and lines must not be wider than `across`.
        """
        raise NotImplementedError

    def renew(self) -> None:
        """Call `lines` again and repaint the widget if the result has changed."""
        if not self.is_mounted or not self.size:
            self._drawn = None
            return
        fresh = [list(line) for line in self.lines(*self.size)]
        if fresh != self._drawn:
            self._drawn = fresh
            self._drawn_for = (self.size.width, self.size.height)
            self.refresh()

    def notify_style_update(self) -> None:
        """Make the next paint use the current theme, because it may have changed."""
        super().notify_style_update()
        self._palette = None

    def render(self) -> str:
        """Return an empty text: every line is drawn by `render_line`."""
        return ""

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        across, down = self.size
        if self._palette is None:
            self._palette = Palette(self)
        if self._drawn is None or self._drawn_for != (across, down):
            self._drawn = [list(line) for line in self.lines(across, down)]
            self._drawn_for = (across, down)
        cells = self._drawn[y] if y < len(self._drawn) else []
        segments = self._palette.segments((text, tone, Ground.BASE) for text, tone in cells)
        strip = Strip(segments, sum(width(segment.text) for segment in segments))
        return strip.adjust_cell_length(across, self._palette.style(Tone.PLAIN))


def clipped(cells: Sequence[Cell], room: int, ellipsis: str = ELLIPSIS) -> list[Cell]:
    """Return the cells of a line, cut at its end so that they fit into `room` cells."""
    out: list[Cell] = []
    for text, tone in cells:
        shown = cut_end(text, room, ellipsis)
        if shown:
            out.append((shown, tone))
        room -= width(shown)
        if room <= 0:
            break
    return out
