"""Cancels and starts that a sandbox service or background runtime refuses."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.core import refusable_backends
from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.api_paths import V1
from tests.controlplane.engine.engine_driver import EngineDriver
from tests.controlplane.faults.conftest import Switch
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.row_factory import RowFactory

JOBS = "/api/observability/jobs"
CALLS = "/api/observability/calls"
HOSTED = Settings(speed=0, seeded=False, profile="hosted")


def _v1_error(answer: httpx.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


def _kinds(factory: RowFactory, call: str) -> list[str]:
    rows = factory.plane.db.all(
        "SELECT event_type FROM ai_call_events WHERE ai_call_id = ? ORDER BY seq", (call,)
    )
    return [row[0] for row in rows]


def _working(factory: RowFactory) -> tuple[str, str]:
    """Create a run whose command works in a sandbox, and return it with its call."""
    repo = factory.repo()
    box = factory.sandbox(repo)
    call = factory.call(repo_id=repo)
    run = factory.run(repo, call, sandbox_record_id=box, status="streaming")
    factory.start_streaming(call, "cmd_4", sandbox_record_id=box)
    return run, call


async def test_cancel_keeps_lookup_status_and_text(
    client: httpx.AsyncClient, factory: RowFactory, fault: Switch
) -> None:
    run, call = _working(factory)
    await fault("GET /api/sandbox/* 503 x2")
    refused = await client.post(f"{V1}/runs/{run}/cancel")
    assert _v1_error(refused) == (503, "CONFLICT", "Service unavailable")
    other = await client.post(f"{CALLS}/{call}/cancel")
    assert (other.status_code, other.json()) == (503, {"error": "Service unavailable"})
    row = factory.row("ai_calls", call)
    assert (row["status"], row["control_state"]) == ("streaming", "cancel_requested")
    assert _kinds(factory, call) == ["status_changed", "cancel_requested"]
    again = (await client.post(f"{V1}/runs/{run}/cancel")).json()["data"]
    assert (again["status"], again["alreadyTerminal"]) == ("cancelled", False)


async def test_hosted_service_answers_500_and_conflict(clock: ManualClock) -> None:
    rule = "GET /api/sandbox/* 503 x1"
    async with PlaneServer(HOSTED._replace(faults=(rule,)), clock=clock) as server:
        factory = RowFactory(server.plane, clock)
        run, call = _working(factory)
        headers = {"Authorization": f"Bearer {server.token}"}
        async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as client:
            refused = await client.post(f"{V1}/runs/{run}/cancel")
            assert _v1_error(refused) == (500, "CONFLICT", refusable_backends.NO_SERVICE)
            assert factory.row("ai_calls", call)["control_state"] == "cancel_requested"
            done = await client.post(f"{V1}/runs/{run}/cancel")
            assert done.json()["data"]["status"] == "cancelled"


async def test_unkillable_command_runs_until_cancel_is_repeated(
    client: httpx.AsyncClient, factory: RowFactory, fault: Switch
) -> None:
    run, call = _working(factory)
    await fault("POST /api/sandbox/*/exec/cancel 500 x2")
    failed = await client.post(f"{V1}/runs/{run}/cancel")
    assert _v1_error(failed) == (500, "INTERNAL_ERROR", "Failed to cancel run")
    other = await client.post(f"{CALLS}/{call}/cancel")
    assert (other.status_code, other.json()) == (500, {"error": "Internal server error"})
    assert (
        factory.row("ai_calls", call)["status"]
        == factory.row("external_agent_runs", run)["status"]
        == "streaming"
    )
    done = await client.post(f"{CALLS}/{call}/cancel")
    assert (done.status_code, done.json()["status"]) == (200, "cancelled")


async def test_refused_job_cancel_has_a_reason_and_can_be_repeated(
    client: httpx.AsyncClient, factory: RowFactory, fault: Switch
) -> None:
    job = factory.job(factory.flow(), factory.repo(), start=True)
    child = factory.call(job_run_id=job)
    await fault("DELETE /runtime/tasks/* 503 x1")
    failed = await client.post(f"{JOBS}/{job}/cancel")
    assert (failed.status_code, failed.json()) == (500, {"error": refusable_backends.STOP_FAILED})
    shown = (await client.get(f"{JOBS}/{job}")).json()["run"]
    assert (shown["status"], shown["cancelable"], shown["cancelled_at"]) == ("running", False, None)
    assert shown["cancel_requested_at"] is not None and "MOG-JOB-" in shown["cancel_error"]
    assert shown["latest_dispatch_event"]["outcome"] == "cancel_failed"
    assert factory.row("ai_calls", child)["control_state"] == "cancel_requested"
    done = await client.post(f"{JOBS}/{job}/cancel")
    assert (done.status_code, done.json()["cancelError"]) == (200, None)


def _outcomes(factory: RowFactory, job: str) -> list[str]:
    rows = factory.plane.db.all(
        "SELECT event_kind || '/' || outcome FROM automation_dispatch_events WHERE job_run_id = ? ORDER BY rowid",
        (job,),
    )
    return [row[0] for row in rows]


async def test_job_refused_by_runtime_waits_for_repair(
    client: httpx.AsyncClient, factory: RowFactory, clock: ManualClock, fault: Switch
) -> None:
    flow, repo = factory.flow(), factory.repo(github_installation_id=88)
    await fault("POST /runtime/tasks 503 x2")
    headers = {"Idempotency-Key": "k"}
    path = f"{V1}/automations/{flow}/trigger"
    failed = await client.post(path, headers=headers, json={"repoId": repo})
    assert _v1_error(failed) == (500, "INTERNAL_ERROR", "Failed to trigger automation")
    same = (await client.post(path, headers=headers, json={"repoId": repo})).json()["data"]["run"]
    assert (same["outcome"], same["reason"]) == ("suppressed", "IDEMPOTENT_DUPLICATE")
    job = same["jobRunId"]
    row = factory.row("job_runs", job)
    assert (row["status"], row["started_at"], row["runtime_run_id"]) == ("pending", None, None)
    assert row["last_start_error"] == refusable_backends.QUEUE_DOWN
    clock.advance(121)
    refused = await client.post(f"{JOBS}/{job}/repair")
    assert (refused.status_code, refused.json()) == (500, {"error": refusable_backends.QUEUE_DOWN})
    clock.advance(121)
    repaired = (await client.post(f"{JOBS}/{job}/repair")).json()
    assert (repaired["started"], repaired["status"]) == (True, "running")
    assert _outcomes(factory, job) == [
        "enqueue/queued",
        "start/start_failed",
        "enqueue/suppressed",
        "start/start_failed",
        "start/started",
    ]


async def test_retry_and_release_refused_by_runtime(
    client: httpx.AsyncClient, factory: RowFactory, fault: Switch
) -> None:
    flow, repo = factory.flow(), factory.repo()
    ended = factory.job(flow, repo, start=True)
    with factory.plane.db.transaction() as tx:
        tx.update("job_runs", ended, status="failed")
    await fault("POST /runtime/tasks 503 x2")
    retried = await client.post(f"{JOBS}/{ended}/requeue")
    assert (retried.status_code, retried.json()["error"]) == (500, refusable_backends.QUEUE_DOWN)
    waiting = retried.json()["jobRunId"]
    assert factory.row("job_runs", waiting)["status"] == "pending"
    running = factory.job(flow, repo, start=True)
    released = (await client.post(f"{JOBS}/{running}/cancel")).json()["releasedJobs"]
    assert released == [{"jobRunId": waiting, "started": False, "reason": refusable_backends.QUEUE_DOWN}]
    assert _outcomes(factory, waiting)[-1] == "start/start_failed"


@pytest.mark.parametrize(("profile", "call_status"), [("documented", "failed"), ("hosted", "pending")])
async def test_run_refused_by_queue_fails_and_replays(
    clock: ManualClock, profile: str, call_status: str
) -> None:
    settings = HOSTED._replace(profile=profile, faults=("POST /runtime/tasks 503 x1",))
    async with PlaneServer(settings, clock=clock) as server:
        factory = RowFactory(server.plane, clock)
        body: dict[str, Any] = {"repoId": factory.repo(), "prompt": "Fix it"}
        headers = {"Authorization": f"Bearer {server.token}", "Idempotency-Key": "k"}
        async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as client:
            refused = await client.post(f"{V1}/runs", json=body)
            assert _v1_error(refused) == (500, "INTERNAL_ERROR", "Failed to start run")
            again = await client.post(f"{V1}/runs", json=body)
            run = again.json()["data"]
            assert (again.status_code, run["replayed"], run["status"]) == (202, True, "failed")
            assert run["error"] == refusable_backends.QUEUE_DOWN
            assert run["runtime"] == {"provider": None, "runId": None}
            assert factory.row("ai_calls", run["aiCallId"])["status"] == call_status
            events = _kinds(factory, run["aiCallId"])
            assert events == (["started", "failed"] if call_status == "failed" else ["started"])


async def test_delivery_counts_jobs_refused_by_runtime(
    server: PlaneServer, client: httpx.AsyncClient, clock: ManualClock, fault: Switch
) -> None:
    engine = EngineDriver(server, client, clock)
    engine.factory.repo("acme/api", github_installation_id=88)
    engine.flow([("a", "agent", {})], [("start", "a"), ("a", "end")])
    # A pattern that does not say where it begins is about the plane's own answers.
    await fault("* *tasks 503")
    assert (await engine.send("pull_request", number=1))["started"] == 1
    await fault("POST /runtime/* 503 x1")
    refused = await engine.send("pull_request", number=2)
    assert (refused["queued"], refused["started"], refused["startFailed"]) == (1, 0, 1)
    # The end of the first one gives it another chance.
    engine.finish(engine.job())
    assert engine.factory.row("job_runs", engine.job())["last_start_source"] == "queue_release"


async def test_worker_gets_error_for_job_refused_by_runtime(clock: ManualClock) -> None:
    settings = Settings(speed=0, seeded=False, cron_secret="word", faults=("POST /runtime/tasks 503",))
    async with PlaneServer(settings, clock=clock) as server:
        factory = RowFactory(server.plane, clock)
        job = factory.job(factory.flow())
        headers = {"Authorization": "Bearer word"}
        async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as client:
            for path, key in (("/api/jobs/process", "jobId"), ("/api/agent/review", "jobRunId")):
                refused = await client.post(path, json={key: job})
                assert (refused.status_code, refused.json()) == (
                    500,
                    {"error": refusable_backends.QUEUE_DOWN},
                )
