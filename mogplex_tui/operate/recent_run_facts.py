"""Facts about recent runs, for automations, triggers and assignments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mogplex_tui.operate import column_formats as formats
from mogplex_tui.operate.model import Fact, Row, fact

if TYPE_CHECKING:
    from mogplex_tui.api.models.assignments_and_triggers import Activity


def activity(_: type[Row], of: Callable[[Row], Activity]) -> tuple[Sequence[Fact[Row]], Sequence[Fact[Row]]]:
    """Return two groups of facts: the last run, and counts of recent runs.

    routing.md §1.1 describes the values. A fact is left out if the route does not return its
    value. `_` is the row class, because the type checker cannot infer it for a starred
    argument.
    """
    return (
        (
            fact("last run", lambda row: of(row).last_run_status, formats.state(), optional=True),
            Fact("started", lambda row: of(row).last_run_started_at, optional=True),
            fact("last error", lambda row: of(row).last_run_error, formats.text("error"), optional=True),
        ),
        (
            Fact("running", lambda row: of(row).running_count, optional=True),
            Fact("pending", lambda row: of(row).pending_count, optional=True),
            Fact("failed 24 h", lambda row: of(row).failed_24h, optional=True),
            Fact("suppressed", lambda row: of(row).suppressed_24h, optional=True),
            Fact("deferred", lambda row: of(row).deferred_24h, optional=True),
            Fact("start failed", lambda row: of(row).start_failed_24h, optional=True),
            fact("last reason", lambda row: of(row).last_pressure_reason, formats.REASON, optional=True),
        ),
    )
