"""The simplest line-drawn Textual views, to compare our widgets with."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

PLAIN = Style.parse("#d0d0d0 on #101010")
CURSOR = Style.parse("#ffffff on #203040")


class FloorView(ScrollView, can_focus=True):
    """Lines of text by number with a cursor, strips cached by line, nothing else."""

    DEFAULT_CSS = "FloorView { scrollbar-size-vertical: 0; overflow-y: scroll; overflow-x: hidden; }"
    BINDINGS = [
        Binding("down", "move(1)", show=False),
        Binding("up", "move(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("end", "last", show=False),
    ]

    def __init__(self, lines: list[str], *, follow: bool = False) -> None:
        super().__init__()
        self.lines = lines
        self.cursor = len(lines) - 1 if follow else 0
        self.follow = follow
        self._strips: dict[tuple[int, bool], Strip] = {}

    def on_mount(self) -> None:
        """Say how many lines there are."""
        self.virtual_size = Size(0, len(self.lines))
        if self.follow:
            self.call_after_refresh(self.scroll_end, animate=False)

    def render_line(self, y: int) -> Strip:
        """A cached strip."""
        number = self.scroll_offset.y + y
        if number >= len(self.lines):
            return Strip.blank(self.size.width, PLAIN)
        at_cursor = number == self.cursor
        strip = self._strips.get((number, at_cursor))
        if strip is None:
            style = CURSOR if at_cursor else PLAIN
            text = ("▌ " if at_cursor else "  ") + self.lines[number]
            width = self.size.width
            strip = self._strips[number, at_cursor] = Strip(
                [Segment(text[:width].ljust(width), style)], width
            )
        return strip

    def changed(self, numbers: set[int]) -> None:
        """Repaint changed lines that are on screen."""
        for number in numbers:
            self._strips.pop((number, False), None)
            self._strips.pop((number, True), None)
        top, height = self.scroll_offset.y, self.size.height
        for number in numbers:
            if top <= number < top + height:
                self.refresh_line(number)

    def grown(self) -> None:
        """Take in new lines."""
        self.virtual_size = Size(0, len(self.lines))
        if self.follow:
            self.cursor = len(self.lines) - 1
            self.scroll_to(y=self.max_scroll_y, animate=False)

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        before, self.cursor = self.cursor, max(0, min(self.cursor + by, len(self.lines) - 1))
        top, height = self.scroll_offset.y, self.size.height
        if not top <= self.cursor < top + height:
            self.scroll_to(y=self.cursor if self.cursor < top else self.cursor - height + 1, animate=False)
        else:
            self.refresh_line(before)
            self.refresh_line(self.cursor)

    def action_page(self, by: int) -> None:
        """Move by a page."""
        self.follow = False
        rows = by * (self.size.height - 1)
        self.cursor = max(0, min(self.cursor + rows, len(self.lines) - 1))
        self.scroll_to(y=self.scroll_offset.y + rows, animate=False)

    def action_last(self) -> None:
        """Follow."""
        self.follow = True
        self.grown()
