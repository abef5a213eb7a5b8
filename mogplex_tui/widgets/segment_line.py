"""A line of texts at its left and right ends, of which some are dropped if narrow."""

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
    """A text in a segment line, with its tone, its priority and the end it belongs to.

    If the line is narrow, the segments with the greatest `priority` are dropped first. A `right`
    segment is at the right end of the line. A `close` segment is only one blank away from the
    segment before it, as the steps of a path are.
    """

    text: str
    tone: Tone = Tone.PLAIN
    priority: int = 0
    right: bool = False
    close: bool = False


class SegmentLine(ToneWidget):
    """A line of segments, some aligned to its left end and some to its right end."""

    def __init__(self, segments: Sequence[Segment] = (), *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._segments = tuple(segments)

    def set_segments(self, segments: Sequence[Segment]) -> None:
        """Show these segments; do nothing if they are unchanged."""
        fresh = tuple(segments)
        if fresh != self._segments:
            self._segments = fresh
            self.renew()

    def lines(self, across: int, _down: int, /) -> list[list[Cell]]:
        """Return one line with the segments that fit into the width."""
        return [fold(self._segments, across)]


class HeaderLine(SegmentLine):
    """The first line of every screen, with its own background."""

    DEFAULT_CSS = "HeaderLine { background: $surface; }"


def fold(segments: Sequence[Segment], room: int) -> list[Cell]:
    """Return the cells of a line of `room` cells with the segments that fit.

    If not all fit, the gaps are narrowed first. Then segments are dropped, the greatest priority
    first and the last of several. The last remaining segment is cut.
    """
    visible_segments = [segment._replace(text=visible(segment.text)) for segment in segments if segment.text]
    gap = WIDE_GAP
    while visible_segments and _needed(visible_segments, gap) > room:
        if gap > NARROW_GAP:
            gap = NARROW_GAP
        elif len(visible_segments) > 1:
            visible_segments.pop(
                max(range(len(visible_segments)), key=lambda place: (visible_segments[place].priority, place))
            )
        else:
            break
    left = _joined([segment for segment in visible_segments if not segment.right], gap)
    right = _joined([segment for segment in visible_segments if segment.right], gap)
    if len(visible_segments) == 1 and _needed(visible_segments, gap) > room:
        only = visible_segments[0]
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
