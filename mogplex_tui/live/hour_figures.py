"""The figures of one hour, with which later hours are compared."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mogplex_tui.api.models.stats import Stats


class HourFigures(NamedTuple):
    """The number of calls of an hour, the share that succeeded, and their known cost.

    `cost` is in US dollars; None if no call has a price. `tokens` is None if the service did not measure
    them, or if the hour was stored by a version that left them out. A live or cancelled call counts as not
    successful (observability.md §1.1).
    """

    calls: int
    success_share: float
    cost: Decimal | None
    tokens: int | None = None

    @property
    def cost_per_call(self) -> float | None:
        """The known cost divided by the number of calls; None if either is missing."""
        return float(self.cost) / self.calls if self.calls and self.cost else None


def hour_figures(stats: Stats) -> HourFigures | None:
    """Return the figures in a stats response about one hour.

    Returns None if the response lacks one of the numbers.
    """
    summary = stats.summary
    if summary.total_calls is None or summary.success_rate is None:
        return None
    return HourFigures(
        summary.total_calls, summary.success_rate / 100, summary.total_cost or None, summary.tokens
    )
