"""The dispatch ledger and the report on failures (observability.md §8)."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from mogplex_tui.api.models.base import (
    NULL_IS_EMPTY,
    Count,
    Flag,
    Inbound,
    Int64,
    JsonObject,
    Rows,
    Text,
    Time,
    empty_rows,
    nested,
)
from mogplex_tui.api.models.jobs import AgentRef, DispatchEvent, RepoRef


class DispatchLogEntry(DispatchEvent):
    """One entry of the ledger with what it is about; its texts are raw (§8.1)."""

    job_run_id: str | None = None
    assignment_id: str | None = None
    trigger_id: str | None = None
    flow_id: str | None = None
    flow_version_id: str | None = None
    repo_id: str | None = None
    installation_id: Int64 | None = None
    source_kind: Text = ""
    source_type: Text = ""
    repo: RepoRef | None = None
    agent: AgentRef | None = None


@dataclass(frozen=True)
class DispatchLogPage:
    """One page of the ledger; `total` counts all that match."""

    entries: Rows[DispatchLogEntry]
    total: int
    page: int | None
    limit: int | None


class FailureSummary(Inbound):
    """Counts of control events after the filters; recoveries are 0 as soon as a failure class filters (§8.3)."""

    failed_total: Count = None
    successful_recoveries: Count = None
    retried_failures: Count = None
    timeout_failures: Count = None
    authentication_failures: Count = None
    configuration_failures: Count = None
    provider_failures: Count = None
    dependency_failures: Count = None


class FailureCount(Inbound):
    """How many failures share a key."""

    key: Text = ""
    label: Text = ""
    count: Count = None


_Counts = Annotated[Rows[FailureCount], nested(FailureCount)]


class FailureBreakdowns(Inbound):
    """The failures after the filters, by what they share, the most frequent first (§8.3)."""

    by_failure_class: _Counts = empty_rows()
    by_source_type: _Counts = empty_rows()
    by_provider: _Counts = empty_rows()
    by_model: _Counts = empty_rows()
    by_timeout_bucket: _Counts = empty_rows()


class FilterOption(Inbound):
    """A value that a filter takes, and what it is called."""

    value: Text = ""
    label: Text = ""


_Options = Annotated[Rows[FilterOption], nested(FilterOption)]


class FailureFilters(Inbound):
    """What can be filtered by: the failures inside the moments, before the filters (§8.3)."""

    failure_classes: _Options = empty_rows()
    source_types: _Options = empty_rows()
    providers: _Options = empty_rows()
    models: _Options = empty_rows()


class FailedAgent(AgentRef):
    """The agent of a failure; the model is the agent row's, not the step's."""

    model: str | None = None
    provider: str | None = None


class Diagnostics(Inbound):
    """Why a job run failed, as the runtime saw it; the timeout is in milliseconds (§8.3)."""

    failure_class: str | None = None
    failure_label: str | None = None
    failure_message: str | None = None
    failure_status_code: Int64 | None = None
    execution_phase: str | None = None
    effective_timeout_ms: float | None = None
    timeout_bucket: str | None = None
    timeout_bucket_label: str | None = None
    retry_attempted: Flag = False
    retry_count: Count = None
    attempts: Count = None
    recovered_from_failure_class: str | None = None
    recovered_from_failure_label: str | None = None
    recovered_from_message: str | None = None


class FailureRecord(Inbound):
    """One failed run of an automation; its texts are raw (§8.3)."""

    id: str
    job_run_id: str | None = None
    created_at: Time | None = None
    source_kind: Text = ""
    source_type: Text = ""
    reason: str | None = None
    reason_label: Text = ""
    outcome: Text = ""
    repo: RepoRef | None = None
    agent: FailedAgent | None = None
    diagnostics: Annotated[Diagnostics, NULL_IS_EMPTY] = Field(default_factory=Diagnostics)
    metadata: JsonObject = Field(default_factory=dict)


class FailureReport(Inbound):
    """The failures of automations with their sums; `total` counts the records that match (§8.3)."""

    summary: Annotated[FailureSummary, NULL_IS_EMPTY] = Field(default_factory=FailureSummary)
    breakdowns: Annotated[FailureBreakdowns, NULL_IS_EMPTY] = Field(default_factory=FailureBreakdowns)
    filter_options: Annotated[FailureFilters, NULL_IS_EMPTY] = Field(default_factory=FailureFilters)
    records: Annotated[Rows[FailureRecord], nested(FailureRecord)] = empty_rows()
    total: Count = None
    page: Int64 | None = None
    limit: Int64 | None = None
