"""Base class of the tail, which lays out each row when the row comes on screen.

The scroll position is a row and a line within that row, never an offset among the lines of all
rows. So rows may have any height and wrap at any width, and the cost depends on the lines on
screen and not on the number of rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from textual.strip import Strip

from .line_view import LineView
from .styles import Cell, Ground, Part, Tone
from .tail_rows import TailLine, TailRow, TailShape, TailSource, lay
from .text import visible, width, wrap

_CACHED_ROWS = 1024
_MOST_NOTICE_LINES = 3


class Place(NamedTuple):
    """A position in a tail: a row's index, and the index of a line within the row."""

    row: int
    line: int


class _Laid:
    """The cached lines of a row at the current width and settings."""

    __slots__ = ("generation", "key", "lines", "strips", "version")

    def __init__(self, key: str, version: int, lines: list[TailLine]) -> None:
        self.key = key
        self.version = version
        self.generation = -1
        self.lines = lines
        self.strips: dict[tuple[int, Ground, bool], Strip] = {}


class TailView(LineView):
    """Draws rows of a source, each as one or more lines, from a scroll position on."""

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._source: TailSource | None = None
        self._wrap = False
        self._times = True
        self._count = 0
        self._top = Place(0, 0)
        self._laid: dict[str, _Laid] = {}
        self._keys: dict[int, str] = {}
        self._generation = 0
        self._shown: list[tuple[_Laid, int, int]] = []
        self._cursor = 0
        self._cursor_key: str | None = None
        self._needle: re.Pattern[str] | None = None
        self._notice: Cell | None = None
        self._notice_lines: list[str] = []

    # Rows as laid-out lines.

    @property
    def no_rows(self) -> bool:
        """Return whether there are no rows."""
        return self._count == 0

    def _shape(self) -> TailShape:
        return TailShape(max(1, self.size.width - 2), self._wrap, self._times)

    def _lay(self, index: int) -> _Laid:
        """Return the laid-out row at `index`, from the cache if it has not changed."""
        source = self._source
        key = self._keys.get(index)
        laid = self._laid.get(key) if key is not None else None
        if laid is not None and laid.generation == self._generation:
            return laid
        if source is None:
            raise LookupError("a tail without a source has no rows")
        # Rows may be gone before the owner reports it: a log that began anew.
        row = source.row(index) if index < len(source) else TailRow(f"gone {index}", "", ("", Tone.PLAIN), ())
        version = source.version(row.key)
        laid = self._laid.get(row.key)
        if laid is None or laid.version != version:
            if len(self._laid) >= _CACHED_ROWS:
                self._forget()
            laid = self._laid[row.key] = _Laid(row.key, version, self.lay_out(row))
        laid.generation = self._generation
        self._keys[index] = row.key
        return laid

    def lay_out(self, row: TailRow) -> list[TailLine]:
        """Return a row as lines of the view's width."""
        return lay(row, self._shape())

    def _forget(self) -> None:
        keep = {laid.key: laid for laid, _, _ in self._shown}
        self._laid = keep
        self._keys = {index: laid.key for laid, _, index in self._shown}

    def _height(self, index: int) -> int:
        return len(self._lay(index).lines)

    # Positions.

    def _back(self, place: Place, lines: int) -> Place:
        """Return the position `lines` lines above `place`, or the first position."""
        row, line = place
        while lines > line and row > 0:
            lines -= line + 1
            row -= 1
            line = self._height(row) - 1
        return Place(row, max(0, line - lines))

    def _forward(self, place: Place, lines: int) -> Place:
        """Return the position `lines` lines below `place`, or the last position."""
        row, line = place
        while lines > 0:
            lines_left = self._height(row) - 1 - line
            if lines <= lines_left:
                return Place(row, line + lines)
            if row + 1 >= self._count:
                return Place(row, self._height(row) - 1)
            lines -= lines_left + 1
            row, line = row + 1, 0
        return Place(row, line)

    def _end_top(self) -> Place:
        """Return the scroll position at which the last line is at the bottom of the view."""
        if not self._count:
            return Place(0, 0)
        last = self._count - 1
        return self._back(Place(last, self._height(last) - 1), max(0, self.body_height - 1))

    def top_with_cursor(self) -> Place:
        """Return the scroll position, nearest to the current one, that shows the cursor."""
        row = self._cursor
        highest = self._back(Place(row, self._height(row) - 1), max(0, self.body_height - 1))
        return min(max(self._top, highest), Place(row, 0))

    def _clamped(self, place: Place) -> Place:
        if not self._count:
            return Place(0, 0)
        row = max(0, min(place.row, self._count - 1))
        line = min(place.line, self._height(row) - 1) if row == place.row else 0
        return min(Place(row, line), self._end_top())

    def _fill_shown(self) -> None:
        """Determine the lines that are on screen, beginning at the scroll position."""
        shown: list[tuple[_Laid, int, int]] = []
        row, line = self._top
        room = self.body_height
        while len(shown) < room and row < self._count:
            laid = self._lay(row)
            shown.extend((laid, number, row) for number in range(line, len(laid.lines)))
            row, line = row + 1, 0
        self._shown = shown[:room]

    def go(self, place: Place) -> None:
        """Scroll to a position and mark the lines that change for a repaint."""
        self._top = self._clamped(place)
        self.show_changes()

    def show_changes(self) -> None:
        """Update the lines on screen and mark those that have changed for a repaint."""
        before = self._shown
        self._fill_shown()
        self._place_thumb()
        head = self.header_lines
        for y in range(max(len(before), len(self._shown))):
            old = before[y] if y < len(before) else None
            new = self._shown[y] if y < len(self._shown) else None
            # A row's layout is replaced when its content changes, so compare by identity.
            if old is None or new is None or old[0] is not new[0] or old[1] != new[1]:
                self._pending.add(head + y)

    def lines_of(self, row: int) -> set[int]:
        """Return the numbers of the view's lines on which a row is shown."""
        return {y for y, (_, _, index) in enumerate(self._shown, self.header_lines) if index == row}

    @property
    def at_end(self) -> bool:
        """Return whether the last line of the last row is on screen."""
        if not self._shown:
            return True
        laid, line, row = self._shown[-1]
        return row == self._count - 1 and line == len(laid.lines) - 1

    def _thumb_lines(self) -> range:
        height = self.body_height
        rows = len({row for _, _, row in self._shown})
        if not rows or (rows >= self._count and self._top == (0, 0) and self.at_end):
            return range(0)
        length = max(1, min(height - 1, round(height * rows / self._count)))
        span = max(1, self._count - rows)
        start = height - length if self.at_end else round(min(1.0, self._top.row / span) * (height - length))
        return range(self.header_lines + start, self.header_lines + start + length)

    # Size and style.

    def restyled(self) -> None:
        """Drop all laid-out rows after a change of width or palette."""
        self._laid.clear()
        self._keys.clear()

    def reshaped(self) -> None:
        """Wrap the notice and update the lines on screen after a change of size."""
        self._fold_notice()
        self._top = self.resting_place()
        self._fill_shown()

    def resting_place(self) -> Place:
        """Return the scroll position to use after the size or the rows have changed."""
        return self._clamped(self._top)

    def _fold_notice(self) -> None:
        self._notice_lines = []
        if self._notice and self._notice[0] and self.size.width > 4:
            room = self.size.width - 3
            self._notice_lines = wrap(visible(self._notice[0]), room, room)[:_MOST_NOTICE_LINES]
        self.header_lines = len(self._notice_lines)

    # Drawing.

    def draw_line(self, y: int) -> Strip:
        """Return line `y`: the notice, a line of a row, the message, or an empty line."""
        if y < self.header_lines:
            return self._notice_line(y)
        if self.no_rows:
            return self.message_line(y)
        number = y - self.header_lines
        if number < len(self._shown):
            strip = self._content(y, *self._shown[number])
        else:
            strip = self.plain_line(y)
        if y == self.size.height - 1 and (badge := self.badge()):
            strip = self._badged(strip, badge)
        return strip

    def badge(self) -> list[Cell]:
        """Return a text to draw over the right end of the last line; here an empty one."""
        return []

    def _badged(self, strip: Strip, badge: Iterable[Cell]) -> Strip:
        segments = self.palette.segments((text, tone, Ground.BASE) for text, tone in badge)
        room = self.size.width
        used_width = sum(width(segment.text) for segment in segments)
        if used_width + 1 > room:
            return strip
        over = Strip(segments, used_width)
        return Strip.join([strip.crop(0, room - 1 - used_width), over, strip.crop(room - 1, room)])

    def _notice_line(self, y: int) -> Strip:
        if not self._notice:
            return self.plain_line(y)
        text, tone = self._notice_lines[y], self._notice[1]
        return self.strip([("  ", tone, Ground.BASE), (text, tone, Ground.BASE)])

    def _content(self, y: int, laid: _Laid, line: int, row: int) -> Strip:
        ground = Ground.BASE
        if row == self._cursor:
            ground = Ground.CURSOR if self.has_focus else Ground.BLURRED
        variant = (line, ground, y in self._thumb)
        strip = laid.strips.get(variant)
        if strip is None:
            strip = laid.strips[variant] = self._draw(y, laid.lines[line], ground)
        return strip

    def _draw(self, y: int, line: TailLine, ground: Ground) -> Strip:
        bar = " " if ground is Ground.BASE else "▌"
        parts: list[Part] = [(bar, Tone.ACCENT if ground is Ground.CURSOR else Tone.DIM, ground)]
        parts.extend(self._parts(line, ground))
        parts.append(self.bar_part(y, ground))
        return self.strip(parts)

    def _parts(self, line: TailLine, ground: Ground) -> list[Part]:
        """Return the styled parts of a line, with another background for search matches."""
        spans = []
        if self._needle is not None:
            spans = [match.span() for match in self._needle.finditer("".join(text for text, _ in line))]
        if not spans:
            return [(text, tone, ground) for text, tone in line]
        parts: list[Part] = []
        at = 0
        for text, tone in line:
            cuts = {0, len(text)}
            for start, end in spans:
                cuts.update(cut - at for cut in (start, end) if 0 < cut - at < len(text))
            for left, right in pairwise(sorted(cuts)):
                inside = any(start <= at + left < end for start, end in spans)
                parts.append((text[left:right], tone, Ground.MATCH if inside else ground))
            at += len(text)
        return parts
