"""Housekeeping of jobs and calls: start pending ones, and end stuck ones.

system.md §3, runtime-model.md §4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..automation.events import work_queue
from ..automation.jobs import cancel_and_release, dispatch_ledger, job_writes, node_writes
from ..automation.jobs.job_serializers import REPAIRABLE_US
from ..calls import call_writes
from ..core.plane import Plane
from ..db.clock import HOUR_US, MINUTE_US
from ..db.database import Row
from ..db.ids import Ids
from ..runs import run_writes
from . import lock_and_sandbox_cleanup

CHAT_AGE_US = 5 * MINUTE_US
PREPARED_AGE_US = 2 * MINUTE_US
CALL_AGE_US = 6 * HOUR_US
JOB_AGE_US = 6 * HOUR_US
_LIVE = "status IN ('pending', 'streaming')"
# The statuses are listed so that the index by user and status is used; there are few users.
_ANYBODY = "user_id IN (SELECT id FROM profiles)"
_REPAIR_AT_ONCE = 250
_RECONCILE_AT_ONCE = 100

Spare = Callable[[str], bool]


def _nobody(_: str) -> bool:
    return False


def repair_jobs(plane: Plane, ids: Ids, at: int) -> dict[str, Any]:
    """Start jobs that have been pending for two minutes, and return the response body.

    The two minutes begin with the last attempt to start the job or, if there was no attempt, with
    the job's creation. The dispatch ledger records the source `repair`.
    """
    rows = plane.db.all(
        "SELECT id, coalesce(last_start_attempt_at, created_at) AS since FROM job_runs WHERE status = 'pending'"
        " ORDER BY created_at, id LIMIT ?",
        (_REPAIR_AT_ONCE,),
    )
    started = deferred = failed = 0
    results = []
    for row in rows:
        if at - row["since"] < REPAIRABLE_US:
            continue
        result = work_queue.start(plane, ids, row["id"], "repair", at)
        started += result.started
        deferred += result.reason == job_writes.FULL
        failed += not result.started and result.reason != job_writes.FULL
        results.append({"jobRunId": row["id"], "started": result.started, "reason": result.reason})
    return {
        "message": f"Started {started} pending job(s)",
        "scanned": len(rows),
        "started": started,
        "failed": failed,
        "deferred": deferred,
        "results": results,
    }


def reconcile_jobs(plane: Plane, ids: Ids, at: int) -> dict[str, Any]:
    """Finish jobs that were cancelled or abandoned, and return the response body.

    A job whose cancel was requested is cancelled. A running job that has neither a runtime nor a
    live call is abandoned, and fails.
    """
    rows = plane.db.all(
        "SELECT * FROM job_runs WHERE (status IN ('pending', 'running') AND cancel_requested_at IS NOT NULL)"
        " OR (status = 'running' AND runtime_run_id IS NULL) ORDER BY created_at, id LIMIT ?",
        (_RECONCILE_AT_ONCE,),
    )
    results, done = [], 0
    for row in rows:
        outcome = _reconcile(plane, ids, row, at)
        done += outcome is not None
        results.append({"jobRunId": row["id"], "reconciled": outcome is not None, "reason": outcome})
    return {
        "message": f"Reconciled {done} job run(s)",
        "reconciled": done,
        "skipped": len(rows) - done,
        "results": results,
    }


def _reconcile(plane: Plane, ids: Ids, row: Row, at: int) -> str | None:
    job_id = row["id"]
    with plane.db.transaction(ids=ids) as tx:
        job = dispatch_ledger.job_context(tx, job_id)
        if row["cancel_requested_at"] is not None:
            reason = "RECONCILED_CANCEL_REQUEST"
            dispatch_ledger.record_for_job(tx, job_id, "control", "reconciled", at, reason=reason)
            asked = cancel_and_release.request_call_cancels(tx, job_id, at)
            cancel_and_release.finalize_cancel(tx, job_id, at, row["cancel_reason"] or reason, len(asked))
        else:
            live = tx.one(f"SELECT 1 FROM ai_calls WHERE job_run_id = ? AND {_LIVE}", (job_id,))
            if live is not None:
                return None
            asked, reason = [], "RECONCILED_MISSING_RUNTIME_HANDLE"
            dispatch_ledger.record_for_job(tx, job_id, "control", "reconciled", at, reason=reason)
            node_writes.end_all(tx, job_id, "failed", at, error=reason)
            job_writes.finish(tx, job_id, "failed", at, reason=reason, error=reason)
    _wake_and_release(plane, ids, job_id, asked, job["owner_installation_id"], at)
    return reason


def _wake_and_release(
    plane: Plane, ids: Ids, job_id: str, asked: list[str], installation_id: int | None, at: int
) -> None:
    plane.callbacks.job_cancelled(job_id)
    for call_id in asked:
        plane.callbacks.must_cancel(call_id)
    work_queue.release(plane, ids, installation_id, at)


def zombie_rows(plane: Plane, ids: Ids, at: int, spare: Spare = _nobody) -> dict[str, Any]:
    """End calls, jobs and locks that are too old, and return the response body.

    A call for which `spare` returns True is still being executed and is kept (system.md §3.1).
    """
    tables = [
        _zombie_calls(plane, ids, at, spare),
        *lock_and_sandbox_cleanup.release_locks(plane, ids, at),
        _zombie_jobs(plane, ids, at),
    ]
    reaped = sum(table["reaped"] for table in tables)
    return {
        "processed": sum(table["scanned"] for table in tables),
        "reaped": reaped,
        "message": f"Reaped {reaped} row(s)",
        "tables": tables,
    }


def _age_limit(row: Row) -> int:
    if row["prepared"]:
        return PREPARED_AGE_US
    return CHAT_AGE_US if row["type"] == "chat" else CALL_AGE_US


def _zombie_calls(plane: Plane, ids: Ids, at: int, spare: Spare) -> dict[str, Any]:
    reaped: list[str] = []
    rows = plane.db.all(
        "SELECT id, type, started_at, json_extract(metadata, '$.prepared') AS prepared"
        f" FROM ai_calls WHERE {_ANYBODY} AND {_LIVE}"
    )
    with plane.db.transaction(ids=ids) as tx:
        for row in rows:
            if not spare(row["id"]) and at - row["started_at"] >= _age_limit(row):
                reaped += [row["id"]] if call_writes.reap_call(tx, row["id"], at) else []
        # A run never outlives its call (runtime-model.md §9); on the hosted service nothing checks that (system.md
        # §3.1).
        outlived = (
            "SELECT r.id FROM external_agent_runs r JOIN ai_calls c ON c.id = r.ai_call_id"
            f" WHERE r.{_LIVE} AND c.status NOT IN ('pending', 'streaming')"
        )
        for run in [] if plane.is_hosted else tx.all(outlived):
            run_writes.mirror_call(tx, run["id"], at)
    return lock_and_sandbox_cleanup.table("ai_calls", len(rows), reaped)


def _zombie_jobs(plane: Plane, ids: Ids, at: int) -> dict[str, Any]:
    """Cancel jobs that have been running for six hours.

    Jobs that wait for an event are not cancelled. Returns the entry of the table job_runs in the
    response.
    """
    reason = "ZOMBIE_REAPED"
    rows = plane.db.all("SELECT id, started_at FROM job_runs WHERE status = 'running'")
    reaped = []
    for row in rows:
        parked = plane.db.value(
            "SELECT 1 FROM flow_waits WHERE job_run_id = ? AND status = 'waiting'"
            " AND (expires_at IS NULL OR expires_at > ?)",
            (row["id"], at),
        )
        if parked or at - (row["started_at"] or at) < JOB_AGE_US:
            continue
        with plane.db.transaction(ids=ids) as tx:
            installation = dispatch_ledger.job_context(tx, row["id"])["owner_installation_id"]
            asked = cancel_and_release.request_call_cancels(tx, row["id"], at)
            cancel_and_release.request_cancel(tx, row["id"], at, reason)
            cancel_and_release.finalize_cancel(tx, row["id"], at, reason, len(asked))
        reaped.append(row["id"])
        _wake_and_release(plane, ids, row["id"], asked, installation, at)
    return lock_and_sandbox_cleanup.table("job_runs", len(rows), reaped)


def finish_cancels(plane: Plane, ids: Ids, at: int, spare: Spare) -> None:
    """Cancel live calls whose cancel was requested and which no worker is executing.

    `spare` returns True for a call that is being executed.
    """
    rows = plane.db.all(
        f"SELECT id FROM ai_calls WHERE {_ANYBODY} AND {_LIVE} AND control_state = 'cancel_requested'"
    )
    with plane.db.transaction(ids=ids) as tx:
        for row in rows:
            if not spare(row["id"]):
                payload = {"reason": "RECONCILED_CANCEL_REQUEST"}
                call_writes.finalize_cancel(tx, row["id"], at, "Run cancelled", payload)


def expire_waits(plane: Plane, ids: Ids, at: int) -> int:
    """Expire waits that have timed out and wake their jobs.

    Returns how many waits have expired.
    """
    rows = plane.db.all("SELECT id FROM flow_waits WHERE status = 'waiting' AND expires_at <= ?", (at,))
    with plane.db.transaction(ids=ids) as tx:
        expired = [row["id"] for row in rows if node_writes.end_wait(tx, row["id"], "expired", at)]
    for wait_id in expired:
        plane.callbacks.wait_resumed(wait_id)
    return len(expired)
