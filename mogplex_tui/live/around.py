"""What the console's lists know around a repository, and what the runs of a day came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.api.money import Estimate
from mogplex_tui.live.rows import Cost

if TYPE_CHECKING:
    from mogplex_tui.live.rows import RunRow
    from mogplex_tui.live.session import Session


NO_COST = "– needs a browser session"


class Day:
    """The runs of the last 24 hours and what they came to, by what each belongs to: `belongs` names that of a row."""

    def __init__(self, session: Session, belongs: Callable[[RunRow], str | None]) -> None:
        self._runs: Counter[str] = Counter()
        self._tokens: Counter[str] = Counter()
        self._unmeasured: Counter[str] = Counter()
        self._costs: dict[str, Decimal] = {}
        # Keys with runs whose cost was not read.
        self._without_cost: set[str] = set()
        runs = session.store.set("runs")
        since = session.clock.now() - timedelta(hours=24)
        known = runs.whole_since
        short = known is None or known > since
        # Of runs that are not read any more, the latest are not known either.
        self._cut = short or runs.freshness.stale(session.clock.monotonic())
        self._from = known if short else None
        for row in runs.rows.values():
            key = belongs(row)
            if not key or row.began is None or row.began < since:
                continue
            self._runs[key] += 1
            self._tokens[key] += row.tokens or 0
            self._unmeasured[key] += row.tokens is None
            if not row.cost_is_read:
                self._without_cost.add(key)
            if row.cost is not None:
                spent = self._costs.get(key, Decimal(0))
                computed = row.cost_source is Cost.ESTIMATED or isinstance(spent, Estimate)
                self._costs[key] = Estimate(spent + row.cost) if computed else spent + row.cost

    def of(self, key: str) -> dict[str, Any]:
        """Return what the runs of one came to.

        `runs_day` counts them, `tokens_day` and `cost_day` are what is known of their tokens and their cost, in US
        dollars, an `Estimate` where some of it is computed. Where `day_is_cut`, older runs of the day are not known, or
        not the latest because reading them fails, and all three are the least that it can be; `counted_from` is the
        start from which on all are known, where older ones are not. `tokens_are_cut` is also true where runs have no
        token count, which `runs_unmeasured` counts. `cost_is_cut` is also true where runs came without a cost because
        the route that they came from has none; `cost_missing` says so where no cost is known at all.
        """
        return {
            "runs_day": self._runs[key] or (None if self._cut else 0),
            "tokens_day": self._tokens[key] or None,
            "tokens_are_cut": self._cut or self._unmeasured[key] > 0,
            "runs_unmeasured": self._unmeasured[key] or None,
            "cost_day": self._costs.get(key),
            "cost_missing": NO_COST if key in self._without_cost and key not in self._costs else None,
            "day_is_cut": self._cut,
            "cost_is_cut": self._cut or key in self._without_cost,
            "counted_from": self._from,
        }


class Around:
    """The sandboxes, assignments and runs of every repository, taken once from the rows that the console holds."""

    def __init__(self, session: Session) -> None:
        self._box: dict[str, Any] = {}
        for repo_id, sandbox in _with_repo(session, "sandboxes"):
            self._box.setdefault(repo_id, sandbox.get("status"))
        self._assigned: Counter[str] = Counter()
        self._scheduled: Counter[str] = Counter()
        for repo_id, assignment in _with_repo(session, "assignments"):
            self._assigned[repo_id] += 1
            self._scheduled[repo_id] += bool(assignment.get("cron_schedule"))
        read = session.store.set("assignments").freshness.as_of is not None
        self._all_assigned = read and session.open(Family.ASSIGNMENTS)
        self._day = Day(session, lambda row: row.repo_id)

    def of(self, repo_id: str) -> dict[str, Any]:
        """Return what is known around one repository.

        `sandbox` is the state of its first one, `assigned` and `schedules` count its assignments and those with a
        schedule: None where none is known. The rest is what `Day` tells.
        """
        assigned = self._assigned[repo_id]
        known = bool(assigned) or self._all_assigned
        return {
            "sandbox": self._box.get(repo_id),
            "assigned": assigned if known else None,
            "schedules": self._scheduled[repo_id] if known else None,
            **self._day.of(repo_id),
        }


def _with_repo(session: Session, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for item in session.store.set(name).rows.values():
        if item.record is not None:
            yield item.record.get("repo_id") or "", item.record
