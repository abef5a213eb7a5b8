"""Cancel job runs, and start pending ones when an installation is below its limit.

observability.md §7.3, runtime-model.md §4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ...calls import call_writes
from ...db.clock import iso_app
from ...db.database import Database, Tx
from ...db.ids import Ids
from ...db.payload_redaction import dumps
from . import dispatch_ledger, job_writes


class Released(NamedTuple):
    """The result of trying to start a pending job.

    `reason` says why the job did not start, and is None if it started.
    """

    job_id: str
    started: bool
    reason: str | None


def request_cancel(tx: Tx, job_id: str, at: int, reason: str) -> None:
    """Record a job's cancel request with a dispatch event control/cancel_requested.

    A repeated request keeps the time of the first one.
    """
    job = dispatch_ledger.job_context(tx, job_id)
    requested_at = job["cancel_requested_at"] or at
    tx.update("job_runs", job_id, cancel_requested_at=requested_at, cancel_reason=reason, cancel_error=None)
    tx.record_change("job_runs", "UPDATE", None, job_id)
    metadata = _handle(job) | {"cancel_requested_at": iso_app(requested_at)}
    dispatch_ledger.record_for_job(
        tx, job_id, "control", "cancel_requested", at, reason=reason, metadata=metadata
    )


def _handle(job: Any) -> dict[str, Any]:
    return {"runtime_provider": job["runtime_provider"], "runtime_run_id": job["runtime_run_id"]}


def request_call_cancels(tx: Tx, job_id: str, at: int) -> list[str]:
    """Request the cancellation of a job's live calls; return the ids of the calls."""
    rows = tx.all(
        "SELECT id FROM ai_calls WHERE job_run_id = ? AND status IN ('pending', 'streaming')", (job_id,)
    )
    for row in rows:
        call_writes.request_cancel(
            tx, row["id"], at, {"job_run_id": job_id}, message="Parent job run cancellation requested"
        )
    return [row["id"] for row in rows]


def cancel_failed(tx: Tx, job_id: str, at: int, error: str) -> None:
    """Record why cancelling a job failed, with a dispatch event control/cancel_failed.

    The job's status does not change.
    """
    job = dispatch_ledger.job_context(tx, job_id)
    tx.update("job_runs", job_id, cancel_error=error)
    tx.record_change("job_runs", "UPDATE", None, job_id)
    dispatch_ledger.record_for_job(
        tx, job_id, "control", "cancel_failed", at, reason=error, metadata=_handle(job)
    )


def finalize_cancel(tx: Tx, job_id: str, at: int, reason: str, asked: int) -> bool:
    """Cancel a job with its waits and node runs; return False if it has ended already.

    Appends a dispatch event control/cancelled. `asked` is the number of calls that received a cancel
    request.
    """
    job = dispatch_ledger.job_context(tx, job_id)
    if job["status"] not in job_writes.LIVE:
        return False
    tx.execute(
        "UPDATE flow_waits SET status = 'cancelled' WHERE job_run_id = ? AND status = 'waiting'", (job_id,)
    )
    tx.execute(
        "UPDATE flow_node_runs SET status = 'cancelled', completed_at = ?, output = ?,"
        " duration_ms = (? - started_at) / 1000 WHERE job_run_id = ? AND status IN ('pending', 'running')",
        (at, dumps({"cancelled": True, "reason": reason}), at, job_id),
    )
    tx.update(
        "job_runs",
        job_id,
        status="cancelled",
        error=None,
        cancelled_at=at,
        completed_at=at,
        duration_ms=None if job["started_at"] is None else max(0, (at - job["started_at"]) // 1000),
    )
    tx.record_change("job_runs", "UPDATE", None, job_id)
    metadata = _handle(job) | {
        "cancel_requested_at": iso_app(job["cancel_requested_at"] or at),
        "cancelled_at": iso_app(at),
        "ai_calls_cancellation_requested": asked,
    }
    dispatch_ledger.record_for_job(tx, job_id, "control", "cancelled", at, reason=reason, metadata=metadata)
    return True


def release_queue(
    db: Database, ids: Ids, installation_id: int | None, at: int, refusal: Callable[[], str | None]
) -> list[Released]:
    """Start pending jobs of an installation, oldest first, up to its limit.

    `refusal` is called before each start; it returns the background runtime's error, or None if the
    runtime accepts the job. The dispatch events have the start source queue_release.
    """
    released: list[Released] = []
    with db.transaction(ids=ids) as tx:
        free_slots = job_writes.RUNNING_PER_INSTALLATION - job_writes.running_count(tx, installation_id)
        waiting = [row["id"] for row in job_writes.pending_jobs(tx, installation_id)[: max(0, free_slots)]]
    for job_id in waiting:
        refused = refusal()
        handle = ids.opaque("run_") if refused is None else ""
        result = job_writes.start_in_steps(db, job_id, at, "queue_release", handle, ids, refused)
        released.append(Released(job_id, result.started, result.reason))
    return released
