"""One line of segments that fold from the least important when the terminal is narrow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .drawn import Drawn
from .text import visible, width
from .tones import Cell, Tone

GAP = 3


class Segment(NamedTuple):
    """A piece of a line. 0 is the last to go; `right` puts it at the right edge."""

    text: str
    tone: Tone = Tone.PLAIN
    priority: int = 0
    right: bool = False


class SegmentLine(Drawn):
    """Segments from the left and from the right, with a gap between them."""

    DEFAULT_CSS = "SegmentLine { height: 1; padding: 0 1; }"

    def __init__(self, segments: Sequence[Segment], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._segments = self._clean(segments)

    @staticmethod
    def _clean(segments: Sequence[Segment]) -> list[Segment]:
        return [segment._replace(text=visible(segment.text)) for segment in segments if segment.text]

    def set_segments(self, segments: Sequence[Segment]) -> None:
        """Show these segments; the same ones again cost nothing."""
        fresh = self._clean(segments)
        if fresh != self._segments:
            self._segments = fresh
            self.refresh()

    @property
    def shown(self) -> list[Segment]:
        """The segments that fit, in their order."""
        kept = list(self._segments)
        while len(kept) > 1 and _needed(kept) > self.size.width:
            kept.remove(max(kept, key=lambda segment: segment.priority))
        return kept

    def cells_of(self, y: int) -> Sequence[Cell]:
        """Return the line."""
        kept = self.shown
        left = _joined([segment for segment in kept if not segment.right])
        right = _joined([segment for segment in kept if segment.right])
        free = self.size.width - _length(left) - _length(right)
        return [*left, (" " * max(0, free), Tone.PLAIN), *right]


class HeaderLine(SegmentLine):
    """The first line of every screen."""

    DEFAULT_CSS = "HeaderLine { background: $surface; }"


def _joined(segments: Sequence[Segment]) -> list[Cell]:
    cells: list[Cell] = []
    for segment in segments:
        if cells:
            cells.append((" " * GAP, Tone.PLAIN))
        cells.append((segment.text, segment.tone))
    return cells


def _length(cells: Sequence[Cell]) -> int:
    return sum(width(text) for text, _ in cells)


def _needed(segments: Sequence[Segment]) -> int:
    return sum(width(segment.text) for segment in segments) + GAP * (len(segments) - 1)
