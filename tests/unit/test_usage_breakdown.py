"""Sums of the loaded runs by owner and by interval, and their coverage."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from mogplex_tui.api.estimated_amount import Estimate
from mogplex_tui.live.hour_figures import HourFigures
from mogplex_tui.live.hourly_costs import HourCost
from mogplex_tui.live.run_row import Cost, RunRow, RunSource
from mogplex_tui.live.usage_breakdown import TREND_PARTS, Measure, TimeRange, break_down, buckets, trend
from mogplex_tui.screens.usage_bars import coverage_text, read_text, started_filter

NOW = datetime(2026, 8, 3, 14, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)


def _row(key: str, ago: timedelta, cost: str | None, source: Cost = Cost.KNOWN, repo: str = "a/b") -> RunRow:
    return RunRow(
        key,
        RunSource.CALL,
        "success",
        repo=repo,
        started_at=NOW - ago,
        cost=None if cost is None else Decimal(cost),
        cost_source=source,
    )


ROWS = [
    _row("1", timedelta(minutes=3), "1.5"),
    _row("2", HOUR, "2", Cost.ESTIMATED),
    _row("3", HOUR, None, Cost.UNKNOWN, repo="a/c"),
    _row("4", 30 * HOUR, "9"),
]


def test_breakdown_keeps_estimates_and_unknown_prices_apart() -> None:
    done = break_down(ROWS, TimeRange.DAY.since(NOW), {"repo": lambda row: row.repo}, NOW - 2 * HOUR)
    usage, unpriced = done.by["repo"]["a/b"], done.by["repo"]["a/c"]
    assert (usage.calls, usage.cost) == (2, Decimal("3.5"))
    assert isinstance(usage.cost, Estimate)
    assert (unpriced.calls, unpriced.cost) == (1, None)
    since = TimeRange.DAY.since(NOW)
    text = coverage_text(done.total.calls, 430, done.complete_since, since)
    assert text.startswith("from 3 of 430 runs, since ")
    assert coverage_text(3, 3, since, since) == "from all 3 runs"


def test_hours_that_were_not_read_are_gaps_and_counted() -> None:
    hour = NOW.replace(minute=0)
    figures = HourFigures(7, 1.0, None, 9_000)
    hourly = {
        hour - 5 * HOUR: HourCost(Estimate("4"), NOW, figures),
        hour - 6 * HOUR: HourCost(None, NOW),
        hour: HourCost(Estimate("99"), NOW),
    }
    day = buckets(TimeRange.DAY, NOW, ROWS, hour - HOUR, hourly)
    assert len(day) == 24
    # Loaded hours are summed from the rows, others are the service's sums.
    assert [(each.value, each.calls) for each in day[-2:]] == [(Decimal(2), 2), (Decimal("1.5"), 1)]
    assert (day[-6].value, day[-6].calls, day[-6].read) == (Decimal(4), 7, 1)
    assert (day[-7].value, day[-7].read) == (None, 1)
    assert (day[-5].value, day[-5].read) == (None, 0)
    assert read_text(day) == "4 of 24 hours read"
    by = {each: buckets(TimeRange.DAY, NOW, ROWS, hour - HOUR, hourly, each) for each in Measure}
    # The service counts the calls and tokens of an hour, but not those that failed.
    assert [(by[each][-6].value, by[each][-6].read) for each in Measure] == [
        (Decimal(4), 1), (9_000, 1), (7, 1), (None, 0),
    ]  # fmt: skip
    assert [by[each][-2].value for each in Measure][2:] == [2, 0]
    week = buckets(TimeRange.WEEK, NOW, ROWS, hour - HOUR, hourly)
    assert sum(each.steps for each in week) == 168
    assert week[-1].value == Decimal("7.5")
    assert read_text(week) == "4 of 168 hours read"


def test_trend_has_a_gap_for_each_part_that_is_not_loaded_whole() -> None:
    since, failed = NOW - 8 * HOUR, [NOW - HOUR / 2, NOW - HOUR / 3, NOW - 5.5 * HOUR, NOW - 7.5 * HOUR]
    assert TREND_PARTS == 8
    assert trend(failed, since, NOW, since) == [1, 0, 1, 0, 0, 0, 0, 2]
    assert trend(failed, since, NOW, NOW - 5.5 * HOUR) == [None, None, None, 0, 0, 0, 0, 2]
    assert trend(failed, since, NOW, None) == [None] * 8


def test_ranges_have_their_own_intervals() -> None:
    today = buckets(TimeRange.TODAY, NOW, ROWS, None, {})
    assert (today[0].start, len(today)) == (NOW.replace(hour=0, minute=0), 15)
    hour = buckets(TimeRange.HOUR, NOW, ROWS, NOW - 2 * HOUR, {})
    assert hour[0].start == NOW - HOUR - timedelta(minutes=5)
    assert hour[-1].value == Decimal("1.5") and read_text(hour) == ""


def test_interval_is_filtered_by_the_beginning_of_its_local_time() -> None:
    start = datetime(2026, 8, 3, 14).astimezone()
    day = start.replace(hour=0)
    assert started_filter(start, start + HOUR) == "started:2026-08-03T14"
    assert started_filter(start, start + HOUR / 6) == "started:2026-08-03T14:0"
    assert started_filter(day, day + 24 * HOUR) == "started:2026-08-03"
    assert started_filter(day, None) == "started:>2026-08-03"
    # In a zone that is half an hour off, an hour of the service has no such beginning.
    half = start + HOUR / 2
    assert started_filter(half, half + HOUR) == "started:>2026-08-03T14:30 started:<2026-08-03T15:30"
