"""A list of named amounts, drawn as horizontal bars with right-aligned figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from textual.geometry import Size

from .styles import Cell, Tone
from .text import cut_end, pad_left, pad_right, visible, width
from .tone_widget import ToneWidget, clipped

_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
_LEAST_BAR: Final = 4
_MOST_BAR: Final = 24
_GAP: Final = 2


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of a `BarList`: a name, the amount that its bar shows, and a figure.

    `value` sets the length of the bar; None means that the amount is not known, so that no bar is
    drawn. `text` is the figure. `brief` is a shorter figure, used if `text` would leave too
    little room for the names.
    """

    label: str
    value: float | None
    text: str
    tone: Tone = Tone.ACCENT
    brief: str = ""


def _widest(texts: Sequence[str]) -> int:
    return max((width(text) for text in texts), default=0)


class BarList(ToneWidget):
    """A titled list of bars, one per line, with right-aligned figures.

    If not all bars fit, the last line states the number of hidden bars.
    """

    DEFAULT_CSS = "BarList { height: auto; }"

    def __init__(self, *, ascii_mode: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._ascii = ascii_mode
        self._bars: tuple[Bar, ...] = ()
        self._title = ""

    def set_bars(self, bars: Sequence[Bar], title: str = "") -> None:
        """Show these bars and this title; do nothing if both are unchanged."""
        fresh = tuple(bars)
        if (fresh, title) == (self._bars, self._title):
            return
        resized = self._count() != len(fresh) + bool(title)
        self._bars, self._title = fresh, title
        self.renew()
        if resized and self.is_mounted and self.styles.auto_dimensions:
            self.refresh(layout=True)

    def _count(self) -> int:
        return len(self._bars) + bool(self._title)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 (Textual's own)
        """Return the number of lines: one for each bar, and one for a title."""
        return self._count()

    def lines(self, across: int, down: int, /) -> list[list[Cell]]:
        """Return the lines of the title and of the bars that fit."""
        out: list[list[Cell]] = []
        if self._title:
            out.append(clipped([(visible(self._title), Tone.DIM)], across))
        room = down - len(out)
        shown = self._bars if len(self._bars) <= room else self._bars[: max(0, room - 1)]
        labels = [visible(bar.label) for bar in self._bars]
        texts = [visible(bar.text) for bar in self._bars]
        name = _widest(labels)
        if name > across - _widest(texts) - _GAP:
            texts = [visible(bar.brief or bar.text) for bar in self._bars]
        figure = _widest(texts)
        if name > across - figure - 2 * _GAP - _LEAST_BAR:
            # Names get room before bars do.
            name = max(1, min(name, across - figure - _GAP))
        bar_room = min(_MOST_BAR, across - name - figure - 2 * _GAP)
        most = max((bar.value or 0.0 for bar in self._bars), default=0.0)
        for bar, label, text in zip(shown, labels, texts, strict=False):
            cells: list[Cell] = [(pad_right(cut_end(label, name), name), Tone.PLAIN)]
            if bar_room >= _LEAST_BAR:
                drawn = self._bar((bar.value or 0.0) / most if most else 0.0, bar_room)
                cells.append((" " * _GAP + pad_right(drawn, bar_room), bar.tone))
            cells.append((" " * _GAP + pad_left(text, figure), Tone.PLAIN))
            out.append(clipped(cells, across))
        if len(shown) < len(self._bars) and room > 0:
            out.append([(f"and {len(self._bars) - len(shown)} more", Tone.DIM)])
        return out

    def _bar(self, share: float, cells: int) -> str:
        if share <= 0:
            return ""
        if self._ascii:
            return "#" * max(1, round(share * cells))
        eighths = max(1, round(share * cells * 8))
        return "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")
