"""The dispatch log and the report on failed runs of automations.

Contract: observability.md §8.
"""

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
    """One entry of the dispatch log, with the ids of the records that it concerns.

    Its texts may contain control characters. Contract: observability.md §8.1.
    """

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
    """One page of the dispatch log.

    `total` is the number of matching entries on all pages.
    """

    entries: Rows[DispatchLogEntry]
    total: int
    page: int | None
    limit: int | None


class FailureSummary(Inbound):
    """The numbers of failures and recoveries that match the filters, by kind.

    If a failure class is one of the filters, the number of recoveries is always 0.
    Contract: observability.md §8.3.
    """

    failed_total: Count = None
    successful_recoveries: Count = None
    retried_failures: Count = None
    timeout_failures: Count = None
    authentication_failures: Count = None
    configuration_failures: Count = None
    provider_failures: Count = None
    dependency_failures: Count = None


class FailureCount(Inbound):
    """The number of failures with a certain value of a field, such as a provider.

    `key` is the value and `label` the text to show for it.
    """

    key: Text = ""
    label: Text = ""
    count: Count = None


_Counts = Annotated[Rows[FailureCount], nested(FailureCount)]


class FailureBreakdowns(Inbound):
    """The numbers of failures by failure class, source, provider, model and timeout.

    Only failures that match the filters are counted. In each list the most frequent value comes
    first. Contract: observability.md §8.3.
    """

    by_failure_class: _Counts = empty_rows()
    by_source_type: _Counts = empty_rows()
    by_provider: _Counts = empty_rows()
    by_model: _Counts = empty_rows()
    by_timeout_bucket: _Counts = empty_rows()


class FilterOption(Inbound):
    """A possible value of a filter, with the text to show for it."""

    value: Text = ""
    label: Text = ""


_Options = Annotated[Rows[FilterOption], nested(FilterOption)]


class FailureFilters(Inbound):
    """The possible values of each filter of the failure report.

    They are the values that occur in the failures of the requested period.
    Contract: observability.md §8.3.
    """

    failure_classes: _Options = empty_rows()
    source_types: _Options = empty_rows()
    providers: _Options = empty_rows()
    models: _Options = empty_rows()


class FailedAgent(AgentRef):
    """The agent whose run failed.

    `model` is the agent's own model; the failed step may have used another model.
    """

    model: str | None = None
    provider: str | None = None


class Diagnostics(Inbound):
    """Details of a failure, as reported by the runtime that executed the job.

    The timeout is in milliseconds. Contract: observability.md §8.3.
    """

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
    """One failed run of an automation.

    Its texts may contain control characters. Contract: observability.md §8.3.
    """

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
    """One page of failed runs of automations, with counts and filter values.

    `total` is the number of matching failures on all pages. Contract: observability.md §8.3.
    """

    summary: Annotated[FailureSummary, NULL_IS_EMPTY] = Field(default_factory=FailureSummary)
    breakdowns: Annotated[FailureBreakdowns, NULL_IS_EMPTY] = Field(default_factory=FailureBreakdowns)
    filter_options: Annotated[FailureFilters, NULL_IS_EMPTY] = Field(default_factory=FailureFilters)
    records: Annotated[Rows[FailureRecord], nested(FailureRecord)] = empty_rows()
    total: Count = None
    page: Int64 | None = None
    limit: Int64 | None = None
