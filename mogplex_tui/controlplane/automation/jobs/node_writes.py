"""Write node runs, waits and review findings of a job run.

Realtime does not publish changes of these tables (realtime.md §3.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...db.database import Tx
from ...db.payload_redaction import dumps


def insert_node_run(
    tx: Tx,
    *,
    user_id: str,
    job_run_id: str,
    node_id: str,
    node_type: str,
    status: str,
    created_at: int,
    id: str | None = None,
    output: Mapping[str, Any] | None = None,
    **columns: Any,
) -> str:
    """Insert a node run of a job and return its id.

    The node run gets the flow and flow version of the job. Raises LookupError for an unknown job.
    """
    job = tx.one("SELECT flow_id, flow_version_id FROM job_runs WHERE id = ?", (job_run_id,))
    if job is None:
        raise LookupError(job_run_id)
    node_run_id = id or tx.new_id()
    tx.insert(
        "flow_node_runs",
        id=node_run_id,
        user_id=user_id,
        job_run_id=job_run_id,
        flow_id=job["flow_id"],
        flow_version_id=job["flow_version_id"],
        node_id=node_id,
        node_type=node_type,
        status=status,
        output=None if output is None else dumps(dict(output)),
        created_at=created_at,
        **columns,
    )
    return node_run_id


def finish_node_run(
    tx: Tx,
    node_run_id: str,
    status: str,
    at: int,
    *,
    error: str | None = None,
    output: Mapping[str, Any] | None = None,
) -> bool:
    """End a node run; return False if it is unknown or has ended already."""
    row = tx.one("SELECT status, started_at FROM flow_node_runs WHERE id = ?", (node_run_id,))
    if row is None or row["status"] not in ("pending", "running"):
        return False
    tx.update(
        "flow_node_runs",
        node_run_id,
        status=status,
        completed_at=at,
        duration_ms=None if row["started_at"] is None else (at - row["started_at"]) // 1000,
        error=error,
        output=None if output is None else dumps(dict(output)),
    )
    return True


def end_all(
    tx: Tx,
    job_run_id: str,
    status: str,
    at: int,
    *,
    error: str | None = None,
    output: Mapping[str, Any] | None = None,
) -> None:
    """End all unfinished node runs of a job, and cancel its open waits."""
    for row in tx.all(
        "SELECT id FROM flow_node_runs WHERE job_run_id = ? AND status IN ('pending', 'running')",
        (job_run_id,),
    ):
        finish_node_run(tx, row["id"], status, at, error=error, output=output)
    tx.execute(
        "UPDATE flow_waits SET status = 'cancelled' WHERE job_run_id = ? AND status = 'waiting'",
        (job_run_id,),
    )


def insert_wait(
    tx: Tx,
    *,
    user_id: str,
    job_run_id: str,
    node_id: str,
    wait_kind: str,
    created_at: int,
    id: str | None = None,
    wait_config: Mapping[str, Any] | None = None,
    **columns: Any,
) -> str:
    """Insert a wait for an event or an approval and return its id."""
    job = tx.one("SELECT flow_id, flow_version_id FROM job_runs WHERE id = ?", (job_run_id,))
    if job is None:
        raise LookupError(job_run_id)
    wait_id = id or tx.new_id()
    columns.setdefault("resume_token", tx.new_id())
    tx.insert(
        "flow_waits",
        id=wait_id,
        user_id=user_id,
        job_run_id=job_run_id,
        flow_id=job["flow_id"],
        flow_version_id=job["flow_version_id"],
        node_id=node_id,
        wait_kind=wait_kind,
        wait_config=dumps(dict(wait_config or {})),
        created_at=created_at,
        **columns,
    )
    return wait_id


def decision_output(word: str, note: str | None = None) -> dict[str, Any]:
    """Return the node output for an approval decision, `approve` or `deny`."""
    return {"decision": word, "approved": word == "approve", "note": note}


def end_wait(
    tx: Tx, wait_id: str, status: str, at: int, resume_payload: Mapping[str, Any] | None = None
) -> bool:
    """End an open wait with a new status; return False if it is not open.

    `status` is resumed, expired or cancelled.
    """
    row = tx.one("SELECT status FROM flow_waits WHERE id = ?", (wait_id,))
    if row is None or row["status"] != "waiting":
        return False
    resumed = {"resumed_at": at} if status == "resumed" else {}
    payload = None if resume_payload is None else dumps(dict(resume_payload))
    tx.update("flow_waits", wait_id, status=status, resume_payload=payload, **resumed)
    return True


def insert_finding(
    tx: Tx,
    *,
    user_id: str,
    job_run_id: str,
    ordinal: int,
    severity: str,
    title: str,
    body: str,
    fingerprint: str,
    created_at: int,
    id: str | None = None,
    **columns: Any,
) -> str:
    """Insert a review finding and return its id.

    `columns` are the remaining columns of the row.
    """
    finding_id = id or tx.new_id()
    tx.insert(
        "review_findings",
        id=finding_id,
        user_id=user_id,
        job_run_id=job_run_id,
        ordinal=ordinal,
        severity=severity,
        title=title,
        body=body,
        fingerprint=fingerprint,
        created_at=created_at,
        updated_at=created_at,
        **columns,
    )
    return finding_id
