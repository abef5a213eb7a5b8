"""The dispatch ledger: an append-only table of all decisions about job runs.

A row of the table is called a dispatch event. runtime-model.md §4, observability.md §8.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ...db.database import Row, Tx
from ...db.payload_redaction import dumps


def job_context(tx: Tx, job_id: str) -> Row:
    """Return a job run with the user and installation that it belongs to.

    The columns `owner_id` and `owner_installation_id` come from the job's flow, assignment or
    trigger. Raises LookupError for an unknown job.
    """
    row = tx.one(
        "SELECT j.*, o.owner_id, o.owner_installation_id"
        " FROM job_runs j JOIN job_owners o ON o.job_run_id = j.id WHERE j.id = ?",
        (job_id,),
    )
    if row is None:
        raise LookupError(job_id)
    return row


def source_kind(job: Row) -> str:
    """Return a job run's origin: `manual_retry`, `flow`, `trigger` or `assignment`.

    observability.md §7.1.
    """
    if job["retry_of_job_run_id"]:
        return "manual_retry"
    if job["flow_id"]:
        return "flow"
    return "trigger" if job["trigger_id"] else "assignment"


def record(
    tx: Tx,
    *,
    user_id: str,
    source_kind: str,
    source_type: str,
    event_kind: str,
    outcome: str,
    at: int,
    reason: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    id: str | None = None,
    **columns: Any,
) -> str:
    """Append a dispatch event and return its id.

    `columns`: job_run_id, assignment_id, trigger_id, flow_id, flow_version_id, repo_id, installation_id.
    """
    event_id = id or tx.new_id()
    tx.insert(
        "automation_dispatch_events",
        id=event_id,
        user_id=user_id,
        source_kind=source_kind,
        source_type=source_type,
        event_kind=event_kind,
        outcome=outcome,
        reason=reason,
        metadata=dumps(dict(metadata or {})),
        created_at=at,
        **columns,
    )
    tx.record_change("automation_dispatch_events", "INSERT", user_id, event_id)
    return event_id


def record_for_job(
    tx: Tx,
    job_id: str,
    event_kind: str,
    outcome: str,
    at: int,
    *,
    reason: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    id: str | None = None,
) -> str | None:
    """Append a dispatch event about an existing job run and return its id.

    The event has the job's flow, assignment or trigger. If the job's flow was deleted, no event is
    written and None is returned.
    """
    job = job_context(tx, job_id)
    if job["owner_id"] is None:
        return None
    job_metadata = json.loads(job["metadata"])
    repo_id = job_metadata.get("repo_id")
    known_repo = tx.one("SELECT id FROM repos WHERE id = ?", (repo_id,))
    return record(
        tx,
        id=id,
        user_id=job["owner_id"],
        source_kind=source_kind(job),
        source_type=job_metadata.get("source_type") or "unknown",
        event_kind=event_kind,
        outcome=outcome,
        at=at,
        reason=reason,
        metadata=metadata,
        job_run_id=job_id,
        assignment_id=job["assignment_id"],
        trigger_id=job["trigger_id"],
        flow_id=job["flow_id"],
        flow_version_id=job["flow_version_id"],
        repo_id=None if known_repo is None else repo_id,
        installation_id=job_metadata.get("installation_id") or job["owner_installation_id"],
    )
