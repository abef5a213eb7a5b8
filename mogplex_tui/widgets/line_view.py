"""Base class of the widgets that are drawn line by line.

A line view keeps the finished strips of the lines on screen and rebuilds only the marked ones, so that the cost of a
repaint depends on the changes and not on the number of rows. Nothing is animated and nothing causes a layout: the
scroll bar is the last cell of each line.
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
    """Return the wrapped lines of an empty state; cached, as each line needs them."""
    return [(part.rstrip(), tone) for text, tone in message for part in wrap(visible(text), room, room)]


class LineView(ScrollView, can_focus=True):
    """A vertically scrolled view that repaints only the lines that changed."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    LineView {
        overflow: hidden hidden;
        background: $background;
        color: $foreground;
    }
    """

    header_lines = 0
    """Lines at the top that do not scroll."""

    reduced_motion = False
    """No flashing of changed cells."""

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
        """Return view line `y` (0 is the top) as a strip as wide as the widget."""
        raise NotImplementedError

    def restyled(self) -> None:
        """Drop every cached strip, because the palette or the width changed."""

    def reshaped(self) -> None:
        """Show other lines, because the size changed.

        Called while painting: must not request a repaint.
        """

    # Painting.

    @property
    def palette(self) -> Palette:
        """Return the styles under the current theme."""
        if self._palette_now is None or not self._palette_checked:
            self._palette_checked = True
            fresh = Palette(self)
            if fresh != self._palette_now:
                self._palette_now = fresh
                self.restyled()
                self._frame = [None] * len(self._frame)
        return self._palette_now

    def notify_style_update(self) -> None:
        """Check the palette before the next paint.

        Strips are dropped only if the palette really changed.
        """
        super().notify_style_update()
        self._palette_checked = False

    def render(self) -> str:
        """Return an empty text: every line is drawn by `draw_line`."""
        return ""

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the strips of the lines in `crop`.

        The strips are the cache: they are drawn once and returned until a line is marked.
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
        """Return the strip of view line `y`."""
        return self.render_lines(Region(0, y, self.size.width, 1))[0]

    def strip(self, parts: Iterable[Part]) -> Strip:
        """Return a strip of the parts, cut or padded to the width of the widget."""
        cells = self._frame_width
        segments = self.palette.segments(parts)
        used_width = sum(width(segment.text) for segment in segments)
        strip = Strip(segments, used_width)
        return (
            strip if used_width == cells else strip.adjust_cell_length(cells, self.palette.style(Tone.PLAIN))
        )

    def paint(self, lines: Iterable[int] | None = None) -> None:
        """Repaint these view lines, or all, and the pending ones at the next refresh."""
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

    def tell(self, message: Message) -> None:
        """Post a message and hold the repaint until the screen has handled it.

        Changes that a screen makes because of a key are thus painted together with the line that the key moved.
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
        """Release every held repaint, so that a removed view does not freeze the screen."""
        for hold in list(self._holds):
            hold.close()
        self._holds.clear()

    # Scrolling.

    @property
    def body_height(self) -> int:
        """Return the number of lines for rows."""
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
        """Set the scroll position without a repaint.

        For rows that stay on their lines because others were added above them.
        """
        self._quiet = True
        try:
            self.jump(top)
        finally:
            self._quiet = False
        self._place_thumb()

    def scrolled(self) -> None:
        """Update the subclass after the view has scrolled."""

    def _place_thumb(self) -> None:
        """Find the lines of the scroll bar's thumb and mark those that changed."""
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
        """Return the scroll bar's cell of view line `y`."""
        if y not in self._thumb:
            return " ", Tone.PLAIN, ground
        return "▐", Tone.DIM, ground

    def jump_to_share(self, share: float) -> None:
        """Scroll to a share of the content: 0 is the beginning, 1 the end."""
        self.jump(round(share * (self.line_count - self.body_height)))

    def _drag(self, y: int) -> None:
        height = self.body_height
        if height > 1:
            self.jump_to_share(max(0, min(y - self.header_lines, height - 1)) / (height - 1))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Start to drag the scroll bar."""
        if event.x >= self.size.width - 1 and self._thumb:
            self._dragging = True
            self.capture_mouse()
            self._drag(event.y)
            event.stop()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag the scroll bar."""
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
        """Scroll by the mouse wheel; the cursor stays on its row."""
        self.jump(self.top + lines)

    # The empty state.

    def set_message(self, lines: Iterable[str | Cell]) -> None:
        """Set the text in the middle of a view without rows.

        Plain strings are dim except the first.
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
        """Return view line `y` of the empty state, whose long lines are wrapped."""
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
        """Return an empty line with its part of the scroll bar."""
        blank = " " * max(0, self._frame_width - 1)
        return self.strip([(blank, Tone.PLAIN, Ground.BASE), self.bar_part(y)])
