"""Write job runs: enqueue, start, defer and end, each with its dispatch event.

runtime-model.md §4, §9.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ...db.database import Database, Row, Tx
from ...db.ids import Ids
from ...db.payload_redaction import dumps
from . import dispatch_ledger

RUNNING_PER_INSTALLATION = 8
PENDING_PER_REPO = 25
PENDING_PER_INSTALLATION = 100
LIVE = ("pending", "running")
FULL = "INSTALLATION_CONCURRENCY_LIMIT"
_FULL_SENTENCE = "Installation concurrency limit reached"


class StartResult(NamedTuple):
    """The result of trying to start a job; `reason` says why the job did not start."""

    started: bool
    reason: str | None


def insert_job(
    tx: Tx,
    *,
    flow_id: str | None,
    flow_version_id: str | None,
    created_at: int,
    id: str | None = None,
    status: str = "pending",
    metadata: Mapping[str, Any] | None = None,
    **columns: Any,
) -> str:
    """Insert a job run without a dispatch event and return its id.

    Simulated history is written this way; `enqueue` also writes the dispatch event.
    """
    job_id = id or tx.new_id()
    tx.insert(
        "job_runs",
        id=job_id,
        flow_id=flow_id,
        flow_version_id=flow_version_id,
        status=status,
        metadata=dumps(dict(metadata or {})),
        created_at=created_at,
        **columns,
    )
    tx.record_change("job_runs", "INSERT", None, job_id)
    return job_id


def enqueue(
    tx: Tx,
    *,
    flow_id: str | None,
    flow_version_id: str | None,
    at: int,
    metadata: Mapping[str, Any],
    id: str | None = None,
    idempotency_key: str | None = None,
    retry_of_job_run_id: str | None = None,
    **columns: Any,
) -> str:
    """Insert a pending job run with a dispatch event enqueue/queued; return its id.

    `metadata` has at least source_type, repo_id, repo_full_name and installation_id (v1.md §5.3);
    `columns` are assignment_id, trigger_id and origin.
    """
    job_id = insert_job(
        tx,
        id=id,
        flow_id=flow_id,
        flow_version_id=flow_version_id,
        created_at=at,
        metadata=metadata,
        idempotency_key=idempotency_key,
        retry_of_job_run_id=retry_of_job_run_id,
        **columns,
    )
    dispatch_ledger.record_for_job(tx, job_id, "enqueue", "queued", at, metadata=metadata)
    return job_id


def suppress(
    tx: Tx,
    *,
    user_id: str,
    flow_id: str | None,
    flow_version_id: str | None,
    repo_id: str | None,
    installation_id: int | None,
    source_type: str,
    reason: str,
    at: int,
    metadata: Mapping[str, Any] | None = None,
    source_kind: str = "flow",
    job_run_id: str | None = None,
    **columns: Any,
) -> str:
    """Append a dispatch event enqueue/suppressed for work that was not queued.

    Returns the id of the dispatch event.
    """
    return dispatch_ledger.record(
        tx,
        user_id=user_id,
        source_kind=source_kind,
        source_type=source_type,
        event_kind="enqueue",
        outcome="suppressed",
        reason=reason,
        at=at,
        metadata=metadata,
        job_run_id=job_run_id,
        flow_id=flow_id,
        flow_version_id=flow_version_id,
        repo_id=repo_id,
        installation_id=installation_id,
        **columns,
    )


def pending_limit(tx: Tx, installation_id: int | None, repo_id: str | None) -> str | None:
    """Return the name of the limit that forbids another job, or None if there is none.

    The pending and running jobs of the repository and of the installation are counted (routing.md
    §6).
    """
    row = tx.one(
        "SELECT SUM(repo_id IS ?), SUM(owner_installation_id IS ?) FROM job_owners"
        " WHERE status IN ('pending', 'running')",
        (repo_id, installation_id),
    )
    in_repo, in_installation = (0, 0) if row is None else (row[0] or 0, row[1] or 0)
    if in_repo >= PENDING_PER_REPO:
        return "REPO_PENDING_LIMIT"
    return "INSTALLATION_PENDING_LIMIT" if in_installation >= PENDING_PER_INSTALLATION else None


def _touch(tx: Tx, job_id: str, **columns: Any) -> None:
    tx.update("job_runs", job_id, **columns)
    tx.record_change("job_runs", "UPDATE", None, job_id)


def count_attempt(tx: Tx, job_id: str, at: int, source: str) -> StartResult:
    """First step of a start: count the attempt and check whether the job may start.

    The job may not start if it is not pending, or if its installation is at its limit. At the limit
    the job stays pending, and a dispatch event start/deferred is appended.
    """
    job = dispatch_ledger.job_context(tx, job_id)
    tried = {
        "start_attempts": job["start_attempts"] + 1,
        "last_start_attempt_at": at,
        "last_start_source": source,
    }
    if job["status"] != "pending":
        reason = "JOB_RUN_CANCELLED" if job["status"] == "cancelled" else "START_ALREADY_STARTED"
        _touch(tx, job_id, **tried, last_start_error=f"Job is {job['status']}")
        return StartResult(False, reason)
    if running_count(tx, job["owner_installation_id"]) >= RUNNING_PER_INSTALLATION:
        defer(tx, job_id, at, source)
        return StartResult(False, FULL)
    _touch(tx, job_id, **tried, last_start_error=None)
    return StartResult(True, None)


def claim(tx: Tx, job_id: str, at: int) -> bool:
    """Second step of a start: set a pending job to running.

    Returns False if the job is no longer pending.
    """
    row = tx.one("SELECT status FROM job_runs WHERE id = ?", (job_id,))
    if row is None or row["status"] != "pending":
        return False
    _touch(tx, job_id, status="running", started_at=at)
    return True


def record_started(tx: Tx, job_id: str, at: int, runtime_run_id: str, provider: str = "trigger") -> None:
    """Third step of a start: store the runtime's run id and record the start.

    A dispatch event start/started is appended.
    """
    job = dispatch_ledger.job_context(tx, job_id)
    _touch(tx, job_id, runtime_provider=provider, runtime_run_id=runtime_run_id)
    metadata = {
        "start_source": job["last_start_source"],
        "flow_id": job["flow_id"],
        "flow_version_id": job["flow_version_id"],
    }
    dispatch_ledger.record_for_job(tx, job_id, "start", "started", at, metadata=metadata)


def start(tx: Tx, job_id: str, at: int, source: str, runtime_run_id: str) -> StartResult:
    """Start a job in one transaction, so that realtime sends a single update."""
    result = count_attempt(tx, job_id, at, source)
    if result.started:
        claim(tx, job_id, at)
        record_started(tx, job_id, at, runtime_run_id)
    return result


def start_in_steps(
    db: Database,
    job_id: str,
    at: int,
    source: str,
    runtime_run_id: str,
    ids: Ids | None = None,
    refused: str | None = None,
) -> StartResult:
    """Start a job in three transactions, so that realtime sends three updates.

    `ids` is the stream of ids for the dispatch events; None selects the database's own stream.
    `refused` is the error of a runtime that does not accept the task: the job is then pending again,
    with a dispatch event start/start_failed (runtime-model.md §4).
    """
    with db.transaction(ids=ids) as tx:
        result = count_attempt(tx, job_id, at, source)
    if not result.started:
        return result
    with db.transaction(ids=ids) as tx:
        claim(tx, job_id, at)
    with db.transaction(ids=ids) as tx:
        if refused is None:
            record_started(tx, job_id, at, runtime_run_id)
            return result
        start_failed(tx, job_id, at, refused)
    return StartResult(False, refused)


def defer(tx: Tx, job_id: str, at: int, source: str, reason: str = FULL, error: str = _FULL_SENTENCE) -> None:
    """Count a start attempt, but leave the job pending.

    A dispatch event start/deferred is appended.
    """
    job = dispatch_ledger.job_context(tx, job_id)
    _touch(
        tx,
        job_id,
        start_attempts=job["start_attempts"] + 1,
        last_start_attempt_at=at,
        last_start_source=source,
        last_start_error=error,
    )
    metadata = {"start_source": source, "flow_id": job["flow_id"], "flow_version_id": job["flow_version_id"]}
    dispatch_ledger.record_for_job(tx, job_id, "start", "deferred", at, reason=reason, metadata=metadata)


def start_failed(tx: Tx, job_id: str, at: int, error: str) -> bool:
    """Reset a job to `pending` after a failed start, and record the failure.

    Returns False if the job has ended.
    """
    job = dispatch_ledger.job_context(tx, job_id)
    if job["status"] not in LIVE:
        return False
    _touch(tx, job_id, status="pending", started_at=None, last_start_error=error)
    metadata = {
        "start_source": job["last_start_source"],
        "flow_id": job["flow_id"],
        "flow_version_id": job["flow_version_id"],
    }
    dispatch_ledger.record_for_job(tx, job_id, "start", "start_failed", at, reason=error, metadata=metadata)
    return True


def finish(
    tx: Tx,
    job_id: str,
    status: str,
    at: int,
    *,
    reason: str | None,
    error: str | None = None,
    input_tokens: int | None = None,
    output_tokens: int | None = None,
    patch: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> bool:
    """End a running job and record its end; return False if it is not running.

    `patch` is merged into the job's metadata. A dispatch event control/completed or control/failed
    with `metadata` is appended, unless `reason` is None (MISSING_CONFIG failures, observability.md
    §8.2).
    """
    job = dispatch_ledger.job_context(tx, job_id)
    if job["status"] != "running":
        return False
    columns: dict[str, Any] = {"status": status, "completed_at": at, "error": error}
    columns["duration_ms"] = max(0, (at - job["started_at"]) // 1000)
    columns |= {"input_tokens": input_tokens, "output_tokens": output_tokens}
    if patch:
        row = tx.one(
            "SELECT json_patch(metadata, ?) FROM job_runs WHERE id = ?", (dumps(dict(patch)), job_id)
        )
        columns["metadata"] = row[0] if row else job["metadata"]
    _touch(tx, job_id, **columns)
    if reason is not None:
        outcome = "completed" if status == "success" else "failed"
        dispatch_ledger.record_for_job(tx, job_id, "control", outcome, at, reason=reason, metadata=metadata)
    return True


def running_count(tx: Tx, installation_id: int | None) -> int:
    """Return how many jobs of an installation are running."""
    row = tx.one(
        "SELECT COUNT(*) FROM job_owners WHERE status = 'running' AND owner_installation_id IS ?",
        (installation_id,),
    )
    return 0 if row is None else int(row[0])


def pending_jobs(tx: Tx, installation_id: int | None) -> list[Row]:
    """Return rows with the ids of an installation's pending jobs, oldest first."""
    return tx.all(
        "SELECT job_run_id AS id FROM job_owners"
        " WHERE status = 'pending' AND owner_installation_id IS ? ORDER BY created_at",
        (installation_id,),
    )
