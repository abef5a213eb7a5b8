"""Filters and sort orders by age and duration follow the clock."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from mogplex_tui.api.clock import SystemClock
from mogplex_tui.controlplane.core.plane import Settings as PlaneSettings
from mogplex_tui.controlplane.faults.rules import parse
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.row_factory import RowFactory

Run = Callable[..., Any]


@pytest.fixture
async def server() -> AsyncIterator[PlaneServer]:
    async with PlaneServer(PlaneSettings(speed=0, seeded=False, fault_route=True)) as running:
        yield running


SECOND = 1_000_000


class Later(SystemClock):
    """The clock of the console, which a test can move forward."""

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


def _two(world: RowFactory) -> None:
    """Insert a run that took five minutes and one that started a minute ago."""
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
    ids=["age below", "duration above", "not duration above"],
)
async def test_age_filter_adds_and_removes_rows_as_time_passes(
    console: Run, world: RowFactory, typed: str, before: list[str], after: list[str]
) -> None:
    _two(world)
    async with console() as ui:
        await ui.sees("nova-live", "nova-done")
        await ui.press("slash", *typed, "enter")
        await ui.until(lambda: _runs(ui) == before, f"{before} alone")
        _put_forward(ui, 600)
        await ui.until(lambda: _runs(ui) == after, f"{after}")
        assert f"{len(after)} of 2" in ui.text


async def test_sort_by_duration_follows_the_clock(console: Run, world: RowFactory) -> None:
    _two(world)
    async with console() as ui:
        await ui.sees("nova-live", "nova-done")
        await ui.press("s", "t")
        await ui.sees("by time")
        assert _runs(ui) == ["nova-done", "nova-live"]
        _put_forward(ui, 600)
        await ui.until(lambda: _runs(ui) == ["nova-live", "nova-done"], "the longer one first")


async def test_kind_list_is_filtered_by_growing_ages(console: Run, world: RowFactory) -> None:
    world.repo("acme/api")
    world.sandbox(repo_id=world.repo("acme/web"))
    async with console() as ui:
        await ui.app.parts.navigation.go("sandboxes")
        await ui.sees("acme/web")
        await ui.press("slash", *"age:<5m", "enter")
        await ui.sees("1 of 1")
        _put_forward(ui, 600)
        await ui.sees("0 of 1", "No matches in 1 sandbox: age:<5m")


class Elapsed(Later):
    """The same, for whoever counts seconds as well."""

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead.total_seconds()


async def test_durations_stop_while_runs_cannot_be_read(console: Run, world: RowFactory) -> None:
    _two(world)

    def cells(ui: Any) -> tuple[int, int]:
        """Return the minutes in AGE and TIME of the live run."""
        row = next(line for line in ui.text.splitlines() if "nova-live" in line)
        age, time = re.findall(r"\b(\d+)m", row)
        return int(age), int(time)

    def later(ui: Any, minutes: int) -> None:
        clock = ui.app.session.clock = Elapsed()
        clock.ahead = timedelta(minutes=minutes)
        ui.app.screen.tick()

    async with console(size=(200, 50)) as ui:
        await ui.sees("nova-done", "nova-live")
        # What was read a moment ago goes on.
        later(ui, 1)
        await ui.until(lambda: cells(ui) == (2, 2), "both grow")
        faults = world.plane.faults
        assert faults is not None
        faults.add(parse("GET /api/* status:503"))
        feed = ui.app.runs.feed
        await ui.press("r")
        await ui.until(lambda: feed.freshness.failures, "a reading that fails")
        later(ui, 9)
        await ui.until(lambda: cells(ui) == (10, 1), "the age alone grows")
        # What is found by its time is found by what is shown.
        await ui.press("slash", *"time:<2m", "enter")
        await ui.until(lambda: _runs(ui) == ["nova-live"], "the run by its time")
        await ui.press("escape")
        faults.clear()
        ui.app.session.scheduler.refresh(feed)
        await ui.until(lambda: not feed.freshness.failures, "a reading that succeeds")
        later(ui, 1)
        await ui.until(lambda: cells(ui) == (2, 2), "what is read again goes on")
