"""Base class of the widgets that draw their own lines.

A line view caches the finished strips of the lines on screen and draws again only those lines that
are marked as changed, so that the cost of a repaint depends on the changes and not on the number
of rows. Nothing is animated and nothing causes a layout: the scroll bar is the last cell of each
line.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from functools import lru_cache
from typing import Final

from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from .styles import Cell, Ground, Palette, Part, Tone
from .text import cut_end, visible, width, wrap

WHEEL_LINES: Final = 3


@lru_cache(maxsize=8)
def _broken(message: tuple[Cell, ...], room: int) -> list[Cell]:
    """Return the lines of an empty view's message, wrapped to `room` cells.

    Drawing any one line needs all of them, so the result is cached.
    """
    return [(part.rstrip(), tone) for text, tone in message for part in wrap(visible(text), room, room)]


class LineView(ScrollView, can_focus=True):
    """A vertically scrollable view that repaints only the lines that have changed."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    LineView {
        overflow: hidden hidden;
        background: $background;
        color: $foreground;
    }
    """

    header_lines = 0
    """The number of lines at the top that do not scroll."""

    reduced_motion = False
    """Whether changed cells are not highlighted."""

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._frame: list[Strip | None] = []
        self._frame_width = -1
        self._palette_now: Palette | None = None
        self._palette_checked = False
        self._pending: set[int] = set()
        self._holds: set[ExitStack] = set()
        self._thumb: range = range(0)
        self._dragging = False
        self._quiet = False
        self._message: tuple[Cell, ...] = ()

    # Methods of subclasses.

    def draw_line(self, y: int) -> Strip:
        """Return the strip for one line of the view, as wide as the widget.

        `y` counts from 0 at the top of the widget.
        """
        raise NotImplementedError

    def restyled(self) -> None:
        """Drop a subclass's cached strips; called when the palette or width has changed."""

    def reshaped(self) -> None:
        """Update which content is on screen; called when the size has changed.

        It is called while painting, so it must not request a repaint.
        """

    # Painting.

    @property
    def palette(self) -> Palette:
        """Return the widget's text styles under the current theme."""
        if self._palette_now is None or not self._palette_checked:
            self._palette_checked = True
            fresh = Palette(self)
            if fresh != self._palette_now:
                self._palette_now = fresh
                self.restyled()
                self._frame = [None] * len(self._frame)
        return self._palette_now

    def notify_style_update(self) -> None:
        """Check before the next paint whether the theme has changed the palette.

        Cached strips are dropped only if the palette has changed.
        """
        super().notify_style_update()
        self._palette_checked = False

    def render(self) -> str:
        """Return an empty text: every line is drawn by `draw_line`."""
        return ""

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the strips of the lines in `crop`.

        A strip is drawn once and then returned from the cache until its line is marked as changed.
        """
        across, height = self.size
        _ = self.palette  # Settles restyling before strips are looked up.
        if across != self._frame_width or len(self._frame) != height:
            if across != self._frame_width:
                self.restyled()
            self._frame = [None] * height
            self._frame_width = across
            self.reshaped()
            self._thumb = self._thumb_lines()
        frame = self._frame
        lines = []
        for y in crop.line_range:
            strip = frame[y] if y < height else Strip.blank(across)
            if strip is None:
                strip = frame[y] = self.draw_line(y)
            lines.append(strip)
        if crop.column_span != (0, across):
            lines = [strip.crop(*crop.column_span) for strip in lines]
        return lines

    def render_line(self, y: int) -> Strip:
        """Return the strip of line `y` of the view."""
        return self.render_lines(Region(0, y, self.size.width, 1))[0]

    def strip(self, parts: Iterable[Part]) -> Strip:
        """Return the parts as one strip, cut or padded to the width of the widget."""
        cells = self._frame_width
        segments = self.palette.segments(parts)
        used_width = sum(width(segment.text) for segment in segments)
        strip = Strip(segments, used_width)
        return (
            strip if used_width == cells else strip.adjust_cell_length(cells, self.palette.style(Tone.PLAIN))
        )

    def paint(self, lines: Iterable[int] | None = None) -> None:
        """Request a repaint of lines of the view, or of all lines if `lines` is None.

        Lines that were marked as pending before are repainted, too.
        """
        frame = self._frame
        if lines is None:
            self._frame = [None] * len(frame)
            self._pending.clear()
            self.refresh(self.size.region)
            return
        marked = self._pending.union(lines) if self._pending else set(lines)
        self._pending.clear()
        height, across = self.size.height, self.size.width
        regions = []
        for y in marked:
            if 0 <= y < height:
                if y < len(frame):
                    frame[y] = None
                regions.append(Region(0, y, across, 1))
        if regions:
            self.refresh(*regions)

    def post_before_repaint(self, message: Message) -> None:
        """Post a message and delay repaints until the screen has handled the message.

        What the screen changes in response to the message, such as its key bar, is thus painted
        together with the view's own change.
        """
        hold = ExitStack()
        hold.enter_context(self.app.batch_update())
        self._holds.add(hold)
        self.post_message(message)
        nodes = [node for node in self.ancestors_with_self if isinstance(node, Widget)]

        def release() -> None:
            self._holds.discard(hold)
            hold.close()

        def hop(step: int) -> None:
            # Follow the message through each queue, to arrive after it was handled.
            if step == len(nodes) or not nodes[step].call_later(hop, step + 1):
                release()

        hop(0)

    def on_unmount(self) -> None:
        """End all delays of repaints, so that a removed view does not freeze the screen."""
        for hold in list(self._holds):
            hold.close()
        self._holds.clear()

    # Scrolling.

    @property
    def body_height(self) -> int:
        """Return the number of lines on screen that are not header lines."""
        return max(0, self.size.height - self.header_lines)

    @property
    def top(self) -> int:
        """Return the index of the first line of content on screen."""
        return round(self.scroll_y)

    def set_line_count(self, count: int) -> None:
        """Set the number of lines of content, without causing a layout."""
        self.set_reactive(Widget.virtual_size, Size(self.size.width, count + self.header_lines))
        self._place_thumb()

    @property
    def line_count(self) -> int:
        """Return the number of lines of content."""
        return max(0, self.virtual_size.height - self.header_lines)

    def jump(self, top: int) -> None:
        """Scroll so that content line `top` is the first one shown, without animation."""
        top = max(0, min(top, self.line_count - self.body_height))
        self.scroll_target_y = top
        self.scroll_y = top

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Repaint all lines once after scrolling."""
        if round(old_value) != round(new_value) and not self._quiet:
            self._place_thumb()
            self.scrolled()
            self.paint()

    def quiet_jump(self, top: int) -> None:
        """Set the scroll position without repainting the rows.

        Used if rows were added above: the rows on screen then stay on their lines.
        """
        self._quiet = True
        try:
            self.jump(top)
        finally:
            self._quiet = False
        self._place_thumb()

    def scrolled(self) -> None:
        """Update a subclass's state; called when the view has scrolled."""

    def _place_thumb(self) -> None:
        """Compute which lines the scroll bar's thumb covers, and repaint changed lines."""
        before, self._thumb = self._thumb, self._thumb_lines()
        if self._thumb != before and self.is_mounted:
            self.paint(set(before) ^ set(self._thumb))

    def _thumb_lines(self) -> range:
        height, count = self.body_height, self.line_count
        if count <= height or height <= 0:
            return range(0)
        length = max(1, round(height * height / count))
        start = self.header_lines + round(self.scroll_y / (count - height) * (height - length))
        return range(start, start + length)

    def bar_part(self, y: int, ground: Ground = Ground.BASE) -> Part:
        """Return the last cell of line `y` of the view, which is part of the scroll bar."""
        if y not in self._thumb:
            return " ", Tone.PLAIN, ground
        return "▐", Tone.DIM, ground

    def jump_to_share(self, share: float) -> None:
        """Scroll to a fraction of the content: 0 is the beginning, 1 the end."""
        self.jump(round(share * (self.line_count - self.body_height)))

    def _drag(self, y: int) -> None:
        height = self.body_height
        if height > 1:
            self.jump_to_share(max(0, min(y - self.header_lines, height - 1)) / (height - 1))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Start dragging the scroll bar if the mouse is on it."""
        if event.x >= self.size.width - 1 and self._thumb:
            self._dragging = True
            self.capture_mouse()
            self._drag(event.y)
            event.stop()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Scroll with the mouse while the scroll bar is being dragged."""
        if self._dragging:
            self._drag(event.y)

    def on_mouse_up(self, _event: events.MouseUp) -> None:
        """Stop dragging the scroll bar."""
        if self._dragging:
            self._dragging = False
            self.release_mouse()

    def _on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        event.prevent_default()
        self.wheel(WHEEL_LINES)

    def _on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        event.prevent_default()
        self.wheel(-WHEEL_LINES)

    def wheel(self, lines: int) -> None:
        """Scroll by a number of lines; the cursor stays on its row."""
        self.jump(self.top + lines)

    # The empty state.

    def set_message(self, lines: Iterable[str | Cell]) -> None:
        """Set the text to show in the middle of the view while it has no rows.

        Lines given as strings are dim, except the first line.
        """
        fresh = tuple(
            (line, Tone.DIM if number else Tone.PLAIN) if isinstance(line, str) else line
            for number, line in enumerate(lines)
        )
        if fresh == self._message:
            return
        self._message = fresh
        if not self.line_count and self.is_mounted:
            self.paint()

    def message_line(self, y: int) -> Strip:
        """Return line `y` of the message that a view without rows shows."""
        room = self.size.width
        broken = _broken(self._message, max(8, room - 4))
        number = y - self.header_lines - max(1, (self.body_height - len(broken)) // 3)
        if not 0 <= number < len(broken):
            return self.plain_line(y)
        text, tone = broken[number]
        text = cut_end(text, room)
        left = " " * ((room - width(text)) // 2)
        return self.strip([(left, Tone.PLAIN, Ground.BASE), (text, tone, Ground.BASE)])

    def plain_line(self, y: int) -> Strip:
        """Return the strip of an empty line `y`, which ends with a cell of the scroll bar."""
        blank = " " * max(0, self._frame_width - 1)
        return self.strip([(blank, Tone.PLAIN, Ground.BASE), self.bar_part(y)])
