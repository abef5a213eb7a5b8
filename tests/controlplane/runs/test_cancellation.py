"""Cancellation of runs, calls and jobs.

See v1.md §9, observability.md §3 and §7.3.
"""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.automation.jobs import cancel_and_release, job_writes, node_writes
from mogplex_tui.controlplane.calls import call_writes
from mogplex_tui.controlplane.calls.pricing import Tokens
from mogplex_tui.controlplane.runs import run_writes
from tests.controlplane.api_paths import V1
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.row_factory import RowFactory


def timeline(factory: RowFactory, call: str) -> list[tuple[str, str, dict[str, Any]]]:
    rows = factory.plane.db.all(
        "SELECT event_type, message, payload FROM ai_call_events WHERE ai_call_id = ? ORDER BY seq", (call,)
    )
    return [(row[0], row[1], json.loads(row[2])) for row in rows]


async def test_v1_cancel_without_a_command(
    client: httpx.AsyncClient, factory: RowFactory, clock: ManualClock
) -> None:
    woken: list[str] = []
    factory.plane.callbacks.on_cancel.append(woken.append)
    call = factory.call()
    run = factory.run(factory.repo(), call)
    clock.advance(3)
    answer = (await client.post(f"{V1}/runs/{run}/cancel")).json()["data"]
    assert (answer["status"], answer["run"]["status"], answer["alreadyTerminal"]) == (
        "cancelled",
        "cancelled",
        False,
    )
    about = {"external_run_id": run}
    assert timeline(factory, call) == [
        ("cancel_requested", "Cancellation requested", about),
        ("cancelled", "External Mogplex run cancelled", about),
    ]
    row = factory.row("ai_calls", call)
    assert (row["status"], row["control_state"], row["duration_ms"]) == ("cancelled", "cancelled", 3000)
    assert row["completed_at"] == row["cancel_requested_at"] == clock.us
    assert woken == [call]
    again = (await client.post(f"{V1}/runs/{run}/cancel")).json()["data"]
    assert (again["status"], again["alreadyTerminal"]) == ("cancelled", True)
    assert len(timeline(factory, call)) == 2


async def test_v1_cancel_of_a_running_command(client: httpx.AsyncClient, factory: RowFactory) -> None:
    repo = factory.repo()
    call = factory.call(model="acme/nova-1")
    run = factory.run(repo, call, sandbox_record_id=factory.sandbox(repo))
    factory.start_streaming(call, "cmd_4", source="cli")
    with factory.plane.db.transaction() as tx:
        call_writes.update_usage(tx, call, Tokens(input=10, output=2), [{"name": "editFile"}])
    answer = (await client.post(f"{V1}/runs/{run}/cancel")).json()["data"]
    assert (answer["status"], answer["alreadyTerminal"]) == ("cancelled", False)
    about = {"external_run_id": run, "runtime_command_id": "cmd_4"}
    assert [entry[0] for entry in timeline(factory, call)] == [
        "status_changed",
        "cancel_requested",
        "cancelled",
    ]
    assert timeline(factory, call)[-1][2] == about
    # A cancelled call forgets its usage and its command; its surface stays by its source.
    row = factory.row("ai_calls", call)
    assert row["input_tokens"] is row["output_tokens"] is row["runtime_command_id"] is None
    assert (row["tool_calls"], row["tool_calls_count"], row["total_tokens"]) == ("[]", 0, 0)
    assert (await client.get("/api/observability/calls?surface=cli")).json()["total"] == 1


async def test_v1_cancel_ends_run_of_ended_call(client: httpx.AsyncClient, factory: RowFactory) -> None:
    call = factory.call()
    run = factory.run(factory.repo(), call, status="streaming")
    with factory.plane.db.transaction() as tx:
        call_writes.reap_call(tx, call, factory.clock.us)
    answer = (await client.post(f"{V1}/runs/{run}/cancel")).json()["data"]
    assert (answer["status"], answer["alreadyTerminal"]) == ("failed", True)
    assert answer["run"]["error"] == "Run interrupted before finalize (reaped by zombie-row-reaper)"


