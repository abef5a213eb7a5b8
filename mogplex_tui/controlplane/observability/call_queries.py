"""Query calls: filters, surfaces, text search, sorting and pages.

observability.md §2.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..calls.call_serializers import CALL_COLUMNS
from ..core.plane import Plane
from ..db.clock import HOUR_US, MINUTE_US, parse_instant
from ..db.database import Row

STATUSES = ("pending", "streaming", "success", "failed", "cancelled")
TYPES = (
    "chat",
    "pr_review",
    "cron_refactor",
    "cron",
    "agent",
    "push_review",
    "issue_triage",
    "ci_failure",
    "mention",
    "pr_comment",
    "issue_comment",
    "labeled",
    "tag_push",
)
SLACK_MODES = ("mapped_profile", "legacy_email", "installer_fallback", "unmapped")
SORTS = ("started_at", "model", "type", "duration_ms", "status")

_CLI = "job_run_id IS NULL AND (runtime_command_id IS NOT NULL OR source = 'cli')"
_SURFACES = {
    "live": "status IN ('pending', 'streaming')",
    "automation": "job_run_id IS NOT NULL",
    "cli": _CLI,
    "cloud": "job_run_id IS NULL AND runtime_command_id IS NULL AND source IS NOT 'cli'"
    " AND status NOT IN ('pending', 'streaming')",
}
# Lists of live work omit live rows of this age, which the reaper has not handled yet (observability.md §2.4).
_STALE = (
    f"started_at <= :now - CASE WHEN json_extract(metadata, '$.prepared') = 1 THEN {2 * MINUTE_US}"
    f" WHEN type = 'chat' THEN {5 * MINUTE_US} ELSE {6 * HOUR_US} END"
)
# The columns by which call_days has sums.
_SUMMED = {"user", "model", "type"}
# What a search reads before the calls: repositories by name, models, and pull requests, whose index needs one step for
# each number.
_REPOS = (
    r"SELECT id FROM repos WHERE user_id = :user AND full_name LIKE :pattern ESCAPE '\'"
    " ORDER BY full_name LIMIT 50"
)
_MODELS = r"SELECT DISTINCT model FROM call_days WHERE user_id = :user AND model LIKE :pattern ESCAPE '\'"
_PULL = "json_extract(metadata, '$.pr_number')"
_PULLS = (
    f"WITH RECURSIVE pull(n) AS (SELECT MIN({_PULL}) FROM ai_calls WHERE user_id = :user AND {_PULL} IS NOT NULL"
    f" UNION ALL SELECT (SELECT MIN({_PULL}) FROM ai_calls WHERE user_id = :user AND {_PULL} > pull.n)"
    r" FROM pull WHERE pull.n IS NOT NULL) SELECT n FROM pull WHERE n LIKE :pattern ESCAPE '\'"
)
_UNSEARCHABLE = re.compile(r"[^A-Za-z0-9\s\-_./#@:]")


class BadInstantError(ValueError):
    """An invalid time in the parameter `from` or `to`.

    The service's database rejects it, so that the request fails with a server error.
    """


@dataclass(slots=True)
class CallPage:
    """One page of rows, and the total number of matching rows."""

    rows: list[Row]
    total: int


@dataclass(slots=True)
class _Conditions:
    clauses: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    few: bool = False

    def add(self, clause: str, **values: Any) -> None:
        self.clauses.append(f"({clause})")
        self.values |= values

    def widen(self, clause: str, **values: Any) -> None:
        """Join a clause to the last condition with OR."""
        self.clauses[-1] = f"{self.clauses[-1][:-1]} OR {clause})"
        self.values |= values


def instant(text: str) -> int | None:
    """Parse the value of the parameter `from` or `to`; return None for an empty one.

    Raises BadInstantError for an invalid time.
    """
    if not text:
        return None
    value = parse_instant(text)
    if value is None:
        raise BadInstantError(text)
    return value


def searched(q: str) -> str:
    """Return the part of the parameter `q` to search for (observability.md §2.3).

    Characters that the search does not support are removed.
    """
    return _UNSEARCHABLE.sub("", q).strip()


def find_calls(plane: Plane, user_id: str, query: Callable[[str], str], page: int, limit: int) -> CallPage:
    """Return one page of the user's calls that match the query parameters.

    If the sort key is the duration, calls without a duration come first in descending order and
    last in ascending order, as in the service's database. Raises BadInstantError.
    """
    where = _Conditions()
    where.add("user_id = :user", user=user_id)
    _add_exact(where, query)
    _add_live_only(where, query, plane.clock.now_us())
    _add_search(where, plane, user_id, query("q"))
    condition = " AND ".join(where.clauses)
    calls = _indexed(where, query("surface"))
    count = f"SELECT COUNT(*) FROM {calls} WHERE {condition}"
    if where.values.keys() <= _SUMMED and len(where.values) == len(where.clauses):
        count = f"SELECT COALESCE(SUM(calls), 0) FROM call_days WHERE {condition}"
    total = int(plane.db.value(count, where.values))
    offset = (page - 1) * limit
    if offset >= total:
        return CallPage([], total)
    sort = query("sort") if query("sort") in SORTS else "started_at"
    way, nulls = ("ASC", "LAST") if query("order") == "asc" else ("DESC", "FIRST")
    # Only durations can be null; elsewhere the plain form lets the index provide the order.
    order = f"{sort} {way}{f' NULLS {nulls}' if sort == 'duration_ms' else ''}, rowid {way}"
    if where.few and sort == "started_at":
        # The plus sign keeps the query planner from reading all calls in order to find few.
        order = f"+{order}"
    values = {**where.values, "limit": limit, "offset": offset}
    # Row ids first: the index alone then filters and sorts, and only the page's rows are read.
    picked = f"SELECT rowid FROM {calls} WHERE {condition} ORDER BY {order} LIMIT :limit OFFSET :offset"
    rows = plane.db.all(
        f"SELECT {CALL_COLUMNS} FROM ai_calls WHERE rowid IN ({picked}) ORDER BY {order}", values
    )
    return CallPage(rows, total)


def _indexed(where: _Conditions, surface: str) -> str:
    """Return the SQL for the table of calls, with a hint that names the index to use.

    Without the hint SQLite would choose an index that fits only the order, and read every row to
    filter it. There is no hint for conditions that match few calls, for which SQLite chooses a
    better index itself.
    """
    if surface not in _SURFACES:
        surface = "narrow" if where.values.keys() - {"user", "status"} else ""
    return "ai_calls" if where.few or not surface else f"ai_calls INDEXED BY ai_calls_{surface}"


def _add_exact(where: _Conditions, query: Callable[[str], str]) -> None:
    live = ("pending", "streaming")
    where.few = query("surface") == "live" or query("live_only") == "true" or query("status") in live
    surface = _SURFACES.get(query("surface"))
    if surface:
        where.add(surface)
    for name, allowed in (("status", STATUSES), ("type", TYPES)):
        if query(name) in allowed:
            where.add(f"{name} = :{name}", **{name: query(name)})
    for name in ("model", "repo_id", "conversation_id"):
        if query(name):
            where.add(f"{name} = :{name}", **{name: query(name)})
    for name in ("sandbox_record_id", "agent_id"):
        if query(name):
            where.few = True
            where.add(f"json_extract(metadata, '$.{name}') = :{name}", **{name: query(name)})
    if query("slack_attribution_mode") in SLACK_MODES:
        where.few = True
        mode = query("slack_attribution_mode")
        where.add("json_extract(metadata, '$.slack_attribution_mode') = :slack", slack=mode)
    start, end = instant(query("from")), instant(query("to"))
    if start is not None:
        where.add("started_at >= :start", start=start)
    if end is not None:
        where.add("started_at <= :end", end=end)


def _add_live_only(where: _Conditions, query: Callable[[str], str], now: int) -> None:
    if query("live_only") == "true":
        where.add("type IN ('chat', 'agent') AND status IN ('pending', 'streaming')")
        where.add(f"NOT ({_STALE})", now=now)


def _add_search(where: _Conditions, plane: Plane, user_id: str, q: str) -> None:
    """Add the condition for a text search in the calls.

    Nothing is added if `q` has fewer than two usable characters (observability.md §2.3).
    """
    text = searched(q)
    if len(text) < 2:
        return
    pattern = "%" + text.replace("_", r"\_") + "%"
    # There are few models and repositories; only the calls' own fields are searched in all calls.
    where.add(r"conversation_id LIKE :pattern ESCAPE '\'", pattern=pattern)
    looked_through = [("repo_id", "repos", _REPOS), ("model", "models", _MODELS)]
    if text.isdigit():
        # Nothing else can be part of a number.
        looked_through.append((_PULL, "pulls", _PULLS))
    for expression, name, sql in looked_through:
        matching = [row[0] for row in plane.db.all(sql, {"user": user_id, "pattern": pattern})]
        if matching:
            condition = f"{expression} IN (SELECT value FROM json_each(:{name}))"
            if name == "pulls":
                condition = f"rowid IN (SELECT rowid FROM ai_calls WHERE user_id = :user AND {condition})"
            where.widen(condition, **{name: json.dumps(matching)})
