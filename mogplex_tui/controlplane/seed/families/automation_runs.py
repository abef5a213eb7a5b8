"""Seed job runs of assignments, triggers and flows, and their dispatch events.

routing.md §6.
"""

from __future__ import annotations

from random import Random
from typing import Any, NamedTuple

from ...db.batch_insert import Rows, encode
from ...db.clock import SECOND_US, iso_app
from ...sample_data.loader import material
from ...workload import failure_diagnosis
from ...workload.account import Repo
from ...workload.job_planner import phase_of
from ...workload.rng import new_uuid, token

# Under its own name a table has a fixed set of columns: rows of the history have no such parents.
_JOBS, _LEDGER = "main.job_runs", "main.automation_dispatch_events"
# Outcome and reason of the control row; a failure has the reason of its class.
_ENDS = {
    "success": ("completed", "AUTOMATION_COMPLETED"),
    "failed": ("failed", "AUTOMATION_FAILED"),
    "cancelled": ("cancelled", "USER_REQUESTED"),
}


class Parent(NamedTuple):
    """The assignment, trigger or flow that a job run belongs to.

    `version_id` is set for flows only.
    """

    kind: str
    id: str
    user_id: str
    repo: Repo
    source_type: str
    version_id: str | None = None

    def about(self) -> dict[str, Any]:
        """Return the metadata of the parent's job runs and of their first dispatch events."""
        known: dict[str, Any] = {
            "source_type": self.source_type,
            "repo_id": self.repo.id,
            "repo_full_name": self.repo.full_name,
            "installation_id": self.repo.installation_id,
        }
        if self.kind == "flow":
            known |= {"flow_id": self.id, "flow_version_id": self.version_id}
        return known

    def columns(self) -> dict[str, str | None]:
        """Return the columns of a job run or dispatch event that identify the parent."""
        ids = {
            f"{kind}_id": self.id if kind == self.kind else None for kind in ("assignment", "trigger", "flow")
        }
        return {**ids, "flow_version_id": self.version_id}


class Runs:
    """A collector of job runs of assignments, triggers and flows, and their events."""

    def __init__(self, rows: Rows, rng: Random) -> None:
        self._rows, self._rng = rows, rng
        # The runtime's names of the job runs.
        self._handles: dict[str, str] = {}

    def ended(
        self,
        parent: Parent,
        status: str,
        created: int,
        seconds: int,
        source: str,
        failure: tuple[str, str] | None,
    ) -> None:
        """Collect the rows of an ended job run and its dispatch events.

        `created` is in µs; the run lasted for `seconds`. `failure` is the failure class and error text
        of a failed run.
        """
        started, done = created + 2 * SECOND_US, created + (2 + seconds) * SECOND_US
        stopped = status == "cancelled"
        job_id = self._job(
            parent,
            status,
            created,
            source,
            completed_at=done,
            duration_ms=seconds * 1000,
            error=None if failure is None else failure[1],
            cancel_requested_at=done - SECOND_US if stopped else None,
            cancelled_at=done if stopped else None,
            cancel_reason="USER_REQUESTED" if stopped else None,
        )
        self._record_start(parent, job_id, created, started, source)
        outcome, reason = _ENDS[status]
        control: dict[str, Any] = {}
        if failure is not None:
            reason = material("errors")[failure[0]]["reason"]
            control = failure_diagnosis.failed(*failure, phase_of(parent.source_type))
        if stopped:
            control = {"runtime_provider": "trigger", "runtime_run_id": self._handles[job_id]}
            control["cancel_requested_at"] = iso_app(done - SECOND_US)
            self.ledger(parent, job_id, done - SECOND_US, "control", "cancel_requested", reason, control)
            control |= {"cancelled_at": iso_app(done), "ai_calls_cancellation_requested": 0}
        self.ledger(parent, job_id, done, "control", outcome, reason, control)

    def running(self, parent: Parent, created: int) -> str:
        """Collect the rows of a running job and return its id.

        The job's origin is "outside", so that no simulated user answers its questions.
        """
        job_id = self._job(parent, "running", created, "webhook", origin="outside")
        self._record_start(parent, job_id, created, created + 2 * SECOND_US, "webhook")
        return job_id

    def _job(self, parent: Parent, status: str, created: int, source: str, **columns: Any) -> str:
        job_id, started = new_uuid(self._rng), created + 2 * SECOND_US
        self._handles[job_id] = token(self._rng, "run_")
        kept: dict[str, Any] = {
            "id": job_id,
            **parent.columns(),
            "runtime_provider": "trigger",
            "runtime_run_id": self._handles[job_id],
            "status": status,
            "created_at": created,
            "started_at": started,
            "completed_at": None,
            "duration_ms": None,
            "error": None,
            "start_attempts": 1,
            "last_start_attempt_at": started,
            "last_start_source": source,
            "cancel_requested_at": None,
            "cancelled_at": None,
            "cancel_reason": None,
            "origin": "story",
            "metadata": encode(parent.about()),
        }
        self._rows.add(_JOBS, **(kept | columns))
        return job_id

    def _record_start(self, parent: Parent, job_id: str, created: int, started: int, source: str) -> None:
        self.ledger(parent, job_id, created, "enqueue", "queued", None, parent.about())
        about = {"start_source": source, "flow_id": parent.columns()["flow_id"]}
        about["flow_version_id"] = parent.version_id
        self.ledger(parent, job_id, started, "start", "started", None, about)

    def ledger(
        self,
        parent: Parent,
        job_id: str | None,
        at: int,
        kind: str,
        outcome: str,
        reason: str | None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Collect the row of one dispatch event at the time `at` (µs)."""
        self._rows.add(
            _LEDGER,
            id=new_uuid(self._rng),
            user_id=parent.user_id,
            job_run_id=job_id,
            **parent.columns(),
            repo_id=parent.repo.id,
            installation_id=parent.repo.installation_id,
            source_kind=parent.kind,
            source_type=parent.source_type,
            event_kind=kind,
            outcome=outcome,
            reason=reason,
            metadata=encode(metadata or {}),
            created_at=at,
        )
