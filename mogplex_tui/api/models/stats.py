"""Statistics of calls, costs, sandboxes and jobs.

Contract: observability.md §1.
"""

from typing import Annotated

from mogplex_tui.api.models.base import (
    Count,
    Estimated,
    Inbound,
    Int64,
    Measured,
    Rows,
    Text,
    empty_rows,
    nested,
)


def _measured(tokens: int | None, calls: int | None) -> int | None:
    # The service returns 0 for the sum of calls that measured nothing.
    return tokens if tokens or calls == 0 else None


class StatsSummary(Inbound):
    """The totals, averages and rates of calls, costs, sandboxes and jobs.

    Durations are milliseconds, rates are percent. Costs are US dollars. Each cost is the sum of all
    known costs; some of them are billed and some are estimated, and no response separates the two,
    so each sum counts as an estimate.

    The fields cover three time ranges. `total_*`, `avg_duration_ms` and `success_rate` cover the
    requested range (all time if the request has no `from`). `…_in_range` and the sandbox time cover
    the requested range (the last 24 hours if the request has none). `…_today` covers the time since
    00:00 UTC.

    Contract: observability.md §1.1 and §6.
    """

    total_calls: Count = None
    total_tokens: Count = None
    total_cost: Estimated | None = None
    cost_today: Estimated | None = None
    reconciliation_pending: Int64 | None = None
    avg_duration_ms: float | None = None
    success_rate: float | None = None
    calls_today: Count = None
    tokens_today: Count = None
    sandbox_time_ms: Count = None
    sandbox_active: Count = None
    sandbox_total: Count = None
    job_runs_total: Count = None
    job_runs_running: Count = None
    job_runs_pending: Count = None
    job_runs_stale_pending: Count = None
    job_runs_failed_in_range: Count = None
    job_runs_repaired_in_range: Count = None
    job_runs_concluded_in_range: Count = None
    job_runs_success_rate_in_range: float | None = None
    suppressed_in_range: Count = None
    deferred_in_range: Count = None
    start_failed_in_range: Count = None
    limit_allowed_in_range: Count = None
    limit_denied_in_range: Count = None
    oldest_pending_age_ms: Count = None

    @property
    def tokens(self) -> int | None:
        """The number of tokens of all calls, or None if it was not measured.

        It was not measured if the service returns 0 tokens although there were calls.
        """
        return _measured(self.total_tokens, self.total_calls)

    @property
    def measured_today(self) -> int | None:
        """The number of tokens of today's calls, or None if it was not measured.

        It was not measured if the service returns 0 tokens although there were calls.
        """
        return _measured(self.tokens_today, self.calls_today)


class ModelUse(Inbound):
    """The numbers of calls and tokens of one model."""

    model: Text
    count: Count = None
    tokens: Measured = None


class TypeUse(Inbound):
    """The number of calls of one type."""

    type: Text
    count: Count = None


class LimitUse(Inbound):
    """The numbers of requests that one rate limit admitted and refused."""

    route_key: Text
    allowed: Count = None
    denied: Count = None


class Stats(Inbound):
    """The statistics: a summary, and the use of each model, call type and rate limit."""

    summary: StatsSummary
    by_model: Annotated[Rows[ModelUse], nested(ModelUse)] = empty_rows()
    by_type: Annotated[Rows[TypeUse], nested(TypeUse)] = empty_rows()
    limits_by_route: Annotated[Rows[LimitUse], nested(LimitUse)] = empty_rows()
