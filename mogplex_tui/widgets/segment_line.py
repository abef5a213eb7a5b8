"""A line of texts at its left and right ends; texts without room are dropped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from textual import events
from textual.message import Message

from .styles import Cell, Tone
from .text import cut_end, visible, width
from .tone_widget import ToneWidget

EDGE: Final = 1
WIDE_GAP: Final = 3
NARROW_GAP: Final = 2
CLOSE_GAP: Final = 1


class Segment(NamedTuple):
    """A text in a segment line, with its tone, its priority and its end of the line.

    If the line is narrow, the segments with the greatest `priority` are dropped first. A `right`
    segment is at the right end of the line. A `close` segment is only one blank away from the segment
    before it, like the steps of a path. A segment with a `short` text is shortened to it at the
    priority `short_priority` and dropped at its own `priority`. A click on a segment with an `action`
    sends the id of this action.
    """

    text: str
    tone: Tone = Tone.PLAIN
    priority: int = 0
    right: bool = False
    close: bool = False
    short: str = ""
    short_priority: int = 0
    action: str = ""


class SegmentLine(ToneWidget):
    """A line of segments, some aligned to its left end and some to its right end."""

    class Clicked(Message):
        """Sent when a segment with an action was clicked."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

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

    def on_click(self, event: events.Click) -> None:
        """Send `Clicked` if the clicked segment has an action."""
        end = 0
        for cell, action in _laid(self._segments, self.size.width):
            end += width(cell[0])
            if event.x < end:
                if action:
                    self.post_message(self.Clicked(action))
                return


class HeaderLine(SegmentLine):
    """The first line of every screen, with its own background."""

    DEFAULT_CSS = "HeaderLine { background: $surface; }"


def fold(segments: Sequence[Segment], room: int) -> list[Cell]:
    """Return the cells of a line of `room` cells with the segments that fit.

    If not all fit, the gaps are narrowed first. Then segments are shortened or dropped: first those
    with the greatest priority, and among several with the same priority the last. The last remaining
    segment is cut.
    """
    return [cell for cell, _ in _laid(segments, room)]


def _laid(segments: Sequence[Segment], room: int) -> list[tuple[Cell, str]]:
    """Return the cells of the line, each with the action of its segment."""
    visible_segments = [
        segment._replace(text=visible(segment.text), short=visible(segment.short))
        for segment in segments
        if segment.text
    ]
    gap = WIDE_GAP
    while visible_segments and _needed(visible_segments, gap) > room:
        place = max(range(len(visible_segments)), key=lambda place: (_rank(visible_segments[place]), place))
        if gap > NARROW_GAP:
            gap = NARROW_GAP
        elif visible_segments[place].short:
            segment = visible_segments[place]
            visible_segments[place] = segment._replace(text=segment.short, short="")
        elif len(visible_segments) > 1:
            visible_segments.pop(place)
        else:
            break
    left = _joined([segment for segment in visible_segments if not segment.right], gap)
    right = _joined([segment for segment in visible_segments if segment.right], gap)
    if len(visible_segments) == 1 and _needed(visible_segments, gap) > room:
        only = visible_segments[0]
        text = cut_end(only.text, max(0, room - 2 * EDGE))
        return [((" " * EDGE, Tone.PLAIN), ""), ((text, only.tone), only.action)]
    between = room - 2 * EDGE - sum(width(text) for (text, _), _ in (*left, *right))
    edge, space = (" " * EDGE, Tone.PLAIN), (" " * max(0, between), Tone.PLAIN)
    return [(edge, ""), *left, (space, ""), *right]


def _rank(segment: Segment) -> int:
    return max(segment.priority, segment.short_priority) if segment.short else segment.priority


def _needed(segments: Sequence[Segment], gap: int) -> int:
    gaps = sum(CLOSE_GAP if segment.close else gap for segment in segments[1:])
    return 2 * EDGE + sum(width(segment.text) for segment in segments) + gaps


def _joined(segments: Sequence[Segment], gap: int) -> list[tuple[Cell, str]]:
    cells: list[tuple[Cell, str]] = []
    for number, segment in enumerate(segments):
        if number:
            cells.append(((" " * (CLOSE_GAP if segment.close else gap), Tone.PLAIN), ""))
        cells.append(((segment.text, segment.tone), segment.action))
    return cells
