"""The startup cache restores the last known rows with their true age."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from mogplex_tui.live import run_row, startup_cache
from mogplex_tui.live.run_row import Cost, RunRow, RunSource
from mogplex_tui.live.store import RowSet
from tests.unit.fakes import START, call, job, run

ROWS = {
    row.key: row
    for row in (
        run_row.from_call(
            call(1, cost_usd="0.12345678", cost_source="gateway", input_tokens=5, error="boom")
        ),
        run_row.from_run(run(2, status="success"), prompt="Fix it", repo="acme/web"),
        run_row.from_job(job(3, "a1"), "a1", "Nightly"),
        run_row.unreadable("c9", "status: missing", {"id": "c9", "token": "hunter2"}),
        RunRow("bare", RunSource.CALL, "hibernating"),
    )
}


def test_rows_are_restored_unchanged(tmp_path: Path) -> None:
    startup_cache.save(tmp_path, ROWS, START)
    known: RowSet[RunRow] = RowSet()
    startup_cache.load(tmp_path, known, START + timedelta(minutes=5), 1000.0)
    assert known.rows == ROWS
    cost = known.rows[call(1).id].cost
    assert cost == Decimal("0.12345678")
    assert known.rows[call(1).id].cost_source is Cost.KNOWN
    assert known.freshness.as_of_wall == START
    assert known.freshness.age(1000.0) == 300.0


def test_clock_set_back_gives_no_negative_age(tmp_path: Path) -> None:
    startup_cache.save(tmp_path, ROWS, START)
    known: RowSet[RunRow] = RowSet()
    startup_cache.load(tmp_path, known, START - timedelta(days=1), 1000.0)
    assert known.freshness.age(1000.0) == 0.0


def test_only_the_newest_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startup_cache, "MAX_RUNS", 2)
    startup_cache.save(tmp_path, {str(n): run_row.from_call(call(n)) for n in range(5)}, START)
    known: RowSet[RunRow] = RowSet()
    startup_cache.load(tmp_path, known, START, 0.0)
    assert set(known.rows) == {call(3).id, call(4).id}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        "7",
        '"x"',
        "{}",
        '{"at": "2026-08-05T10:00:00+00:00"}',
        '{"at": 7, "runs": []}',
        '{"at": "yesterday", "runs": []}',
        # Without a time zone the age is unknown.
        '{"at": "2026-08-05T10:00:00", "runs": []}',
        '{"at": "2026-08-05T10:00:00+00:00", "runs": 7}',
    ],
)
def test_damaged_file_is_ignored(tmp_path: Path, text: str) -> None:
    (tmp_path / "picture.json").write_text(text)
    known: RowSet[RunRow] = RowSet()
    startup_cache.load(tmp_path, known, START, 0.0)
    assert known.rows == {}
    assert known.freshness.as_of is None


@pytest.mark.parametrize(
    "damage",
    [
        None,
        7,
        "row",
        [],
        {},
        {"key": "k"},
        {"key": "k", "source": "moon", "state": "success"},
        {"key": 7, "source": "call", "state": "success"},
        {"key": "k", "source": "call", "state": "success", "cost": "much"},
        {"key": "k", "source": "call", "state": "success", "tokens": "many"},
        {"key": "k", "source": "call", "state": "success", "created_at": "soon"},
        {"key": "k", "source": "call", "state": "success", "created_at": 5},
        {"key": "k", "source": "call", "state": "success", "external": 1},
        {"key": "k", "source": "call", "state": "success", "cost_source": "guess"},
    ],
)
def test_damaged_row_hides_no_other(tmp_path: Path, damage: object) -> None:
    good = {"key": "good", "source": "call", "state": "success", "a_field_of_tomorrow": [1]}
    (tmp_path / "picture.json").write_text(json.dumps({"at": START.isoformat(), "runs": [damage, good]}))
    known: RowSet[RunRow] = RowSet()
    startup_cache.load(tmp_path, known, START, 0.0)
    assert known.rows == {"good": RunRow("good", RunSource.CALL, "success")}


def test_missing_file_restores_nothing(tmp_path: Path) -> None:
    known: RowSet[RunRow] = RowSet()
    startup_cache.load(tmp_path / "nowhere", known, START, 0.0)
    assert known.rows == {}


def test_unwritable_directory_does_not_raise(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    startup_cache.save(blocked, ROWS, START)
    assert blocked.read_text() == "in the way"


def test_time_without_zone_is_utc(tmp_path: Path) -> None:
    row = ROWS["bare"]._replace(created_at=START)
    raw = {"key": "bare", "source": "call", "state": "hibernating", "created_at": "2026-08-05T10:00:00"}
    (tmp_path / "picture.json").write_text(json.dumps({"at": START.isoformat(), "runs": [raw]}))
    known: RowSet[RunRow] = RowSet()
    startup_cache.load(tmp_path, known, START, 0.0)
    assert known.rows == {"bare": row}