@pytest.mark.parametrize(
    ("sandbox", "status", "code", "text"),
    [
        (None, 400, "BAD_REQUEST", "Run has no sandbox metadata"),
        ("pending", 409, "CONFLICT", "Sandbox is not ready"),
    ],
)
async def test_v1_cancel_with_unreachable_machine(
    client: httpx.AsyncClient, factory: RowFactory, sandbox: str | None, status: int, code: str, text: str
) -> None:
    repo = factory.repo()
    call = factory.call()
    box = factory.sandbox(repo, sandbox_id=sandbox) if sandbox else None
    run = factory.run(repo, call, sandbox_record_id=box)
    factory.start_streaming(call)
    for _ in range(2):
        answer = await client.post(f"{V1}/runs/{run}/cancel")
        assert answer.status_code == status
        assert answer.json() == {"ok": False, "error": {"code": code, "message": text}}
    # The request stays, once, and the work goes on.
    row = factory.row("ai_calls", call)
    assert (row["status"], row["control_state"]) == ("streaming", "cancel_requested")
    assert [entry[0] for entry in timeline(factory, call)] == ["status_changed", "cancel_requested"]


async def test_call_cancel_keeps_run_row(client: httpx.AsyncClient, factory: RowFactory) -> None:
    call = factory.call()
    run = factory.run(factory.repo(), call)
    answer = await client.post(f"/api/observability/calls/{call}/cancel")
    assert (answer.status_code, answer.json()) == (200, {"ok": True, "status": "cancelled"})
    assert timeline(factory, call) == [
        ("cancel_requested", "Cancellation requested", {"runtime_command_id": None}),
        ("cancelled", "Run cancelled without runtime command", {"reason": "NO_RUNTIME_COMMAND"}),
    ]
    assert factory.row("external_agent_runs", run)["status"] == "pending"
    healed = (await client.post(f"{V1}/runs/{run}/cancel")).json()["data"]
    assert (healed["status"], healed["alreadyTerminal"]) == ("cancelled", True)
    over = await client.post(f"/api/observability/calls/{call}/cancel")
    assert (over.status_code, over.json()) == (409, {"error": "Call is no longer active"})


async def test_call_cancel_with_a_command(client: httpx.AsyncClient, factory: RowFactory) -> None:
    box = factory.sandbox(factory.repo())
    call = factory.call(metadata={"sandbox_record_id": box})
    factory.start_streaming(call, "cmd_7")
    assert (await client.post(f"/api/observability/calls/{call}/cancel")).status_code == 200
    assert timeline(factory, call)[-1] == ("cancelled", "Run cancelled", {"runtime_command_id": "cmd_7"})


@pytest.mark.parametrize(
    ("record", "status", "text"),
    [
        (None, 400, "Missing sandbox metadata"),
        ("00000000-0000-4000-8000-000000000000", 404, "Not found"),
    ],
)
async def test_call_cancel_records_the_request_first(
    client: httpx.AsyncClient, factory: RowFactory, record: str | None, status: int, text: str
) -> None:
    call = factory.call(metadata={"sandbox_record_id": record})
    factory.start_streaming(call)
    answer = await client.post(f"/api/observability/calls/{call}/cancel")
    assert (answer.status_code, answer.json()) == (status, {"error": text})
    assert factory.row("ai_calls", call)["control_state"] == "cancel_requested"
    # Cancellation wins every race with completion.
    with factory.plane.db.transaction() as tx:
        assert not call_writes.finish_call(
            tx, call, "success", factory.clock.us, message="Harness run finished"
        )
    assert factory.row("ai_calls", call)["status"] == "streaming"


async def test_call_cancel_of_unknown_call(client: httpx.AsyncClient) -> None:
    for call in ("junk", "00000000-0000-4000-8000-000000000000"):
        answer = await client.post(f"/api/observability/calls/{call}/cancel")
        assert (answer.status_code, answer.json()) == (404, {"error": "Call not found"})


def test_a_cancelled_run_stays_cancelled(factory: RowFactory) -> None:
    run = factory.run(factory.repo(), status="cancelled")
    with factory.plane.db.transaction() as tx:
        assert not run_writes.set_run(tx, run, factory.clock.us, status="streaming")
    assert factory.row("external_agent_runs", run)["status"] == "cancelled"


