"""Queue and start job runs, and record in the dispatch ledger why some are not.

routing.md §6.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...core import refusable_backends
from ...core.plane import Plane
from ...db.clock import MINUTE_US
from ...db.database import Row, Tx
from ...db.ids import Ids
from ..jobs import cancel_and_release, job_writes
from .matching import Target

MENTIONS_IN_A_ROW = 3
LOOP_WINDOW_US = 10 * MINUTE_US
# GitHub work of these types is not queued while the same work is active; manual and hook work is always checked.
DUPLICATE_SENSITIVE = frozenset(("push", "push_review", "ci_failure", "cron", "cron_refactor"))


class Work(NamedTuple):
    """A job run to be queued: its target, its metadata and its idempotency key.

    If `check_duplicates` is true, the run is not queued while another one of the same target, event
    and repository is active. `origin` is 'story' for simulated events and 'outside' for all others
    (0007_engine.sql). If `marks_earlier` is set and the key is already in use, the dispatch event
    names the job that has the key (v1.md §5.3).
    """

    target: Target
    metadata: dict[str, Any]
    key: str | None
    check_duplicates: bool = False
    origin: str = "outside"
    retry_of: str | None = None
    marks_earlier: bool = False


class Enqueued(NamedTuple):
    """The result of queueing: the new job's id, or the reason why no job was queued.

    If the idempotency key is already in use, `job_id` is the job that has the key.
    """

    queued: bool
    job_id: str | None
    reason: str | None


def work_metadata(target: Target, event_metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return `event_metadata` plus the target's repository, owner and type.

    The metadata of a flow's job also names the flow and its version. routing.md §5.4.
    """
    metadata = {
        **event_metadata,
        "repo_id": target.repo_id,
        "repo_full_name": target.repo_full_name,
        "installation_id": target.installation_id,
        "source_type": target.source_type,
    }
    if target.kind == "flow":
        metadata |= {"flow_id": target.id, "flow_version_id": target.version_id}
    return metadata


def enqueue(tx: Tx, work: Work, at: int) -> Enqueued:
    """Queue a job run, or record in the dispatch ledger why it is not queued.

    The rules are checked in the order of routing.md §6; the first violated rule is the reason.
    """
    if work.key is not None:
        keyed_job = tx.one("SELECT id FROM job_runs WHERE idempotency_key = ?", (work.key,))
        if keyed_job is not None:
            earlier = keyed_job["id"] if work.marks_earlier else None
            _suppress(tx, work, "IDEMPOTENT_DUPLICATE", at, earlier)
            return Enqueued(False, keyed_job["id"], "IDEMPOTENT_DUPLICATE")
    target = work.target
    reason = _mention_loop(tx, work, at)
    if reason is None and work.check_duplicates and _is_active(tx, work):
        reason = "ACTIVE_DUPLICATE"
    reason = reason or job_writes.pending_limit(tx, target.installation_id, target.repo_id)
    if reason is not None:
        _suppress(tx, work, reason, at)
        return Enqueued(False, None, reason)
    job_id = job_writes.enqueue(
        tx,
        flow_version_id=target.version_id,
        at=at,
        metadata=work.metadata,
        idempotency_key=work.key,
        retry_of_job_run_id=work.retry_of,
        origin=work.origin,
        **_parents(target),
    )
    return Enqueued(True, job_id, None)


def _parents(target: Target) -> dict[str, Any]:
    return {
        f"{kind}_id": target.id if target.kind == kind else None for kind in ("flow", "assignment", "trigger")
    }


def _suppress(tx: Tx, work: Work, reason: str, at: int, job_id: str | None = None) -> None:
    target = work.target
    job_writes.suppress(
        tx,
        user_id=target.user_id,
        flow_version_id=target.version_id,
        repo_id=target.repo_id,
        installation_id=target.installation_id,
        source_type=target.source_type,
        source_kind="manual_retry" if work.retry_of else target.kind,
        reason=reason,
        at=at,
        metadata=work.metadata,
        job_run_id=job_id,
        **_parents(target),
    )


