"""Reports of costs: ranges, groups, intervals, coverage and forecasts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from mogplex_tui.live.call_spans import EPOCH, CoveredSpan, Gap
from mogplex_tui.live.call_sums import CostDimension, Interval
from mogplex_tui.live.call_tables import CallTables
from mogplex_tui.live.cost_forecast import forecast
from mogplex_tui.operate.cost_report import CostQuestion, Within, read_report
from mogplex_tui.operate.time_ranges import parse_range
from tests.unit.test_call_history import HOUR, NOW, call, database

DAY = timedelta(days=1)
MODEL, REPO = CostDimension.MODEL, CostDimension.REPO


def test_ranges_that_a_user_types() -> None:
    assert parse_range("24h").interval(NOW).since == NOW - DAY
    assert parse_range("today").interval(NOW).since == NOW.replace(hour=0)
    assert parse_range("month").interval(NOW).since == NOW.replace(day=1, hour=0)
    since = datetime(2026, 8, 1).astimezone()
    assert parse_range("2026-08-01..").interval(NOW) == Interval(since, NOW + timedelta(seconds=1))
    assert parse_range("2026-08-01") == parse_range("2026-08-01..")
    assert parse_range("2026-08-01..2026-08-02").interval(NOW) == Interval(since, since + 2 * DAY)
    assert parse_range("2026-08-01T00:00Z..2026-08-01T01:00Z").interval(NOW).until == datetime(
        2026, 8, 1, 1, tzinfo=UTC
    )
    for wrong in ("", "0h", "yesterday", "2026-08-02..2026-08-01", "..2026-08-01"):
        with pytest.raises(ValueError):
            parse_range(wrong)


def test_forecast_adds_the_mean_and_widens_with_the_time_left() -> None:
    hours = [Decimal(1), Decimal(3), Decimal(2), Decimal(2)]
    near = forecast(Decimal(10), hours, HOUR, NOW, NOW + HOUR, least=4)
    far = forecast(Decimal(10), hours, HOUR, NOW, NOW + 9 * HOUR, least=4)
    assert near is not None and far is not None
    assert (near.cost, far.cost) == (12, 28)
    # The spread of 1, 3, 2, 2 is the root of 2/3; over one hour, with four samples: times the root of 5/4.
    assert float(near.error) == pytest.approx((2 / 3 * 5 / 4) ** 0.5)
    assert far.error > 3 * near.error and far.window == 4 * HOUR
    assert forecast(Decimal(10), hours, HOUR, NOW, NOW + HOUR, least=5) is None


def test_report_looks_into_a_group_and_names_what_is_missing() -> None:
    rows = [call(str(n), HOUR * n + HOUR / 4, str(n), repo_id="r1" if n % 2 else "r2") for n in range(9)]
    rows += [call("x", HOUR / 2, "7", model="acme/mini", repo="acme/docs")]
    connection = database(rows)
    CallTables(connection).cover(CoveredSpan(NOW - 6 * HOUR, NOW, NOW))
    CallTables(connection).cover(CoveredSpan(NOW - 30 * HOUR, NOW - 8 * HOUR, NOW))
    names = {"r1": "acme/web"}
    question = CostQuestion(parse_range("24h"), (MODEL,))
    report = read_report(connection, question, NOW, names)
    assert [(group.labels, group.sum.cost) for group in report.groups] == [
        (("acme/nova",), 36),
        (("acme/mini",), 7),
    ]
    assert (report.total.cost, report.complete_since) == (43, NOW - 6 * HOUR)
    assert report.gaps == (Gap(NOW - 8 * HOUR, NOW - 6 * HOUR),)
    assert [step.start.hour for step in report.steps if not step.is_complete] == [6, 7]
    assert sum((step.sum.units for step in report.steps), 0) == report.total.units
    assert report.per_hour is not None and report.per_hour.cost == 7
    # Too few of the hours of today are complete.
    assert report.midnight is None and report.month is None
    inner = read_report(
        connection, CostQuestion(parse_range("24h"), (MODEL, REPO), Within("acme/nova")), NOW, names
    )
    assert [group.labels for group in inner.groups] == [("acme/nova", "r2"), ("acme/nova", "acme/web")]
    assert inner.total.cost == 36
    assert inner.plotted == ("r2", "acme/web")
    assert [sum(step.groups[place].units for step in inner.steps) for place in (0, 1)] == [
        group.sum.units for group in inner.groups
    ]
    assert inner.outcomes["success"].calls == 9


def test_forecasts_need_complete_days_and_enough_priced_calls() -> None:
    rows = [call(str(n), HOUR * n, "2") for n in range(24 * 10)]
    connection = database(rows)
    question = CostQuestion(parse_range("month"))
    assert read_report(connection, question, NOW, {}).midnight is None
    CallTables(connection).cover(CoveredSpan(EPOCH, NOW, NOW))
    report = read_report(connection, question, NOW, {})
    midnight, month = report.midnight, report.month
    assert midnight is not None and midnight.cost == 15 * 2 + 10 * 2 and midnight.error == 0
    assert month is not None and month.until == datetime(2026, 9, 1, tzinfo=UTC)
    assert round(month.cost) == round((4 * 24 + 15) * 2 + 48 * (26 + 10 / 24))
    unpriced = database([call(str(n), HOUR * n, None) for n in range(24 * 10)])
    CallTables(unpriced).cover(CoveredSpan(EPOCH, NOW, NOW))
    assert read_report(unpriced, question, NOW, {}).midnight is None


def test_plot_of_days_has_local_days() -> None:
    connection = database([call("a", 3 * DAY), call("b", 30 * DAY)])
    CallTables(connection).cover(CoveredSpan(EPOCH, NOW, NOW))
    steps = read_report(connection, CostQuestion(parse_range("90d")), NOW, {}).steps
    assert [step.start for step in steps[:1]] == [(NOW - 30 * DAY).astimezone().replace(hour=0, minute=0)]
    assert len(steps) == 31 and all(step.is_complete for step in steps)
