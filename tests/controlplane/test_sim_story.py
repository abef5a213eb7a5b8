"""The simulator: what happens by itself, what a request does to it, and that it always comes to an end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from mogplex_tui.controlplane.actors import call_player
from mogplex_tui.controlplane.automation.jobs import job_control
from mogplex_tui.controlplane.calls import call_writes
from mogplex_tui.controlplane.db.clock import HOUR_US, Clock
from mogplex_tui.controlplane.runs import run_writes
from mogplex_tui.controlplane.sandboxes.states import Change, change

from .sim_support import HOUR, NOON, TERMINAL, Bench, broken_promises

LIVE = "status IN ('pending', 'streaming')"
LIVE_CALLS = f"SELECT COUNT(*) FROM ai_calls WHERE {LIVE}"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "plane.db")
    yield made
    made.close()


def _calls_since(bench: Bench, since: int) -> list[tuple[Any, ...]]:
    rows = bench.db.all(
        "SELECT id, type, model, status, input_tokens, cost_usd, error, started_at, completed_at FROM ai_calls"
        " WHERE started_at >= ? ORDER BY id",
        (since,),
    )
    return [tuple(row) for row in rows]


def test_an_hour_keeps_every_promise_and_stays_lively(bench: Bench) -> None:
    bench.simulator.begin()
    alive = []
    for _ in range(120):
        bench.go(30)
        alive.append(bench.db.value(LIVE_CALLS))
    assert broken_promises(bench.db, bench.clock.now) == []
    assert sum(2 <= count <= 6 for count in alive) > 80
    assert max(alive) <= 12

    def count(sql: str) -> int:
        return int(bench.db.value(f"SELECT COUNT(*) FROM {sql}", (NOON,)))

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
    bench = Bench(tmp_path / "plane.db", seed=4)
    bench.simulator.begin()
    bench.go_until(
        "SELECT 1 FROM automation_dispatch_events WHERE outcome = 'deferred' AND created_at > ?", (NOON,), 60
    )
    job_id = bench.db.value(
        "SELECT job_run_id FROM automation_dispatch_events WHERE outcome = 'deferred' AND created_at > ?",
        (NOON,),
    )
    bench.go_until(
        "SELECT 1 FROM job_runs WHERE id = ? AND last_start_source = 'queue_release' AND started_at NOTNULL",
        (job_id,),
    )


def test_same_seed_same_story(tmp_path: Path) -> None:
    stories = []
    for name in ("a.db", "b.db"):
        bench = Bench(tmp_path / name)
        bench.simulator.begin()
        bench.go(600)
        stories.append(_calls_since(bench, NOON))
    assert len(stories[0]) > 15
    assert stories[0] == stories[1]


def test_a_cancel_does_not_shift_the_others(tmp_path: Path) -> None:
    quiet, touched = Bench(tmp_path / "a.db"), Bench(tmp_path / "b.db")
    victims = set()
    for bench in (quiet, touched):
        bench.simulator.begin()
        bench.go(90)
        if bench is touched:
            row = bench.db.one(f"SELECT id FROM ai_calls WHERE job_run_id IS NULL AND {LIVE} ORDER BY id")
            assert row is not None and bench.cancel_call(row["id"])
            victims.add(row["id"])
        # The touched one gets longer: what shares a sandbox slot may come later, but never as something else.
        bench.go(150 if bench is quiet else 270)
    told = {row[:3] for row in _calls_since(quiet, NOON)}
    others = {row[:3] for row in _calls_since(touched, NOON)}
    assert len(told) > 5
    assert told <= others
    texts = "SELECT event_type, message, payload FROM ai_call_events WHERE ai_call_id = ? ORDER BY seq"
    for call_id, *_ in told:
        if call_id not in victims:
            first, second = (len(bench.db.all(texts, (call_id,))) for bench in (quiet, touched))
            kept = min(first, second)
            rows = [[tuple(r) for r in bench.db.all(texts, (call_id,))[:kept]] for bench in (quiet, touched)]
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
def test_a_started_run_goes_as_its_prompt_says(
    bench: Bench, prompt: str, status: str, error: str | None
) -> None:
    bench.simulator.begin(arrivals=False)
    run_id, call_id = bench.ask_for_run(prompt)
    bench.go_until("SELECT status = 'streaming' FROM external_agent_runs WHERE id = ?", (run_id,))
    assert bench.row("external_agent_runs", run_id)["sandbox_record_id"] is not None
    bench.go_until(
        "SELECT status NOT IN ('pending', 'streaming') FROM external_agent_runs WHERE id = ?", (run_id,)
    )
    run, call = bench.row("external_agent_runs", run_id), bench.row("ai_calls", call_id)
    assert (run["status"], run["error"]) == (call["status"], call["error"]) == (status, error)
    assert call["cost_usd"] is None
    kinds = [event["event_type"] for event in bench.events(call_id)]
    assert kinds[0] == "started" and kinds.count("status_changed") == 1
    assert "tool_started" in kinds and "tool_finished" in kinds
    assert broken_promises(bench.db, bench.clock.now) == []


def test_a_finished_run_delivers_what_its_prompt_says(bench: Bench) -> None:
    bench.simulator.begin(arrivals=False)
    results = {}
    for prompt in ("quick repair", "quick, no changes"):
        run_id, call_id = bench.ask_for_run(prompt)
        bench.go_until("SELECT status = 'success' FROM external_agent_runs WHERE id = ?", (run_id,))
        results[prompt] = next(
            e for e in bench.events(call_id) if e["payload"].get("stage") == "git_delivery"
        )
    assert results["quick repair"]["message"] == "Pull request ready"
    assert results["quick repair"]["payload"]["pull_request_url"].startswith(
        "https://github.com/acme/api/pull/"
    )
    assert results["quick, no changes"]["message"] == "No code changes to deliver"
    assert results["quick, no changes"]["payload"]["pull_request_url"] is None


def test_a_boot_that_fails_ends_run_and_call(bench: Bench) -> None:
    bench.simulator.begin(arrivals=False)
    run_id, call_id = bench.ask_for_run("boot error", repo="acme/infra", branch="feature/x")
    bench.go_until("SELECT status = 'failed' FROM external_agent_runs WHERE id = ?", (run_id,))
    assert bench.row("ai_calls", call_id)["status"] == "failed"
    box = bench.db.one("SELECT status, error FROM sandboxes WHERE working_branch = 'feature/x'")
    assert box is not None and box["status"] == "error"
    assert bench.row("external_agent_runs", run_id)["error"] == box["error"]


def test_a_cancelled_run_stops_at_once_and_stays_cancelled(bench: Bench) -> None:
    bench.simulator.begin(arrivals=False)
    run_id, call_id = bench.ask_for_run("long work")
    bench.go_until(
        "SELECT COUNT(*) > 4 FROM ai_call_events WHERE ai_call_id = ? AND event_type LIKE 'tool%'", (call_id,)
    )
    assert bench.cancel_call(call_id)
    seen = len(bench.events(call_id))
    bench.go(120)
    assert len(bench.events(call_id)) == seen
    assert bench.row("ai_calls", call_id)["status"] == "cancelled"
    assert bench.row("external_agent_runs", run_id)["status"] == "cancelled"
    assert broken_promises(bench.db, bench.clock.now) == []


def test_a_run_cancelled_while_its_sandbox_boots_never_streams(bench: Bench) -> None:
    bench.simulator.begin(arrivals=False)
    run_id, call_id = bench.ask_for_run("long work", repo="acme/search", branch="feature/slow")
    bench.go_until("SELECT 1 FROM sandboxes WHERE working_branch = 'feature/slow'")
    assert bench.cancel_call(call_id)
    with bench.db.transaction() as tx:
        run_writes.mirror_call(tx, run_id, bench.clock.now)
    bench.go(60)
    assert bench.row("external_agent_runs", run_id)["status"] == "cancelled"
    assert bench.row(
        "sandboxes", bench.db.value("SELECT id FROM sandboxes WHERE working_branch = 'feature/slow'")
    )["status"] in ("running", "pausing", "paused")
    assert [e["event_type"] for e in bench.events(call_id)].count("status_changed") == 0


def test_a_sandbox_that_stops_takes_its_run_with_it(bench: Bench) -> None:
    bench.simulator.begin(arrivals=False)
    run_id, call_id = bench.ask_for_run("long work", repo="acme/search", branch="feature/vm")
    bench.go_until("SELECT status = 'streaming' FROM ai_calls WHERE id = ?", (call_id,))
    bench.go(5)
    with bench.db.transaction() as tx:
        box_id = bench.row("external_agent_runs", run_id)["sandbox_record_id"]
        assert change(tx, box_id, Change.STOPPED, bench.clock.now, stop_reason="manual")
    bench.go_until("SELECT status = 'failed' FROM external_agent_runs WHERE id = ?", (run_id,), 1)
    assert "development environment stopped" in bench.row("ai_calls", call_id)["error"]
    assert bench.events(call_id)[-1]["message"] == "Harness stream failed"
    assert broken_promises(bench.db, bench.clock.now) == []


def test_calls_of_a_cancelled_job_end_when_their_actor_notices(bench: Bench) -> None:
    bench.simulator.begin(arrivals=False)
    row = bench.db.one(f"SELECT id, job_run_id FROM ai_calls WHERE job_run_id NOTNULL AND {LIVE}")
    assert row is not None
    with bench.db.transaction() as tx:
        job_control.request_cancel(tx, row["job_run_id"], bench.clock.now, "USER_REQUESTED")
        job_control.ask_children(tx, row["job_run_id"], bench.clock.now)
        job_control.finalize_cancel(tx, row["job_run_id"], bench.clock.now, "USER_REQUESTED", 1)
    bench.plane.wake.cancelled(row["id"])
    bench.plane.wake.job_cancelled(row["job_run_id"])
    bench.go_until("SELECT status = 'cancelled' FROM ai_calls WHERE id = ?", (row["id"],), 0.1)
    bench.go(300)
    assert bench.row("job_runs", row["job_run_id"])["status"] == "cancelled"
    assert broken_promises(bench.db, bench.clock.now) == []


def test_usage_and_cost_grow_while_a_priced_call_streams(bench: Bench) -> None:
    bench.simulator.begin(arrivals=False)
    call_id = bench.db.value(f"SELECT id FROM ai_calls WHERE type = 'chat' AND {LIVE}")
    seen = []
    while bench.row("ai_calls", call_id)["status"] == "streaming":
        seen.append(bench.row("ai_calls", call_id)["cost_usd"] or 0.0)
        bench.go(1)
    assert len(set(seen)) > 1
    end = bench.row("ai_calls", call_id)
    assert end["cost_usd"] >= max(seen[-1:])
    assert end["tool_calls_count"] > 0


def test_the_gateway_settles_a_cost_later(bench: Bench) -> None:
    bench.simulator.begin()
    ended = (
        "SELECT id FROM ai_calls WHERE started_at > ? AND cost_source = 'trigger' AND cost_usd NOTNULL"
        " AND status = 'success'"
    )
    bench.go_until(ended, (NOON,))
    call_id = bench.db.value(ended, (NOON,))
    estimate = bench.row("ai_calls", call_id)["cost_usd"]
    bench.go_until("SELECT cost_source = 'gateway' FROM ai_calls WHERE id = ?", (call_id,), 3)
    assert bench.row("ai_calls", call_id)["cost_usd"] == pytest.approx(estimate, rel=0.031)


@pytest.mark.parametrize("downtime", [10.0, 8 * 3_600.0])
def test_a_restart_finishes_what_was_alive(tmp_path: Path, downtime: float) -> None:
    first = Bench(tmp_path / "plane.db")
    first.simulator.begin()
    first.go(100)
    run_id, _ = first.ask_for_run("long work", branch="feature/restart")
    first.go(40)
    assert first.db.value(LIVE_CALLS) > 1
    unbilled = first.db.all(
        "SELECT id FROM ai_calls WHERE gateway_generation_id NOTNULL AND cost_source = 'trigger'"
        " AND cost_usd NOTNULL AND completed_at > ?",
        (NOON - HOUR_US,),
    )
    now = first.clock.now
    first.close()

    second = Bench(tmp_path / "plane.db", now=now + int(downtime * 1_000_000))
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
    assert broken_promises(second.db, second.clock.now) == []
    second.close()


def test_random_interference_keeps_every_promise(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "plane.db", seed=21)
    bench.simulator.begin()
    rng = Random(21)
    for _ in range(80):
        bench.go(rng.uniform(1, 40))
        ids = [row[0] for row in bench.db.all(f"SELECT id FROM ai_calls WHERE {LIVE} ORDER BY id")]
        draw = rng.random()
        if ids and draw < 0.3:
            bench.cancel_call(rng.choice(ids))
        elif draw < 0.45:
            bench.ask_for_run(
                rng.choice(("quick", "fail", "boot error", "long", "crash")), branch=f"feature/{draw}"
            )
        elif draw < 0.5:
            bench.db.all(
                "UPDATE sandboxes SET status = 'stopped', stop_reason = 'manual' WHERE status = 'installing'"
            )
    bench.go(600)
    assert broken_promises(bench.db, bench.clock.now) == []
    assert bench.db.value(f"SELECT COUNT(*) FROM external_agent_runs WHERE {LIVE} AND created_at < ?",
                          (bench.clock.now - HOUR,)) == 0  # fmt: skip
    bench.close()


def test_a_fault_ends_its_own_call_only(bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    bench.simulator.begin(arrivals=False)
    run_id, call_id = bench.ask_for_run("long work")
    real = call_player.write_step

    def broken(tx: Any, stage: Any, target: str, step: Any) -> None:
        if target == call_id and step.tool is not None:
            raise RuntimeError("broken on purpose")
        real(tx, stage, target, step)

    monkeypatch.setattr(call_player, "write_step", broken)
    bench.go_until("SELECT status = 'failed' FROM external_agent_runs WHERE id = ?", (run_id,))
    assert bench.row("ai_calls", call_id)["status"] == "failed"
    assert "broken on purpose" in capsys.readouterr().err
    bench.go_until(f"SELECT NOT EXISTS (SELECT 1 FROM ai_calls WHERE {LIVE})", minutes=45)
    assert (
        bench.db.value("SELECT COUNT(*) FROM ai_calls WHERE completed_at > ? AND status = 'success'", (NOON,))
        > 1
    )
    assert broken_promises(bench.db, bench.clock.now) == []


def test_nothing_happens_at_speed_zero(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "plane.db", speed=0)
    before = bench.db.value("SELECT COUNT(*) FROM ai_call_events")
    bench.simulator.begin()
    run_id, _ = bench.ask_for_run("quick")
    bench.go(600)
    assert bench.db.value("SELECT COUNT(*) FROM ai_call_events") == before
    assert bench.row("external_agent_runs", run_id)["status"] == "pending"
    bench.close()


async def test_it_lives_in_an_event_loop(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "plane.db", speed=200.0, clock=Clock())
    bench.simulator.start()
    run_id, _ = bench.ask_for_run("quick")
    async with asyncio.timeout(30):
        while bench.row("external_agent_runs", run_id)["status"] not in TERMINAL:
            await asyncio.sleep(0.02)
    assert bench.row("external_agent_runs", run_id)["status"] == "success"
    await bench.simulator.stop()
    assert bench.simulator.scheduler.next_due_us() is None
    bench.close()


async def test_a_cancel_reaches_a_sleeping_simulator(tmp_path: Path) -> None:
    # So slow that no step comes due by itself within the test.
    bench = Bench(tmp_path / "plane.db", speed=0.001, clock=Clock())
    bench.simulator.start()
    call_id = bench.db.value(f"SELECT id FROM ai_calls WHERE job_run_id NOTNULL AND {LIVE}")
    with bench.db.transaction() as tx:
        call_writes.request_cancel(tx, call_id, bench.plane.clock.now_us(), {})
    async with asyncio.timeout(30):
        while bench.row("ai_calls", call_id)["status"] != "cancelled":
            bench.plane.wake.cancelled(call_id)
            await asyncio.sleep(0.02)
    await bench.simulator.stop()
    bench.close()
