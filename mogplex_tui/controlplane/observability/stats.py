"""The statistics of /api/observability/stats.

Each group of figures is computed by one SQL query. The time ranges and formulas are those of
observability.md §1.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from ..automation.jobs.job_serializers import own_jobs
from ..core.plane import Plane
from ..db.clock import DAY_US, HOUR_US, MINUTE_US

_STALE_US = 2 * MINUTE_US
_FAR = 2**62

_TOKENS = (
    "CASE WHEN input_tokens IS NULL AND output_tokens IS NULL AND cache_read_input_tokens IS NULL"
    " AND cache_creation_input_tokens IS NULL THEN total_tokens"
    " ELSE COALESCE(input_tokens, 0) + COALESCE(output_tokens, 0) + COALESCE(cache_read_input_tokens, 0)"
    " + COALESCE(cache_creation_input_tokens, 0) END"
)
_COLUMNS = "model, type, calls, tokens, succeeded, duration_ms, timed, cost_usd"
_WHOLE_DAYS = (
    f"SELECT {_COLUMNS} FROM call_days WHERE user_id = :user AND day >= :first_day AND day < :end_day"
)
_PIECES = (
    f"SELECT model, type, 1 AS calls, {_TOKENS} AS tokens, status = 'success' AS succeeded,"
    " COALESCE(duration_ms, 0) AS duration_ms, duration_ms IS NOT NULL AS timed, COALESCE(cost_usd, 0) AS cost_usd"
    " FROM ai_calls WHERE user_id = :user AND started_at >= :{0} AND started_at < :{1}"
)
_SUMS = (
    "SELECT model, type, SUM(calls), SUM(tokens), SUM(succeeded), SUM(duration_ms), SUM(timed), TOTAL(cost_usd)"
    f" FROM ({_WHOLE_DAYS} UNION ALL {_PIECES.format('from', 'head')}"
    f" UNION ALL {_PIECES.format('tail', 'past')}) GROUP BY model, type HAVING SUM(calls) > 0"
)
_TODAY = (
    "SELECT COALESCE(SUM(calls), 0), COALESCE(SUM(tokens), 0), TOTAL(cost_usd) FROM call_days"
    " WHERE user_id = :user AND day >= :today"
)
_UNRECONCILED = (
    "SELECT COUNT(*) FROM ai_calls WHERE user_id = :user AND gateway_generation_id IS NOT NULL"
    " AND cost_source IS NOT 'gateway' AND (completed_at < :stale OR completed_at IS NULL)"
)
_SANDBOXES = (
    "SELECT COUNT(*), COALESCE(SUM(status = 'running'), 0),"
    " COALESCE(SUM(MAX(0, MIN(CASE WHEN status = 'running' THEN :now ELSE last_active_at END, :end)"
    " - MAX(created_at, :start))), 0) FROM sandboxes WHERE user_id = :user"
)
_DISPATCH = (
    "SELECT outcome, COUNT(*) FROM automation_dispatch_events WHERE user_id = :user"
    " AND created_at BETWEEN :start AND :end AND outcome IN ('suppressed', 'deferred', 'start_failed')"
    " GROUP BY outcome"
)
_LIMITS = (
    "SELECT route_key, SUM(decision = 'allowed') AS allowed, SUM(decision = 'denied') AS denied"
    " FROM limit_events WHERE user_id = :user AND created_at BETWEEN :start AND :end"
    " GROUP BY route_key ORDER BY COUNT(*) DESC"
)
_PENDING_ANCHOR = "COALESCE(j.last_start_attempt_at, j.created_at, j.started_at)"
_JOB_COLUMNS = (
    "j.status, j.created_at, j.started_at, j.completed_at, j.last_start_attempt_at, j.last_start_source"
)
_JOBS = (
    "SELECT COUNT(*) AS total, SUM(j.status = 'running') AS running, SUM(j.status = 'pending') AS pending,"
    f" SUM(j.status = 'pending' AND {_PENDING_ANCHOR} <= :repairable) AS stale,"
    f" MIN(CASE WHEN j.status = 'pending' THEN {_PENDING_ANCHOR} END) AS oldest,"
    " SUM(j.status = 'failed' AND COALESCE(j.started_at, j.created_at) BETWEEN :start AND :end) AS failed,"
    " SUM(j.last_start_source IS 'repair' AND j.last_start_attempt_at BETWEEN :start AND :end) AS repaired,"
    " SUM(j.status IN ('success', 'failed')"
    "  AND COALESCE(j.completed_at, j.started_at, j.created_at) BETWEEN :start AND :end) AS concluded,"
    " SUM(j.status = 'success'"
    "  AND COALESCE(j.completed_at, j.started_at, j.created_at) BETWEEN :start AND :end) AS succeeded"
    f" FROM ({own_jobs(_JOB_COLUMNS)}) j"
)


@dataclass(slots=True)
class _CallFigures:
    count: int = 0
    tokens: int = 0
    success: int = 0
    duration_ms: int = 0
    timed: int = 0
    cost: float = 0.0


def _half_up(value: float) -> int:
    """Round to the nearest integer; halves are rounded up, as the service does."""
    return math.floor(value + 0.5)


def _money(value: float) -> float:
    return _half_up(value * 100) / 100


def _percent(part: int, whole: int) -> float:
    return _half_up(part / whole * 1000) / 10


def stats(plane: Plane, user_id: str, start: int | None, end: int | None) -> dict[str, Any]:
    """Return the statistics response for the range from `start` to `end` (µs).

    For calls, None means that the range has no limit on that side. For the figures named
    "in_range", None means 24 hours ago for `start` and now for `end`. The figures named "today"
    start at 00:00 UTC.
    """
    now = plane.clock.now_us()
    at: dict[str, Any] = {
        "user": user_id,
        "now": now,
        "from": 0 if start is None else start,
        "to": _FAR if end is None else end,
        "start": now - DAY_US if start is None else start,
        "end": now if end is None else end,
        "today": now // DAY_US,
        "stale": now - HOUR_US,
        "repairable": now - _STALE_US,
    }
    at |= _pieces(at["from"], at["to"] + 1)
    figures, by_model, by_type = _calls(plane, at)
    limits = [
        {"route_key": row["route_key"], "allowed": row["allowed"], "denied": row["denied"]}
        for row in plane.db.all(_LIMITS, at)
    ]
    summary = _call_summary(plane, figures, at) | _sandbox_summary(plane, at) | _job_summary(plane, at)
    dispatch: dict[str, int] = {row[0]: row[1] for row in plane.db.all(_DISPATCH, at)}
    for outcome in ("suppressed", "deferred", "start_failed"):
        summary[f"{outcome}_in_range"] = dispatch.get(outcome, 0)
    summary["limit_allowed_in_range"] = sum(entry["allowed"] for entry in limits)
    summary["limit_denied_in_range"] = sum(entry["denied"] for entry in limits)
    return {"summary": summary, "by_model": by_model, "by_type": by_type, "limits_by_route": limits}


def _pieces(start: int, past: int) -> dict[str, int]:
    """Split the range [start, past) into whole days and the partial days at both ends.

    Whole days are read from a table of daily sums.
    """
    first_day = -(-start // DAY_US)
    end_day = max(first_day, past // DAY_US)
    head = min(first_day * DAY_US, past)
    tail = max(end_day * DAY_US, head)
    return {"first_day": first_day, "end_day": end_day, "head": head, "tail": tail, "past": past}


def _calls(
    plane: Plane, at: dict[str, Any]
) -> tuple[_CallFigures, list[dict[str, Any]], list[dict[str, Any]]]:
    """Return figures about calls: the totals, the list by model and the list by type.

    Both lists are ordered by the number of calls, largest first.
    """
    total = _CallFigures()
    models: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    types: dict[str, int] = defaultdict(int)
    for model, kind, count, tokens, success, duration_ms, timed, cost in plane.db.all(_SUMS, at):
        total.count += count
        total.tokens += tokens
        total.success += success
        total.duration_ms += duration_ms or 0
        total.timed += timed
        total.cost += cost
        models[model][0] += count
        models[model][1] += tokens
        types[kind] += count
    by_model = [
        {"model": model, "count": count, "tokens": tokens}
        for model, (count, tokens) in sorted(models.items(), key=lambda item: -item[1][0])
    ]
    by_type = [
        {"type": kind, "count": count} for kind, count in sorted(types.items(), key=lambda item: -item[1])
    ]
    return total, by_model, by_type


def _call_summary(plane: Plane, total: _CallFigures, at: dict[str, Any]) -> dict[str, Any]:
    today = plane.db.only(_TODAY, at)
    return {
        "total_calls": total.count,
        "total_tokens": total.tokens,
        "total_cost": _money(total.cost),
        "cost_today": _money(today[2]),
        "reconciliation_pending": plane.db.value(_UNRECONCILED, at),
        "avg_duration_ms": _half_up(total.duration_ms / total.timed) if total.timed else 0,
        "success_rate": _percent(total.success, total.count) if total.count else 0,
        "calls_today": today[0],
        "tokens_today": today[1],
    }


def _sandbox_summary(plane: Plane, at: dict[str, Any]) -> dict[str, Any]:
    row = plane.db.only(_SANDBOXES, at)
    return {"sandbox_time_ms": _half_up(row[2] / 1000), "sandbox_active": row[1], "sandbox_total": row[0]}


def _job_summary(plane: Plane, at: dict[str, Any]) -> dict[str, Any]:
    row = plane.db.only(_JOBS, at)
    concluded = row["concluded"] or 0
    oldest = row["oldest"]
    return {
        "job_runs_total": row["total"],
        "job_runs_running": row["running"] or 0,
        "job_runs_pending": row["pending"] or 0,
        "job_runs_stale_pending": row["stale"] or 0,
        "job_runs_failed_in_range": row["failed"] or 0,
        "job_runs_repaired_in_range": row["repaired"] or 0,
        "job_runs_concluded_in_range": concluded,
        "job_runs_success_rate_in_range": _percent(row["succeeded"], concluded) if concluded else None,
        "oldest_pending_age_ms": 0 if oldest is None else max(0, (at["now"] - oldest) // 1000),
    }
