"""What grows with the time moves rows while one only looks: filters of ages and durations, the order by TIME."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from mogplex_tui.api.clock import SystemClock
from tests.controlplane.support import World

Run = Callable[..., Any]
SECOND = 1_000_000


class Later(SystemClock):
    """The time of day as the console sees it, put forward by hand."""

    ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


def _put_forward(ui: Any, seconds: float) -> None:
    clock = ui.app.session.clock = Later()
    clock.ahead = timedelta(seconds=seconds)
    ui.app.screen.tick()


def _runs(ui: Any) -> list[str]:
    """Return the runs that are shown, from the top."""
    return re.findall(r"nova-\w+", ui.text)


def _two(world: World) -> None:
    """A run that took five minutes, and one that has been at work for a minute."""
    repo, now = world.repo("acme/api"), world.clock.us
    world.call(
        repo_id=repo,
        model="acme/nova-done",
        status="success",
        started_at=now - 3600 * SECOND,
        completed_at=now - 3300 * SECOND,
        duration_ms=300_000,
    )
    world.call(repo_id=repo, model="acme/nova-live", status="streaming", started_at=now - 60 * SECOND)


@pytest.mark.parametrize(
    ("typed", "before", "after"),
    [
        ("age:<5m", ["nova-live"], []),
        ("time:>4m", ["nova-done"], ["nova-live", "nova-done"]),
        ("!time:>4m", ["nova-live"], []),
    ],
)
async def test_rows_come_and_go_as_they_grow(
    console: Run, world: World, typed: str, before: list[str], after: list[str]
) -> None:
    _two(world)
    async with console() as ui:
        await ui.sees("nova-live", "nova-done")
        await ui.press("slash", *typed, "enter")
        await ui.until(lambda: _runs(ui) == before, f"{before} alone")
        _put_forward(ui, 600)
        await ui.until(lambda: _runs(ui) == after, f"{after}")
        assert f"{len(after)} of 2" in ui.text


async def test_the_order_by_time_goes_on(console: Run, world: World) -> None:
    _two(world)
    async with console() as ui:
        await ui.sees("nova-live", "nova-done")
        while "by time" not in ui.text:
            await ui.press("s")
        assert _runs(ui) == ["nova-done", "nova-live"]
        _put_forward(ui, 600)
        await ui.until(lambda: _runs(ui) == ["nova-live", "nova-done"], "the longer one first")


async def test_a_list_of_a_kind_is_narrowed_by_ages_that_grow(console: Run, world: World) -> None:
    world.repo("acme/api")
    world.sandbox(repo_id=world.repo("acme/web"))
    async with console() as ui:
        await ui.app.go("sandboxes")
        await ui.sees("acme/web")
        await ui.press("slash", *"age:<5m", "enter")
        await ui.sees("1 of 1")
        _put_forward(ui, 600)
        await ui.sees("0 of 1", "None of 1 sandbox matches age:<5m")
