"""Links, filters and sorts reach runs that are older than the loaded ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.events import Paste

from mogplex_tui.api.errors import ServiceFailed
from mogplex_tui.api.resources.observability import ObservabilityResource
from mogplex_tui.operate.record_page import LinkTarget
from mogplex_tui.widgets.styles import Tone
from tests.controlplane.row_factory import RowFactory

Run = Callable[..., Any]
SECOND = 1_000_000


def _calls(world: RowFactory, count: int) -> list[str]:
    """Insert a number of ended calls, the oldest first."""
    repo, now = world.repo("acme/api"), world.clock.us
    starts = [now - (count - place) * SECOND for place in range(count)]
    return [world.call(repo_id=repo, status="success", started_at=at) for at in starts]


async def test_link_finds_a_call_older_than_the_loaded_ones(console: Run, world: RowFactory) -> None:
    oldest, *_ = _calls(world, 250)
    async with console() as ui:
        await ui.until(lambda: 0 < len(ui.app.runs.set.rows) < 250, "the newest runs")
        ui.app.parts.navigation.follow(LinkTarget("last call", oldest[:8], "runs", key=oldest))
        await ui.sees("/ id:")
        await ui.until(lambda: ui.app.screen.table.visible_keys == (oldest,), "the call")


async def test_filter_without_matches_has_searched_all_runs(console: Run, world: RowFactory) -> None:
    _calls(world, 250)
    async with console() as ui:
        await ui.until(lambda: ui.app.runs.set.rows, "the newest runs")
        loaded = len(ui.app.runs.set.rows)
        await ui.press("slash")
        # All at once: of what a part of it finds, more may be read.
        ui.app.post_message(Paste("nothing like it"))
        await ui.press("enter")
        await ui.sees(
            f"No matches in the latest {loaded} runs: nothing like it", "older runs either: 250 searched."
        )
        assert len(ui.app.runs.set.rows) == loaded


async def test_sort_by_cost_finds_the_most_expensive_of_all_runs(console: Run, world: RowFactory) -> None:
    keys = _calls(world, 350)
    with world.plane.db.transaction() as tx:
        for place, key in enumerate(keys):
            # The dearest began long before the newest page.
            tx.update("ai_calls", key, cost_usd=9.0 - place / 100 if place < 100 else 0.01)
    async with console() as ui:
        await ui.until(lambda: ui.app.runs.set.rows, "the newest runs")
        loaded = len(ui.app.runs.set.rows)
        ui.app.screen.sort_by("cost")
        await ui.sees("350 searched", "by cost ↓")
        await ui.until(lambda: ui.app.screen.table.visible_keys[:5] == tuple(keys[:5]), "the dearest runs")
        # Reading the list again keeps them.
        await ui.press("r")
        await ui.until(lambda: not ui.app.runs.feed.running, "the end of the reading")
        assert ui.app.screen.table.visible_keys[:5] == tuple(keys[:5])
        ui.app.screen.sort_by("state")
        ui.app.screen.filter.sort, ui.app.screen.filter.descending = None, True
        ui.app.screen.set_filter("")
        await ui.until(lambda: len(ui.app.runs.set.rows) == loaded, "the runs of the list alone")


async def test_filter_supported_by_the_service_finds_old_runs_at_once(
    console: Run, world: RowFactory
) -> None:
    keys = _calls(world, 250)
    with world.plane.db.transaction() as tx:
        tx.update("ai_calls", keys[3], status="failed")
    async with console() as ui:
        await ui.until(lambda: ui.app.runs.set.rows, "the newest runs")
        await ui.press("slash")
        ui.app.post_message(Paste("state:failed"))
        await ui.press("enter")
        await ui.until(lambda: ui.app.screen.table.visible_keys == (keys[3],), "the failed run")
        await ui.sees("1 found   1 searched")
        await ui.press("escape")
        await ui.until(lambda: keys[3] not in ui.app.runs.set.rows, "the list without it")


async def test_only_live_runs_that_cannot_be_read_are_stale(
    console: Run, world: RowFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask, hour = ObservabilityResource.calls, 3_600 * SECOND

    async def calls(self: ObservabilityResource, **wanted: Any) -> Any:
        if fails and wanted.get("surface") == "live":
            raise ServiceFailed("The service failed on the calls: broken", status=500)
        return await ask(self, **wanted)

    fails: list[bool] = []
    monkeypatch.setattr(ObservabilityResource, "calls", calls)
    repo = world.repo("acme/api")
    # One that began five hours ago, more than a page of others that are over, and one that began after them.
    far, near = (
        world.call(repo_id=repo, status="streaming", started_at=world.clock.us - int(ago * hour))
        for ago in (5.5, 3.5)
    )
    for place in range(100):
        world.call(repo_id=repo, status="success", started_at=world.clock.us - 4 * hour + place * SECOND)
    async with console() as ui:
        screen = ui.app.screen
        await ui.until(lambda: {far, near} <= ui.app.runs.set.rows.keys(), "both live runs")
        took = next(place for place, field in enumerate(screen.kind.columns) if field.name == "time")

        def duration_and_dim(key: str) -> tuple[str, bool]:
            """Return the hours that a run has taken, and whether its row is dim."""
            cells = screen.table_model.cells(key)
            return (cells[took][0].partition("h")[0], {tone for _, tone in cells} == {Tone.DIM})

        await ui.until(
            lambda: (duration_and_dim(far), duration_and_dim(near)) == (("5", False), ("3", False)),
            "their times",
        )
        fails.append(True)
        await ui.press("r")
        await ui.sees("Live runs beyond the newest 100 are shown as last read", "partly stale")
        ui.app.runs.set.sources["live"].freshness.as_of -= 7_200
        screen.on_tick()
        assert (duration_and_dim(far), duration_and_dim(near)) == (("3", True), ("3", False))
        fails.clear()
        await ui.press("r")
        await ui.loses("partly stale")
        screen.on_tick()
        assert (duration_and_dim(far), duration_and_dim(near)) == (("5", False), ("3", False))