async def test_job_cancel_ends_job_and_requests_cancel_of_calls(
    client: httpx.AsyncClient, factory: RowFactory, clock: ManualClock
) -> None:
    flow = factory.flow()
    job = factory.job(flow, factory.repo(), start=True)
    call = factory.call(job_run_id=job)
    with factory.plane.db.transaction() as tx:
        node = node_writes.insert_node_run(
            tx,
            user_id=factory.user,
            job_run_id=job,
            node_id="agent-1",
            node_type="agent",
            status="running",
            started_at=clock.us,
            created_at=clock.us,
        )
        wait = node_writes.insert_wait(
            tx,
            user_id=factory.user,
            job_run_id=job,
            node_id="ask",
            wait_kind="manual_approval",
            created_at=clock.us,
        )
    cancelled: list[str] = []
    factory.plane.callbacks.on_job_cancelled.append(cancelled.append)
    clock.advance(4)
    answer = await client.post(f"/api/observability/jobs/{job}/cancel")
    assert answer.status_code == 200
    assert answer.json() == {
        "ok": True,
        "status": "cancelled",
        "cancelRequestedAt": "2026-08-05T10:00:04.000Z",
        "cancelledAt": "2026-08-05T10:00:04.000Z",
        "cancelReason": "USER_REQUESTED",
        "cancelError": None,
        "runtimeProvider": "trigger",
        "runtimeRunId": "run_9",
        "aiCallsCancellationRequested": 1,
        "releasedJobs": [],
    }
    assert cancelled == [job]
    assert factory.row("job_runs", job)["duration_ms"] == 4000
    assert factory.row("flow_waits", wait)["status"] == "cancelled"
    stopped = factory.row("flow_node_runs", node)
    assert (stopped["status"], stopped["duration_ms"]) == ("cancelled", 4000)
    assert json.loads(stopped["output"]) == {"cancelled": True, "reason": "USER_REQUESTED"}
    child = factory.row("ai_calls", call)
    assert (child["status"], child["control_state"]) == ("pending", "cancel_requested")
    assert timeline(factory, call) == [
        ("cancel_requested", "Parent job run cancellation requested", {"job_run_id": job})
    ]
    over = await client.post(f"/api/observability/jobs/{job}/cancel")
    assert over.status_code == 409
    assert over.json() == {
        "error": "Job run is not cancelable",
        "status": "cancelled",
        "cancelRequestedAt": "2026-08-05T10:00:04.000Z",
        "cancelledAt": "2026-08-05T10:00:04.000Z",
        "cancelReason": "USER_REQUESTED",
        "cancelError": None,
    }
    ledger = (await client.get(f"/api/observability/jobs/{job}")).json()["run"]["dispatch_events"]
    assert [(event["event_kind"], event["outcome"], event["reason"]) for event in ledger] == [
        ("enqueue", "queued", None),
        ("start", "started", None),
        ("control", "cancel_requested", "USER_REQUESTED"),
        ("control", "cancelled", "USER_REQUESTED"),
    ]


async def test_a_full_installation_defers_and_a_cancel_releases(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    flow = factory.flow()
    running = [factory.job(flow, start=True) for _ in range(job_writes.RUNNING_PER_INSTALLATION)]
    waiting = factory.job(flow, start=True)
    row = factory.row("job_runs", waiting)
    assert (row["status"], row["last_start_error"]) == ("pending", "Installation concurrency limit reached")
    listed = (await client.get("/api/observability/jobs?status=pending")).json()["jobs"]
    assert listed[0]["latest_dispatch_event"]["reason"] == "INSTALLATION_CONCURRENCY_LIMIT"
    started: list[str] = []
    factory.plane.callbacks.on_job_started.append(started.append)
    body = (await client.post(f"/api/observability/jobs/{running[0]}/cancel")).json()
    assert body["releasedJobs"] == [{"jobRunId": waiting, "started": True, "reason": None}]
    assert started == [waiting]
    after = factory.row("job_runs", waiting)
    assert (after["status"], after["last_start_source"], after["start_attempts"]) == (
        "running",
        "queue_release",
        2,
    )


async def test_job_cancel_can_be_repeated(client: httpx.AsyncClient, factory: RowFactory) -> None:
    job = factory.job(factory.flow())
    with factory.plane.db.transaction() as tx:
        cancel_and_release.request_cancel(tx, job, factory.clock.us, "USER_REQUESTED")
    assert (await client.get(f"/api/observability/jobs/{job}")).json()["run"]["cancelable"] is False
    factory.clock.advance(1)
    body = (await client.post(f"/api/observability/jobs/{job}/cancel")).json()
    assert (body["status"], body["cancelRequestedAt"]) == ("cancelled", "2026-08-05T10:00:00.000Z")
