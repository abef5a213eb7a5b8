"""Job runs: what an automation set off, and every admission behind it (observability.md §7, v1.md §5.4)."""

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
    """The statuses of a job run; a job runs where a call streams."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"


LIVE_JOBS = frozenset({JobStatus.PENDING, JobStatus.RUNNING})


class RepoRef(Inbound):
    """A repository as a job names it."""

    id: str | None = None
    full_name: str | None = None


class AgentRef(Inbound):
    """An agent as a job names it."""

    id: str | None = None
    name: str | None = None
    slug: str | None = None


class DispatchEvent(Inbound):
    """One entry of the ledger that tells why a job did or did not run."""

    id: str
    event_kind: Text
    outcome: Text
    reason: str | None = None
    metadata: JsonObject = Field(default_factory=dict)
    created_at: Time | None = None


class LatestCall(Inbound):
    """The newest call of a job, in short."""

    id: str
    status: Text = ""
    model: Text = ""
    total_tokens: Measured = None
    tool_calls_count: Count = None
    started_at: Time | None = None


class Job(Inbound):
    """A job run with its source, its attempts and what may be done with it; money is USD, durations are ms.

    `cost_usd` is the sum of its calls, which says nothing of where the price of each comes from (observability.md §6).
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
        """The tokens that went in and came out; None where neither is known."""
        if self.input_tokens is None and self.output_tokens is None:
            return None
        return (self.input_tokens or 0) + (self.output_tokens or 0)

    @property
    def cost_source(self) -> str:
        """`estimated` or `unknown`: the service does not say which of the calls were billed (observability.md §6)."""
        return "unknown" if self.cost_usd is None else "estimated"

    @property
    def is_live(self) -> bool:
        """Whether the job still changes by itself."""
        return self.status in LIVE_JOBS

    @property
    def parent(self) -> str | None:
        """The id of what set it off: an automation, a trigger or an assignment."""
        return self.flow_id or self.trigger_id or self.assignment_id

    @property
    def parent_kind(self) -> str:
        """What `parent` is the id of: automations, triggers or assignments."""
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
    """A job run with its ledger and its calls, oldest first, and its review findings."""

    dispatch_events: Annotated[Rows[DispatchEvent], nested(DispatchEvent)] = empty_rows()
    ai_calls: Annotated[Rows[CallWithEvents], nested(CallWithEvents)] = empty_rows()
    review_findings: Annotated[Rows[Finding], nested(Finding)] = empty_rows()


@dataclass(frozen=True)
class JobPage:
    """One page of job runs; `total` counts all that match."""

    jobs: Rows[Job]
    total: int
    page: int | None
    limit: int | None


class ReleasedJob(Inbound):
    """A waiting job that got a place because another was cancelled."""

    job_run_id: str
    started: Flag = False
    reason: str | None = None


class JobCancelled(Inbound):
    """What a job cancel did (observability.md §7.3)."""

    status: Text = ""
    cancel_requested_at: Time | None = None
    cancelled_at: Time | None = None
    cancel_reason: str | None = None
    cancel_error: str | None = None
    runtime_provider: str | None = None
    runtime_run_id: str | None = None
    ai_calls_cancellation_requested: Count = None
    released_jobs: Annotated[Rows[ReleasedJob], nested(ReleasedJob)] = empty_rows()
