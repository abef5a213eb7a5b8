"""What the console's lists know around a repository."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family

if TYPE_CHECKING:
    from mogplex_tui.live.session import Session


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
        self._runs: Counter[str] = Counter()
        self._costs: dict[str, Decimal] = {}
        runs = session.store.set("runs")
        since = session.clock.now() - timedelta(hours=24)
        known = runs.whole_since
        self._cut = known is None or known > since
        self._from = known if self._cut else None
        for row in runs.rows.values():
            if row.repo_id and row.began is not None and row.began >= since:
                self._runs[row.repo_id] += 1
                if row.cost is not None:
                    self._costs[row.repo_id] = self._costs.get(row.repo_id, Decimal(0)) + row.cost

    def of(self, repo_id: str) -> dict[str, Any]:
        """Return what is known around one repository.

        `sandbox` is the state of its first one, `assigned` and `schedules` count its assignments and those with a
        schedule: None where none is known. `runs_day` and `cost_day` are its runs of the last 24 hours and what is
        known of their cost, in US dollars. Where `day_is_cut`, older runs of the day are not known, and both are the
        least that it can be; `counted_from` is then the start from which on all are known, if there is one.
        """
        assigned = self._assigned[repo_id]
        known = bool(assigned) or self._all_assigned
        return {
            "sandbox": self._box.get(repo_id),
            "assigned": assigned if known else None,
            "schedules": self._scheduled[repo_id] if known else None,
            "runs_day": self._runs[repo_id] or (None if self._cut else 0),
            "cost_day": self._costs.get(repo_id),
            "day_is_cut": self._cut,
            "counted_from": self._from,
        }


def _with_repo(session: Session, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for item in session.store.set(name).rows.values():
        if item.record is not None:
            yield item.record.get("repo_id") or "", item.record
