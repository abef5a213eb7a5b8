"""Counts of today: the day boundary, and lower bounds while it is partly loaded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mogplex_tui.widgets.chart import UsageChart
from tests.controlplane.row_factory import RowFactory

Run = Callable[..., Any]

HOUR = 3_600_000_000
DAY = 24 * HOUR


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Put the machine into another time zone."""

    def move(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield move
    move("UTC")


def _failed(world: RowFactory, repo: str, at: int) -> None:
    world.call(repo_id=repo, status="failed", error="Agent run exited with code 1.", started_at=at)


async def test_failures_of_today_count_from_midnight_utc_like_costs(
    console: Run, world: RowFactory, zone: Callable[[str], None]
) -> None:
    # Twelve hours off, so that whatever the hour is, the local midnight counts another number.
    zone("Etc/GMT+12")
    repo, midnight = world.repo("acme/api"), world.clock.us // DAY * DAY
    _failed(world, repo, midnight)
    _failed(world, repo, midnight - HOUR)
    async with console() as ui:
        await ui.sees("1 failed today")


async def test_failures_of_a_partly_loaded_day_are_a_lower_bound(console: Run, world: RowFactory) -> None:
    repo = world.repo("acme/api")
    for _ in range(103):
        _failed(world, repo, world.clock.us)
    # A low terminal: a high one asks for the rest by itself.
    async with console(size=(120, 24)) as ui:
        await ui.sees("100+ failed today", "showing 100 of")
        await ui.press("end")
        await ui.sees("103 failed today")


async def test_partly_loaded_day_without_failures_is_not_zero(console: Run, world: RowFactory) -> None:
    world.flow()
    async with console(cookie=False, gate=True) as ui:
        await ui.sees("the runs of your automations", "0 live")
        assert "failed today" not in ui.text


async def test_chart_hours_match_the_clock_in_a_half_hour_zone(
    console: Run, world: RowFactory, zone: Callable[[str], None]
) -> None:
    zone("Asia/Kolkata")
    world.call(repo_id=world.repo("acme/api"), status="success", cost_usd=3.5, cost_source="gateway")
    async with console() as ui:
        await ui.press("6")
        await ui.sees("Cost per hour", "today ~$3.50")
        chart = ui.app.screen.query_one(UsageChart)
        # The chart is drawn some time after the cards, when the calls of its hours were read.
        axis = await ui.until(lambda: chart.render_line(chart.size.height - 1).text.strip(), "the time axis")
        assert ":30" in axis and ":00" not in axis
