"""A scrollable table that is drawn line by line, for any number of rows.

The widget asks a `RowSource` only for the rows on screen. The owner calls `refresh_rows` when
rows have changed; the table then finds the cursor and the scroll position by the rows' keys,
and paints only the lines that look different. A cursor on the first row stays on the first
row until the user moves it or opens the row: if new rows push it off the screen, it moves to
the new first row.
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
    """A scrollable table with a cursor and a header that does not scroll.

    In a narrow table some columns are left out.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "cursor(-1)", "Up", show=False, id="move.up"),
        Binding("down,j", "cursor(1)", "Down", show=False, id="move.down"),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False, id="move.page-up"),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False, id="move.page-down"),
        Binding("home", "first", "First", show=False, id="move.first"),
        Binding("end,G", "last", "Last", show=False, id="move.last"),
        Binding("enter", "select", "Open", show=False),
    ]

    class RowHighlighted(LineMessage):
        """Sent when the cursor has moved to another row or the first rows have arrived."""

        def __init__(self, table: LineTable, key: str, index: int) -> None:
            super().__init__(table)
            self.key = key
            self.index = index

    class RowSelected(LineMessage):
        """Sent when a row was opened by Enter or a double click."""

        def __init__(self, table: LineTable, key: str) -> None:
            super().__init__(table)
            self.key = key

    class NearEnd(LineMessage):
        """Sent when the last row is on screen or at most two pages below the screen.

        It is sent only once as long as the number of rows is the same. While the table is not scrolled, it
        is sent only if the last row is on screen.
        """

        def __init__(self, table: LineTable, rows: int) -> None:
            super().__init__(table)
            self.rows = rows

    class HeaderSelected(LineMessage):
        """Sent when a column's title was clicked."""

        def __init__(self, table: LineTable, column: str) -> None:
            super().__init__(table)
            self.column = column

    _resting = True
    """Whether the cursor is on the first row because the user has not moved it."""

    # Calls by the owner.

    def set_source(self, source: RowSource) -> None:
        """Show the rows of a source.

        If the row under the cursor exists in the new source, the cursor stays on it; otherwise the
        cursor moves to the first row.
        """
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
        """Repaint the rows with the given keys, or all rows if `keys` is None.

        Set `reordered` if the order of the rows has changed. A change in the number of rows has the same
        effect. Only lines that look different are painted.
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
                if key in self._line_by_key:
                    changed.add(key)
        if source.stale != self._stale:
            self._stale = source.stale
            for row in self._rows.values():
                row.strips.clear()
            self.paint()
        if keys is None or reordered or len(source) != self.line_count:
            self._sync(len(source))
        lines = {
            self._line_by_key[key] for key in changed if key in self._line_by_key and self._refresh_row(key)
        }
        if lines:
            self.paint(lines)

    # The cursor.

    @property
    def cursor_key(self) -> str | None:
        """Return the key of the row under the cursor, or None if there are no rows."""
        return self._cursor_key

    @property
    def visible_keys(self) -> tuple[str, ...]:
        """Return the keys of the rows on screen, from the top."""
        return tuple(self._shown)

    def move_cursor_to(self, key: str) -> bool:
        """Move the cursor to a row and scroll to it; return whether the row exists."""
        index = self._source.index_of(key) if self._source else None
        if index is None:
            return False
        self._move(index)
        return True

    def action_cursor(self, by: int) -> None:
        """Move the cursor by a number of rows; a negative number moves it up."""
        self._move(self._cursor + by)

    def action_page(self, by: int) -> None:
        """Move the cursor and the view by a number of pages; up if it is negative."""
        rows = by * max(1, self.body_height - 1)
        self._move(self._cursor + rows, self.top + rows)

    def action_first(self) -> None:
        """Move the cursor to the first row."""
        self._move(0)

    def action_last(self) -> None:
        """Move the cursor to the last row."""
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
            self.post_before_repaint(self.RowHighlighted(self, self._cursor_key, index))

    def _top_showing(self, index: int, top: int) -> int:
        """Return the scroll position nearest to `top` that shows row `index`."""
        return max(0, min(index, max(top, index - self.body_height + 1)))

    def _line_of(self, index: int) -> int:
        return index - self.top + self.header_lines

    # Keeping the screen in step with the source.

    def _sync(self, count: int) -> None:
        """Update the table after the source's rows or their order have changed.

        Cursor and scroll position are found by the rows' keys, and only changed lines are painted.
        """
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
        """Return whether new rows have pushed a cursor on the first row off the screen.

        True only if the user has not moved the cursor and `top`, the scroll position, is 0: the user then
        wants to see the first rows.
        """
        return self._resting and not top and self._cursor >= self.body_height > 0

    def _anchored_top(self) -> int:
        """Return the scroll position at which the rows on screen stay on their lines.

        It is computed from the first row on screen that still exists.
        """
        source = self._source
        for offset, key in enumerate(self._shown):
            index = source.index_of(key) if source else None
            if index is not None:
                return index - offset
        return self.top

    def scrolled(self) -> None:
        """Determine which rows are on screen after the view has scrolled."""
        self._compose_shown()
        self._say_near_end()

    def _say_near_end(self) -> None:
        # Do not ask for more rows while the view is at the top of a list that fills the screen.
        count, ahead = self.line_count, 3 if self.top else 1
        if count and count != self._near_end_said and self.top + ahead * self.body_height >= count:
            self._near_end_said = count
            self.post_message(self.NearEnd(self, count))

    def on_resize(self) -> None:
        """Keep the cursor on screen after a change of size."""
        if self._rests_below(self.top):
            self.action_first()
        self.jump(self._top_showing(self._cursor, min(self.top, max(0, self.line_count - self.body_height))))

    def on_focus(self) -> None:
        """Draw the cursor line bright."""
        self.paint((self._line_of(self._cursor),))

    def on_blur(self) -> None:
        """Draw the cursor line dim."""
        self.paint((self._line_of(self._cursor),))

    def on_click(self, event: events.Click) -> None:
        """Handle a click on a row or a column title.

        A click moves the cursor to the row, a double click opens the row, and a click on a title
        sends `HeaderSelected`.
        """
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
