"""Base class of the line table; it draws the header and the rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from time import monotonic
from typing import Final, Protocol

from textual.strip import Strip

from .columns import GAP, Column, Slot, arrange
from .line_view import LineView
from .styles import Cell, Ground, Part, Tone
from .text import cut_end, fit, width

FLASH_SECONDS: Final = 0.5
PREFIX: Final = 2
"""The width of what precedes the first column: the cursor bar and the mark."""

_CACHED_ROWS: Final = 2048
_GAP: Final = " " * GAP


class RowSource(Protocol):
    """The rows of a table; each row has a unique key."""

    def __len__(self) -> int:
        """Return the number of rows."""
        ...

    def key_at(self, index: int) -> str:
        """Return the key of the row at `index`."""
        ...

    def index_of(self, key: str) -> int | None:
        """Return the index of the row with a key, or None if the row is not shown."""
        ...

    def cells(self, key: str) -> Sequence[Cell]:
        """Return the cells of the row with a key: one for each column, in column order."""
        ...

    def mark(self, key: str, /) -> bool:
        """Return whether the row with a key is marked for an action on several rows."""
        ...

    @property
    def stale(self) -> bool:
        """Return whether all rows are stale, so that they are drawn dim."""
        ...


class _Row:
    """The cached content and strips of a row as it was last drawn."""

    __slots__ = ("cells", "generation", "marked", "strips")

    def __init__(self) -> None:
        self.cells: tuple[Cell, ...] = ()
        self.marked = False
        self.generation = -1
        self.strips: dict[tuple[Ground, bool], Strip] = {}


class RowView(LineView):
    """Draws the rows of a source as lines under a header, with a cursor.

    The subclass `LineTable` moves the cursor.
    """

    header_lines = 1

    def __init__(
        self,
        columns: Sequence[Column] = (),
        *,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._columns: tuple[Column, ...] = tuple(columns)
        self._without: frozenset[str] = frozenset()
        self._contents: tuple[int, ...] | None = None
        self._order: tuple[str, ...] | None = None
        self._slots: list[Slot] | None = None
        self._source: RowSource | None = None
        self._rows: dict[str, _Row] = {}
        self._generation = 0
        self._shown: list[str] = []
        self._line_by_key: dict[str, int] = {}
        self._cursor = 0
        self._cursor_key: str | None = None
        self._stale = False
        self._sort: tuple[str, bool] | None = None
        self._flashes: dict[str, tuple[frozenset[str], float]] = {}
        self._near_end_said = -1

    # Calls by the owner.

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Set the columns; the source returns its cells in the same order."""
        self._columns = tuple(columns)
        self.restyled()
        self.paint()

    def leave_out(self, keys: frozenset[str]) -> None:
        """Hide the columns with these keys, whatever the width of the table.

        The source still returns cells for them.
        """
        if keys != self._without:
            self._without = keys
            self.restyled()
            self.paint()

    def set_order(self, keys: tuple[str, ...] | None) -> None:
        """Show only the columns with these keys, in their order; None shows all columns.

        The source still returns cells for all columns, in the order of `set_columns`.
        """
        if keys != self._order:
            self._order = keys
            self.restyled()
            self.paint()

    def set_contents(self, widths: tuple[int, ...] | None) -> None:
        """Fit the columns to the widths of their contents; hide those whose width is 0.

        While no row is known, `widths` is None and each column has its declared width.
        """
        if widths != self._contents:
            self._contents = widths
            self.restyled()
            self.paint()

    def set_sort(self, key: str | None, descending: bool = False) -> None:
        """Mark a column in the header as the sort column.

        The order of the rows does not change: the source sorts them.
        """
        self._sort = None if key is None else (key, descending)
        self.paint((0,))

    def flash(self, key: str, column_keys: Iterable[str]) -> None:
        """Highlight the cells of a row in the given columns for half a second.

        Does nothing if reduced motion is on.
        """
        if self.reduced_motion or key not in self._line_by_key:
            return
        if not self._flashes:
            self.set_timer(FLASH_SECONDS, self._end_flashes, name="end of flashes")
        earlier = self._flashes.get(key, (frozenset[str](), 0.0))[0]
        self._flashes[key] = (earlier.union(column_keys), monotonic() + FLASH_SECONDS)
        self.paint((self._line_by_key[key],))

    def _end_flashes(self) -> None:
        now = monotonic() + 0.02
        over = [key for key, (_, until) in self._flashes.items() if until <= now]
        for key in over:
            del self._flashes[key]
        self.paint({self._line_by_key[key] for key in over if key in self._line_by_key})
        if self._flashes:
            next_end = min(until for _, until in self._flashes.values())
            self.set_timer(next_end - now, self._end_flashes, name="end of flashes")

    # Rows on screen.

    def _compose_shown(self) -> None:
        source, top = self._source, self.top
        last = min(top + self.body_height, len(source)) if source else 0
        self._shown = [source.key_at(index) for index in range(top, last)] if source else []
        self._line_by_key = {key: line for line, key in enumerate(self._shown, self.header_lines)}

    def reshaped(self) -> None:
        """Determine which rows are on screen after a change of size."""
        self._compose_shown()

    def restyled(self) -> None:
        """Drop the cached rows after a change of colours or width."""
        self._rows.clear()
        self._slots = None

    # Drawing.

    def arranged(self) -> list[Slot]:
        """Return the columns that are shown at this width, with their widths."""
        if self._slots is None:
            room = self.size.width - PREFIX - 1
            self._slots = arrange(self._columns, room, self._without, self._contents, self._order)
        return self._slots

    def shown_columns(self) -> list[str]:
        """Return the keys of the columns that are shown, from the left."""
        return [self._columns[slot.place].key for slot in self.arranged()]

    def draw_line(self, y: int) -> Strip:
        """Return line `y`: the header, a row, a line of the message, or an empty line."""
        if y < self.header_lines:
            return self._header()
        line = y - self.header_lines
        if line < len(self._shown):
            return self._row_strip(self._shown[line], y)
        if self._shown or self.line_count:
            return self.plain_line(y)
        return self.message_line(y)

    def _header(self) -> Strip:
        parts: list[Part] = [(" " * PREFIX, Tone.DIM, Ground.BASE)]
        for number, slot in enumerate(self.arranged()):
            column = self._columns[slot.place]
            title = column.title
            by_this = self._sort is not None and self._sort[0] == column.key
            if by_this:
                arrow = self._arrow()
                right = column.align == "right"
                title = arrow + title if right else cut_end(title, slot.width - 1, "") + arrow
            # If the title fills its column, its sort arrow is in the gap.
            gap = GAP if number else 0
            over = min(max(0, width(title) - slot.width), gap)
            shown = " " * (gap - over) + fit(title, slot.width + over, column.align, "end", "")
            parts.append((shown, Tone.STRONG if by_this else Tone.DIM, Ground.BASE))
        return self.strip(parts)

    def _arrow(self) -> str:
        descending = self._sort is not None and self._sort[1]
        return "▾" if descending else "▴"

    def _refresh_row(self, key: str) -> bool:
        """Update the cached row with a key; return whether its look has changed."""
        row = self._rows.get(key)
        if row is None:
            if len(self._rows) >= _CACHED_ROWS:
                self._rows = {shown: self._rows[shown] for shown in self._shown if shown in self._rows}
            row = self._rows[key] = _Row()
        elif row.generation == self._generation:
            return False
        row.generation = self._generation
        source = self._source
        if source is None:
            return False
        cells, marked = tuple(source.cells(key)), source.mark(key)
        if cells == row.cells and marked == row.marked:
            return False
        row.cells, row.marked = cells, marked
        row.strips.clear()
        return True

    def _row_strip(self, key: str, y: int) -> Strip:
        self._refresh_row(key)
        row = self._rows[key]
        ground = Ground.BASE
        if y == self._cursor - self.top + self.header_lines:
            ground = Ground.CURSOR if self.has_focus else Ground.BLURRED
        if key in self._flashes:
            return self._draw_row(row, ground, y, self._flashes[key][0])
        variant = (ground, y in self._thumb)
        strip = row.strips.get(variant)
        if strip is None:
            strip = row.strips[variant] = self._draw_row(row, ground, y, frozenset())
        return strip

    def _draw_row(self, row: _Row, ground: Ground, y: int, flashing: frozenset[str]) -> Strip:
        stale, cells = self._stale, row.cells
        at_cursor = ground is not Ground.BASE
        bar, mark = "▌" if at_cursor else " ", "•" if row.marked else " "
        parts: list[Part] = [
            (bar, Tone.ACCENT if ground is Ground.CURSOR else Tone.DIM, ground),
            (mark, Tone.ACCENT, ground),
        ]
        used = PREFIX
        for place, cells_wide in self.arranged():
            column = self._columns[place]
            text, tone = cells[place] if place < len(cells) else ("", Tone.PLAIN)
            if used > PREFIX:
                parts.append((_GAP, Tone.PLAIN, ground))
                used += GAP
            behind = Ground.FLASH if column.key in flashing else ground
            shown = fit(text, cells_wide, column.align, column.cut)
            parts.append((shown, Tone.DIM if stale else tone, behind))
            used += cells_wide
        left = self._frame_width - 1 - used
        parts.append((" " * left, Tone.PLAIN, ground))
        parts.append(self.bar_part(y, ground))
        # Every piece was fitted to its cells, so there is nothing to measure.
        return Strip(self.palette.segments(parts), self._frame_width) if left >= 0 else self.strip(parts)
