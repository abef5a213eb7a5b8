"""What the console's lists know around a repository."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live.day_activity import DayActivity

if TYPE_CHECKING:
    from mogplex_tui.live.session import Session


class Around:
    """The sandboxes, assignments and runs of every repository, taken once from the rows that the console holds."""

    def __init__(self, session: Session) -> None:
        self._box: dict[str, Any] = {}
        for repo_id, sandbox in _with_repo(session, "sandboxes"):
            self._box.setdefault(repo_id, _field(sandbox, "status"))
        self._assigned: Counter[str] = Counter()
        self._scheduled: Counter[str] = Counter()
        for repo_id, assignment in _with_repo(session, "assignments"):
            self._assigned[repo_id] += 1
            self._scheduled[repo_id] += bool(_field(assignment, "cron_schedule"))
        read = session.store.set("assignments").freshness.as_of is not None
        self._all_assigned = read and session.open(Family.ASSIGNMENTS)
        self._day = DayActivity(session, lambda row: row.repo_id)

    def of(self, repo_id: str) -> dict[str, Any]:
        """Return what is known around one repository.

        `sandbox` is the state of its first one, `assigned` and `schedules` count its assignments and those with a
        schedule: None where none is known. The rest is what `DayFigures` tells.
        """
        assigned = self._assigned[repo_id]
        known = bool(assigned) or self._all_assigned
        day = self._day.of(repo_id)
        return {
            "sandbox": self._box.get(repo_id),
            "assigned": assigned if known else None,
            "schedules": self._scheduled[repo_id] if known else None,
            "runs_day": day.runs,
            "cost_day": day.cost,
            "cost_missing": day.cost_missing,
            "day_is_cut": day.is_partial,
            "cost_is_cut": day.is_cost_partial,
            "counted_from": day.complete_from,
        }


def _with_repo(session: Session, name: str) -> Iterator[tuple[str, Any]]:
    for item in session.store.set(name).rows.values():
        if item.record is not None:
            # A typed row holds the client's model; the other kinds are mappings.
            record = getattr(item.record, name.removesuffix("s"), item.record)
            yield _field(record, "repo_id") or "", record


def _field(record: Any, name: str) -> Any:
    return record.get(name) if isinstance(record, Mapping) else getattr(record, name, None)
