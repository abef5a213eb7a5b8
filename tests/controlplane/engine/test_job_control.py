"""Cancel, repair and requeue at every step of a job; same seed, same job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.automation.jobs import job_writes
from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.engine.engine_driver import EngineDriver, insert_assignment
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.simulated_plane import SEEDED_AT, invariant_violations

LINE = [("start", "a"), ("a", "end")]
JOBS = "/api/observability/jobs"


async def cancel(engine: EngineDriver, job_id: str) -> dict[str, Any]:
    response = await engine.client.post(f"{JOBS}/{job_id}/cancel")
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


async def test_a_pending_job_can_be_cancelled_before_anything_runs(engine: EngineDriver) -> None:
    engine.factory.repo()
    engine.flow([("a", "agent", {})], LINE)
    for number in range(9):
        await engine.send("pull_request", text="quick", number=number + 1)
    job_id = engine.job()
    assert engine.factory.row("job_runs", job_id)["status"] == "pending"
    assert (await cancel(engine, job_id))["status"] == "cancelled"
    engine.go(300)
    assert engine.nodes(job_id) == {}
    assert engine.factory.row("job_runs", job_id)["status"] == "cancelled"


async def test_job_cancelled_at_start_runs_no_node(engine: EngineDriver) -> None:
    engine.factory.repo()
    engine.flow([("a", "agent", {})], LINE)
    await engine.send("pull_request")
    job_id = engine.job()
    await cancel(engine, job_id)
    engine.go(60)
    assert engine.nodes(job_id) == {} and engine.db.value("SELECT COUNT(*) FROM ai_calls") == 0


async def test_cancel_of_parked_job_closes_its_question(engine: EngineDriver) -> None:
    engine.factory.repo()
    wait = {"config": {"kind": "manual_approval", "prompt": "Go?"}}
    engine.flow([("w", "await_event", wait), ("a", "agent", {})], [("start", "w"), ("w", "a"), ("a", "end")])
    await engine.send("pull_request")
    job_id = engine.job()
    engine.go(5)
    await cancel(engine, job_id)
    assert (await engine.client.get("/api/flows/approvals")).json() == {"approvals": [], "hasMore": False}
    engine.go(30)
    assert engine.nodes(job_id) == {"start": "success", "w": "cancelled"}
    assert engine.db.value("SELECT status FROM flow_waits") == "cancelled"


async def test_a_cancel_reaches_a_coding_cli_that_works(engine: EngineDriver) -> None:
    engine.factory.repo()
    engine.flow([("a", "agent", {"harness": "claude-code"})], LINE, event="ci_failure")
    await engine.send("check_run")
    job_id = engine.job()
    engine.go_until("SELECT status = 'streaming' FROM ai_calls WHERE job_run_id = ?", (job_id,))
    engine.go(5)
    assert (await cancel(engine, job_id))["aiCallsCancellationRequested"] == 1
    engine.go(2)
    call = engine.db.only("SELECT status, control_state FROM ai_calls WHERE job_run_id = ?", (job_id,))
    assert tuple(call) == ("cancelled", "cancelled")
    assert invariant_violations(engine.db, engine.clock.us) == []


async def test_cancelled_call_fails_its_node(engine: EngineDriver) -> None:
    engine.factory.repo()
    engine.flow([("a", "agent", {"harness": "codex"})], LINE, event="ci_failure")
    await engine.send("check_run")
    job_id = engine.job()
    engine.go_until("SELECT status = 'streaming' FROM ai_calls WHERE job_run_id = ?", (job_id,))
    call_id = engine.db.value("SELECT id FROM ai_calls WHERE job_run_id = ?", (job_id,))
    assert (await engine.client.post(f"/api/observability/calls/{call_id}/cancel")).status_code == 200
    row = engine.finish(job_id, 5)
    assert (row["status"], row["error"]) == ("failed", "The agent's call was cancelled")


@pytest.mark.parametrize("by_hand", [True, False])
async def test_refused_start_is_repaired_manually_or_by_timer(engine: EngineDriver, by_hand: bool) -> None:
    repo_id = engine.factory.repo()
    job_id = engine.factory.job(engine.flow([("a", "agent", {})], LINE), repo_id)
    with engine.db.transaction() as tx:
        job_writes.count_attempt(tx, job_id, engine.clock.us, "webhook")
        job_writes.claim(tx, job_id, engine.clock.us)
        job_writes.start_failed(tx, job_id, engine.clock.us, "queue unavailable")
    assert (await engine.client.post(f"{JOBS}/{job_id}/repair")).status_code == 400
    if by_hand:
        engine.go(121)
        body = (await engine.client.post(f"{JOBS}/{job_id}/repair")).json()
        assert (body["started"], body["status"]) == (True, "running")
    row = engine.finish(job_id)
    assert (row["last_start_source"], row["start_attempts"], row["last_start_error"]) == ("repair", 2, None)
    assert engine.ledger(job_id)[:3] == [
        ("enqueue", "queued", None),
        ("start", "start_failed", "queue unavailable"),
        ("start", "started", None),
    ]


@pytest.mark.parametrize("parent", ["flow", "assignment"])
async def test_retry_of_failed_job_creates_job(engine: EngineDriver, parent: str) -> None:
    repo_id = engine.factory.repo()
    if parent == "flow":
        engine.flow([("a", "agent", {})], LINE)
    else:
        insert_assignment(engine, repo_id, "pr_review")
    await engine.send("pull_request", text="quick fail")
    first = engine.job()
    assert engine.finish(first)["status"] == "failed"
    engine.go(1)
    body = (await engine.client.post(f"{JOBS}/{first}/requeue")).json()
    assert (body["queued"], body["started"], body["reused"]) == (True, True, False)
    again = engine.finish(body["jobRunId"])
    assert (again["retry_of_job_run_id"], again["last_start_source"]) == (first, "manual_retry")
    assert (again[f"{parent}_id"], again["status"]) == (
        engine.factory.row("job_runs", first)[f"{parent}_id"],
        "failed",
    )
    listed = (await engine.client.get(JOBS)).json()
    assert {job["id"] for job in listed["jobs"]} == {first, body["jobRunId"]}


async def test_a_deleted_flow_lets_its_running_job_go(engine: EngineDriver) -> None:
    engine.factory.repo()
    flow_id = engine.flow([("a", "agent", {})], LINE)
    await engine.send("pull_request")
    job_id = engine.job()
    engine.go(3)
    assert (await engine.client.delete(f"/api/flows/{flow_id}")).status_code == 200
    engine.go(600)
    assert engine.factory.row("job_runs", job_id)["flow_id"] is None
    assert (await engine.client.get(JOBS)).json()["total"] == 0


async def test_hosted_assignments_start_no_jobs(clock: ManualClock) -> None:
    async with (
        PlaneServer(Settings(speed=0, seeded=False, profile="hosted"), clock=clock) as server,
        httpx.AsyncClient(base_url=server.base_url) as client,
    ):
        engine = EngineDriver(server, client, clock)
        insert_assignment(engine, engine.factory.repo(), "pr_review")
        assert (await engine.send("pull_request"))["queued"] == 0


async def test_same_deliveries_give_same_rows(tmp_path: Path) -> None:
    stories = []
    for name in ("a.db", "b.db"):
        clock = ManualClock(SEEDED_AT)
        async with (
            PlaneServer(Settings(speed=0, seeded=False), tmp_path / name, clock=clock) as server,
            httpx.AsyncClient(base_url=server.base_url) as client,
        ):
            engine = EngineDriver(server, client, clock)
            engine.factory.repo()
            engine.flow([("a", "agent", {}), ("b", "agent", {"harness": "codex"})],
                      [("start", "a"), ("a", "b"), ("b", "end")])  # fmt: skip
            await engine.send("pull_request")
            engine.finish(engine.job())
            stories.append(
                [
                    [tuple(row) for row in engine.db.all(f"SELECT * FROM {table} ORDER BY rowid")]
                    for table in (
                        "job_runs",
                        "flow_node_runs",
                        "ai_calls",
                        "ai_call_events",
                        "review_findings",
                    )
                ]
            )
    assert stories[0] == stories[1]
    assert len(stories[0][1]) >= 3
