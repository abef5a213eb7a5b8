"""A table drawn by line: any number of rows, one repaint a key, and the cursor stays on its row's key.

Rows come from a `RowSource` that the widget asks only for what is on screen. When rows change, the owner says
so with `refresh_rows`; cursor and scroll position are then found again by key and only lines whose text
really changed are painted. A cursor on the first row that nobody has chosen rests there: rows that would push it out of
sight leave it with what comes first.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from .columns import GAP, Column
from .messages import LineMessage
from .row_drawing import PREFIX, RowSource, RowView
from .styles import Cell


class LineTable(RowView, can_focus=True):
    """A scrolled table of rows by key, with a cursor, a sticky header and columns that drop when narrow."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "cursor(-1)", "Up", show=False, id="move.up"),
        Binding("down,j", "cursor(1)", "Down", show=False, id="move.down"),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False, id="move.page-up"),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False, id="move.page-down"),
        Binding("home,g", "first", "First", show=False, id="move.first"),
        Binding("end,G", "last", "Last", show=False, id="move.last"),
        Binding("enter", "select", "Open", show=False),
    ]

    class RowHighlighted(LineMessage):
        """The cursor is on another row, or the first rows have come."""

        def __init__(self, table: LineTable, key: str, index: int) -> None:
            super().__init__(table)
            self.key = key
            self.index = index

    class RowSelected(LineMessage):
        """A row was opened, by Enter or a double click."""

        def __init__(self, table: LineTable, key: str) -> None:
            super().__init__(table)
            self.key = key

    class NearEnd(LineMessage):
        """The view has come within two pages of the last row; said once for each number of rows."""

        def __init__(self, table: LineTable, rows: int) -> None:
            super().__init__(table)
            self.rows = rows

    class HeaderSelected(LineMessage):
        """A column's title was clicked."""

        def __init__(self, table: LineTable, column: str) -> None:
            super().__init__(table)
            self.column = column

    _resting = True
    """Whether the cursor is on its row only because the row was the first."""

    # What the owner says.

    def set_source(self, source: RowSource) -> None:
        """Show these rows; the cursor stays on its key when the new rows have it, else goes to the first."""
        self._source = source
        self._rows.clear()
        self._flashes.clear()
        self._near_end_said = -1
        if self._cursor_key is None or source.index_of(self._cursor_key) is None:
            self._cursor, self._shown, self._resting = 0, [], True
            self.jump(0)
        self._sync(len(source))
        self.paint()

    def refresh_rows(self, keys: Iterable[str] | None = None, *, reordered: bool = False) -> None:
        """Take in changes: of these rows (of any row without `keys`), and of their order when `reordered`.

        A different number of rows counts as reordered. Nothing is painted that looks as before.
        """
        source = self._source
        if source is None:
            return
        changed: set[str] = set()
        if keys is None:
            self._generation += 1
            changed.update(self._shown)
        else:
            for key in keys:
                if (row := self._rows.get(key)) is not None:
                    row.generation = -1
                if key in self._where:
                    changed.add(key)
        if source.stale != self._stale:
            self._stale = source.stale
            for row in self._rows.values():
                row.strips.clear()
            self.paint()
        if keys is None or reordered or len(source) != self.line_count:
            self._sync(len(source))
        lines = {self._where[key] for key in changed if key in self._where and self._look(key)}
        if lines:
            self.paint(lines)

    # The cursor.

    @property
    def cursor_key(self) -> str | None:
        """The key of the row under the cursor, None when there are no rows."""
        return self._cursor_key

    @property
    def visible_keys(self) -> tuple[str, ...]:
        """The keys of the rows on screen, from the top."""
        return tuple(self._shown)

    def move_cursor_to(self, key: str) -> bool:
        """Put the cursor on a row and bring it into view; False when there is no such row."""
        index = self._source.index_of(key) if self._source else None
        if index is None:
            return False
        self._move(index)
        return True

    def action_cursor(self, by: int) -> None:
        """Move the cursor by rows."""
        self._move(self._cursor + by)

    def action_page(self, by: int) -> None:
        """Move cursor and view by pages."""
        rows = by * max(1, self.body_height - 1)
        self._move(self._cursor + rows, self.top + rows)

    def action_first(self) -> None:
        """To the first row."""
        self._move(0)

    def action_last(self) -> None:
        """To the last row."""
        self._move(self.line_count - 1)

    def action_select(self) -> None:
        """Open the row under the cursor."""
        if self._cursor_key is not None:
            self._resting = False
            self.post_message(self.RowSelected(self, self._cursor_key))

    def _move(self, index: int, top: int | None = None) -> None:
        source, count = self._source, self.line_count
        if source is None or not count or not len(source):
            return
        index = max(0, min(index, count - 1, len(source) - 1))
        before, moved = self._cursor, index != self._cursor
        self._cursor, self._cursor_key, self._resting = index, source.key_at(index), index == 0
        top = self.top if top is None else max(0, min(top, count - self.body_height))
        first = self._top_showing(index, top)
        if first != self.top:
            self.jump(first)
        elif moved:
            self.paint((self._line_of(before), self._line_of(index)))
        if moved:
            self.tell(self.RowHighlighted(self, self._cursor_key, index))

    def _top_showing(self, index: int, top: int) -> int:
        """The scroll position nearest to `top` at which row `index` is on screen."""
        return max(0, min(index, max(top, index - self.body_height + 1)))

    def _line_of(self, index: int) -> int:
        return index - self.top + self.header_lines

    # Keeping what is on screen in step with the source.

    def _sync(self, count: int) -> None:
        """Find cursor and scroll position again by key, and paint only lines that hold another row now."""
        source = self._source
        if source is None:
            return
        was_shown, was_key, was_line = self._shown, self._cursor_key, self._line_of(self._cursor)
        in_view = self.header_lines <= was_line < self.size.height
        index = source.index_of(was_key) if was_key is not None else None
        self._cursor = max(0, min(self._cursor, count - 1)) if index is None else index
        self._cursor_key = source.key_at(self._cursor) if count else None
        top = self._anchored_top() if self.top else 0
        if self._rests_below(top):
            self._cursor, self._cursor_key = 0, source.key_at(0)
        emptied = bool(self.line_count) != bool(count)
        self.set_line_count(count)
        top = max(0, min(top, count - self.body_height))
        self.quiet_jump(self._top_showing(self._cursor, top) if in_view else top)
        self._compose_shown()
        lines = {
            line
            for line in range(max(len(was_shown), len(self._shown)))
            if was_shown[line : line + 1] != self._shown[line : line + 1]
        }
        lines = {line + self.header_lines for line in lines}
        now_line = self._line_of(self._cursor)
        if now_line != was_line or was_key != self._cursor_key:
            lines |= {was_line, now_line}
        self.paint(None if emptied else lines)
        if self._cursor_key is not None and self._cursor_key != was_key:
            self.post_message(self.RowHighlighted(self, self._cursor_key, self._cursor))
        self._say_near_end()

    def _rests_below(self, top: int) -> bool:
        """Whether the cursor is out of sight on a row that nobody has chosen, while the view is at the top.

        Who opens a list and looks on wants to see what comes first.
        """
        return self._resting and not top and self._cursor >= self.body_height > 0

    def _anchored_top(self) -> int:
        """Where to scroll so that the first row on screen that still exists stays on its line."""
        source = self._source
        for offset, key in enumerate(self._shown):
            index = source.index_of(key) if source else None
            if index is not None:
                return index - offset
        return self.top

    def scrolled(self) -> None:
        """Other rows are on screen."""
        self._compose_shown()
        self._say_near_end()

    def _say_near_end(self) -> None:
        # Nobody who stays at the top of a list that fills the screen asks for more of it.
        count, ahead = self.line_count, 3 if self.top else 1
        if count and count != self._near_end_said and self.top + ahead * self.body_height >= count:
            self._near_end_said = count
            self.post_message(self.NearEnd(self, count))

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        if self._rests_below(self.top):
            self.action_first()
        self.jump(self._top_showing(self._cursor, min(self.top, max(0, self.line_count - self.body_height))))

    def on_focus(self) -> None:
        """The cursor line is bright."""
        self.paint((self._line_of(self._cursor),))

    def on_blur(self) -> None:
        """The cursor line is quiet."""
        self.paint((self._line_of(self._cursor),))

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the row, open it on a double click, report a click on a title."""
        if event.x >= self.size.width - 1:
            return
        if event.y < self.header_lines:
            self._click_header(event.x)
            return
        index = self.top + event.y - self.header_lines
        if index < self.line_count:
            self._move(index)
            if event.chain == 2:
                self.action_select()

    def _click_header(self, x: int) -> None:
        start = PREFIX
        for slot in self.arranged():
            if start <= x < start + slot.width + GAP:
                self.post_message(self.HeaderSelected(self, self._columns[slot.place].key))
                return
            start += slot.width + GAP


__all__ = ["Cell", "Column", "LineTable", "RowSource"]
