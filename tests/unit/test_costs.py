"""Cost windows and hourly costs; zero and unknown are different.

The contract is in observability.md §1.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from mogplex_tui.api.budget import Priority, RequestOutcome, Slot
from mogplex_tui.api.errors import BudgetBlocked
from mogplex_tui.live.cost_windows import FIRST_AFTER, FIRST_HOURS, METERED_EVERY
from mogplex_tui.live.hour_figures import HourFigures
from mogplex_tui.live.hourly_costs import HOUR, KEPT_HOURS, SHOWN_HOURS
from mogplex_tui.live.usage_breakdown import TimeRange
from tests.unit.fakes import FakeSession, stats

NOW = datetime(2026, 8, 5, 10, 25, 30, tzinfo=UTC)
CURRENT = datetime(2026, 8, 5, 10, tzinfo=UTC)


_BAD_SHARE = (
    '{"account": "a", "hours": [["2026-08-05T09:00:00+00:00", "1", "2026-08-05T10:00:00+00:00", "3", "nan"]]}'
)


@pytest.fixture
def session(tmp_path: Path) -> FakeSession:
    made = FakeSession(tmp_path)
    made.time.wall = NOW
    return made


async def read_hours(session: FakeSession, times: int = 1) -> None:
    for _ in range(times):
        await session.costs.feeds["hours"].fetch()


async def test_costs_are_unknown_before_the_first_read(session: FakeSession) -> None:
    costs = session.costs
    assert (costs.today, costs.per_hour) == (None, None)
    assert costs.series() == [None] * SHOWN_HOURS


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
    assert session.costs.series() == [None] * SHOWN_HOURS
    session.fake.stats_of = lambda since, until: stats(
        total_cost=0, total_calls=0, cost_today=0, calls_today=0
    )
    await session.costs.feeds["hour"].fetch()
    assert (session.costs.per_hour, session.costs.today) == (Decimal(0), Decimal(0))


async def test_hour_with_unpriced_calls_has_no_cost(session: FakeSession) -> None:
    calls = {10: 3, 9: 0}
    session.fake.stats_of = lambda since, until: stats(total_cost=0, total_calls=calls.get(since.hour, 0))  # type: ignore[union-attr]
    await read_hours(session, 2)
    assert session.costs.series()[-2:] == [0.0, None]


async def test_moving_window_is_not_reported_as_a_change(session: FakeSession) -> None:
    for amount in ("1", "2"):
        session.fake.stats_of = lambda since, until, a=amount: stats(total_cost=a)  # type: ignore[misc]
        assert await session.costs.feeds["hour"].fetch() is False


async def test_hours_are_read_newest_first_and_do_not_overlap(session: FakeSession) -> None:
    session.fake.stats_of = lambda since, until: stats(total_cost=since.hour if since else None)
    await read_hours(session, 3)
    asked = [(kwargs["since"], kwargs["until"]) for _, _, kwargs in session.fake.asked]
    assert [since for since, _ in asked] == [CURRENT - HOUR * back for back in range(3)]
    assert all(until == since + HOUR - timedelta(microseconds=1) for since, until in asked)
    assert session.costs.series() == [None] * (SHOWN_HOURS - 3) + [8.0, 9.0, 10.0]


async def test_browser_session_reads_the_shown_hours_at_once(tmp_path: Path) -> None:
    session = FakeSession(tmp_path, cookie="sid=1")
    session.time.wall = NOW
    session.fake.stats_of = lambda since, until: stats(total_cost=1)
    await read_hours(session)
    assert len(session.fake.asked) == FIRST_HOURS
    await read_hours(session)
    assert len(session.fake.asked) == FIRST_HOURS + 1


async def test_token_reads_hours_from_spare_budget_only(session: FakeSession) -> None:
    session.fake.stats_of = lambda since, until: stats(total_cost=1)
    feed = session.costs.feeds["hours"]
    assert (feed.metered(), feed.metered_delay) == (True, FIRST_AFTER)
    await read_hours(session)
    assert (len(session.fake.asked), feed.poll_without_realtime) == (1, METERED_EVERY)
    for _ in range(21):
        slot = session.budget.acquire(Priority.ACTION)
        assert isinstance(slot, Slot)
        session.budget.record_outcome(slot, RequestOutcome.COUNTED)
    await read_hours(session)
    assert len(session.fake.asked) == 1


async def test_hour_is_read_again_when_it_is_over_and_when_it_is_final(session: FakeSession) -> None:
    session.fake.stats_of = lambda since, until: stats(total_cost=1)
    await read_hours(session, KEPT_HOURS)
    hourly = session.costs.hourly
    assert hourly.to_read() == []
    session.time.wall += HOUR
    # The new hour is missing, the last one was not over, and the one two hours before it was not final.
    assert hourly.to_read() == [CURRENT + HOUR, CURRENT, CURRENT - HOUR * 2]
    await read_hours(session, 3)
    session.time.wall += timedelta(minutes=3)
    assert hourly.to_read() == [CURRENT + HOUR]


async def test_hours_are_kept_for_the_same_account(session: FakeSession, tmp_path: Path) -> None:
    session.fake.stats_of = lambda since, until: stats(total_cost="1.5", total_calls=3, success_rate=66.7)
    session.account = "ada@acme.dev"
    session.costs._account_known()
    await read_hours(session, 5)
    session.costs.hourly.save()
    for account, known in (("ada@acme.dev", 5), ("eve@acme.dev", 0)):
        later = FakeSession(tmp_path)
        later.time.wall = NOW + HOUR
        later.costs.hourly.load()
        assert later.costs.series()[-2] == 1.5
        # Neither the last hour nor one that was read before it ended.
        assert later.costs.earlier_hours() == [HourFigures(3, 0.667, Decimal("1.5"))] * 4
        later.account = account
        later.costs._account_known()
        assert len(later.costs.hourly.known) == known


@pytest.mark.parametrize(
    "content", ['{"hours": 1}', '{"account": "a", "hours": [["x", "1", "y"]]}', _BAD_SHARE, "NaN"]
)
def test_damaged_hours_are_renamed(tmp_path: Path, content: str) -> None:
    (tmp_path / "hourly-costs.json").write_text(content)
    session = FakeSession(tmp_path)
    session.costs.hourly.load()
    assert session.costs.series() == [None] * SHOWN_HOURS
    assert (tmp_path / "hourly-costs.json.damaged").read_text() == content


async def test_hours_read_before_the_budget_ran_out_are_kept(tmp_path: Path) -> None:
    session = FakeSession(tmp_path, cookie="sid=1")
    session.time.wall = NOW
    session.fake.stats_of = lambda since, until: stats(total_cost=1)
    session.fake.refuse["observability.stats"] = [None, BudgetBlocked(1050.0)]
    with pytest.raises(BudgetBlocked):
        await session.costs.feeds["hours"].fetch()
    assert session.costs.series()[-2:] == [None, 1.0]


async def test_closed_stats_are_not_requested(session: FakeSession) -> None:
    session.close_observability()
    for feed in session.costs.feeds.values():
        assert feed.idle()
        assert await feed.fetch() is False
    assert session.fake.log == []


async def test_window_of_today_is_read_only_when_chosen(session: FakeSession) -> None:
    names = [feed.name for feed in session.costs.window_feeds(TimeRange.DAY)]
    assert names == ["stats:hour", "stats:day", "stats:week"]
    assert "stats:today" in [feed.name for feed in session.costs.window_feeds(TimeRange.TODAY)]
