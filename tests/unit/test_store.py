"""A set of rows notifies its listeners of new and changed rows only."""

from __future__ import annotations

import logging

import pytest

from mogplex_tui.live.freshness import Freshness
from mogplex_tui.live.store import RowChanges, RowSet, Store


def test_listeners_get_only_new_and_changed_rows() -> None:
    rows: RowSet[int] = RowSet()
    told: list[RowChanges] = []
    rows.changes.subscribe(told.append)
    assert rows.apply([("a", 1), ("b", 2)]).changed == {"a", "b"}
    rows.apply([("a", 1), ("b", 3)])
    assert [change.changed for change in told] == [{"a", "b"}, {"b"}]
    assert rows.rows == {"a": 1, "b": 3}


def test_unchanged_rows_notify_nobody() -> None:
    rows: RowSet[int] = RowSet()
    rows.apply([("a", 1)])
    told: list[RowChanges] = []
    rows.changes.subscribe(told.append)
    assert rows.apply([("a", 1)]) == RowChanges()
    assert told == []


def test_complete_read_removes_missing_rows() -> None:
    rows: RowSet[int] = RowSet()
    rows.apply([("a", 1), ("b", 2)])
    rows.apply([("c", 3)])
    assert set(rows.rows) == {"a", "b", "c"}
    assert rows.apply([("c", 3)], complete=True) == RowChanges(frozenset(), frozenset({"a", "b"}))
    assert rows.rows == {"c": 3}


def test_failing_listener_is_logged_and_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    rows: RowSet[int] = RowSet()
    told: list[RowChanges] = []

    def broken(change: RowChanges) -> None:
        raise RuntimeError("a screen that is gone")

    rows.changes.subscribe(broken)
    rows.changes.subscribe(told.append)
    with caplog.at_level(logging.ERROR):
        rows.apply([("a", 1)])
    assert len(told) == 1
    assert "a screen that is gone" in caplog.text


def test_listener_may_unsubscribe_during_notification() -> None:
    rows: RowSet[int] = RowSet()
    told: list[str] = []

    def first(_: object) -> None:
        told.append("first")
        leave()

    leave = rows.changes.subscribe(first)
    rows.changes.subscribe(lambda _: told.append("second"))
    rows.apply([("a", 1)])
    rows.apply([("a", 2)])
    leave()
    assert told == ["first", "second", "second"]


def test_age_of_a_set_counts_from_its_last_read() -> None:
    assert Freshness().age(50.0) is None
    assert Freshness(as_of=40.0).age(50.0) == 10.0
    # The startup cache may be dated slightly ahead.
    assert Freshness(as_of=60.0).age(50.0) == 0.0


def test_set_is_created_on_first_use() -> None:
    store = Store()
    first = store.set("runs")
    assert store.set("runs") is first
    assert store.set("models") is not first
