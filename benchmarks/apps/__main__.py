"""The measured apps: `python -m benchmarks.apps NAME [live]`."""

from __future__ import annotations

import random
import sys

from textual.app import App, ComposeResult
from textual.widgets import Static

LIVE = "live" in sys.argv


def bare() -> App[None]:
    """The floor of a first frame."""

    class BareApp(App[None]):
        """One Static."""

        def compose(self) -> ComposeResult:
            yield Static("ready")

    return BareApp()


def floor_table() -> App[None]:
    """The floor of a table."""
    from .floor import FloorView
    from .generated_data import Rows

    class FloorTableApp(App[None]):
        """The floor with 100,000 rows."""

        ENABLE_COMMAND_PALETTE = False

        def compose(self) -> ComposeResult:
            self.rows = Rows()
            self.view = FloorView([self.rows.line(number) for number in range(len(self.rows))])
            yield self.view

        def on_mount(self) -> None:
            self.view.focus()
            self.waiting: set[int] = set()
            self.dice = random.Random(1)
            if LIVE:
                self.set_interval(0.02, self.change)
                self.set_interval(0.05, self.show)

        def change(self) -> None:
            self.waiting |= self.rows.change(self.dice, self.view.scroll_offset.y)

        def show(self) -> None:
            for number in self.waiting:
                self.view.lines[number] = self.rows.line(number)
            self.view.changed(self.waiting)
            self.waiting = set()

    return FloorTableApp()


def table() -> App[None]:
    """Our table."""
    from mogplex_tui.themes import DARK, register
    from mogplex_tui.widgets.line_table import LineTable

    from .generated_data import COLUMNS, Rows

    class TableApp(App[None]):
        """Our table with 100,000 rows."""

        ENABLE_COMMAND_PALETTE = False

        def compose(self) -> ComposeResult:
            self.table = LineTable(COLUMNS)
            yield self.table

        def on_mount(self) -> None:
            register(self)
            self.theme = DARK.name
            self.rows = Rows()
            self.table.set_source(self.rows)
            self.table.focus()
            self.waiting: set[int] = set()
            self.dice = random.Random(1)
            if LIVE:
                self.set_interval(0.02, self.change)
                # As often as a screen draws a burst of changes.
                self.set_interval(0.05, self.show)

        def change(self) -> None:
            self.waiting |= self.rows.change(self.dice, self.table.top)

        def show(self) -> None:
            self.table.refresh_rows([f"{number:08d}" for number in self.waiting])
            self.waiting = set()

    return TableApp()


def floor_tail() -> App[None]:
    """The floor of a tail."""
    from .floor import FloorView
    from .generated_data import CHANGES_A_SECOND, Events

    class FloorTailApp(App[None]):
        """The floor with 50,000 events, at their end."""

        ENABLE_COMMAND_PALETTE = False

        def compose(self) -> ComposeResult:
            self.events = Events()
            self.view = FloorView([self.events.line(index) for index in range(len(self.events))], follow=True)
            yield self.view

        def on_mount(self) -> None:
            self.view.focus()
            if LIVE:
                self.set_interval(0.05, self.grow)

        def grow(self) -> None:
            count = self.events.count
            self.events.count += CHANGES_A_SECOND // 20
            self.view.lines.extend(self.events.line(index) for index in range(count, self.events.count))
            self.view.grown()

    return FloorTailApp()


def tail() -> App[None]:
    """Our tail."""
    from mogplex_tui.themes import DARK, register
    from mogplex_tui.widgets.line_tail import LineTail

    from .generated_data import CHANGES_A_SECOND, Events

    class TailApp(App[None]):
        """Our tail with 50,000 events, at their end."""

        ENABLE_COMMAND_PALETTE = False

        def compose(self) -> ComposeResult:
            self.tail = LineTail()
            yield self.tail

        def on_mount(self) -> None:
            register(self)
            self.theme = DARK.name
            self.events = Events()
            self.tail.set_source(self.events)
            self.tail.focus()
            if LIVE:
                # As often as a screen draws a burst of events.
                self.set_interval(0.05, self.grow)

        def grow(self) -> None:
            self.events.count += CHANGES_A_SECOND // 20
            self.tail.appended(CHANGES_A_SECOND // 20)

    return TailApp()


APPS = {"bare": bare, "floor-table": floor_table, "table": table, "floor-tail": floor_tail, "tail": tail}

if __name__ == "__main__":
    APPS[sys.argv[1]]().run()
