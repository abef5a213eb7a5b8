"""Small apps and row sources for the widget tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.pilot import Pilot
from textual.widget import Widget

from mogplex_tui.themes import DARK, register
from mogplex_tui.widgets.columns import Column
from mogplex_tui.widgets.line_table import LineTable
from mogplex_tui.widgets.line_tail import LineTail
from mogplex_tui.widgets.segment_line import Segment, SegmentLine
from mogplex_tui.widgets.styles import Cell, Tone
from mogplex_tui.widgets.tail_rows import TailRow
from mogplex_tui.widgets.text import width

COLUMNS = (
    Column("name", "NAME", 10),
    Column("state", "STATE", 11),
    Column("who", "WHO", 14, priority=3),
    Column("branch", "BRANCH", 30, min_width=10, flex=1, cut="middle", priority=1),
    Column("model", "MODEL", 20, priority=4),
    Column("cost", "COST", 8, align="right"),
)


class Rows:
    """A mutable row source that counts how often it is asked for cells."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        self.costs = dict.fromkeys(names, "$0.10")
        self.states: dict[str, str] = {}
        self.branches: dict[str, str] = {}
        self.marked: set[str] = set()
        self.stale = False
        self.asked: list[str] = []

    def __len__(self) -> int:
        return len(self.names)

    def key_at(self, index: int) -> str:
        return self.names[index]

    def index_of(self, key: str) -> int | None:
        return self.names.index(key) if key in self.names else None

    def cells(self, key: str) -> Sequence[Cell]:
        self.asked.append(key)
        return (
            (key, Tone.STRONG),
            (self.states.get(key, "✓ success"), Tone.OK),
            ("codex", Tone.PLAIN),
            (self.branches.get(key, "fix/login-redirect"), Tone.PLAIN),
            ("gpt-5.4", Tone.DIM),
            (self.costs.get(key, "–"), Tone.PLAIN),
        )

    def mark(self, key: str) -> bool:
        return key in self.marked


def names(count: int) -> list[str]:
    return [f"run{number:05d}" for number in range(count)]


class TableHost(App[None]):
    """An app with a table over a status line that shows the table's messages."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(self, rows: Rows) -> None:
        super().__init__()
        self.rows = rows
        self.messages: list[tuple[Any, ...]] = []
        self.frames: list[tuple[str, str]] = []

    def compose(self) -> ComposeResult:
        self.table = LineTable(COLUMNS)
        self.status = SegmentLine([Segment("nothing")])
        # Containers between, so that what the table says has a longer way than its request to be painted.
        with Vertical(), Vertical(), Vertical():
            yield self.table
        yield self.status

    def on_mount(self) -> None:
        register(self)
        self.theme = DARK.name
        self.table.set_source(self.rows)
        self.table.focus()

    def on_line_table_row_highlighted(self, event: LineTable.RowHighlighted) -> None:
        self.messages.append(("highlighted", event.key, event.index))
        self.status.set_segments([Segment(f"at {event.key}")])

    def on_line_table_row_selected(self, event: LineTable.RowSelected) -> None:
        self.messages.append(("selected", event.key))

    def on_line_table_near_end(self, event: LineTable.NearEnd) -> None:
        self.messages.append(("near end", event.rows))

    def on_line_table_header_selected(self, event: LineTable.HeaderSelected) -> None:
        self.messages.append(("header", event.column))

    def post_display_hook(self) -> None:
        # The hook is also called when a batch keeps the screen from being painted.
        if self._batch_count:
            return
        if hasattr(self, "table") and self.table.is_mounted and self.table.size:
            at = next((line for line in shown(self.table) if line.startswith("▌")), "")
            self.frames.append((at, text_of(self.status, 0)))


class Events:
    """A mutable tail source."""

    def __init__(self, count: int, text: str = "event {}") -> None:
        self.rows = [self.make(number, text) for number in range(count)]
        # How many rows were drawn, and how many texts were read.
        self.asked = self.read = 0

    @staticmethod
    def make(number: int, text: str = "event {}") -> TailRow:
        return TailRow(f"e{number}", "14:03:07", ("log", Tone.DIM), [(text.format(number), Tone.PLAIN)])

    def add(self, count: int = 1, text: str = "event {}") -> None:
        self.rows.extend(self.make(number, text) for number in range(len(self.rows), len(self.rows) + count))

    def __len__(self) -> int:
        return len(self.rows)

    def row(self, index: int) -> TailRow:
        self.asked += 1
        return self.rows[index]

    def text(self, index: int) -> str:
        self.read += 1
        row = self.rows[index]
        return " ".join(text for text, _ in (row.label, *row.body, *(row.detail or ())))

    def index_of(self, key: str) -> int | None:
        return next((i for i in range(len(self.rows) - 1, -1, -1) if self.rows[i].key == key), None)

    def version(self, key: str) -> int:
        index = self.index_of(key)
        return 0 if index is None else hash(repr(self.rows[index]))


class TailHost(App[None]):
    """An app with only a tail."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(self, events: Events) -> None:
        super().__init__()
        self.events = events
        self.messages: list[tuple[Any, ...]] = []
        self.painted = 0

    def compose(self) -> ComposeResult:
        self.tail = LineTail()
        yield self.tail

    def on_mount(self) -> None:
        register(self)
        self.theme = DARK.name
        self.tail.set_source(self.events)
        self.tail.focus()

    def post_display_hook(self) -> None:
        self.painted += 1

    def on_line_tail_follow_changed(self, event: LineTail.FollowChanged) -> None:
        self.messages.append(("following", event.following))

    def on_line_tail_row_selected(self, event: LineTail.RowSelected) -> None:
        self.messages.append(("selected", event.key))


def text_of(widget: Widget, y: int) -> str:
    return widget.render_line(y).text


def shown(widget: Widget) -> list[str]:
    """Return the lines of a widget as they are drawn."""
    return [text_of(widget, y) for y in range(widget.size.height)]


def ragged(widget: Widget) -> list[str]:
    """Return the lines that are not exactly as wide as the widget."""
    return [line for line in shown(widget) if width(line) != widget.size.width]


async def until(pilot: Pilot[None], condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until a condition holds; fail after a deadline."""
    deadline = asyncio.get_running_loop().time() + seconds
    await pilot.pause()
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "waited in vain"
        await pilot.pause(0.01)
