"""The columns of the list of runs, with and without values."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from mogplex_tui.live import run_row as make
from mogplex_tui.live.run_row import Cost, RunRow, RunSource, duration_seconds
from mogplex_tui.live.sorted_view import SortedView
from mogplex_tui.operate import kind_rows
from mogplex_tui.operate.formatting import DASH
from mogplex_tui.operate.kinds.runs import KIND as RUNS
from mogplex_tui.operate.model import RenderTime
from mogplex_tui.widgets.ascii_filter import letters
from tests.unit.fakes import START, call, job, run, stamp

CONTEXT = RenderTime(START + timedelta(hours=1))
BARE = RunRow("k", RunSource.CALL, "unknown")
STATES = [
    "pending",
    "streaming",
    "running",
    "success",
    "failed",
    "cancelled",
    "cancelling",
    "unreadable",
    "hibernating",
]


def cell(row: RunRow, key: str, context: RenderTime = CONTEXT) -> str:
    return RUNS.column(key).cell(row, context)[0]


@pytest.mark.parametrize("state", STATES)
def test_every_state_has_cells(state: str) -> None:
    for row in (BARE._replace(state=state), make.from_call(call(1))._replace(state=state)):
        for field in RUNS.columns:
            text, tone = field.cell(row, CONTEXT)
            assert isinstance(text, str)
            assert tone in {"plain", "dim", "strong", "ok", "warn", "error", "live", "accent"}
        shown = cell(row, "state")
        assert state in shown
        assert len(shown) > len(state)  # a glyph too: colour is never the only sign
        assert letters(shown).isascii()


@pytest.mark.parametrize(
    "state", ["pending", "streaming", "success", "failed", "cancelled", "cancelling", "unreadable"]
)
def test_state_fits_its_column(state: str) -> None:
    assert len(cell(BARE._replace(state=state), "state")) <= RUNS.column("state").layout.width


@pytest.mark.parametrize("key", ["repo", "agent", "model", "branch", "age", "time", "tokens", "cost"])
def test_unknown_value_is_a_dash(key: str) -> None:
    assert cell(BARE, key) == DASH


def test_cost_column_tells_unknown_zero_and_estimate_apart() -> None:
    assert cell(BARE._replace(cost=None, cost_source=Cost.KNOWN), "cost") == DASH
    assert cell(BARE._replace(cost=Decimal(0), cost_source=Cost.KNOWN), "cost") == "$0.00"
    assert cell(BARE._replace(cost=Decimal("0.42"), cost_source=Cost.ESTIMATED), "cost") == "~$0.42"
    assert cell(BARE._replace(cost=Decimal("0.42"), cost_source=Cost.KNOWN), "cost") == "$0.42"


def test_zero_tokens_are_shown() -> None:
    assert cell(BARE._replace(tokens=0), "tokens") == "0"
    assert cell(BARE._replace(tokens=48_213), "tokens") == "48.2k"


def test_error_column_shows_first_line() -> None:
    row = BARE._replace(state="failed", error="boom\nTraceback")
    assert RUNS.column("error").cell(row, CONTEXT) == ("boom", "error")
    assert cell(BARE, "error") == ""


@pytest.mark.parametrize(
    ("row", "seconds"),
    [
        (make.from_call(call(0, status="success", duration_ms=1500)), 1.5),
        (make.from_call(call(0, status="streaming")), 3600.0),
        # A pending call has no duration.
        (make.from_call(call(0, status="pending")), None),
        (make.from_call(call(0, status="success", completed_at=stamp(90))), 90.0),
        (make.from_run(run(0, status="failed")), 90.0),
        (make.from_job(job(0, "a"), "a", None), 3598.0),
        (BARE, None),
        (make.from_call(call(0, status="success")), None),
    ],
    ids=[
        "duration of the call",
        "streaming call",
        "pending call",
        "end of the call",
        "ended run",
        "running job",
        "no times",
        "ended without a duration",
    ],
)
def test_duration_of_a_row(row: RunRow, seconds: float | None) -> None:
    assert duration_seconds(row, CONTEXT.now) == seconds


def test_live_rows_sort_first_then_the_newest() -> None:
    rows = {
        row.key: row
        for row in (
            make.from_call(call(1, status="streaming")),
            make.from_call(call(2, status="success")),
            make.from_call(call(3, status="pending")),
            make.from_call(call(4, status="failed")),
            BARE,
        )
    }
    view = SortedView(rows, kind_rows.sort_key_of(RUNS, None, lambda _: CONTEXT.now))
    assert [view.key_at(n) for n in range(5)] == [*(call(n).id for n in (3, 1, 4, 2)), "k"]


def test_every_column_sorts_missing_values() -> None:
    rows = [
        BARE,
        make.from_call(call(1, cost_usd="0.1", input_tokens=5, duration_ms=7)),
        make.from_run(run(2)),
    ]
    for field in RUNS.columns:
        order = kind_rows.sort_key_of(RUNS, field.name, lambda _: CONTEXT.now)
        assert len(sorted(rows, key=order)) == 3


def test_column_names_are_unique_and_key_columns_stay() -> None:
    keys = [field.name for field in RUNS.columns]
    assert len(set(keys)) == len(keys)
    assert {"state", "repo", "cost", "age"} <= {
        field.name for field in RUNS.columns if field.layout.priority == 0
    }
    assert all(
        field.layout.min_width is None or field.layout.min_width <= field.layout.width
        for field in RUNS.columns
    )
    with pytest.raises(KeyError):
        RUNS.column("nothing")
    assert set(RunRow._fields) >= {"key", "state", "cost", "raw"}
