"""Runs, tokens and cost of the last 24 hours by owner, such as an agent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from mogplex_tui.api.estimated_amount import Estimate
from mogplex_tui.live.run_row import Cost

if TYPE_CHECKING:
    from mogplex_tui.live.run_row import RunRow
    from mogplex_tui.live.session import Session


NO_COST = "– needs a browser session"


@dataclass(frozen=True, slots=True)
class DayFigures:
    """The number of runs, tokens and cost of the last 24 hours, as far as known.

    `tokens` and `cost` (US dollars; an `Estimate` if any part is estimated) are sums of the known
    values. `is_partial` is True if some runs of the day could not be read; all three figures are
    then lower bounds. `complete_from` is the time from which all runs are known, None if no run is
    missing. `unmeasured_runs` is the number of runs without tokens. `cost_missing` is a reason to
    show in place of a cost if the runs were read from routes that return none.
    """

    runs: int | None = None
    tokens: int | None = None
    unmeasured_runs: int | None = None
    cost: Decimal | None = None
    cost_missing: str | None = None
    is_partial: bool = False
    is_cost_partial: bool = False
    complete_from: datetime | None = None

    @property
    def are_tokens_partial(self) -> bool:
        """Whether `tokens` is a lower bound."""
        return self.is_partial or bool(self.unmeasured_runs)


UNKNOWN = DayFigures()


class DayActivity:
    """The runs of the last 24 hours, summed up by owner.

    `owner` returns the key of a run's owner, or None for a run that is not counted.
    """

    def __init__(self, session: Session, owner: Callable[[RunRow], str | None]) -> None:
        self._runs: Counter[str] = Counter()
        self._tokens: Counter[str] = Counter()
        self._unmeasured: Counter[str] = Counter()
        self._costs: dict[str, Decimal] = {}
        # Keys that have runs whose cost was not read.
        self._without_cost: set[str] = set()
        runs = session.store.set("runs")
        since = session.clock.now() - timedelta(hours=24)
        known = runs.whole_since
        is_short = known is None or known > since
        # If runs are no longer read, the latest ones are unknown too.
        self._is_partial = is_short or runs.freshness.stale(session.clock.monotonic())
        self._complete_from = known if is_short else None
        for row in runs.rows.values():
            key = owner(row)
            if key and row.began is not None and row.began >= since:
                self._add(key, row)

    def _add(self, key: str, row: RunRow) -> None:
        self._runs[key] += 1
        self._tokens[key] += row.tokens or 0
        self._unmeasured[key] += row.tokens is None
        if not row.cost_is_read:
            self._without_cost.add(key)
        if row.cost is not None:
            spent = self._costs.get(key, Decimal(0))
            is_computed = row.cost_source is Cost.ESTIMATED or isinstance(spent, Estimate)
            self._costs[key] = Estimate(spent + row.cost) if is_computed else spent + row.cost

    def of(self, key: str) -> DayFigures:
        """Return the figures of the owner with a key."""
        return DayFigures(
            runs=self._runs[key] or (None if self._is_partial else 0),
            tokens=self._tokens[key] or None,
            unmeasured_runs=self._unmeasured[key] or None,
            cost=self._costs.get(key),
            cost_missing=NO_COST if key in self._without_cost and key not in self._costs else None,
            is_partial=self._is_partial,
            is_cost_partial=self._is_partial or key in self._without_cost,
            complete_from=self._complete_from,
        )
