"""What a link leads to may be older than the runs that are loaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mogplex_tui.operate.kinds.base import Link
from tests.controlplane.support import World

Run = Callable[..., Any]
SECOND = 1_000_000


def _calls(world: World, count: int) -> list[str]:
    """So many calls that are over, the oldest first."""
    repo, now = world.repo("acme/api"), world.clock.us
    starts = [now - (count - place) * SECOND for place in range(count)]
    return [world.call(repo_id=repo, status="success", started_at=at) for at in starts]


async def test_a_link_finds_a_call_that_is_older_than_what_is_loaded(console: Run, world: World) -> None:
    oldest, *_ = _calls(world, 250)
    async with console() as ui:
        await ui.until(lambda: 0 < len(ui.app.runs.set.rows) < 250, "the newest runs")
        ui.app.follow(Link("last call", oldest[:8], "runs", key=oldest))
        await ui.sees("/ id:")
        await ui.until(lambda: ui.app.screen.table.visible_keys == (oldest,), "the call")


async def test_a_filter_that_finds_nothing_says_that_there_are_older_runs(console: Run, world: World) -> None:
    _calls(world, 250)
    async with console() as ui:
        await ui.until(lambda: ui.app.runs.set.rows, "the newest runs")
        loaded = len(ui.app.runs.set.rows)
        await ui.press("slash", *"nothing like it", "enter")
        await ui.sees(f"None of {loaded} runs matches nothing like it", "The service has older ones.")
        assert len(ui.app.runs.set.rows) == loaded
