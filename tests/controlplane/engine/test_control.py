"""Cancel, repair and requeue at every step of a job, who sees it, and the same story twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.automation.jobs import job_writes
from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.engine.support import Desk
from tests.controlplane.engine.test_standing import assignment
from tests.controlplane.sim_support import broken_promises
from tests.controlplane.support import ManualClock

LINE = [("start", "a"), ("a", "end")]
JOBS = "/api/observability/jobs"


async def cancel(desk: Desk, job_id: str) -> dict[str, Any]:
    response = await desk.client.post(f"{JOBS}/{job_id}/cancel")
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


async def test_a_pending_job_can_be_cancelled_before_anything_runs(desk: Desk) -> None:
    desk.world.repo()
    desk.flow([("a", "agent", {})], LINE)
    for number in range(9):
        await desk.send("pull_request", text="quick", number=number + 1)
    job_id = desk.job()
    assert desk.world.row("job_runs", job_id)["status"] == "pending"
    assert (await cancel(desk, job_id))["status"] == "cancelled"
    desk.go(300)
    assert desk.nodes(job_id) == {}
    assert desk.world.row("job_runs", job_id)["status"] == "cancelled"


async def test_a_job_cancelled_as_it_starts_never_runs_a_node(desk: Desk) -> None:
    desk.world.repo()
    desk.flow([("a", "agent", {})], LINE)
    await desk.send("pull_request")
    job_id = desk.job()
    await cancel(desk, job_id)
    desk.go(60)
    assert desk.nodes(job_id) == {} and desk.db.value("SELECT COUNT(*) FROM ai_calls") == 0


async def test_a_parked_job_that_is_cancelled_asks_nobody_any_more(desk: Desk) -> None:
    desk.world.repo()
    wait = {"config": {"kind": "manual_approval", "prompt": "Go?"}}
    desk.flow([("w", "await_event", wait), ("a", "agent", {})], [("start", "w"), ("w", "a"), ("a", "end")])
    await desk.send("pull_request")
    job_id = desk.job()
    desk.go(5)
    await cancel(desk, job_id)
    assert (await desk.client.get("/api/flows/approvals")).json() == {"approvals": [], "hasMore": False}
    desk.go(30)
    assert desk.nodes(job_id) == {"start": "success", "w": "cancelled"}
    assert desk.db.value("SELECT status FROM flow_waits") == "cancelled"


async def test_a_cancel_reaches_a_coding_cli_that_works(desk: Desk) -> None:
    desk.world.repo()
    desk.flow([("a", "agent", {"harness": "claude-code"})], LINE, event="ci_failure")
    await desk.send("check_run")
    job_id = desk.job()
    desk.go_until("SELECT status = 'streaming' FROM ai_calls WHERE job_run_id = ?", (job_id,))
    desk.go(5)
    assert (await cancel(desk, job_id))["aiCallsCancellationRequested"] == 1
    desk.go(2)
    call = desk.db.only("SELECT status, control_state FROM ai_calls WHERE job_run_id = ?", (job_id,))
    assert tuple(call) == ("cancelled", "cancelled")
    assert broken_promises(desk.db, desk.clock.us) == []


async def test_a_call_cancelled_under_its_job_fails_the_node(desk: Desk) -> None:
    desk.world.repo()
    desk.flow([("a", "agent", {"harness": "codex"})], LINE, event="ci_failure")
    await desk.send("check_run")
    job_id = desk.job()
    desk.go_until("SELECT status = 'streaming' FROM ai_calls WHERE job_run_id = ?", (job_id,))
    call_id = desk.db.value("SELECT id FROM ai_calls WHERE job_run_id = ?", (job_id,))
    assert (await desk.client.post(f"/api/observability/calls/{call_id}/cancel")).status_code == 200
    row = desk.finish(job_id, 5)
    assert (row["status"], row["error"]) == ("failed", "The agent's call was cancelled")


@pytest.mark.parametrize("by_hand", [True, False])
async def test_a_refused_start_is_repaired_by_hand_or_by_the_timer(desk: Desk, by_hand: bool) -> None:
    repo_id = desk.world.repo()
    job_id = desk.world.job(desk.flow([("a", "agent", {})], LINE), repo_id)
    with desk.db.transaction() as tx:
        job_writes.attempt(tx, job_id, desk.clock.us, "webhook")
        job_writes.claim(tx, job_id, desk.clock.us)
        job_writes.start_failed(tx, job_id, desk.clock.us, "queue unavailable")
    assert (await desk.client.post(f"{JOBS}/{job_id}/repair")).status_code == 400
    if by_hand:
        desk.go(121)
        body = (await desk.client.post(f"{JOBS}/{job_id}/repair")).json()
        assert (body["started"], body["status"]) == (True, "running")
    row = desk.finish(job_id)
    assert (row["last_start_source"], row["start_attempts"], row["last_start_error"]) == ("repair", 2, None)
    assert desk.ledger(job_id)[:3] == [
        ("enqueue", "queued", None),
        ("start", "start_failed", "queue unavailable"),
        ("start", "started", None),
    ]


@pytest.mark.parametrize("parent", ["flow", "assignment"])
async def test_a_failed_job_is_run_again_as_a_new_one(desk: Desk, parent: str) -> None:
    repo_id = desk.world.repo()
    if parent == "flow":
        desk.flow([("a", "agent", {})], LINE)
    else:
        assignment(desk, repo_id, "pr_review")
    await desk.send("pull_request", text="quick fail")
    first = desk.job()
    assert desk.finish(first)["status"] == "failed"
    desk.go(1)
    body = (await desk.client.post(f"{JOBS}/{first}/requeue")).json()
    assert (body["queued"], body["started"], body["reused"]) == (True, True, False)
    again = desk.finish(body["jobRunId"])
    assert (again["retry_of_job_run_id"], again["last_start_source"]) == (first, "manual_retry")
    assert (again[f"{parent}_id"], again["status"]) == (
        desk.world.row("job_runs", first)[f"{parent}_id"],
        "failed",
    )
    listed = (await desk.client.get(JOBS)).json()
    assert {job["id"] for job in listed["jobs"]} == {first, body["jobRunId"]}


async def test_a_deleted_flow_lets_its_running_job_go(desk: Desk) -> None:
    desk.world.repo()
    flow_id = desk.flow([("a", "agent", {})], LINE)
    await desk.send("pull_request")
    job_id = desk.job()
    desk.go(3)
    assert (await desk.client.delete(f"/api/flows/{flow_id}")).status_code == 200
    desk.go(600)
    assert desk.world.row("job_runs", job_id)["flow_id"] is None
    assert (await desk.client.get(JOBS)).json()["total"] == 0


async def test_on_the_hosted_service_assignments_set_nothing_off(clock: ManualClock) -> None:
    async with (
        PlaneServer(Settings(speed=0, seeded=False, profile="hosted"), clock=clock) as server,
        httpx.AsyncClient(base_url=server.base_url) as client,
    ):
        desk = Desk(server, client, clock)
        assignment(desk, desk.world.repo(), "pr_review")
        assert (await desk.send("pull_request"))["queued"] == 0


async def test_the_same_deliveries_tell_the_same_story(tmp_path: Path) -> None:
    stories = []
    for name in ("a.db", "b.db"):
        clock = ManualClock()
        async with (
            PlaneServer(Settings(speed=0, seeded=False), tmp_path / name, clock=clock) as server,
            httpx.AsyncClient(base_url=server.base_url) as client,
        ):
            desk = Desk(server, client, clock)
            desk.world.repo()
            desk.flow([("a", "agent", {}), ("b", "agent", {"harness": "codex"})],
                      [("start", "a"), ("a", "b"), ("b", "end")])  # fmt: skip
            await desk.send("pull_request")
            desk.finish(desk.job())
            stories.append(
                [
                    [tuple(row) for row in desk.db.all(f"SELECT * FROM {table} ORDER BY rowid")]
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
