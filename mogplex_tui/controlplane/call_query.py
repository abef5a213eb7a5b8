"""Which calls a list asks for: filters, surfaces, search, sorting and pages (observability.md §2)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .clock import HOUR_US, MINUTE_US, parse_instant
from .database import Row
from .plane import Plane
from .present import CALL_COLUMNS

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
# A live row this old is given up by lists of live work; the reaper has not come by yet (§2.4).
_STALE = (
    f"started_at <= :now - CASE WHEN json_extract(metadata, '$.prepared') = 1 THEN {2 * MINUTE_US}"
    f" WHEN type = 'chat' THEN {5 * MINUTE_US} ELSE {6 * HOUR_US} END"
)
# What call_days has sums by.
_SUMMED = {"user", "model", "type"}
_UNSEARCHABLE = re.compile(r"[^A-Za-z0-9\s\-_./#@:]")


class BadInstantError(ValueError):
    """A `from` or `to` that is no instant; the service's database refuses it."""


@dataclass(slots=True)
class Found:
    """One page of rows and the exact number of all rows that match."""

    rows: list[Row]
    total: int


@dataclass(slots=True)
class _Where:
    clauses: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    few: bool = False

    def add(self, clause: str, **values: Any) -> None:
        self.clauses.append(f"({clause})")
        self.values |= values


def instant(text: str) -> int | None:
    """The instant of a non-empty `from` or `to`, None for an empty one; raises BadInstantError."""
    if not text:
        return None
    value = parse_instant(text)
    if value is None:
        raise BadInstantError(text)
    return value


def searched(q: str) -> str:
    """What of a search text is looked for (observability.md §2.3)."""
    return _UNSEARCHABLE.sub("", q).strip()


def find_calls(plane: Plane, user_id: str, query: Callable[[str], str], page: int, limit: int) -> Found:
    """One page of the user's calls that match the query; raises BadInstantError for a bad bound.

    Descending order puts null durations first, ascending last, as the service's database does.
    """
    where = _Where()
    where.add("user_id = :user", user=user_id)
    _add_exact(where, query)
    _add_live_only(where, query, plane.clock.now_us())
    _add_search(where, plane, user_id, query("q"))
    condition = " AND ".join(where.clauses)
    count = f"SELECT COUNT(*) FROM ai_calls WHERE {condition}"
    if where.values.keys() <= _SUMMED and len(where.values) == len(where.clauses):
        count = f"SELECT COALESCE(SUM(calls), 0) FROM call_days WHERE {condition}"
    total = plane.db.value(count, where.values)
    sort = query("sort") if query("sort") in SORTS else "started_at"
    way, nulls = ("ASC", "LAST") if query("order") == "asc" else ("DESC", "FIRST")
    # Only durations can be null; elsewhere the plain form lets the index give the order.
    order = f"{sort} {way}{f' NULLS {nulls}' if sort == 'duration_ms' else ''}"
    if sort != "started_at":
        order += f", rowid {way}"
    elif where.few:
        # A plus keeps the planner from walking all calls in order to find the few that live.
        order = f"+{order}"
    values = {**where.values, "limit": limit, "offset": (page - 1) * limit}
    # Row numbers first: the index alone then filters and sorts, and only the page's rows are read.
    picked = f"SELECT rowid FROM ai_calls WHERE {condition} ORDER BY {order} LIMIT :limit OFFSET :offset"
    rows = plane.db.all(
        f"SELECT {CALL_COLUMNS} FROM ai_calls WHERE rowid IN ({picked}) ORDER BY {order}", values
    )
    return Found(rows, int(total))


def _add_exact(where: _Where, query: Callable[[str], str]) -> None:
    live = ("pending", "streaming")
    where.few = query("surface") == "live" or query("live_only") == "true" or query("status") in live
    surface = _SURFACES.get(query("surface"))
    if surface:
        where.add(surface)
    for name, known in (("status", STATUSES), ("type", TYPES)):
        if query(name) in known:
            where.add(f"{name} = :{name}", **{name: query(name)})
    for name in ("model", "repo_id", "conversation_id"):
        if query(name):
            where.add(f"{name} = :{name}", **{name: query(name)})
    for name in ("sandbox_record_id", "agent_id"):
        if query(name):
            where.add(f"json_extract(metadata, '$.{name}') = :{name}", **{name: query(name)})
    if query("slack_attribution_mode") in SLACK_MODES:
        mode = query("slack_attribution_mode")
        where.add("json_extract(metadata, '$.slack_attribution_mode') = :slack", slack=mode)
    start, end = instant(query("from")), instant(query("to"))
    if start is not None:
        where.add("started_at >= :start", start=start)
    if end is not None:
        where.add("started_at <= :end", end=end)


def _add_live_only(where: _Where, query: Callable[[str], str], now: int) -> None:
    if query("live_only") == "true":
        where.add("type IN ('chat', 'agent') AND status IN ('pending', 'streaming')")
        where.add(f"NOT ({_STALE})", now=now)


def _add_search(where: _Where, plane: Plane, user_id: str, q: str) -> None:
    """The free search: fewer than two usable characters search for nothing (§2.3)."""
    text = searched(q)
    if len(text) < 2:
        return
    escaped = text.replace("_", r"\_")
    repos = plane.db.all(
        r"SELECT id FROM repos WHERE user_id = ? AND full_name LIKE ? ESCAPE '\' ORDER BY full_name LIMIT 50",
        (user_id, f"%{escaped}%"),
    )
    names = {f"repo{index}": row["id"] for index, row in enumerate(repos)}
    in_repos = f" OR repo_id IN ({', '.join(f':{name}' for name in names)})" if names else ""
    columns = ["model", "conversation_id"]
    if text.isdigit():
        # Nothing else can be a part of a number, and looking into all metadata is slow.
        columns.append("json_extract(metadata, '$.pr_number')")
    likes = " OR ".join(rf"{column} LIKE :pattern ESCAPE '\'" for column in columns)
    where.add(likes + in_repos, pattern=f"%{escaped}%", **names)
