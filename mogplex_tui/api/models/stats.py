"""The stats of the observability page: three windows in one answer (observability.md §1)."""

from typing import Annotated

from mogplex_tui.api.models.base import Count, Estimated, Inbound, Rows, Text, Whole, empty_rows, nested


class StatsSummary(Inbound):
    """The figures of §1.1: durations are ms, rates are percent. Money is the sum of known costs in USD, billed and
    computed ones in one (§6): no answer tells the shares, so that every sum counts as computed in part.

    `total_*`, the average and the success rate cover from/to (all time without `from`), `…_in_range` and
    sandbox time the last 24 hours without from/to, and `…_today` since 00:00 UTC.
    """

    total_calls: Count = 0
    total_tokens: Count = 0
    total_cost: Estimated | None = None
    cost_today: Estimated | None = None
    reconciliation_pending: Whole | None = None
    avg_duration_ms: float | None = None
    success_rate: float | None = None
    calls_today: Count = 0
    tokens_today: Count = 0
    sandbox_time_ms: Count = 0
    sandbox_active: Count = 0
    sandbox_total: Count = 0
    job_runs_total: Count = 0
    job_runs_running: Count = 0
    job_runs_pending: Count = 0
    job_runs_stale_pending: Count = 0
    job_runs_failed_in_range: Count = 0
    job_runs_repaired_in_range: Count = 0
    job_runs_concluded_in_range: Count = 0
    job_runs_success_rate_in_range: float | None = None
    suppressed_in_range: Count = 0
    deferred_in_range: Count = 0
    start_failed_in_range: Count = 0
    limit_allowed_in_range: Count = 0
    limit_denied_in_range: Count = 0
    oldest_pending_age_ms: Count = 0


class ModelUse(Inbound):
    """How much one model was used."""

    model: Text
    count: Count = 0
    tokens: Count = 0


class TypeUse(Inbound):
    """How many calls of one type there were."""

    type: Text
    count: Count = 0


class LimitUse(Inbound):
    """How often one limit let work pass or refused it."""

    route_key: Text
    allowed: Count = 0
    denied: Count = 0


class Stats(Inbound):
    """The whole answer."""

    summary: StatsSummary
    by_model: Annotated[Rows[ModelUse], nested(ModelUse)] = empty_rows()
    by_type: Annotated[Rows[TypeUse], nested(TypeUse)] = empty_rows()
    limits_by_route: Annotated[Rows[LimitUse], nested(LimitUse)] = empty_rows()
