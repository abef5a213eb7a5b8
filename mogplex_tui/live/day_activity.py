"""Runs, tokens and cost of the last 24 hours, for whatever the runs belong to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from mogplex_tui.api.cost_estimate import Estimate
from mogplex_tui.live.run_row import Cost

if TYPE_CHECKING:
    from mogplex_tui.live.run_row import RunRow
    from mogplex_tui.live.session import Session


NO_COST = "– needs a browser session"


@dataclass(frozen=True, slots=True)
class DayFigures:
    """What the runs of the last 24 hours came to, as far as they are known.

    `tokens` and `cost` (US dollars, an `Estimate` where some of it is computed) are sums of what is known. Where
    `is_partial`, older runs of the day are not known, or the latest are not because reading them fails: all three
    figures are lower bounds then. `complete_from` is the start from which on all runs are known, where older ones are
    not. `unmeasured_runs` counts runs without tokens. `cost_missing` is said in place of a cost where runs came from a
    route that has no costs and none is known at all.
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
    """The runs of the last 24 hours, counted by what each belongs to: `owner` returns its key."""

    def __init__(self, session: Session, owner: Callable[[RunRow], str | None]) -> None:
        self._runs: Counter[str] = Counter()
        self._tokens: Counter[str] = Counter()
        self._unmeasured: Counter[str] = Counter()
        self._costs: dict[str, Decimal] = {}
        # Keys with runs whose cost was not read.
        self._without_cost: set[str] = set()
        runs = session.store.set("runs")
        since = session.clock.now() - timedelta(hours=24)
        known = runs.whole_since
        is_short = known is None or known > since
        # Of runs that are not read any more, the latest are not known either.
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
        """Return what the runs of one key came to."""
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
