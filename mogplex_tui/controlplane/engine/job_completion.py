"""End jobs: record result, diagnostics and findings, then start pending jobs."""

from __future__ import annotations

from typing import Any

from ..actors.context import ActorContext, ActorRandom
from ..automation.events import work_queue
from ..automation.jobs import cancel_and_release, job_writes, node_writes
from ..calls import call_writes
from ..db.database import Row, Tx
from ..sample_data.loader import material
from ..workload import failure_diagnosis
from ..workload.call_planner import pick_failure
from ..workload.job_planner import phase_of
from ..workload.rng import token
from .agent_nodes import NodeEnd
from .running_job import NO_GITHUB, Job, node_rows, output_of

# Probability that a second attempt succeeds where the first failed, if there is one.
_RECOVERING = 0.1
_REVIEWED = ("pr_opened", "pr_review")


def succeed(context: ActorContext, job: Job) -> None:
    """End a job as successful and write its findings.

    Pending jobs of its installation are started afterwards.
    """
    random = context.random(f"end:{job.id}")
    rows = node_rows(context.plane.db, job.id)
    findings = _findings(rows) if job.source_type in _REVIEWED else []
    reason = "AUTOMATION_COMPLETED"
    if job.source_type in _REVIEWED:
        reason = "PR_REVIEW_POSTED" if findings else "PR_REVIEW_NO_FINDINGS"
    urls = [url for row in rows if (url := output_of(row).get("pull_request_url"))]
    patch = {"pull_request_url": urls[-1]} if urls else None
    with random.tx() as tx:
        ended = _finish(tx, context, job, "success", reason, None, _recovery_diagnostics(random, job), patch)
        if ended:
            _cancel_rest(tx, context, job)
            for ordinal, finding in enumerate(findings):
                _write_finding(tx, context, random, job, ordinal, finding)
    if ended:
        work_queue.release(context.plane, random.ids, job.installation_id, context.now())


def fail(context: ActorContext, job: Job, end: NodeEnd) -> None:
    """End a job as failed because a node without an error edge failed with `end`.

    Pending jobs of its installation are started afterwards.
    """
    random = context.random(f"end:{job.id}")
    klass = end.failure
    reason = "AUTOMATION_FAILED" if klass is None else material("errors")[klass]["reason"]
    with random.tx() as tx:
        ended = _finish(tx, context, job, "failed", reason, end.error, _diagnostics(job, end), None)
        if ended:
            _cancel_rest(tx, context, job)
    if ended:
        work_queue.release(context.plane, random.ids, job.installation_id, context.now())


def fail_unresolved(context: ActorContext, job_id: str, error: str) -> None:
    """End a job as failed because it cannot be executed; `error` is the reason.

    A dispatch event is written only if the reason is a missing GitHub connection (observability.md
    §8.2).
    """
    random = context.random(f"end:{job_id}")
    installation = context.plane.db.value(
        "SELECT owner_installation_id FROM job_owners WHERE job_run_id = ?", (job_id,)
    )
    reason = NO_GITHUB if error == NO_GITHUB else None
    with random.tx() as tx:
        job_writes.finish(tx, job_id, "failed", context.now(), reason=reason, error=error)
    work_queue.release(context.plane, random.ids, installation, context.now())


def _finish(
    tx: Tx,
    context: ActorContext,
    job: Job,
    status: str,
    reason: str,
    error: str | None,
    diagnostics: dict[str, Any],
    patch: dict[str, Any] | None,
) -> bool:
    spent = tx.one(
        "SELECT SUM(input_tokens), SUM(output_tokens) FROM ai_calls WHERE job_run_id = ?", (job.id,)
    )
    return job_writes.finish(
        tx,
        job.id,
        status,
        context.now(),
        reason=reason,
        error=error,
        input_tokens=None if spent is None else spent[0],
        output_tokens=None if spent is None else spent[1],
        patch=patch,
        metadata=diagnostics,
    )


def _cancel_rest(tx: Tx, context: ActorContext, job: Job) -> None:
    """Cancel the nodes and calls of an ended job that are still running."""
    now = context.now()
    node_writes.end_all(tx, job.id, "cancelled", now, output={"cancelled": True, "reason": "JOB_RUN_ENDED"})
    for call_id in cancel_and_release.request_call_cancels(tx, job.id, now):
        call_writes.finalize_cancel(tx, call_id, now, "Harness run cancelled", {"reason": "JOB_RUN_ENDED"})


def _findings(rows: list[Row]) -> list[dict[str, Any]]:
    """Return the findings of the job's successful reviews without duplicates."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        review = output_of(row).get("review") if row["status"] == "success" else None
        for finding in (review or {}).get("findings") or []:
            found.setdefault((finding["title"], finding["path"], finding["line"]), finding)
    return list(found.values())


def _write_finding(
    tx: Tx, context: ActorContext, random: ActorRandom, job: Job, ordinal: int, finding: dict[str, Any]
) -> None:
    node_writes.insert_finding(
        tx,
        user_id=job.user_id,
        job_run_id=job.id,
        ordinal=ordinal,
        severity=finding["severity"],
        title=finding["title"],
        body=finding["body"],
        path=finding["path"],
        line=finding["line"],
        fingerprint=token(random.rng, "fp_", 16),
        created_at=context.now(),
        repo_id=job.repo.id,
        repo_full_name=job.repo.full_name,
        pr_number=job.metadata.get("pr_number"),
        head_sha=job.metadata.get("head_sha"),
    )


def _diagnostics(job: Job, end: NodeEnd) -> dict[str, Any]:
    """Return the diagnostics of a failure, for the dispatch event of the job's end.

    observability.md §8.3.
    """
    return failure_diagnosis.failed(end.failure or "unknown", end.error, phase_of(job.source_type))


def _recovery_diagnostics(random: ActorRandom, job: Job) -> dict[str, Any]:
    """Return the diagnostics of a failed first attempt of a job that then succeeded.

    A random number decides whether there was such an attempt; {} is returned if there was none.
    """
    chance, failure = random.rng.random(), pick_failure(random.rng)
    return failure_diagnosis.recovered(*failure, phase_of(job.source_type)) if chance < _RECOVERING else {}
