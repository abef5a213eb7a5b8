"""Message and exit code for each outcome of a start, retry, repair or requeue."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from mogplex_tui.controlplane.faults.rules import parse
from mogplex_tui.controlplane.server import PlaneServer
from tests.api.support import Seen, http, ok, refused, serving
from tests.cli.support import CommandRunner
from tests.controlplane.automation.automation_rows import insert_failed_job
from tests.controlplane.row_factory import RowFactory

FLOW = "0d9e0000-0000-4000-8000-000000000001"
REPO = "3f1c2c1e-5b0e-4a57-9d0e-7a3f0f6b2a10"
JOB = "7b1c0000-0000-4000-8000-000000000003"

TRIGGER = ("automations", "trigger", FLOW, "--repo", REPO)
TEST = ("automations", "test", FLOW)
REPAIR = ("jobs", "repair", JOB)
REQUEUE = ("jobs", "requeue", JOB)

FULL = "INSTALLATION_CONCURRENCY_LIMIT"
NOT_STARTED = "Not started: "
NOT_YET = "Not started yet: the installation is at its limit; starts when a slot is free."


def _trigger(
    outcome: str, reason: str | None = None, *, started: bool = False, **more: Any
) -> dict[str, Any]:
    fields = {"outcome": outcome, "reason": reason, "started": started, "jobRunId": JOB, **more}
    return {"run": {"automationId": FLOW, "runtime": None, **fields}, "matched": True, **fields}


# Command, the service's response, exit code, the beginning of the message, and stdout.
OUTCOMES: dict[str, tuple[tuple[str, ...], dict[str, Any], int, str, str]] = {
    "trigger: started": (
        TRIGGER,
        _trigger("queued", started=True, status="running"),
        0,
        "Automation Nightly was started: job 7b1c0000.",
        f"{JOB}\n",
    ),
    "trigger: deferred": (
        TRIGGER,
        _trigger("queued", FULL, status="pending"),
        1,
        f"{NOT_YET} Automation Nightly is queued as job 7b1c0000.",
        f"{JOB}\n",
    ),
    "trigger: runtime handle lost": (
        TRIGGER,
        _trigger("queued", "RUNTIME_HANDLE_PERSIST_FAILED", status="pending"),
        1,
        "Not started yet: the runtime ID could not be stored. Automation Nightly is queued as job 7b1c0000.",
        f"{JOB}\n",
    ),
    "trigger: cancelled meanwhile": (
        TRIGGER,
        _trigger("queued", "JOB_RUN_CANCELLED", status="cancelled"),
        1,
        f"{NOT_STARTED}job run cancelled. Automation Nightly was queued as job 7b1c0000, which is now cancelled.",
        f"{JOB}\n",
    ),
    "trigger: job gone": (
        TRIGGER,
        _trigger("queued", "JOB_NOT_FOUND", status=None),
        1,
        f"{NOT_STARTED}job not found. Automation Nightly was queued as job 7b1c0000, which is no longer pending.",
        f"{JOB}\n",
    ),
    "trigger: repository over its limit": (
        TRIGGER,
        _trigger("suppressed", "REPO_PENDING_LIMIT", status="suppressed", jobRunId=None),
        1,
        f"{NOT_STARTED}too many jobs are pending for this repository. No job was queued for automation Nightly.",
        "",
    ),
    "trigger: installation over its limit": (
        TRIGGER,
        _trigger("suppressed", "INSTALLATION_PENDING_LIMIT", status="suppressed", jobRunId=None),
        1,
        f"{NOT_STARTED}too many jobs are pending for this installation. No job was queued for automation Nightly.",
        "",
    ),
    "trigger: key used before": (
        (*TRIGGER, "--idempotency-key", "ours"),
        _trigger("suppressed", "IDEMPOTENT_DUPLICATE", status="suppressed"),
        1,
        f"{NOT_STARTED}this key was used before, for job 7b1c0000.",
        f"{JOB}\n",
    ),
    "trigger: an outcome of the future": (
        TRIGGER,
        _trigger("parked", None, jobRunId=None),
        1,
        f"{NOT_STARTED}the service says parked. No job is known to be queued for automation Nightly.",
        "",
    ),
    "trigger: a reason with braces": (
        TRIGGER,
        _trigger("suppressed", "no {} here", jobRunId=None),
        1,
        f"{NOT_STARTED}no {{}} here. No job was queued for automation Nightly.",
        "",
    ),
    "test: started": (TEST, _trigger("queued", started=True), 0, "Automation Nightly was started", f"{JOB}\n"),
    "test: deferred": (TEST, _trigger("queued", FULL), 1, NOT_YET, f"{JOB}\n"),
    "test: running already": (
        TEST,
        _trigger("suppressed", "ACTIVE_DUPLICATE", jobRunId=None),
        1,
        f"{NOT_STARTED}the same work is already queued or running.",
        "",
    ),
    "test: no repository": (
        TEST,
        _trigger("suppressed", "REPO_NOT_FOUND", jobRunId=None),
        1,
        f"{NOT_STARTED}the repository was not found.",
        "",
    ),
    "test: paused": (
        TEST,
        _trigger("suppressed", "FLOW_INACTIVE", jobRunId=None),
        1,
        f"{NOT_STARTED}the automation is paused.",
        "",
    ),
    "test: other trigger": (
        TEST,
        _trigger("suppressed", "TRIGGER_MISMATCH", jobRunId=None, matched=False),
        1,
        f"{NOT_STARTED}the published trigger no longer matches.",
        "",
    ),
    "test: not owned": (
        TEST,
        _trigger("suppressed", "FLOW_NOT_OWNED", jobRunId=None),
        1,
        f"{NOT_STARTED}flow not owned.",
        "",
    ),
    "test: no reason": (
        TEST,
        _trigger("suppressed", jobRunId=None),
        1,
        f"{NOT_STARTED}the service gives no reason.",
        "",
    ),
    "repair: started": (REPAIR, {"ok": True, "started": True, "status": "running"}, 0, "Job 7b1c0000 was started.", JOB),
    "repair: deferred": (
        REPAIR,
        {"ok": True, "started": False, "deferred": True, "reason": FULL, "status": "pending"},
        1,
        f"{NOT_YET} Job 7b1c0000 stays queued.",
        JOB,
    ),
    "repair: cancelled meanwhile": (
        REPAIR,
        {"ok": True, "started": False, "reason": "JOB_RUN_CANCELLED", "status": "cancelled"},
        1,
        f"{NOT_STARTED}job run cancelled. Job 7b1c0000 is cancelled.",
        JOB,
    ),
    "requeue: started": (
        REQUEUE,
        {"ok": True, "queued": True, "started": True, "jobRunId": FLOW, "status": "running"},
        0,
        "Job 7b1c0000 runs again as job 0d9e0000.",
        FLOW,
    ),
    "requeue: the old version": (
        REQUEUE,
        {"ok": True, "queued": True, "started": True, "jobRunId": FLOW, "versionFallbackUsed": True},
        0,
        "Job 7b1c0000 runs again as job 0d9e0000, in the version that failed.",
        FLOW,
    ),
    "requeue: deferred": (
        REQUEUE,
        {"ok": True, "queued": True, "started": False, "deferred": True, "jobRunId": FLOW, "reason": FULL},
        1,
        f"{NOT_YET} Job 7b1c0000 is queued again as job 0d9e0000.",
        FLOW,
    ),
    "requeue: over its limit": (
        REQUEUE,
        {"ok": True, "queued": False, "suppressed": True, "jobRunId": None, "reason": "REPO_PENDING_LIMIT"},
        1,
        f"{NOT_STARTED}too many jobs are pending for this repository. No job was queued for job 7b1c0000.",
        "",
    ),
}  # fmt: skip


def _listed(seen: Seen, verb: str) -> bytes:
    """Answer a read with one automation, repository or job that the verb applies to."""
    flow = {"id": FLOW, "name": "Nightly", "status": "active", "published_version_id": FLOW}
    waits = verb == "repair"
    status = "pending" if waits else "failed"
    job = {"id": JOB, "status": status, "repairable": waits, "requeueable": not waits}
    if seen.path.endswith("/jobs"):
        return http(200, {"jobs": [job], "total": 1})
    if seen.path.startswith("/api/observability/jobs/"):
        return http(200, {"run": job})
    if seen.path == f"/api/flows/{FLOW}":
        return http(200, flow)
    if seen.path == "/api/flows":
        return http(200, [flow])
    if seen.path.endswith("/repos"):
        repo = {"id": REPO, "full_name": "acme/api"}
        return ok({"repos": [repo]}) if "/v1/" in seen.path else http(200, [repo])
    return http(404, {"error": "Not found"})


@pytest.mark.parametrize(("argv", "answer", "code", "message", "out"), OUTCOMES.values(), ids=OUTCOMES.keys())
async def test_failed_start_ends_with_1_and_reason(
    mogplex: CommandRunner, argv: tuple[str, ...], answer: dict[str, Any], code: int, message: str, out: str
) -> None:
    async def service(seen: Seen, _: object) -> bytes:
        if seen.method == "POST":
            return ok(answer) if "/v1/" in seen.path else http(202, answer)
        return _listed(seen, argv[1])

    async with serving(service) as server:
        mogplex.use(server.base_url, cookie="better-auth.session_token=x")
        result = await mogplex(*argv)
    assert (result.code, result.err[: len(message)]) == (code, message)
    assert result.out.startswith(out) and len(result.lines) <= 1
    assert "set off" not in result.err and "was tried" not in result.err


def stored_ledger() -> list[dict[str, Any]]:
    """Return the ledger entries that the commands have stored."""
    files = Path(os.environ["HOME"]).rglob("ledger.jsonl")
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


@pytest.mark.parametrize("profile", ["documented"])
async def test_trigger_is_queued_skipped_and_idempotent(operator: CommandRunner, factory: RowFactory) -> None:
    flow, repo = factory.flow(factory.agent()), factory.repo("acme/api")
    ask = ("automations", "trigger", flow, "--repo", "acme/api")
    first = await operator(*ask, "--idempotency-key", "ours-1", "--json")
    assert first.code == 0, first.err
    repeated = await operator(*ask, "--idempotency-key", "ours-1", "--json")
    assert (repeated.code, repeated.only_object["outcome"], repeated.only_object["job_run_id"]) == (
        1,
        "suppressed",
        first.only_object["job_run_id"],
    )
    assert repeated.err.startswith("Not started: this key was used before")
    for number in range(7):
        factory.job(flow, factory.repo(f"acme/other-{number}"), start=True)
    full = await operator(*ask)
    assert full.code == 1
    assert full.err.startswith(NOT_YET)
    job = full.out.split()[0]
    assert factory.row("job_runs", job)["status"] == "pending"
    for _ in range(23):
        factory.job(flow, repo)
    over = await operator(*ask)
    assert (over.code, over.out) == (1, "")
    assert over.err.startswith("Not started: too many jobs are pending for this repository.")
    untested = await operator("automations", "test", flow)
    assert (untested.code, untested.out) == (1, "")
    assert untested.err.startswith("Not started: the repository was not found.")
    failed = insert_failed_job(factory, flow)
    queued = await operator("jobs", "requeue", failed)
    assert queued.code == 1 and queued.err.startswith(NOT_YET)


@pytest.mark.parametrize("profile", ["documented"])
@pytest.mark.parametrize(
    "rule", ["truncated:9", "drop:9", "status:502"], ids=["unreadable", "cut", "bad gateway"]
)
async def test_same_key_after_lost_response_succeeds(
    operator: CommandRunner, factory: RowFactory, plane: PlaneServer, rule: str
) -> None:
    flow = factory.flow(factory.agent())
    factory.repo("acme/api")
    faults = plane.plane.faults
    assert faults is not None
    ask = ("automations", "trigger", flow, "--repo", "acme/api")
    faults.add(parse(f"POST /api/v1/mogplex/automations/*/trigger {rule}"))
    lost = await operator(*ask)
    assert lost.code in (1, 6), lost.err
    assert "Whether automation Review was started is not known." in lost.err
    key = lost.err.partition("--idempotency-key ")[2].split()[0]
    faults.clear()
    repeated = await operator(*ask, "--idempotency-key", key, "--json")
    (job,) = factory.plane.db.all("SELECT id FROM job_runs WHERE flow_id = ?", (flow,))
    assert (repeated.code, repeated.only_object["job_run_id"]) == (0, job["id"]), repeated.err
    message = "by the earlier try" if repeated.only_object["outcome"] == "suppressed" else "was started: job"
    assert message in repeated.err
    entries = stored_ledger()
    assert [(entry["key"], entry["state"]) for entry in entries] == [
        (key, "sent"),
        (key, "unknown"),
        (key, "sent"),
        (key, "done"),
    ]


async def test_trigger_with_500_may_have_queued_the_job(mogplex: CommandRunner) -> None:
    async def service(seen: Seen, _: object) -> bytes:
        if seen.method == "POST":
            return refused(500, "INTERNAL_ERROR", "Failed to trigger automation")
        return _listed(seen, "trigger")

    async with serving(service) as server:
        mogplex.use(server.base_url, cookie="better-auth.session_token=x")
        result = await mogplex(*TRIGGER, "--idempotency-key", "ours")
    assert (result.code, result.out) == (1, "")
    assert (
        "Whether automation Nightly was started is not known." in result.err
        and "The same command with --idempotency-key ours is safe." in result.err
    )