def _mention_loop(tx: Tx, work: Work, at: int) -> str | None:
    """Return MENTION_LOOP_BREAKER after too many mention jobs for an issue, else None.

    Jobs about the same issue or pull request in the last ten minutes are counted, so that agents
    cannot answer each other's mentions forever.
    """
    metadata = work.metadata
    number = metadata.get("issue_number", metadata.get("pr_number"))
    if work.target.source_type != "mention" or number is None:
        return None
    row = tx.one(
        "SELECT COUNT(*) FROM job_runs WHERE json_extract(metadata, '$.source_type') = 'mention'"
        " AND created_at > ? AND json_extract(metadata, '$.repo_id') = ?"
        " AND coalesce(json_extract(metadata, '$.issue_number'), json_extract(metadata, '$.pr_number')) = ?",
        (at - LOOP_WINDOW_US, work.target.repo_id, number),
    )
    return "MENTION_LOOP_BREAKER" if row is not None and row[0] >= MENTIONS_IN_A_ROW else None


def _is_active(tx: Tx, work: Work) -> bool:
    target = work.target
    row = tx.one(
        "SELECT 1 FROM job_runs WHERE status IN ('pending', 'running')"
        f" AND {target.kind}_id = ? AND json_extract(metadata, '$.source_type') = ?"
        " AND json_extract(metadata, '$.repo_id') = ?",
        (target.id, target.source_type, target.repo_id),
    )
    return row is not None


def start(
    plane: Plane, ids: Ids, job_id: str, source: str, at: int | None = None, *, refused: bool = False
) -> job_writes.StartResult:
    """Start a queued job, or leave it pending if its installation is at its limit.

    `refused` simulates a background runtime that rejects the task, which makes the job pending
    again (runtime-model.md §4).
    """
    at = plane.clock.now_us() if at is None else at
    down = refusable_backends.QUEUE_DOWN if refused else _runtime_error(plane)
    handle = ids.opaque("run_") if down is None else ""
    result = job_writes.start_in_steps(plane.db, job_id, at, source, handle, ids, down)
    if result.started:
        plane.callbacks.job_started(job_id)
    return result


def release(
    plane: Plane, ids: Ids, installation_id: int | None, at: int | None = None
) -> list[cancel_and_release.Released]:
    """Start pending jobs of an installation, up to its limit of running jobs.

    To be called after a job of the installation has ended.
    """
    at = plane.clock.now_us() if at is None else at
    released = cancel_and_release.release_queue(
        plane.db, ids, installation_id, at, lambda: _runtime_error(plane)
    )
    for entry in released:
        if entry.started:
            plane.callbacks.job_started(entry.job_id)
    return released


def _runtime_error(plane: Plane) -> str | None:
    """Return the error of the background runtime if it refuses tasks, else None."""
    refused = refusable_backends.queue_task(plane)
    return None if refused is None else refused.text


def target_of(job: Row, metadata: Mapping[str, Any], version_id: str | None) -> Target:
    """Return the target of an existing job run, with the given flow version.

    `job` is a row of dispatch_ledger.job_context.
    """
    kind = "flow" if job["flow_id"] else ("trigger" if job["trigger_id"] else "assignment")
    return Target(
        kind,
        job[f"{kind}_id"],
        job["owner_id"],
        job["owner_installation_id"],
        version_id,
        metadata.get("repo_id") or "",
        metadata.get("repo_full_name") or "",
        metadata.get("source_type") or "unknown",
    )


def retry_metadata(job_version: str | None, version_id: str | None, mode: str) -> dict[str, Any]:
    """Return the metadata that a retried job adds: flow versions and version mode.

    `job_version` is the flow version of the original job, `version_id` that of the retry.
    """
    return {
        "flow_version_id": version_id,
        "retry_version_mode": mode,
        "retry_original_flow_version_id": job_version,
        "retry_selected_flow_version_id": version_id,
    }


def retry_work(job: Row, version_id: str | None, extra: Mapping[str, Any]) -> Work:
    """Return the work that runs an existing job again as a new job run.

    `extra` is added to the job's metadata. Active duplicates are not checked (observability.md
    §7.5).
    """
    metadata = {**json.loads(job["metadata"]), **extra}
    if job["flow_id"]:
        metadata["flow_version_id"] = version_id
    target = target_of(job, metadata, version_id)
    return Work(target, metadata, None, origin=job["origin"], retry_of=job["id"])
