"""Job runs of one automation with their nodes (routing.md §3.13, v1.md §5.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.plane import Plane
from ..db.database import Row
from .jobs import job_serializers

_NOBODY = {"id": None, "name": None, "slug": None}


def newest(plane: Plane, flow_id: str, limit: int) -> list[Row]:
    """Return the newest job runs of a flow, at most `limit`."""
    return plane.db.all(
        f"SELECT {job_serializers.COLUMNS} FROM job_runs j WHERE j.flow_id = ?"
        " ORDER BY j.created_at DESC, j.rowid DESC LIMIT ?",
        (flow_id, limit),
    )


def one(plane: Plane, flow_id: str, job_id: str) -> Row | None:
    """Return a job run by its id, or None if it is not a run of this flow."""
    return plane.db.one(
        f"SELECT {job_serializers.COLUMNS} FROM job_runs j WHERE j.id = ? AND j.flow_id = ?",
        (job_id, flow_id),
    )


def records(plane: Plane, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the JSON objects of job runs, each with its node runs.

    `rows` have job_serializers.COLUMNS. As in the service, `cost_usd`, the fields of `agent` and
    `latest_ai_call` are None.
    """
    db = plane.db
    lookups = job_serializers.Lookups(db)
    nodes = job_serializers.node_runs(db, [row["id"] for row in rows])
    return [
        job_serializers.record(plane, lookups, row)
        | {
            "cost_usd": None,
            "agent": dict(_NOBODY),
            "active_wait_count": job_serializers.active_waits(db, row["id"]),
            "latest_dispatch_event": job_serializers.latest_dispatch(db, row["id"]),
            "node_runs": nodes[row["id"]],
            "cancelable": row["status"] in ("pending", "running") and row["cancel_requested_at"] is None,
        }
        for row in rows
    ]


def detail(plane: Plane, row: Row) -> dict[str, Any]:
    """Return the JSON object of a job run with all details.

    The details are its newest call, dispatch events, calls, review findings and waits.
    """
    db = plane.db
    latest = job_serializers.latest_call(db, row["id"])
    if latest is not None:
        del latest["job_run_id"]
    return records(plane, [row])[0] | {
        "latest_ai_call": latest,
        "dispatch_events": job_serializers.dispatch_events(db, row["id"]),
        "ai_calls": job_serializers.calls_with_events(db, row["id"]),
        "review_findings": job_serializers.findings(db, row["id"]),
        "waits": job_serializers.waits(db, row["id"]),
    }
