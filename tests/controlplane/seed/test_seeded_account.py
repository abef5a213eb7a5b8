"""The seeded account: realistic, valid, and the same for the same seed."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.database_setup import prepare
from mogplex_tui.controlplane.db import database
from mogplex_tui.controlplane.db.bulk_load import fast_transaction, without_indexes_and_triggers
from mogplex_tui.controlplane.db.clock import DAY_US, HOUR_US, MINUTE_US
from mogplex_tui.controlplane.db.database import Database
from mogplex_tui.controlplane.seed import older_history
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.simulated_plane import (
    SEEDED_AT,
    SimulatedPlane,
    daily_totals,
    history_rows,
    invariant_violations,
)


@pytest.fixture
def simulated(tmp_path: Path) -> Any:
    made = SimulatedPlane(tmp_path / "plane.db")
    yield made
    made.close()


def _expected_cost(price: dict[str, Any], call: dict[str, Any]) -> float | None:
    """Return the price of a call, computed independently (observability.md §6)."""
    p_in, p_out = price["pricing_input"], price["pricing_output"]
    if p_in is None or p_out is None:
        return None
    read = price["pricing_cache_read"]
    write = price["pricing_cache_write"]
    return float(
        call["input_tokens"] * p_in
        + (call["cache_read_input_tokens"] or 0) * (0.1 * p_in if read is None else read)
        + (call["cache_creation_input_tokens"] or 0) * (1.25 * p_in if write is None else write)
        + call["output_tokens"] * p_out
    )


def test_seeded_rows_break_no_rule(simulated: SimulatedPlane) -> None:
    assert invariant_violations(simulated.db, SEEDED_AT) == []


def test_seeded_rows_keep_the_rules_of_the_schema(simulated: SimulatedPlane) -> None:
    # The load suspends these rules for speed; the rows keep them all the same.
    assert simulated.db.all("PRAGMA foreign_key_check") == []
    assert simulated.db.value("PRAGMA integrity_check") == "ok"
    assert daily_totals(simulated.db) == daily_totals(simulated.db, kept=False)
    names = "SELECT name FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql NOTNULL ORDER BY name"
    schema = "\n".join(step.read_text() for step in sorted(database.MIGRATIONS.glob("*.sql")))
    assert [row[0] for row in simulated.db.all(names)] == sorted(
        set(re.findall(r"^CREATE (?:UNIQUE )?(?:INDEX|TRIGGER) (\w+)", schema, re.MULTILINE))
    )


def test_costs_follow_from_tokens_and_prices(simulated: SimulatedPlane) -> None:
    prices = {row["id"]: dict(row) for row in simulated.db.all("SELECT * FROM models")}
    rows = [dict(row) for row in simulated.db.all("SELECT * FROM ai_calls WHERE input_tokens NOTNULL")]
    settled = unknown = 0
    for call in rows:
        expected = _expected_cost(prices[call["model"]], call) if call["model"] in prices else None
        if expected is None:
            unknown += 1
            assert call["cost_usd"] is None
        elif call["cost_source"] == "gateway":
            settled += 1
            assert call["cost_usd"] == pytest.approx(expected, rel=0.031)
        else:
            assert call["cost_usd"] == pytest.approx(expected, abs=1e-8)
    assert settled > 100
    assert unknown > 10


def test_job_costs_are_the_sum_of_their_calls(simulated: SimulatedPlane) -> None:
    rows = simulated.db.all(
        "SELECT j.cost_usd AS total, SUM(c.cost_usd) AS parts FROM job_runs j JOIN ai_calls c ON c.job_run_id = j.id"
        " GROUP BY j.id"
    )
    assert len(rows) > 60
    for row in rows:
        assert row["total"] == (None if row["parts"] is None else pytest.approx(row["parts"], abs=1e-7))


def test_every_state_is_present(simulated: SimulatedPlane) -> None:
    def found(sql: str) -> set[Any]:
        return {row[0] for row in simulated.db.all(sql)}

    assert found("SELECT status FROM sandboxes") == {
        "creating", "installing", "running", "pausing", "paused", "stopped", "error",
    }  # fmt: skip
    # A round of the service that pauses what idles gives no reason (sandboxes.md §2.4).
    assert found("SELECT stop_reason FROM sandboxes WHERE status = 'paused'") == {None, "auto_pause"}
    assert found("SELECT status FROM ai_calls") == {"pending", "streaming", "success", "failed", "cancelled"}
    assert found("SELECT status FROM job_runs") == {"pending", "running", "success", "failed", "cancelled"}
    assert found("SELECT cost_source FROM ai_calls") == {"trigger", "gateway"}
    assert found("SELECT outcome FROM automation_dispatch_events") >= {
        "queued", "suppressed", "started", "deferred", "start_failed", "completed", "failed", "cancelled",
    }  # fmt: skip
    assert found("SELECT status FROM flow_waits") >= {"waiting", "resumed"}
    assert found("SELECT type FROM ai_calls") >= {
        "chat", "agent", "pr_review", "push_review", "issue_triage", "ci_failure", "mention",
    }  # fmt: skip
    assert found("SELECT status FROM review_findings") == {"open", "issue_created", "dismissed"}
    assert found("SELECT status FROM flows") == {"active", "inactive"}
    assert found("SELECT route_key || ' ' || decision FROM limit_events") >= {
        f"{route} {decision}"
        for route in ("chat", "sandbox_boot", "sandbox_exec")
        for decision in ("allowed", "denied")
    } | {"external_agent_run allowed"}


def test_seeded_account_has_one_user_and_neighbour(simulated: SimulatedPlane) -> None:
    own = (simulated.plane.user_id,)
    count = simulated.db.value
    assert count("SELECT COUNT(*) FROM github_installations WHERE user_id = ?", own) == 2
    assert count("SELECT COUNT(*) FROM repos WHERE user_id = ?", own) >= 12
    assert count("SELECT COUNT(*) FROM repos WHERE user_id = ? AND is_hidden", own) == 1
    assert count("SELECT COUNT(*) FROM repos WHERE user_id = ? AND github_installation_id IS NULL", own) == 1
    twice = simulated.db.all("SELECT root_directory FROM repos WHERE full_name = 'acme/platform'")
    assert sorted(row[0] or "" for row in twice) == ["", "apps/admin", "apps/worker"]
    assert count("SELECT COUNT(*) FROM agents WHERE user_id = ?", own) == 8
    assert count("SELECT COUNT(*) FROM flows WHERE user_id = ?", own) == 10
    assert count("SELECT COUNT(*) FROM models") == 16
    assert count("SELECT COUNT(*) FROM ai_calls WHERE user_id <> ?", own) > 0
    assert count("SELECT COUNT(*) FROM ai_calls WHERE user_id = ?", own) >= 390


def test_work_follows_office_hours(simulated: SimulatedPlane) -> None:
    # Chats and control runs are also copied into busy hours, whenever these are.
    work = "SELECT started_at FROM ai_calls WHERE job_run_id NOTNULL OR model LIKE 'harness:%'"
    hours = Counter(row[0] // HOUR_US % 24 for row in simulated.db.all(work))
    assert sum(hours[h] for h in range(8, 18)) > 3 * sum(hours[h] for h in range(6))
    assert simulated.db.value("SELECT MIN(started_at) FROM ai_calls") >= SEEDED_AT - 15 * DAY_US
    assert (
        simulated.db.value("SELECT COUNT(*) FROM ai_calls WHERE started_at > ?", (SEEDED_AT - HOUR_US,)) >= 5
    )


def test_every_sandbox_was_let_through(simulated: SimulatedPlane) -> None:
    admitted = simulated.db.value(
        "SELECT COUNT(*) FROM sandboxes s JOIN limit_events l ON l.claim_id = s.limit_claim_id"
        " AND l.sandbox_id = s.id AND l.created_at = s.created_at AND l.resource_id IS NULL"
    )
    assert admitted == simulated.db.value("SELECT COUNT(*) FROM sandboxes") > 20
    assert simulated.db.value("SELECT COUNT(*) FROM limit_events WHERE created_at > ?", (SEEDED_AT,)) == 0


def test_failures_have_the_text_of_their_class(simulated: SimulatedPlane) -> None:
    classes = {
        json.loads(row[0]).get("model_failure_class")
        for row in simulated.db.all(
            "SELECT metadata FROM automation_dispatch_events WHERE event_kind = 'control'"
        )
    }
    assert len(classes - {None}) >= 4
    assert simulated.db.value("SELECT COUNT(DISTINCT error) FROM ai_calls WHERE status = 'failed'") >= 8


def _written(path: Path, now: int = SEEDED_AT) -> Database:
    return prepare(Settings(), path, ManualClock(now)).db


def test_same_seed_and_instant_give_the_same_database(tmp_path: Path) -> None:
    first, second = _written(tmp_path / "a.db"), _written(tmp_path / "b.db")
    assert history_rows(first) == history_rows(second)


def test_another_instant_moves_times_only(simulated: SimulatedPlane, tmp_path: Path) -> None:
    other = _written(tmp_path / "b.db", SEEDED_AT + 3 * DAY_US + 7 * HOUR_US)
    assert history_rows(simulated.db, instants=False) == history_rows(other, instants=False)
    newest = "SELECT MAX(started_at) FROM ai_calls"
    assert other.value(newest) - simulated.db.value(newest) > 3 * DAY_US


def test_another_seed_tells_another_story(simulated: SimulatedPlane, tmp_path: Path) -> None:
    other = SimulatedPlane(tmp_path / "b.db", seed=8)
    ids = "SELECT id FROM ai_calls"
    assert not {r[0] for r in simulated.db.all(ids)} & {r[0] for r in other.db.all(ids)}


def test_live_rows_are_recent(simulated: SimulatedPlane) -> None:
    ages = [
        SEEDED_AT - row[0]
        for row in simulated.db.all(
            "SELECT started_at FROM ai_calls WHERE status IN ('pending', 'streaming')"
        )
    ]
    assert 4 <= len(ages) <= 6
    assert len(set(ages)) == len(ages)
    assert max(ages) < 5 * MINUTE_US


def test_a_large_database_is_enlarged_soundly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(older_history, "LONG_EVENTS", 1_000)
    simulated = SimulatedPlane(tmp_path / "plane.db")
    before = simulated.db.value("SELECT COUNT(*) FROM external_agent_runs")
    with fast_transaction(simulated.db) as tx, without_indexes_and_triggers(tx):
        older_history.enlarge(tx, simulated.plane.user_id, 12_000, 7, SEEDED_AT)
    own = (simulated.plane.user_id,)
    assert simulated.db.value("SELECT COUNT(*) FROM ai_calls WHERE user_id = ?", own) == 12_000
    assert simulated.db.value("SELECT COUNT(*) FROM external_agent_runs") > 4 * before
    assert simulated.db.value("SELECT MIN(started_at) FROM ai_calls") < SEEDED_AT - 50 * DAY_US
    assert invariant_violations(simulated.db, SEEDED_AT) == []
    longest = simulated.db.one(
        "SELECT ai_call_id, COUNT(*) AS n FROM ai_call_events GROUP BY 1 ORDER BY n DESC LIMIT 1"
    )
    assert longest is not None and longest["n"] in (999, 1_000)
    assert simulated.row("ai_calls", longest["ai_call_id"])["status"] == "streaming"
    moments = [e["created_at"] for e in simulated.events(longest["ai_call_id"])]
    assert moments == sorted(moments) and moments[-1] <= SEEDED_AT
    # A copied run's first event names the copied run, not the original.
    wrong = simulated.db.value(
        "SELECT COUNT(*) FROM external_agent_runs r JOIN ai_call_events e ON e.ai_call_id = r.ai_call_id"
        " WHERE e.message = 'External Mogplex run accepted' AND json_extract(e.payload, '$.external_run_id') <> r.id"
    )
    assert wrong == 0
    assert daily_totals(simulated.db) == daily_totals(simulated.db, kept=False)
    assert simulated.db.all("PRAGMA foreign_key_check") == []
    assert simulated.db.value("PRAGMA integrity_check") == "ok"
    simulated.close()
