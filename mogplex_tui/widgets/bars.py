"""A list of named amounts, drawn as horizontal bars with right-aligned figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from .styles import Cell, Ground, Tone
from .text import cut_end, pad_left, pad_right, visible, width
from .tone_widget import ToneWidget, clipped

_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
_LEAST_BAR: Final = 4
# The width of the bars that is worth a shorter figure.
_WANTED_BAR: Final = 8
_MOST_BAR: Final = 24
# Names are not cut to less than this to make room for bars.
_LEAST_NAME: Final = 18
# The most and the least cells of a label that has a detail after it.
_MOST_LABEL: Final = 24
_LEAST_LABEL: Final = 8
_GAP: Final = 2
# The column before the names, in which the cursor line has its mark.
_MARK: Final = 1


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of a `BarList`: a name, the amount that its bar shows, and a figure.

    `value` sets the length of the bar; None means that the amount is not known, so that no bar is
    drawn. `text` is the figure. `brief` is a shorter figure, used if `text` would leave too
    little room for the names. `key` identifies the bar, so that the cursor stays on it. `detail` is
    shown dimmed after the label, or in its place if the label is empty.
    """

    label: str
    value: float | None
    text: str
    tone: Tone = Tone.ACCENT
    brief: str = ""
    key: str = ""
    detail: str = ""

    def name(self, cells: int) -> list[Cell]:
        """Return label and detail in `cells` cells; the label is cut first."""
        label, detail = visible(self.label), visible(self.detail)
        if not label or not detail:
            tone = Tone.PLAIN if label else Tone.DIM
            return [(pad_right(cut_end(label or detail, cells), cells), tone)]
        room = min(_MOST_LABEL, cells - _GAP - width(detail))
        if room < _LEAST_LABEL:
            return [(pad_right(cut_end(label, cells), cells), Tone.PLAIN)]
        start = cut_end(label, room) + " " * _GAP
        return [(start, Tone.PLAIN), (pad_right(detail, cells - width(start)), Tone.DIM)]

    @property
    def name_width(self) -> int:
        """The width in cells that the label and the detail need."""
        label, detail = width(visible(self.label)), width(visible(self.detail))
        return min(label, _MOST_LABEL) + _GAP + detail if label and detail else label or detail


class Edge(Message):
    """Sent when the user moves a widget's cursor beyond its first or last line."""

    def __init__(self, widget: Widget, direction: int) -> None:
        """Create the message; `direction` is -1 for up and 1 for down."""
        super().__init__()
        self.widget, self.direction = widget, direction


def _widest(texts: Sequence[str]) -> int:
    return max((width(text) for text in texts), default=0)


