"""Let the nodes of a job wait for a fixed time, for an event or for a person.

routing.md §3.15.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from typing import Any, NamedTuple

from ..actors.context import ActorContext, ActorRandom
from ..automation.events import waits
from ..automation.jobs import node_writes
from ..db.clock import DAY_US, SECOND_US
from ..workload.job_planner import wait_seconds
from .graph_progress import Node
from .running_job import Job

Sleep = Generator[float, None, bool]


class WaitResult(NamedTuple):
    """The result of a wait: its final status and the payload that ended it."""

    status: str
    payload: dict[str, Any]

    @property
    def denied(self) -> bool:
        """Whether a person denied the request."""
        decision = self.payload.get("decision")
        return decision in ("deny", "denied") or self.payload.get("approved") is False


Waiting = Generator[float, None, WaitResult | None]


def is_running(context: ActorContext, job_id: str) -> bool:
    """Return whether a job has the status `running`; False if it was deleted."""
    status = context.plane.db.value("SELECT status FROM job_runs WHERE id = ?", (job_id,))
    return bool(status == "running")


def sleep(context: ActorContext, job_id: str, seconds: float) -> Sleep:
    """Wait for simulated seconds; return False as soon as the job is stopped."""
    due = context.now() + int(max(0.0, seconds) * SECOND_US / context.speed)
    while True:
        yield context.seconds_until(due)
        if not is_running(context, job_id):
            return False
        if context.now() >= due:
            return True


def wait_for(
    context: ActorContext,
    random: ActorRandom,
    job: Job,
    node: Node,
    kind: str,
    config: Mapping[str, Any],
    timeout_us: int | None,
) -> Waiting:
    """Wait for an event or a person for at most `timeout_us` µs of real time.

    Returns None if the job was stopped. A wait that the node already has in the database is
    continued, for example after a restart.
    """
    db, now = context.plane.db, context.now()
    wait_id = db.value(
        "SELECT id FROM flow_waits WHERE job_run_id = ? AND node_id = ? AND status = 'waiting'",
        (job.id, node.id),
    )
    if wait_id is None:
        with random.tx() as tx:
            wait_id = node_writes.insert_wait(
                tx,
                user_id=job.user_id,
                job_run_id=job.id,
                node_id=node.id,
                wait_kind=kind,
                wait_config=config,
                installation_id=job.installation_id,
                repo_id=job.repo.id,
                created_at=now,
                expires_at=None if timeout_us is None else now + timeout_us,
            )
    answer_at = None
    if job.origin == "story" and context.scenario.now.answered:
        # Simulated people answer after a while; work that was started from outside is answered from outside.
        seconds = wait_seconds(random.rng) if kind != waits.TOOL else random.rng.uniform(4.0, 25.0)
        answer_at = now + int(seconds * SECOND_US / context.speed)
    return (yield from _poll_wait(context, random, wait_id, answer_at))


def _poll_wait(context: ActorContext, random: ActorRandom, wait_id: str, answer_at: int | None) -> Waiting:
    db = context.plane.db
    while True:
        row = db.one("SELECT status, expires_at, resume_payload FROM flow_waits WHERE id = ?", (wait_id,))
        if row is None or row["status"] == "cancelled":
            return None
        if row["status"] != "waiting":
            payload = json.loads(row["resume_payload"]) if row["resume_payload"] else {}
            return WaitResult(row["status"], payload if isinstance(payload, dict) else {})
        now = context.now()
        for due, status in ((row["expires_at"], "expired"), (answer_at, "resumed")):
            if due is not None and now >= due:
                answer = node_writes.decision_output("approve") if status == "resumed" else None
                with random.tx() as tx:
                    node_writes.end_wait(tx, wait_id, status, now, answer)
                break
        else:
            nexts = [due for due in (row["expires_at"], answer_at, now + DAY_US) if due is not None]
            yield context.seconds_until(min(nexts))
