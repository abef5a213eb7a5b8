"""One line of segments, left and right, that folds by priority when there is little room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from .styles import Cell, Tone
from .text import cut_end, visible, width
from .tone_widget import ToneWidget

EDGE: Final = 1
WIDE_GAP: Final = 3
NARROW_GAP: Final = 2
CLOSE_GAP: Final = 1


class Segment(NamedTuple):
    """A piece of a status line; priority 0 stays to the last, larger ones go first.

    A `close` one stands one blank after the piece before it, as the steps of a way do.
    """

    text: str
    tone: Tone = Tone.PLAIN
    priority: int = 0
    right: bool = False
    close: bool = False


class SegmentLine(ToneWidget):
    """A line of segments: the left ones from the left edge, the right ones to the right edge."""

    def __init__(self, segments: Sequence[Segment] = (), *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._segments = tuple(segments)

    def set_segments(self, segments: Sequence[Segment]) -> None:
        """Show these; the same ones again cost nothing."""
        fresh = tuple(segments)
        if fresh != self._segments:
            self._segments = fresh
            self.renew()

    def lines(self, across: int, _down: int, /) -> list[list[Cell]]:
        """The one line, folded to the width."""
        return [fold(self._segments, across)]


class HeaderLine(SegmentLine):
    """The first line of every screen, on a ground of its own."""

    DEFAULT_CSS = "HeaderLine { background: $surface; }"


def fold(segments: Sequence[Segment], room: int) -> list[Cell]:
    """The segments as cells that fill `room`, without those that found no room.

    First the gaps narrow, then segments go, the largest priority first and among equals the last; the last
    one standing is cut.
    """
    kept = [segment._replace(text=visible(segment.text)) for segment in segments if segment.text]
    gap = WIDE_GAP
    while kept and _needed(kept, gap) > room:
        if gap > NARROW_GAP:
            gap = NARROW_GAP
        elif len(kept) > 1:
            kept.pop(max(range(len(kept)), key=lambda place: (kept[place].priority, place)))
        else:
            break
    left = _joined([segment for segment in kept if not segment.right], gap)
    right = _joined([segment for segment in kept if segment.right], gap)
    if len(kept) == 1 and _needed(kept, gap) > room:
        only = kept[0]
        return [(" " * EDGE, Tone.PLAIN), (cut_end(only.text, max(0, room - 2 * EDGE)), only.tone)]
    between = room - 2 * EDGE - sum(width(text) for text, _ in (*left, *right))
    return [(" " * EDGE, Tone.PLAIN), *left, (" " * max(0, between), Tone.PLAIN), *right]


def _needed(segments: Sequence[Segment], gap: int) -> int:
    gaps = sum(CLOSE_GAP if segment.close else gap for segment in segments[1:])
    return 2 * EDGE + sum(width(segment.text) for segment in segments) + gaps


def _joined(segments: Sequence[Segment], gap: int) -> list[Cell]:
    cells: list[Cell] = []
    for number, segment in enumerate(segments):
        if number:
            cells.append((" " * (CLOSE_GAP if segment.close else gap), Tone.PLAIN))
        cells.append((segment.text, segment.tone))
    return cells