class BarList(ToneWidget, can_focus=True):
    """A titled list of bars, one per line, with right-aligned figures.

    It has a cursor while it is focused. If not all bars fit, the list scrolls with the cursor, and the
    title states which of the bars are shown.
    """

    DEFAULT_CSS = "BarList { height: auto; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "cursor(-1)", "Up", show=False, id="move.up"),
        Binding("down,j", "cursor(1)", "Down", show=False, id="move.down"),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False, id="move.page-up"),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False, id="move.page-down"),
        Binding("home", "first", "First", show=False, id="move.first"),
        Binding("end,G", "last", "Last", show=False, id="move.last"),
    ]

    class Selected(Message):
        """Sent when a bar was clicked."""

        def __init__(self, bars: BarList) -> None:
            super().__init__()
            self.bars = bars

        @property
        def control(self) -> BarList:
            """The list whose bar was clicked."""
            return self.bars

    def __init__(self, *, ascii_mode: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._ascii = ascii_mode
        self._bars: tuple[Bar, ...] = ()
        self._title = ""
        self._empty = ""
        self._at = 0
        # The first bar on screen.
        self._top = 0

    def set_bars(self, bars: Sequence[Bar], title: str = "", empty: str = "") -> None:
        """Show bars under a title; if there are no bars, show the text `empty`."""
        fresh = tuple(bars)
        if (fresh, title, empty) == (self._bars, self._title, self._empty):
            return
        resized = self._count() != len(fresh) + bool(title)
        key = self.cursor_bar.key if self.cursor_bar is not None else ""
        self._bars, self._title, self._empty = fresh, title, empty
        places = [place for place, bar in enumerate(fresh) if key and bar.key == key]
        # A cursor on the first line stays there: it stands for the greatest amount.
        if self._at and places:
            self._at = places[0]
        self._at = max(0, min(self._at, len(fresh) - 1))
        self.renew()
        if resized and self.is_mounted and self.styles.auto_dimensions:
            self.refresh(layout=True)

    def _count(self) -> int:
        return len(self._bars) + bool(self._title)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 (Textual's own)
        """Return the number of lines: one for each bar, and one if there is a title."""
        return self._count()

    # Cursor ----------------------------------------------------------------------------------------------------

    @property
    def cursor_bar(self) -> Bar | None:
        """The bar under the cursor; None if there are no bars."""
        return self._bars[self._at] if self._bars else None

    def _go(self, place: int) -> None:
        self._at = max(0, min(place, len(self._bars) - 1))
        self.renew()
        self.refresh()

    def action_cursor(self, lines: int) -> None:
        """Move the cursor by a number of lines.

        At the first or last bar, ask the parent to focus another widget.
        """
        if 0 <= self._at + lines < len(self._bars):
            self._go(self._at + lines)
        else:
            self.post_message(Edge(self, lines))

    def action_page(self, direction: int) -> None:
        """Move the cursor by the number of bars on screen."""
        self._go(self._at + direction * max(1, self._room(self.size.height)))

    def action_first(self) -> None:
        """Move the cursor to the first bar."""
        self._go(0)

    def action_last(self) -> None:
        """Move the cursor to the last bar."""
        self._go(len(self._bars) - 1)

    def on_focus(self) -> None:
        """Draw the cursor."""
        self.renew()
        self.refresh()

    def on_blur(self) -> None:
        """Draw the list without a cursor."""
        self.renew()
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Select the bar that was clicked."""
        line = event.y - bool(self._title)
        if 0 <= line < self._room(self.size.height) and self._top + line < len(self._bars):
            self._go(self._top + line)
            self.post_message(self.Selected(self))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll the list down if it is focused and not at its end, else scroll the page."""
        self._scroll(event, 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll the list up if it is focused and not at its start, else scroll the page."""
        self._scroll(event, -1)

    def _scroll(self, event: events.MouseEvent, lines: int) -> None:
        if self.has_focus and 0 <= self._at + lines < len(self._bars):
            event.stop()
            event.prevent_default()
            self._go(self._at + lines)

    # Drawing ---------------------------------------------------------------------------------------------------

    def _room(self, down: int) -> int:
        """Return how many bars fit into `down` lines below the title."""
        return max(1, down - bool(self._title))

    def lines(self, across: int, down: int, /) -> list[list[Cell]]:
        """Return the title's line and the lines of the bars around the cursor that fit."""
        room = self._room(down)
        self._top = max(0, min(self._top, self._at, len(self._bars) - room))
        self._top = max(self._top, self._at - room + 1)
        shown = self._bars[self._top : self._top + room]
        out: list[list[Cell]] = []
        if self._title:
            tone = Tone.LIVE if self.has_focus else Tone.DIM
            cells: list[Cell] = [(" " * _MARK + visible(self._title), tone)]
            if len(shown) < len(self._bars):
                first, last = self._top + 1, self._top + len(shown)
                cells.append((f"  {first}–{last} of {len(self._bars)}", Tone.DIM))
            out.append(clipped(cells, across))
        if not self._bars:
            return [*out, clipped([(" " * _MARK + visible(self._empty), Tone.DIM)], across)]
        return [*out, *self._drawn_bars(shown, across - _MARK)]

    def _drawn_bars(self, shown: Sequence[Bar], across: int) -> list[list[Cell]]:
        """Return the lines of the `shown` bars.

        The columns are as wide as the names and figures of all bars need, so that they do not move while
        the list scrolls.
        """
        out: list[list[Cell]] = []
        texts = [visible(bar.text) for bar in shown]
        name = max((bar.name_width for bar in self._bars), default=0)
        if name > across - _widest([visible(bar.text) for bar in self._bars]) - 2 * _GAP - _WANTED_BAR:
            texts = [visible(bar.brief or bar.text) for bar in shown]
        figure = _widest(texts)
        if name > across - figure - 2 - _LEAST_BAR:
            # The names of hidden bars take no room from the bars.
            name = max((bar.name_width for bar in shown), default=0)
        if name > across - figure - 2 - _LEAST_BAR:
            # Long names are cut for the bars; where even short ones leave no room, there are no bars.
            with_bar = across - figure - 2 - _LEAST_BAR
            name = with_bar if with_bar >= _LEAST_NAME else max(1, min(name, across - figure - _GAP))
        gap = _GAP if across - name - figure - 2 * _GAP >= _LEAST_BAR else 1
        bar_room = min(_MOST_BAR, across - name - figure - 2 * gap)
        most = max((bar.value or 0.0 for bar in self._bars), default=0.0)
        for bar, text in zip(shown, texts, strict=True):
            cells: list[Cell] = [(" " * _MARK, Tone.PLAIN), *bar.name(name)]
            if bar_room >= _LEAST_BAR:
                drawn = self._bar((bar.value or 0.0) / most if most else 0.0, bar_room)
                cells.append((" " * gap + pad_right(drawn, bar_room), bar.tone))
            cells.append((" " * gap + pad_left(text, figure), Tone.PLAIN))
            out.append(clipped(cells, across + _MARK))
        return out

    def render_line(self, y: int) -> Strip:
        """Draw one line; the line under the cursor has another background."""
        plain = super().render_line(y)
        cursor_line = self._at - self._top + bool(self._title)
        if not self.has_focus or not self._bars or y != cursor_line or self._palette is None:
            return plain
        drawn = self._drawn[y] if self._drawn is not None and y < len(self._drawn) else []
        parts = [
            ("▌", Tone.ACCENT, Ground.CURSOR),
            *((text, tone, Ground.CURSOR) for text, tone in drawn[1:]),
        ]
        used = sum(width(text) for text, _, _ in parts)
        parts.append((" " * max(0, self.size.width - used), Tone.PLAIN, Ground.CURSOR))
        segments = self._palette.segments(parts)
        return Strip(segments, sum(width(segment.text) for segment in segments)).adjust_cell_length(
            self.size.width
        )

    def _bar(self, share: float, cells: int) -> str:
        if share <= 0:
            return ""
        if self._ascii:
            return "#" * max(1, round(share * cells))
        eighths = max(1, round(share * cells * 8))
        return "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")
