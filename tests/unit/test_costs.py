"""Cost windows and hourly costs; zero and unknown are different.

The contract is in observability.md §1.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from mogplex_tui.api.errors import BudgetBlocked
from mogplex_tui.live.cost_windows import BUCKET_EVERY, BUCKETS, BUCKETS_A_READ, FILL_EVERY, HOUR
from tests.unit.fakes import FakeSession, stats, wait_until

NOW = datetime(2026, 8, 5, 10, 25, 30, tzinfo=UTC)
CURRENT = datetime(2026, 8, 5, 10, tzinfo=UTC)


@pytest.fixture
def session(tmp_path: Path) -> FakeSession:
    made = FakeSession(tmp_path)
    made.time.wall = NOW
    return made


async def read_hours(session: FakeSession, times: int = 1) -> None:
    for _ in range(times):
        await session.costs.feeds["buckets"].fetch()


async def test_costs_are_unknown_before_the_first_read(session: FakeSession) -> None:
    costs = session.costs
    assert (costs.today, costs.per_hour) == (None, None)
    assert costs.series() == [None] * BUCKETS


@pytest.mark.parametrize(("name", "span"), [("hour", HOUR), ("day", 24 * HOUR), ("week", 168 * HOUR)])
async def test_each_window_requests_its_own_span(session: FakeSession, name: str, span: timedelta) -> None:
    session.fake.stats_of = lambda since, until: stats(total_cost="3.71", cost_today="0.4")
    notified: list[int] = []
    session.costs.changed.subscribe(lambda: notified.append(1))
    await session.costs.feeds[name].fetch()
    ((_, _, asked),) = session.fake.asked
    assert asked == {"since": NOW - span, "until": None}
    assert session.costs.windows[name].stats.summary.total_cost == Decimal("3.71")
    assert session.costs.windows[name].at == NOW
    assert session.costs.today == Decimal("0.4")
    assert notified == [1]


async def test_burn_rate_is_last_hour_and_today_is_newest_response(
    session: FakeSession,
) -> None:
    spent = {"day": ("9", "1.0"), "hour": ("0.75", "1.2")}
    for name, (total, today) in spent.items():
        session.fake.stats_of = lambda since, until, t=total, d=today: stats(total_cost=t, cost_today=d)  # type: ignore[misc]
        await session.costs.feeds[name].fetch()
        session.time.advance(1)
    assert (session.costs.per_hour, session.costs.today) == (Decimal("0.75"), Decimal("1.2"))


async def test_null_cost_is_unknown_not_zero(session: FakeSession) -> None:
    session.fake.stats_of = lambda since, until: stats(total_cost=None, cost_today=None)
    await session.costs.feeds["hour"].fetch()
    assert (session.costs.per_hour, session.costs.today) == (None, None)
    await read_hours(session)
    assert session.costs.series() == [None] * BUCKETS
    session.fake.stats_of = lambda since, until: stats(
        total_cost=0, total_calls=0, cost_today=0, calls_today=0
    )
    await session.costs.feeds["hour"].fetch()
    assert (session.costs.per_hour, session.costs.today) == (Decimal(0), Decimal(0))


async def test_hour_with_unpriced_calls_has_no_cost(session: FakeSession) -> None:
    calls = {10: 3, 9: 0}
    session.fake.stats_of = lambda since, until: stats(total_cost=0, total_calls=calls.get(since.hour, 0))  # type: ignore[union-attr]
    await read_hours(session)
    assert session.costs.series()[-2:] == [0.0, None]


async def test_moving_window_is_not_reported_as_a_change(session: FakeSession) -> None:
    for amount in ("1", "2"):
        session.fake.stats_of = lambda since, until, a=amount: stats(total_cost=a)  # type: ignore[misc]
        assert await session.costs.feeds["hour"].fetch() is False


async def test_hours_are_read_newest_first(session: FakeSession) -> None:
    session.fake.stats_of = lambda since, until: stats(total_cost=since.hour if since else None)
    await read_hours(session)
    asked = [(kwargs["since"], kwargs["until"]) for _, _, kwargs in session.fake.asked]
    assert [since for since, _ in asked] == [CURRENT - HOUR * back for back in range(BUCKETS_A_READ)]
    # The hours do not overlap.
    assert all(until == since + HOUR - timedelta(microseconds=1) for since, until in asked)
    assert session.costs.series()[-4:] == [7.0, 8.0, 9.0, 10.0]
    assert session.costs.series()[:-4] == [None] * (BUCKETS - 4)


async def test_missing_hours_are_read_first_then_old_ones_in_turn(
    session: FakeSession,
) -> None:
    feed = session.costs.feeds["buckets"]
    rounds = BUCKETS // BUCKETS_A_READ
    for _ in range(rounds - 1):
        await feed.fetch()
        assert feed.blind == FILL_EVERY
    await feed.fetch()
    assert feed.blind == BUCKET_EVERY
    again: list[datetime] = []
    for _ in range(BUCKETS - 1):
        session.time.seconds += 20
        session.fake.asked.clear()
        await feed.fetch()
        current, closed = (kwargs["since"] for _, _, kwargs in session.fake.asked)
        assert current == CURRENT
        again.append(closed)
    # Costs are reconciled late, so that all closed hours are read again in turn.
    assert sorted(again) == session.costs.hours()[:-1]


async def test_hours_without_a_cost_are_read_once(session: FakeSession) -> None:
    session.fake.stats_of = lambda since, until: stats(total_cost=None)
    session.scheduler.start()
    session.scheduler.subscribe(session.costs.feeds["buckets"])
    for asked in range(BUCKETS_A_READ, BUCKETS + 1, BUCKETS_A_READ):
        await wait_until(lambda: len(session.fake.asked) == asked)
        await wait_until(lambda: not session.costs.feeds["buckets"].running)
        # Requests are spread over seconds, so that a start causes no burst.
        assert len(session.fake.asked) == asked
        session.time.seconds += FILL_EVERY
        session.scheduler.poke()
    for _ in range(100):
        await wait_until(lambda: True)
    await session.scheduler.stop()
    assert len(session.fake.asked) == BUCKETS


async def test_series_moves_on_with_the_hours(session: FakeSession) -> None:
    session.fake.stats_of = lambda since, until: stats(total_cost=1)
    await read_hours(session, BUCKETS // BUCKETS_A_READ)
    assert session.costs.series() == [1.0] * BUCKETS
    session.time.wall += HOUR * 2
    assert session.costs.series() == [1.0] * (BUCKETS - 2) + [None, None]
    await read_hours(session)
    assert len(session.costs.buckets) == BUCKETS
    assert session.costs.series() == [1.0] * BUCKETS


async def test_hours_read_before_the_budget_ran_out_are_kept(session: FakeSession) -> None:
    session.fake.stats_of = lambda since, until: stats(total_cost=1)
    session.fake.refuse["observability.stats"] = [None, BudgetBlocked(1050.0)]
    with pytest.raises(BudgetBlocked):
        await session.costs.feeds["buckets"].fetch()
    assert session.costs.series()[-1] == 1.0
    assert session.costs.series()[-2] is None


async def test_closed_stats_are_not_requested(session: FakeSession) -> None:
    session.close_observability()
    for feed in session.costs.feeds.values():
        assert feed.idle()
        assert await feed.fetch() is False
    assert session.fake.log == []


async def test_costs_have_a_feed_for_every_window(session: FakeSession) -> None:
    names = [feed.name for feed in session.costs.windows_feeds]
    assert names == ["stats:hour", "stats:day", "stats:week"]
