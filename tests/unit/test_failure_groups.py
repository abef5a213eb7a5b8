"""Groups of failures count no more than what is loaded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from mogplex_tui.operate.failure_groups import FailureCount, FailureGroupings, Grouping, group_failures

NOW = datetime(2026, 8, 5, 12, tzinfo=UTC)
Row = tuple[str, float]
"""A model, and the hours since its failure."""
GROUPINGS: FailureGroupings[Row] = FailureGroupings(
    lambda row: NOW - timedelta(hours=row[1]), (Grouping("model", "model", lambda row: row[0] or None),)
)


def test_failures_before_the_loaded_runs_are_unknown() -> None:
    rows = [("nova", 0.5), ("nova", 1.5), ("nova", 20), ("star", 0.1), ("", 0.1), ("old", 50)]
    nova, star = group_failures(rows, GROUPINGS, NOW, NOW - timedelta(hours=21))
    assert (nova.label, nova.filter, star.label) == ("nova", "model:=nova", "star")
    assert (nova.hour, nova.hour_before) == (FailureCount(1, True), FailureCount(1, True))
    assert (nova.day, nova.day_before) == (FailureCount(3, False), FailureCount(0, False))
    assert not nova.is_rising and star.is_rising
    assert nova.trend[:4] == [None] * 4
