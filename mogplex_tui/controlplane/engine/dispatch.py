"""The one road into work: enqueue with its refusals, start with its deferral, each with a ledger row (routing.md §6)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..core import upstreams
from ..core.plane import Plane
from ..db.clock import MINUTE_US
from ..db.database import Row, Tx
from ..db.ids import Ids
from ..writes import job_control, jobs
from .matching import Target

MENTIONS_IN_A_ROW = 3
LOOP_WINDOW_US = 10 * MINUTE_US
# GitHub work of these kinds is not queued while the same is alive; manual and hook work always is checked.
SENSITIVE = frozenset(("push", "push_review", "ci_failure", "cron", "cron_refactor"))


class Work(NamedTuple):
    """What is to be queued: for whom, about what, under which idempotency key.

    `sensitive` asks for the active-duplicate check, `origin` is 'outside' or 'story' (0007_engine.sql). With
    `marks_earlier` a repeated key leaves its ledger row with the job that has it (v1.md §5.3).
    """

    target: Target
    metadata: dict[str, Any]
    key: str | None
    sensitive: bool = False
    origin: str = "outside"
    retry_of: str | None = None
    marks_earlier: bool = False


class Enqueued(NamedTuple):
    """What became of it: a new job, or the reason against one and, for a repeated key, the job that has it."""

    queued: bool
    job_id: str | None
    reason: str | None


def work_metadata(target: Target, about: Mapping[str, Any]) -> dict[str, Any]:
    """A job's metadata: what the event says, and whose and which parent the job is for (routing.md §5.4)."""
    metadata = {
        **about,
        "repo_id": target.repo_id,
        "repo_full_name": target.repo_full_name,
        "installation_id": target.installation_id,
        "source_type": target.source_type,
    }
    if target.kind == "flow":
        metadata |= {"flow_id": target.id, "flow_version_id": target.version_id}
    return metadata


def enqueue(tx: Tx, work: Work, at: int) -> Enqueued:
    """Queue the work or write why not; the first rule that hits decides (routing.md §6)."""
    if work.key is not None:
        known = tx.one("SELECT id FROM job_runs WHERE idempotency_key = ?", (work.key,))
        if known is not None:
            earlier = known["id"] if work.marks_earlier else None
            _suppress(tx, work, "IDEMPOTENT_DUPLICATE", at, earlier)
            return Enqueued(False, known["id"], "IDEMPOTENT_DUPLICATE")
    target = work.target
    reason = _loop(tx, work, at)
    if reason is None and work.sensitive and _is_active(tx, work):
        reason = "ACTIVE_DUPLICATE"
    reason = reason or jobs.pending_limit(tx, target.installation_id, target.repo_id)
    if reason is not None:
        _suppress(tx, work, reason, at)
        return Enqueued(False, None, reason)
    job_id = jobs.enqueue(
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
    jobs.suppress(
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


def _loop(tx: Tx, work: Work, at: int) -> str | None:
    """Agents that answer each other's mentions are stopped after a few rounds."""
    about = work.metadata
    number = about.get("issue_number", about.get("pr_number"))
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
) -> jobs.StartResult:
    """Start a queued job and wake who runs it; a full installation defers it (runtime-model.md §4).

    `refused` is a background runtime that does not take the task, as a fault may have it: the job is pending again.
    """
    at = plane.clock.now_us() if at is None else at
    down = upstreams.QUEUE_DOWN if refused else _down(plane)
    handle = ids.opaque("run_") if down is None else ""
    result = jobs.start_in_steps(plane.db, job_id, at, source, handle, ids, down)
    if result.started:
        plane.wake.job_started(job_id)
    return result


def release(
    plane: Plane, ids: Ids, installation_id: int | None, at: int | None = None
) -> list[job_control.Released]:
    """Give the pending jobs of an installation the room that another one left, and wake who runs them."""
    at = plane.clock.now_us() if at is None else at
    released = job_control.release_queue(plane.db, ids, installation_id, at, lambda: _down(plane))
    for entry in released:
        if entry.started:
            plane.wake.job_started(entry.job_id)
    return released


def _down(plane: Plane) -> str | None:
    """What the background runtime says that takes nothing now, None from one that works."""
    refused = upstreams.queue_task(plane)
    return None if refused is None else refused.text


def target_of(job: Row, metadata: Mapping[str, Any], version_id: str | None) -> Target:
    """The target that a job run was queued for; `job` is a ledger.job_context row."""
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
    """What a job that somebody runs again knows of that: the version of the failed one, its own, and why that one."""
    return {
        "flow_version_id": version_id,
        "retry_version_mode": mode,
        "retry_original_flow_version_id": job_version,
        "retry_selected_flow_version_id": version_id,
    }


def retry_work(job: Row, version_id: str | None, extra: Mapping[str, Any]) -> Work:
    """The work of running a job again under a new row; never duplicate-sensitive (observability.md §7.5)."""
    metadata = {**json.loads(job["metadata"]), **extra}
    if job["flow_id"]:
        metadata["flow_version_id"] = version_id
    target = target_of(job, metadata, version_id)
    return Work(target, metadata, None, origin=job["origin"], retry_of=job["id"])
