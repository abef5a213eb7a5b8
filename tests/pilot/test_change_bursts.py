"""A burst of stored changes is drawn together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from mogplex_tui.screens import console_screen
from mogplex_tui.screens.console_screen import ConsoleScreen
from mogplex_tui.widgets.line_table import LineTable
from tests.controlplane.row_factory import RowFactory

Run = Callable[..., Any]


class _Painting:
    """Counts a screen's flushes, and a table's repaints inside and outside of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.flushes = self.inside = self.outside = 0
        self._flushing = False
        flush, refresh = ConsoleScreen._flush, LineTable.refresh

        def counted_flush(screen: ConsoleScreen) -> None:
            self.flushes += 1
            self._flushing = True
            flush(screen)
            self._flushing = False

        def counted_refresh(table: LineTable, *regions: Any, **options: Any) -> Any:
            self.inside += self._flushing and bool(regions)
            self.outside += not self._flushing and bool(regions)
            return refresh(table, *regions, **options)

        monkeypatch.setattr(ConsoleScreen, "_flush", counted_flush)
        monkeypatch.setattr(LineTable, "refresh", counted_refresh)


async def test_changed_runs_are_painted_at_most_20_times_a_second(
    console: Run, world: RowFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.call(repo_id=world.repo("acme/web"))
    # Ages are not painted meanwhile.
    monkeypatch.setattr(console_screen, "TICK", 3600.0)
    async with console() as ui:
        await ui.sees("acme/web")
        await ui.pilot.pause(2 * console_screen.FLUSH)
        rows, loop = ui.app.runs.set, asyncio.get_running_loop()
        key, row = next(iter(rows.rows.items()))
        painting, start = _Painting(monkeypatch), loop.time()
        for number in range(500):
            rows.apply([(key, row._replace(branch=f"fix-{number}"))])
            await asyncio.sleep(0)
        await ui.sees("fix-499")
        assert 1 <= painting.flushes <= 2 + (loop.time() - start) / console_screen.FLUSH
        # Nothing but a flush paints.
        assert painting.inside and not painting.outside
