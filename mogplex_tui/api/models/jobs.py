"""Jobs, which the service calls job runs, and entries of their dispatch log.

Contract: observability.md §7, v1.md §5.4.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from mogplex_tui.api.models.base import (
    Count,
    Estimated,
    Flag,
    Inbound,
    Int64,
    JsonObject,
    Measured,
    Rows,
    Text,
    Time,
    empty_rows,
    nested,
)
from mogplex_tui.api.models.calls import CallWithEvents


class JobStatus(StrEnum):
    """The statuses of a job.

    A job is `running` while its AI call is `streaming`.
    """

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"


LIVE_JOBS = frozenset({JobStatus.PENDING, JobStatus.RUNNING})


class RepoRef(Inbound):
    """The repository of a job."""

    id: str | None = None
    full_name: str | None = None


class AgentRef(Inbound):
    """The agent of a job."""

    id: str | None = None
    name: str | None = None
    slug: str | None = None


class DispatchEvent(Inbound):
    """One entry of the dispatch log, which records why a job ran or did not run."""

    id: str
    event_kind: Text
    outcome: Text
    reason: str | None = None
    metadata: JsonObject = Field(default_factory=dict)
    created_at: Time | None = None


class LatestCall(Inbound):
    """The newest AI call of a job, with some of its fields."""

    id: str
    status: Text = ""
    model: Text = ""
    total_tokens: Measured = None
    tool_calls_count: Count = None
    started_at: Time | None = None


class Job(Inbound):
    """A job: what started it, how it went, and which actions on it are possible.

    Costs are US dollars and durations are milliseconds. `cost_usd` is the sum of the costs of the
    job's calls; the service does not say which of these costs are estimates.
    Contract: observability.md §6.
    """

    id: str
    status: Text
    created_at: Time | None = None
    started_at: Time | None = None
    completed_at: Time | None = None
    duration_ms: Int64 | None = None
    input_tokens: Int64 | None = None
    output_tokens: Int64 | None = None
    cost_usd: Estimated | None = None
    error: str | None = None
    assignment_id: str | None = None
    trigger_id: str | None = None
    flow_id: str | None = None
    flow_version_id: str | None = None
    retry_of_job_run_id: str | None = None
    runtime_provider: str | None = None
    runtime_run_id: str | None = None
    workflow_run_id: str | None = None
    start_attempts: Count = None
    last_start_attempt_at: Time | None = None
    last_start_error: str | None = None
    last_start_source: str | None = None
    cancel_requested_at: Time | None = None
    cancelled_at: Time | None = None
    cancel_reason: str | None = None
    cancel_error: str | None = None
    metadata: JsonObject = Field(default_factory=dict)
    source_kind: Text = ""
    source_type: Text = ""
    repo: RepoRef | None = None
    agent: AgentRef | None = None
    latest_ai_call: LatestCall | None = None
    latest_dispatch_event: DispatchEvent | None = None
    repairable: Flag = False
    requeueable: Flag = False
    cancelable: Flag = False

    @property
    def tokens(self) -> int | None:
        """The sum of the input and output tokens, or None if both are unknown."""
        if self.input_tokens is None and self.output_tokens is None:
            return None
        return (self.input_tokens or 0) + (self.output_tokens or 0)

    @property
    def cost_source(self) -> str:
        """The source of the cost: `estimated`, or `unknown` if the cost is not known.

        A known cost counts as an estimate, because the service does not say which calls were billed.
        Contract: observability.md §6.
        """
        return "unknown" if self.cost_usd is None else "estimated"

    @property
    def is_live(self) -> bool:
        """Whether the job has not finished, so that its data may still change."""
        return self.status in LIVE_JOBS

    @property
    def parent(self) -> str | None:
        """The id of the automation, trigger or assignment that started the job, or None."""
        return self.flow_id or self.trigger_id or self.assignment_id

    @property
    def parent_kind(self) -> str:
        """The kind of record that started the job, as a plural noun.

        It is `automations`, `triggers` or `assignments`.
        """
        return "automations" if self.flow_id else "triggers" if self.trigger_id else "assignments"


class Finding(Inbound):
    """One finding of a review."""

    id: str
    ordinal: Count = None
    severity: Text = ""
    title: Text = ""
    body: Text = ""
    path: str | None = None
    line: Int64 | None = None
    status: Text = ""
    repo_full_name: str | None = None
    pr_number: Int64 | None = None
    issue_number: Int64 | None = None
    issue_url: str | None = None
    created_at: Time | None = None


class JobDetail(Job):
    """A job with its dispatch log, its calls and its review findings.

    The oldest entry of the dispatch log and the oldest call come first.
    """

    dispatch_events: Annotated[Rows[DispatchEvent], nested(DispatchEvent)] = empty_rows()
    ai_calls: Annotated[Rows[CallWithEvents], nested(CallWithEvents)] = empty_rows()
    review_findings: Annotated[Rows[Finding], nested(Finding)] = empty_rows()


@dataclass(frozen=True)
class JobPage:
    """One page of jobs; `total` is the number of matching jobs on all pages."""

    jobs: Rows[Job]
    total: int
    page: int | None
    limit: int | None


class ReleasedJob(Inbound):
    """A job that waited for the job that was cancelled, and that may have started now."""

    job_run_id: str
    started: Flag = False
    reason: str | None = None


class JobCancelled(Inbound):
    """The result of cancelling a job.

    Contract: observability.md §7.3.
    """

    status: Text = ""
    cancel_requested_at: Time | None = None
    cancelled_at: Time | None = None
    cancel_reason: str | None = None
    cancel_error: str | None = None
    runtime_provider: str | None = None
    runtime_run_id: str | None = None
    ai_calls_cancellation_requested: Count = None
    released_jobs: Annotated[Rows[ReleasedJob], nested(ReleasedJob)] = empty_rows()
