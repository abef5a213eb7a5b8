"""The /api/cron routes: who may call them, and when each job acts (system.md §3)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.automation.jobs import cancel_and_release
from mogplex_tui.controlplane.calls import call_writes
from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.db.clock import HOUR_US, MINUTE_US
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.machine_credentials import MACHINE
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.row_factory import RowFactory

CRONS = (
    "sync-models",
    "sandbox-reaper",
    "repair-jobs",
    "reconcile-job-runs",
    "zombie-row-reaper",
    "reconcile-vercel-links",
    "production-smoke",
)
WORKERS = ("/api/jobs/process", "/api/agent/review")


async def get(client: httpx.AsyncClient, name: str) -> dict[str, Any]:
    response = await client.get(f"/api/cron/{name}", headers=MACHINE)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


@pytest.mark.parametrize("name", CRONS)
async def test_a_duty_is_for_schedulers_alone(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient, name: str
) -> None:
    path = f"/api/cron/{name}"
    for caller in (client, anonymous):
        response = await caller.get(path)
        assert (response.status_code, response.json()) == (401, {"error": "Unauthorized"})
    assert (await anonymous.get(path, headers=MACHINE)).status_code == 200
    response = await anonymous.post(path, headers=MACHINE)
    assert (response.status_code, response.content) == (405, b"")


async def test_cron_routes_need_configured_secret(clock: ManualClock) -> None:
    async with (
        PlaneServer(Settings(speed=0, seeded=False), clock=clock) as plain,
        httpx.AsyncClient(base_url=plain.base_url) as caller,
    ):
        for method, path in (("GET", "/api/cron/repair-jobs"), *(("POST", path) for path in WORKERS)):
            response = await caller.request(method, path, headers=MACHINE)
            assert (response.status_code, response.json()) == (503, {"error": "CRON_SECRET_NOT_CONFIGURED"})


async def test_pending_jobs_are_repaired_after_two_minutes(
    client: httpx.AsyncClient, factory: RowFactory, clock: ManualClock
) -> None:
    job = factory.job(factory.flow(factory.agent()), factory.repo())
    clock.advance(119.9)
    assert (await get(client, "repair-jobs"))["started"] == 0
    clock.advance(0.2)
    body = await get(client, "repair-jobs")
    assert (body["scanned"], body["started"], body["failed"], body["deferred"]) == (1, 1, 0, 0)
    row = factory.row("job_runs", job)
    assert (row["status"], row["last_start_source"]) == ("running", "repair")
    assert (await get(client, "repair-jobs"))["scanned"] == 0


async def test_a_full_installation_defers_a_repair(
    client: httpx.AsyncClient, factory: RowFactory, clock: ManualClock
) -> None:
    flow, repo = factory.flow(factory.agent()), factory.repo()
    for _ in range(8):
        factory.job(flow, repo, start=True)
    job = factory.job(flow, repo)
    clock.advance(121)
    body = await get(client, "repair-jobs")
    assert (body["started"], body["deferred"], body["failed"]) == (0, 1, 0)
    assert factory.row("job_runs", job)["status"] == "pending"


async def test_requested_cancels_and_lost_jobs_are_reconciled(
    client: httpx.AsyncClient, factory: RowFactory, clock: ManualClock
) -> None:
    flow, repo = factory.flow(factory.agent()), factory.repo()
    asked, lost, working, sound = (factory.job(flow, repo, start=True) for _ in range(4))
    with factory.plane.db.transaction() as tx:
        cancel_and_release.request_cancel(tx, asked, clock.us, "USER_REQUESTED")
        tx.execute("UPDATE job_runs SET runtime_run_id = NULL WHERE id IN (?, ?)", (lost, working))
    factory.call(job_run_id=working)
    body = await get(client, "reconcile-job-runs")
    assert (body["reconciled"], body["skipped"]) == (2, 1)
    status = {name: factory.row("job_runs", job)["status"] for name, job in
              (("asked", asked), ("lost", lost), ("working", working), ("sound", sound))}  # fmt: skip
    assert status == {"asked": "cancelled", "lost": "failed", "working": "running", "sound": "running"}
    assert factory.row("job_runs", lost)["error"] == "RECONCILED_MISSING_RUNTIME_HANDLE"
    ledger = factory.plane.db.all(
        "SELECT outcome, reason FROM automation_dispatch_events WHERE job_run_id = ? AND event_kind = 'control'",
        (lost,),
    )
    assert [tuple(row) for row in ledger] == [
        ("reconciled", "RECONCILED_MISSING_RUNTIME_HANDLE"),
        ("failed", "RECONCILED_MISSING_RUNTIME_HANDLE"),
    ]


@pytest.mark.parametrize(
    ("columns", "age_us"),
    [
        ({"type": "chat"}, 5 * MINUTE_US),
        ({"type": "agent"}, 6 * HOUR_US),
        ({"type": "agent", "metadata": {"prepared": True}}, 2 * MINUTE_US),
    ],
)
async def test_live_calls_are_given_up_at_their_age(
    client: httpx.AsyncClient, factory: RowFactory, clock: ManualClock, columns: dict[str, Any], age_us: int
) -> None:
    call = factory.call(**columns)
    clock.us += age_us - 1
    assert (await get(client, "zombie-row-reaper"))["reaped"] == 0
    clock.us += 1
    body = await get(client, "zombie-row-reaper")
    entry = next(table for table in body["tables"] if table["table"] == "ai_calls")
    assert (entry["scanned"], entry["reaped"], entry["sample_ids"]) == (1, 1, [call])
    row = factory.row("ai_calls", call)
    assert (row["status"], row["error"]) == ("failed", call_writes.REAPED)
    event = factory.plane.db.only(
        "SELECT event_type, payload FROM ai_call_events WHERE ai_call_id = ?", (call,)
    )
    assert event["event_type"] == "failed" and f'"age_ms":{age_us // 1000}' in event["payload"]


async def test_a_run_falls_with_its_call(
    client: httpx.AsyncClient, factory: RowFactory, clock: ManualClock
) -> None:
    run = factory.run(factory.repo())
    clock.us += 6 * HOUR_US
    await get(client, "zombie-row-reaper")
    assert factory.row("external_agent_runs", run)["status"] == "failed"


async def test_job_over_six_hours_is_zombie_unless_parked(
    client: httpx.AsyncClient, factory: RowFactory, clock: ManualClock
) -> None:
    flow, repo = factory.flow(factory.agent()), factory.repo()
    stuck, parked = factory.job(flow, repo, start=True), factory.job(flow, repo, start=True)
    with factory.plane.db.transaction() as tx:
        tx.insert("flow_waits", id=tx.new_id(), user_id=factory.user, job_run_id=parked, node_id="w",
                  wait_kind="manual_approval", resume_token="t", created_at=clock.us)  # fmt: skip
    clock.us += 6 * HOUR_US
    await get(client, "zombie-row-reaper")
    row = factory.row("job_runs", stuck)
    assert (row["status"], row["cancel_reason"]) == ("cancelled", "ZOMBIE_REAPED")
    assert factory.row("job_runs", parked)["status"] == "running"


async def test_orphaned_locks_are_released(
    client: httpx.AsyncClient, factory: RowFactory, clock: ManualClock
) -> None:
    repo = factory.repo()
    box = factory.sandbox(repo, exec_lock_token="t", exec_lock_started_at=clock.us)
    stopped = factory.sandbox(repo, status="stopped", working_branch="b", exec_lock_token="u",
                            exec_lock_started_at=clock.us)  # fmt: skip
    with factory.plane.db.transaction() as tx:
        tx.update("repos", repo, snapshot_build_token="t", snapshot_build_started_at=clock.us)
        tested = tx.new_id()
        tx.insert("connections", id=tested, user_id=factory.user, name="c", type="rest_api", health_status="testing",
                  active_test_token="t", created_at=clock.us, updated_at=clock.us)  # fmt: skip
    await get(client, "zombie-row-reaper")
    assert factory.row("sandboxes", stopped)["exec_lock_token"] is None
    assert factory.row("sandboxes", box)["exec_lock_token"] == "t"
    assert factory.row("repos", repo)["snapshot_build_token"] == "t"
    clock.us += 15 * MINUTE_US
    body = await get(client, "zombie-row-reaper")
    assert {table["table"]: table["reaped"] for table in body["tables"]} == {
        "ai_calls": 0, "repos": 1, "sandboxes": 0, "connections": 1, "job_runs": 0,
    }  # fmt: skip
    assert factory.row("connections", tested)["health_status"] == "unknown"
    clock.us += 5 * HOUR_US
    await get(client, "zombie-row-reaper")
    assert factory.row("sandboxes", box)["exec_lock_token"] is None


async def test_boot_stuck_for_ten_minutes_is_stopped(
    client: httpx.AsyncClient, factory: RowFactory, clock: ManualClock
) -> None:
    stuck = factory.sandbox(factory.repo(), status="installing", last_boot_started_at=clock.us)
    assert (await get(client, "sandbox-reaper"))["reaped"] == 0
    clock.us += 10 * MINUTE_US
    body = await get(client, "sandbox-reaper")
    assert body["reaped"] == 1 and body["results"][0]["id"] == stuck
    row = factory.row("sandboxes", stuck)
    assert (row["status"], row["stop_reason"]) == ("stopped", "stuck_boot")


async def test_catalogue_links_and_self_test_report_counts(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    factory.model("acme/nova-1", is_recommended=1)
    factory.model("acme/gone", is_available=0)
    body = await get(client, "sync-models")
    assert (body["synced"], body["total_gateway"], body["recommended"]) == (1, 1, 1)
    repo = factory.repo(vercel_project_id="prj_1", vercel_link_status="unknown")
    factory.repo("acme/web", vercel_project_id="prj_2", vercel_link_status="inaccessible")
    body = await get(client, "reconcile-vercel-links")
    assert (body["processed"], body["valid"], body["inaccessible"], body["failed"]) == (2, 1, 1, 0)
    assert factory.row("repos", repo)["vercel_link_status"] == "valid"
    body = await get(client, "production-smoke")
    assert body["ok"] is True and {check["name"] for check in body["checks"]} >= {"database", "schema"}


@pytest.mark.parametrize(
    ("path", "key", "unknown", "source"),
    [
        ("/api/jobs/process", "jobId", "JOB_NOT_FOUND", "repair"),
        ("/api/agent/review", "jobRunId", "Job not found", "manual_retry"),
    ],
)
async def test_worker_starts_one_pending_job(
    client: httpx.AsyncClient, factory: RowFactory, path: str, key: str, unknown: str, source: str
) -> None:
    job = factory.job(factory.flow(factory.agent()), factory.repo())

    async def post(body: Any) -> httpx.Response:
        return await client.post(path, json=body, headers=MACHINE)

    assert (await client.post(path, json={key: job})).status_code == 401
    response = await post({})
    assert (response.status_code, response.json()) == (400, {"error": f"Missing {key}"})
    response = await client.post(path, content=b"{", headers=MACHINE)
    assert (response.status_code, response.json()) == (400, {"error": "Invalid JSON body"})
    response = await post({key: "7b1c9d7e-0000-4000-8000-000000000000"})
    assert (response.status_code, response.json()) == (404, {"error": unknown})
    assert (await post({key: "junk"})).status_code == 500
    body = (await post({key: job})).json()
    row = factory.row("job_runs", job)
    assert body == {
        "ok": True,
        "started": True,
        "deferred": False,
        "reason": None,
        "status": "running",
        "runtimeProvider": "trigger",
        "runtimeRunId": row["runtime_run_id"],
        "workflowRunId": None,
    }
    assert row["last_start_source"] == source
    again = (await post({key: job})).json()
    assert (again["started"], again["status"]) == (False, "running")
    assert factory.row("job_runs", job)["start_attempts"] == 1


async def test_removed_routes_answer_404(anonymous: httpx.AsyncClient) -> None:
    response = await anonymous.post("/api/migrate")
    assert (response.status_code, response.json()) == (404, {"error": "Not found"})
    assert (await anonymous.get("/api/migrate")).status_code == 405
    response = await anonymous.get("/api/test/e2e/flows")
    assert (response.status_code, response.json()) == (404, {"error": "Not found"})
