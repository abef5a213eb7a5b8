"""Seed the calls of past job runs of assignments and triggers (routing.md §6)."""

from __future__ import annotations

import json
from typing import Any

from ..db.clock import SECOND_US
from ..db.database import Row, Tx
from ..workload.account import SeededAccount
from ..workload.call_plan import CallKind, CallPlan
from ..workload.call_planner import plan_agent
from ..workload.job_planner import CALL_TYPES
from ..workload.rng import new_uuid, stream
from .call_rows import CallFacts, CallWriter

_RUNS = (
    "SELECT j.id, j.error, j.started_at, j.completed_at, j.metadata, g.id AS agent_id, g.model, g.user_id,"
    " (SELECT json_extract(d.metadata, '$.model_failure_class') FROM automation_dispatch_events d"
    "  WHERE d.job_run_id = j.id AND d.event_kind = 'control') AS failure FROM job_runs j"
    " LEFT JOIN assignments s ON s.id = j.assignment_id LEFT JOIN triggers t ON t.id = j.trigger_id"
    " JOIN agents g ON g.id = COALESCE(s.agent_id, t.agent_id)"
    " WHERE j.status IN ('success', 'failed') ORDER BY j.id"
)
# Seconds of a job before its agent starts and after it has ended.
_AROUND_US = 800_000


def write_assignment_calls(tx: Tx, scribe: CallWriter, world: SeededAccount, seed: int) -> None:
    """Collect the rows of one call for each finished job run without a flow.

    The token counts and the cost of the job run are updated.
    """
    keys = {repo.id: repo.key for repo in world.repos.values()}
    for job in tx.all(_RUNS):
        about = json.loads(job["metadata"])
        call_id, call_plan = _planned(job, keys[about["repo_id"]], seed)
        written = scribe.call(call_plan, _facts(job, about, call_id))
        tx.update(
            "job_runs",
            job["id"],
            input_tokens=written.tokens.input,
            output_tokens=written.tokens.output,
            cost_usd=written.cost,
        )


def _planned(job: Row, repo_key: str, seed: int) -> tuple[str, CallPlan]:
    """Return the id and the plan of a job run's call.

    The plan's times are scaled so that the call fits the duration of the run.
    """
    rng = stream(seed, "standing", job["id"])
    failure = None if job["error"] is None else (job["failure"], job["error"])
    call_plan = plan_agent(rng, CallKind.NODE, job["model"], repo_key, 1.0, failure)
    wait, streams = 0.4, 0.9
    length = (job["completed_at"] - job["started_at"] - 2 * _AROUND_US) / SECOND_US - wait - streams
    pace = length / call_plan.seconds()
    steps = tuple(step._replace(after=step.after * pace) for step in call_plan.steps)
    opening = tuple(step._replace(after=step.after * pace) for step in call_plan.opening)
    ending = call_plan.ending._replace(after=call_plan.ending.after * pace)
    return new_uuid(rng), call_plan._replace(opening=opening, steps=steps, ending=ending)


def _facts(job: Row, job_metadata: dict[str, Any], call_id: str) -> CallFacts:
    metadata = {
        "repo_full_name": job_metadata["repo_full_name"],
        "source": "automation",
        "automation_execution": True,
        "agent_id": job["agent_id"],
    }
    if job["error"] is not None:
        metadata["failed_with_partial_usage"] = True
    return CallFacts(
        user_id=job["user_id"],
        type=CALL_TYPES.get(job_metadata["source_type"], job_metadata["source_type"]),
        model=job["model"],
        repo_id=job_metadata["repo_id"],
        started_at=job["started_at"] + _AROUND_US,
        metadata=metadata,
        id=call_id,
        job_run_id=job["id"],
        wait=0.4,
    )
