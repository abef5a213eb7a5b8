"""A live list of events or log lines that can keep showing its end as rows arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.reactive import reactive

from .messages import LineMessage
from .styles import Cell, Tone
from .tail_drawing import Place, TailView
from .tail_rows import TailRow, TailSource
from .tail_search import MatchList


class LineTail(TailView, can_focus=True):
    """A list that grows at its end, with a cursor, follow mode, wrapping and search.

    In follow mode the view stays at the end when rows are added.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "cursor(-1)", "Up", show=False, id="move.up"),
        Binding("down", "cursor(1)", "Down", show=False, id="move.down"),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False, id="move.page-up"),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False, id="move.page-down"),
        Binding("home", "first", "First", show=False, id="move.first"),
        Binding("end,G", "follow(True)", "Last", show=False, id="move.last"),
        Binding("enter", "select", "Open", show=False),
    ]

    follow: reactive[bool] = reactive(True, repaint=False)
    """Whether the view stays at the end when rows are added."""

    class FollowChanged(LineMessage):
        """Sent when follow mode has started or stopped."""

        def __init__(self, tail: LineTail, following: bool) -> None:
            super().__init__(tail)
            self.following = following

    class CursorMoved(LineMessage):
        """Sent when the user has moved the cursor."""

    class RowSelected(LineMessage):
        """Sent when a row was opened by Enter or a double click."""

        def __init__(self, tail: LineTail, key: str) -> None:
            super().__init__(tail)
            self.key = key

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        # The key that turns follow mode on and its title, shown beside the number of new rows.
        self.follow_key_hint = ("", "")
        self._unseen = 0
        self._arrived = 0
        self._matches = MatchList()

    # Calls by the owner.

    def set_source(self, source: TailSource) -> None:
        """Show the rows of a source, turn follow mode on and scroll to the end."""
        self._source = source
        self.restyled()
        self._arrived = self._unseen = 0
        self._cursor_key = None
        self._set_count(len(source))
        self._matches.restart()
        self.follow = True
        self._to_end()
        self.paint()

    def appended(self, rows: int = 1) -> None:
        """Show the last `rows` rows, which were added to the end of the source.

        Call it once for rows that arrive together.
        """
        self._arrived += rows
        self._settle_and_paint()

    def refresh_rows(self, keys: Iterable[str] | None = None) -> None:
        """Draw the changes of the rows with these keys, or of all rows if `keys` is None.

        If rows have been inserted or removed, `keys` must be None.
        """
        source = self._source
        if source is None:
            return
        if keys is None:
            anchor = self._shown[0] if self._shown else None
            self._generation += 1
            self._keys.clear()
            self._arrived = 0
            self._count_unseen(len(source) - self._count)
            self._set_count(len(source))
            self._matches.restart()
            self._find_again(source, anchor[0].key if anchor else None, anchor[1] if anchor else 0)
        else:
            keys = set(keys)
            for key in keys:
                self._laid.pop(key, None)
            self._matches.changed(source, keys)
            self.go(self.resting_place())
        if self._pending:
            self._settle_and_paint()

    def set_notice(self, notice: str | Cell | None) -> None:
        """Show a notice above the rows, or hide it if `notice` is None.

        A notice states, for example, where the history ends.
        """
        fresh = (notice, Tone.WARN) if isinstance(notice, str) else notice
        if fresh == self._notice:
            return
        self._notice = fresh
        if self.is_mounted and self.size:
            self._fold_notice()
            self.go(self.resting_place())
            self.paint()

    # Growing.

    @property
    def unseen(self) -> int:
        """Return the number of rows that were added since follow mode stopped."""
        return self._unseen + (0 if self.follow else self._arrived)

    def _settle_and_paint(self) -> None:
        if self.is_mounted:
            self.settle()
            self.paint(())

    def settle(self) -> None:
        """Show the rows that were reported to `appended` and are not shown yet."""
        if not self._arrived:
            return
        arrived, self._arrived = self._arrived, 0
        self._set_count(self._count + arrived)
        self._count_unseen(arrived)
        if self.follow:
            self._to_end()
        else:
            self.show_changes()
            self._pending.add(self.size.height - 1)

    def _count_unseen(self, more: int) -> None:
        self._unseen = 0 if self.follow else max(0, self._unseen + more)

    def _set_count(self, count: int) -> None:
        emptied = bool(count) != bool(self._count)
        self._count = count
        self.set_line_count(count)
        if emptied:
            self._pending.update(range(self.size.height))

    def _to_end(self) -> None:
        self._point(self._count - 1)
        self.go(self._end_top())

    def _find_again(self, source: TailSource, anchor: str | None, line: int) -> None:
        """Restore the cursor and the scroll position after rows were inserted or removed.

        `anchor` is the key of the row at the top of the screen and `line` the first of its lines on
        screen.
        """
        if self.follow:
            self._to_end()
            return
        index = source.index_of(self._cursor_key) if self._cursor_key is not None else None
        self._point(self._cursor if index is None else index)
        top = source.index_of(anchor) if anchor is not None else None
        self.go(self._top if top is None else Place(top, line))

    def badge(self) -> list[Cell]:
        """Return the text with the number of new rows; empty in follow mode."""
        if self.follow or not self.unseen:
            return []
        follow_hint = "".join(f" {word}" for word in self.follow_key_hint if word)
        return [(f"  +{self.unseen} new ", Tone.ACCENT), (f"{follow_hint} " if follow_hint else "", Tone.DIM)]

    # Following.

    def watch_follow(self, following: bool) -> None:
        """Send `FollowChanged`, and scroll to the end if follow mode has started.

        Textual calls this when `follow` has changed.
        """
        self._unseen = 0
        if self.is_mounted:
            if following:
                self.settle()
                self._to_end()
            self._pending.add(self.size.height - 1)
            self.paint(())
            self.post_before_repaint(self.FollowChanged(self, following))

    def action_follow(self, following: bool) -> None:
        """Turn follow mode on and scroll to the end, or turn it off."""
        self.follow = following
        if following:
            self._to_end()
            self.paint(())

    def _look_back(self) -> None:
        """Stop follow mode; called when the user moves away from the end."""
        self.settle()
        self.follow = False

    # Layout.

    @property
    def wrap(self) -> bool:
        """Return whether long messages are wrapped; if not, they are cut."""
        return self._wrap

    @property
    def times(self) -> bool:
        """Return whether each row begins with its time."""
        return self._times

    def toggle_wrap(self) -> None:
        """Switch between wrapping and cutting long messages."""
        self._wrap = not self._wrap
        self._reshape()

    def toggle_times(self) -> None:
        """Switch between showing and hiding the times of rows."""
        self._times = not self._times
        self._reshape()

    def _reshape(self) -> None:
        self.settle()
        self.restyled()
        if self.follow:
            self._to_end()
        else:
            self.go(Place(self._top.row, 0))
        self.paint()

    # Searching.

    def set_highlight(self, term: str | None) -> None:
        """Search for a term, ignoring case, and highlight it in the rows.

        None or an empty term ends the search.
        """
        self._needle = self._matches.seek(term)
        for laid in self._laid.values():
            laid.strips.clear()
        self.paint()

    def next_match(self) -> tuple[int, int]:
        """Move the cursor to the next matching row; after the last, to the first.

        Returns the number of the match and the number of all matches, or (0, 0) if no row matches.
        """
        return self._go_to_match(lambda: self._matches.after(self._cursor))

    def prev_match(self) -> tuple[int, int]:
        """Move the cursor to the previous matching row; before the first, to the last.

        Returns the number of the match and the number of all matches, or (0, 0) if no row matches.
        """
        return self._go_to_match(lambda: self._matches.before(self._cursor))

    def match_from(self, key: str | None) -> tuple[int, int]:
        """Move the cursor to the first match at or after the row with a key.

        If there is no row with that key, the search starts at the cursor. Returns the number of the match
        and the number of all matches, or (0, 0) if no row matches. A search box calls this for each typed
        letter, always with the key of the row where the search was opened.
        """
        at = self._source.index_of(key) if self._source is not None and key is not None else None
        start = self._cursor if at is None else at
        return self._go_to_match(lambda: self._matches.after(start - 1))

    def _go_to_match(self, which: Callable[[], int]) -> tuple[int, int]:
        if self._needle is None or self._source is None:
            return 0, 0
        self._look_back()
        rows = self._matches.find(self._source, min(self._count, len(self._source)))
        if not rows:
            return 0, 0
        at = which()
        self._move(rows[at])
        return at + 1, len(rows)

    def resting_place(self) -> Place:
        """Return the scroll position of the end in follow mode, else the current position."""
        return self._end_top() if self.follow else super().resting_place()

    # Cursor and scrolling.

    @property
    def cursor_key(self) -> str | None:
        """Return the key of the row under the cursor, or None if there are no rows."""
        return self._cursor_key

    def _point(self, row: int) -> None:
        """Put the cursor on a row without scrolling."""
        before, had = self._cursor, self._cursor_key
        row = max(0, min(row, self._count - 1))
        self._cursor = row
        self._cursor_key = self._lay(row).key if self._count else None
        if before != row or had != self._cursor_key:
            self._pending |= self.lines_of(before)
        self._pending |= self.lines_of(row)

    def move_cursor_to(self, key: str) -> bool:
        """Move the cursor to a row and scroll to it; return whether the row exists.

        Follow mode stops.
        """
        index = self._source.index_of(key) if self._source else None
        if index is None:
            return False
        self._look_back()
        self._move(index)
        return True

    def _move(self, row: int) -> None:
        """Move the cursor to a row and scroll so that the row is on screen."""
        if not self._count:
            return
        self._point(row)
        self.go(self.top_with_cursor())
        self._pending |= self.lines_of(self._cursor)
        self._seen()
        self.paint(())
        self.post_message(self.CursorMoved(self))

    def reshaped(self) -> None:
        """Lay out the rows again after a change of size.

        If the cursor was on screen, it stays on screen.
        """
        had_cursor = bool(self.lines_of(self._cursor))
        super().reshaped()
        if had_cursor and not self.follow and self._count:
            self._top = self._clamped(self.top_with_cursor())
            self._fill_shown()

    def _seen(self) -> None:
        if self._unseen and self.at_end:
            self._unseen = 0
            self._pending.add(self.size.height - 1)

    def action_cursor(self, by: int) -> None:
        """Move the cursor by a number of rows; moving up stops follow mode."""
        if by < 0:
            self._look_back()
        else:
            self.settle()
        self._move(self._cursor + by)

    def action_page(self, by: int) -> None:
        """Move the view and the cursor by a number of pages; moving up stops follow mode."""
        if not self._count:
            return
        self._scroll(by * max(1, self.body_height - 1))
        first, last = self._shown[0][2], self._shown[-1][2]
        if by < 0:
            self._move(first if self._top != (0, 0) else 0)
        else:
            self._move(last)

    def action_first(self) -> None:
        """Stop follow mode and move the cursor to the first row."""
        self._look_back()
        self._move(0)

    def wheel(self, lines: int) -> None:
        """Scroll by a number of lines; scrolling up stops follow mode."""
        self._scroll(lines)
        self.paint(())

    def _scroll(self, lines: int) -> None:
        if not self._count:
            return
        if lines < 0:
            if self._top == (0, 0):
                return
            self._look_back()
            self.go(self._back(self._top, -lines))
        else:
            self.settle()
            self.go(self._forward(self._top, lines))
        self._seen()

    def jump_to_share(self, share: float) -> None:
        """Scroll to a fraction of the content: 0 is the beginning, 1 the end."""
        self.jump(round(share * self._count))

    def jump(self, top: int) -> None:
        """Scroll so that a row is the first one on screen; scrolling up stops follow mode."""
        self.settle()
        if top < self._top.row:
            self._look_back()
        self.go(Place(max(0, top), 0))
        self._seen()
        self.paint(())

    def action_select(self) -> None:
        """Open the row under the cursor."""
        if self._cursor_key is not None:
            self.post_message(self.RowSelected(self, self._cursor_key))

    def on_focus(self) -> None:
        """Draw the cursor line bright."""
        self.paint()

    def on_blur(self) -> None:
        """Draw the cursor line dim."""
        self.paint()

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the clicked row; on a double click also open the row."""
        number = event.y - self.header_lines
        if event.x >= self.size.width - 1 or not 0 <= number < len(self._shown):
            return
        row = self._shown[number][2]
        if row < self._count - 1:
            self._look_back()
        self._move(row)
        if event.chain == 2:
            self.action_select()


__all__ = ["Cell", "LineTail", "TailRow", "TailSource"]
