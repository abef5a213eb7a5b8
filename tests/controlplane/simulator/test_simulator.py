"""The simulator: its own events, the effect of requests, and restarts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from mogplex_tui.controlplane.actors import call_player
from mogplex_tui.controlplane.automation.jobs import cancel_and_release
from mogplex_tui.controlplane.calls import call_writes
from mogplex_tui.controlplane.db.clock import HOUR_US, Clock
from mogplex_tui.controlplane.runs import run_writes
from mogplex_tui.controlplane.sandboxes.states import Change, apply_change
from mogplex_tui.live.hour_figures import HourFigures
from mogplex_tui.operate.health import Finding, spend
from tests.controlplane.simulated_plane import HOUR, SEEDED_AT, TERMINAL, SimulatedPlane, invariant_violations

LIVE = "status IN ('pending', 'streaming')"
LIVE_CALLS = f"SELECT COUNT(*) FROM ai_calls WHERE {LIVE}"


@pytest.fixture
def simulated(tmp_path: Path) -> Iterator[SimulatedPlane]:
    made = SimulatedPlane(tmp_path / "plane.db")
    yield made
    made.close()


def _calls_since(simulated: SimulatedPlane, since: int) -> list[tuple[Any, ...]]:
    rows = simulated.db.all(
        "SELECT id, type, model, status, input_tokens, cost_usd, error, started_at, completed_at FROM ai_calls"
        " WHERE started_at >= ? ORDER BY id",
        (since,),
    )
    return [tuple(row) for row in rows]


def _spend(simulated: SimulatedPlane, hours: int) -> Finding | None:
    """Return the finding on the cost of the last hour, against `hours` before it."""
    rows = simulated.db.all(
        "SELECT (?1 - started_at) / ?2 AS age, COUNT(*), AVG(status = 'success'), SUM(cost_usd) FROM ai_calls"
        " WHERE user_id = ?3 GROUP BY age HAVING age <= ?4",
        (simulated.clock.us, HOUR_US, simulated.plane.user_id, hours),
    )
    figures = {row[0]: HourFigures(row[1], row[2], Decimal(str(row[3])) if row[3] else None) for row in rows}
    return spend(figures.pop(0), list(figures.values()))


def test_simulated_hour_starts_work_and_costs_no_more_than_usual(simulated: SimulatedPlane) -> None:
    simulated.simulator.begin()
    alive = []
    for half_minute in range(120):
        simulated.go(30)
        alive.append(simulated.db.value(LIVE_CALLS))
        if half_minute % 10 == 0:
            assert [_spend(simulated, hours) for hours in (12, 24, 7 * 24)] == [None] * 3
    assert invariant_violations(simulated.db, simulated.clock.us) == []
    assert sum(1 <= count <= 5 for count in alive) > 80
    assert max(alive) <= 12

    def count(sql: str) -> int:
        return int(simulated.db.value(f"SELECT COUNT(*) FROM {sql}", (SEEDED_AT,)))

    assert count("external_agent_runs WHERE created_at > ? AND status = 'success'") > 5
    assert count("external_agent_runs WHERE created_at > ? AND status = 'failed'") > 0
    assert count("ai_calls WHERE started_at > ? AND cost_source = 'gateway'") > 30
    assert count("ai_calls WHERE started_at > ? AND type = 'pr_review' AND status = 'success'") > 5
    assert count("review_findings WHERE created_at > ?") > 0
    assert count("sandboxes WHERE last_boot_completed_at > ?") > 5
    assert count("limit_events WHERE created_at > ? AND route_key = 'sandbox_exec'") > 10
    assert count("job_runs WHERE created_at > ? AND retry_of_job_run_id NOTNULL") > 0
    for outcome in ("queued", "started", "completed", "failed", "deferred"):
        assert count(f"automation_dispatch_events WHERE created_at > ? AND outcome = '{outcome}'") > 0


def test_deferred_jobs_are_released_when_another_ends(tmp_path: Path) -> None:
    # A seed whose first merge train comes early.
    simulated = SimulatedPlane(tmp_path / "plane.db", seed=4)
    simulated.simulator.begin()
    simulated.go_until(
        "SELECT 1 FROM automation_dispatch_events WHERE outcome = 'deferred' AND created_at > ?",
        (SEEDED_AT,),
        60,
    )
    job_id = simulated.db.value(
        "SELECT job_run_id FROM automation_dispatch_events WHERE outcome = 'deferred' AND created_at > ?",
        (SEEDED_AT,),
    )
    simulated.go_until(
        "SELECT 1 FROM job_runs WHERE id = ? AND last_start_source = 'queue_release' AND started_at NOTNULL",
        (job_id,),
    )


def test_same_seed_same_story(tmp_path: Path) -> None:
    stories = []
    for name in ("a.db", "b.db"):
        simulated = SimulatedPlane(tmp_path / name)
        simulated.simulator.begin()
        simulated.go(600)
        stories.append(_calls_since(simulated, SEEDED_AT))
    assert len(stories[0]) > 15
    assert stories[0] == stories[1]


def test_cancel_does_not_change_other_runs(tmp_path: Path) -> None:
    quiet, touched = SimulatedPlane(tmp_path / "a.db"), SimulatedPlane(tmp_path / "b.db")
    victims = set()
    for simulated in (quiet, touched):
        simulated.simulator.begin()
        simulated.go(90)
        if simulated is touched:
            row = simulated.db.one(f"SELECT id FROM ai_calls WHERE job_run_id IS NULL AND {LIVE} ORDER BY id")
            assert row is not None and simulated.cancel_call(row["id"])
            victims.add(row["id"])
        # The touched one gets longer: what shares a sandbox slot may come later, but never as something else.
        simulated.go(150 if simulated is quiet else 270)
    told = {row[:3] for row in _calls_since(quiet, SEEDED_AT)}
    others = {row[:3] for row in _calls_since(touched, SEEDED_AT)}
    assert len(told) > 5
    assert told <= others
    texts = "SELECT event_type, message, payload FROM ai_call_events WHERE ai_call_id = ? ORDER BY seq"
    for call_id, *_ in told:
        if call_id not in victims:
            first, second = (len(simulated.db.all(texts, (call_id,))) for simulated in (quiet, touched))
            kept = min(first, second)
            rows = [
                [tuple(r) for r in simulated.db.all(texts, (call_id,))[:kept]]
                for simulated in (quiet, touched)
            ]
            assert rows[0] == rows[1]


@pytest.mark.parametrize(
    ("prompt", "status", "error"),
    [
        ("quick: tidy the imports", "success", None),
        ("quick, and no changes please", "success", None),
        ("this one should fail", "failed", "Agent run exited with code 1."),
        ("hit the ratelimit", "failed", "The model provider's rate limit was reached (429)."),
        ("denied", "failed", "Access denied: this key may not use the selected model."),
        (
            "crash in the middle",
            "failed",
            "The development environment stopped while the run was in progress",
        ),
    ],
)
def test_started_run_follows_words_of_prompt(
    simulated: SimulatedPlane, prompt: str, status: str, error: str | None
) -> None:
    simulated.simulator.begin(arrivals=False)
    run_id, call_id = simulated.ask_for_run(prompt)
    simulated.go_until("SELECT status = 'streaming' FROM external_agent_runs WHERE id = ?", (run_id,))
    assert simulated.row("external_agent_runs", run_id)["sandbox_record_id"] is not None
    simulated.go_until(
        "SELECT status NOT IN ('pending', 'streaming') FROM external_agent_runs WHERE id = ?", (run_id,)
    )
    run, call = simulated.row("external_agent_runs", run_id), simulated.row("ai_calls", call_id)
    assert (run["status"], run["error"]) == (call["status"], call["error"]) == (status, error)
    assert call["cost_usd"] is None
    kinds = [event["event_type"] for event in simulated.events(call_id)]
    assert kinds[0] == "started" and kinds.count("status_changed") == 1
    assert "tool_started" in kinds and "tool_finished" in kinds
    assert invariant_violations(simulated.db, simulated.clock.us) == []


def test_finished_run_delivers_changes_by_prompt(simulated: SimulatedPlane) -> None:
    simulated.simulator.begin(arrivals=False)
    results = {}
    for prompt in ("quick repair", "quick, no changes"):
        run_id, call_id = simulated.ask_for_run(prompt)
        simulated.go_until("SELECT status = 'success' FROM external_agent_runs WHERE id = ?", (run_id,))
        results[prompt] = next(
            e for e in simulated.events(call_id) if e["payload"].get("stage") == "git_delivery"
        )
    assert results["quick repair"]["message"] == "Pull request ready"
    assert results["quick repair"]["payload"]["pull_request_url"].startswith(
        "https://github.com/acme/api/pull/"
    )
    assert results["quick, no changes"]["message"] == "No code changes to deliver"
    assert results["quick, no changes"]["payload"]["pull_request_url"] is None


def test_failed_boot_ends_run_and_call(simulated: SimulatedPlane) -> None:
    simulated.simulator.begin(arrivals=False)
    run_id, call_id = simulated.ask_for_run("boot error", repo="acme/infra", branch="feature/x")
    simulated.go_until("SELECT status = 'failed' FROM external_agent_runs WHERE id = ?", (run_id,))
    assert simulated.row("ai_calls", call_id)["status"] == "failed"
    box = simulated.db.one("SELECT status, error FROM sandboxes WHERE working_branch = 'feature/x'")
    assert box is not None and box["status"] == "error"
    assert simulated.row("external_agent_runs", run_id)["error"] == box["error"]


def test_a_cancelled_run_stops_at_once_and_stays_cancelled(simulated: SimulatedPlane) -> None:
    simulated.simulator.begin(arrivals=False)
    run_id, call_id = simulated.ask_for_run("long work")
    simulated.go_until(
        "SELECT COUNT(*) > 4 FROM ai_call_events WHERE ai_call_id = ? AND event_type LIKE 'tool%'", (call_id,)
    )
    assert simulated.cancel_call(call_id)
    seen = len(simulated.events(call_id))
    simulated.go(120)
    assert len(simulated.events(call_id)) == seen
    assert simulated.row("ai_calls", call_id)["status"] == "cancelled"
    assert simulated.row("external_agent_runs", run_id)["status"] == "cancelled"
    assert invariant_violations(simulated.db, simulated.clock.us) == []


def test_run_cancelled_during_boot_never_streams(simulated: SimulatedPlane) -> None:
    simulated.simulator.begin(arrivals=False)
    run_id, call_id = simulated.ask_for_run("long work", repo="acme/search", branch="feature/slow")
    simulated.go_until("SELECT 1 FROM sandboxes WHERE working_branch = 'feature/slow'")
    assert simulated.cancel_call(call_id)
    with simulated.db.transaction() as tx:
        run_writes.mirror_call(tx, run_id, simulated.clock.us)
    simulated.go(60)
    assert simulated.row("external_agent_runs", run_id)["status"] == "cancelled"
    assert simulated.row(
        "sandboxes", simulated.db.value("SELECT id FROM sandboxes WHERE working_branch = 'feature/slow'")
    )["status"] in ("running", "pausing", "paused")
    assert [e["event_type"] for e in simulated.events(call_id)].count("status_changed") == 0


def test_stopped_sandbox_ends_its_run(simulated: SimulatedPlane) -> None:
    simulated.simulator.begin(arrivals=False)
    run_id, call_id = simulated.ask_for_run("long work", repo="acme/search", branch="feature/vm")
    simulated.go_until("SELECT status = 'streaming' FROM ai_calls WHERE id = ?", (call_id,))
    simulated.go(5)
    with simulated.db.transaction() as tx:
        box_id = simulated.row("external_agent_runs", run_id)["sandbox_record_id"]
        assert apply_change(tx, box_id, Change.STOPPED, simulated.clock.us, stop_reason="manual")
    simulated.go_until("SELECT status = 'failed' FROM external_agent_runs WHERE id = ?", (run_id,), 1)
    assert "development environment stopped" in simulated.row("ai_calls", call_id)["error"]
    assert simulated.events(call_id)[-1]["message"] == "Harness stream failed"
    assert invariant_violations(simulated.db, simulated.clock.us) == []


def test_calls_of_a_cancelled_job_end_when_their_actor_notices(simulated: SimulatedPlane) -> None:
    simulated.simulator.begin(arrivals=False)
    row = simulated.db.one(f"SELECT id, job_run_id FROM ai_calls WHERE job_run_id NOTNULL AND {LIVE}")
    assert row is not None
    with simulated.db.transaction() as tx:
        cancel_and_release.request_cancel(tx, row["job_run_id"], simulated.clock.us, "USER_REQUESTED")
        cancel_and_release.request_call_cancels(tx, row["job_run_id"], simulated.clock.us)
        cancel_and_release.finalize_cancel(tx, row["job_run_id"], simulated.clock.us, "USER_REQUESTED", 1)
    simulated.plane.callbacks.must_cancel(row["id"])
    simulated.plane.callbacks.job_cancelled(row["job_run_id"])
    simulated.go_until("SELECT status = 'cancelled' FROM ai_calls WHERE id = ?", (row["id"],), 0.1)
    simulated.go(300)
    assert simulated.row("job_runs", row["job_run_id"])["status"] == "cancelled"
    assert invariant_violations(simulated.db, simulated.clock.us) == []


def test_usage_and_cost_grow_while_a_priced_call_streams(simulated: SimulatedPlane) -> None:
    simulated.simulator.begin(arrivals=False)
    call_id = simulated.db.value(f"SELECT id FROM ai_calls WHERE type = 'chat' AND {LIVE}")
    seen = []
    while simulated.row("ai_calls", call_id)["status"] == "streaming":
        seen.append(simulated.row("ai_calls", call_id)["cost_usd"] or 0.0)
        simulated.go(1)
    assert len(set(seen)) > 1
    end = simulated.row("ai_calls", call_id)
    assert end["cost_usd"] >= max(seen[-1:])
    assert end["tool_calls_count"] > 0


def test_gateway_cost_arrives_later(simulated: SimulatedPlane) -> None:
    simulated.simulator.begin()
    ended = (
        "SELECT id FROM ai_calls WHERE started_at > ? AND cost_source = 'trigger' AND cost_usd NOTNULL"
        " AND status = 'success'"
    )
    simulated.go_until(ended, (SEEDED_AT,))
    call_id = simulated.db.value(ended, (SEEDED_AT,))
    estimate = simulated.row("ai_calls", call_id)["cost_usd"]
    simulated.go_until("SELECT cost_source = 'gateway' FROM ai_calls WHERE id = ?", (call_id,), 3)
    assert simulated.row("ai_calls", call_id)["cost_usd"] == pytest.approx(estimate, rel=0.031)


@pytest.mark.parametrize("downtime", [10.0, 8 * 3_600.0])
def test_restart_finishes_live_work(tmp_path: Path, downtime: float) -> None:
    first = SimulatedPlane(tmp_path / "plane.db")
    first.simulator.begin()
    first.go(100)
    run_id, _ = first.ask_for_run("long work", branch="feature/restart")
    first.go(40)
    assert first.db.value(LIVE_CALLS) > 1
    unbilled = first.db.all(
        "SELECT id FROM ai_calls WHERE gateway_generation_id NOTNULL AND cost_source = 'trigger'"
        " AND cost_usd NOTNULL AND completed_at > ?",
        (SEEDED_AT - HOUR_US,),
    )
    now = first.clock.us
    first.close()

    second = SimulatedPlane(tmp_path / "plane.db", now=now + int(downtime * 1_000_000))
    second.simulator.begin(arrivals=False)
    second.go(45 * 60)
    assert second.db.value(LIVE_CALLS) == 0
    assert second.db.value(f"SELECT COUNT(*) FROM external_agent_runs WHERE {LIVE}") == 0
    assert second.db.value("SELECT COUNT(*) FROM job_runs WHERE status IN ('pending', 'running')") == 0
    assert (
        second.db.value(
            "SELECT COUNT(*) FROM sandboxes WHERE status IN ('creating', 'installing', 'pausing')"
        )
        == 0
    )
    assert second.row("external_agent_runs", run_id)["status"] in TERMINAL
    settled = [second.row("ai_calls", row["id"])["cost_source"] == "gateway" for row in unbilled]
    assert sum(settled) > len(settled) / 2
    assert invariant_violations(second.db, second.clock.us) == []
    second.close()


def test_random_interference_breaks_no_rule(tmp_path: Path) -> None:
    simulated = SimulatedPlane(tmp_path / "plane.db", seed=21)
    simulated.simulator.begin()
    rng = Random(21)
    for _ in range(80):
        simulated.go(rng.uniform(1, 40))
        ids = [row[0] for row in simulated.db.all(f"SELECT id FROM ai_calls WHERE {LIVE} ORDER BY id")]
        draw = rng.random()
        if ids and draw < 0.3:
            simulated.cancel_call(rng.choice(ids))
        elif draw < 0.45:
            simulated.ask_for_run(
                rng.choice(("quick", "fail", "boot error", "long", "crash")), branch=f"feature/{draw}"
            )
        elif draw < 0.5:
            simulated.db.all(
                "UPDATE sandboxes SET status = 'stopped', stop_reason = 'manual' WHERE status = 'installing'"
            )
    simulated.go(600)
    assert invariant_violations(simulated.db, simulated.clock.us) == []
    assert simulated.db.value(f"SELECT COUNT(*) FROM external_agent_runs WHERE {LIVE} AND created_at < ?",
                          (simulated.clock.us - HOUR,)) == 0  # fmt: skip
    simulated.close()


def test_actor_failure_ends_only_its_call(
    simulated: SimulatedPlane, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    simulated.simulator.begin(arrivals=False)
    run_id, call_id = simulated.ask_for_run("long work")
    real = call_player.write_step

    def broken(tx: Any, stage: Any, target: str, step: Any) -> None:
        if target == call_id and step.tool is not None:
            raise RuntimeError("broken on purpose")
        real(tx, stage, target, step)

    monkeypatch.setattr(call_player, "write_step", broken)
    simulated.go_until("SELECT status = 'failed' FROM external_agent_runs WHERE id = ?", (run_id,))
    assert simulated.row("ai_calls", call_id)["status"] == "failed"
    assert "broken on purpose" in capsys.readouterr().err
    simulated.go_until(f"SELECT NOT EXISTS (SELECT 1 FROM ai_calls WHERE {LIVE})", minutes=45)
    assert (
        simulated.db.value(
            "SELECT COUNT(*) FROM ai_calls WHERE completed_at > ? AND status = 'success'", (SEEDED_AT,)
        )
        > 1
    )
    assert invariant_violations(simulated.db, simulated.clock.us) == []


def test_nothing_happens_at_speed_zero(tmp_path: Path) -> None:
    simulated = SimulatedPlane(tmp_path / "plane.db", speed=0)
    before = simulated.db.value("SELECT COUNT(*) FROM ai_call_events")
    simulated.simulator.begin()
    run_id, _ = simulated.ask_for_run("quick")
    simulated.go(600)
    assert simulated.db.value("SELECT COUNT(*) FROM ai_call_events") == before
    assert simulated.row("external_agent_runs", run_id)["status"] == "pending"
    simulated.close()


async def test_simulator_runs_in_event_loop(tmp_path: Path) -> None:
    simulated = SimulatedPlane(tmp_path / "plane.db", speed=200.0, clock=Clock())
    simulated.simulator.start()
    run_id, _ = simulated.ask_for_run("quick")
    async with asyncio.timeout(30):
        while simulated.row("external_agent_runs", run_id)["status"] not in TERMINAL:
            await asyncio.sleep(0.02)
    assert simulated.row("external_agent_runs", run_id)["status"] == "success"
    await simulated.simulator.stop()
    assert simulated.simulator.scheduler.next_due_us() is None
    simulated.close()


async def test_a_cancel_reaches_a_sleeping_simulator(tmp_path: Path) -> None:
    # So slow that no step comes due by itself within the test.
    simulated = SimulatedPlane(tmp_path / "plane.db", speed=0.001, clock=Clock())
    simulated.simulator.start()
    call_id = simulated.db.value(f"SELECT id FROM ai_calls WHERE job_run_id NOTNULL AND {LIVE}")
    with simulated.db.transaction() as tx:
        call_writes.request_cancel(tx, call_id, simulated.plane.clock.now_us(), {})
    async with asyncio.timeout(30):
        while simulated.row("ai_calls", call_id)["status"] != "cancelled":
            simulated.plane.callbacks.must_cancel(call_id)
            await asyncio.sleep(0.02)
    await simulated.simulator.stop()
    simulated.close()
