"""Summaries of job runs for the lists of assignments, triggers and flows.

routing.md §1.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.plane import Plane
from ..db.clock import DAY_US, iso_db, iso_db_or_none
from .jobs.job_serializers import REPAIRABLE_US

_NEWEST = 10_000
_RUNS = (
    "SELECT {parent} AS parent, id, status, error, started_at, created_at, last_start_attempt_at,"
    " MAX(COALESCE(started_at, created_at)) AS newest, SUM(status = 'running') AS running,"
    " SUM(status = 'pending') AS pending,"
    " SUM(status = 'failed' AND COALESCE(started_at, created_at) >= ?) AS failed"
    " FROM (SELECT * FROM job_runs WHERE {parent} IN ({marks}) ORDER BY created_at DESC LIMIT ?)"
    " GROUP BY {parent}"
)
_PRESSURE = (
    "SELECT {parent} AS parent, SUM(outcome = 'suppressed') AS suppressed, SUM(outcome = 'deferred') AS deferred,"
    " SUM(outcome = 'start_failed') AS start_failed FROM automation_dispatch_events"
    " WHERE {parent} IN ({marks}) AND created_at >= ? GROUP BY {parent}"
)
_REASONS = (
    "SELECT {parent} AS parent, reason, MAX(created_at) AS created_at FROM automation_dispatch_events"
    " WHERE {parent} IN ({marks}) AND reason IS NOT NULL GROUP BY {parent}"
)


def _empty_summary() -> dict[str, Any]:
    return {
        "last_job_run_id": None,
        "last_run_status": None,
        "last_run_started_at": None,
        "last_run_error": None,
        "running_count": 0,
        "pending_count": 0,
        "failed_24h": 0,
        "last_run_repairable": False,
        "last_run_requeueable": False,
        "last_run_cancelable": False,
        "suppressed_24h": 0,
        "deferred_24h": 0,
        "start_failed_24h": 0,
        "last_pressure_reason": None,
        "last_pressure_at": None,
    }


def summaries(plane: Plane, parent: str, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return a summary of the job runs of each parent row, by the parent's id.

    `parent` is `assignment_id`, `trigger_id` or `flow_id`, and `ids` are the parents' ids. Only the
    newest 10,000 runs of all these parents together are counted. Fields that end in `_24h` cover the
    last 24 hours. Times are formatted with `iso_db`.
    """
    out = {row_id: _empty_summary() for row_id in ids}
    if not ids:
        return out
    now = plane.clock.now_us()
    words = {"parent": parent, "marks": ", ".join("?" * len(ids))}
    for row in plane.db.all(_RUNS.format(**words), (now - DAY_US, *ids, _NEWEST)):
        anchor = row["last_start_attempt_at"] or row["created_at"]
        out[row["parent"]] |= {
            "last_job_run_id": row["id"],
            "last_run_status": row["status"],
            "last_run_started_at": iso_db_or_none(row["started_at"] or row["created_at"]),
            "last_run_error": row["error"],
            "running_count": row["running"],
            "pending_count": row["pending"],
            "failed_24h": row["failed"],
            "last_run_repairable": row["status"] == "pending" and now - anchor >= REPAIRABLE_US,
            "last_run_requeueable": row["status"] == "failed",
            # The cancel columns are not read here, so that a run with a cancel request still counts.
            "last_run_cancelable": row["status"] in ("pending", "running"),
        }
    for row in plane.db.all(_PRESSURE.format(**words), (*ids, now - DAY_US)):
        for name in ("suppressed", "deferred", "start_failed"):
            out[row["parent"]][f"{name}_24h"] = row[name]
    for row in plane.db.all(_REASONS.format(**words), tuple(ids)):
        out[row["parent"]] |= {
            "last_pressure_reason": row["reason"],
            "last_pressure_at": iso_db(row["created_at"]),
        }
    return out
