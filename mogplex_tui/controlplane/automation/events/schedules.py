"""Queue and start scheduled flows and assignments every full minute.

routing.md §1.5.
"""

from __future__ import annotations

import json

from ...core.plane import Plane
from ...db.clock import MINUTE_US
from ...db.ids import Ids
from . import matching, named_flow_start, work_queue
from .cron import is_due, tick_key, tick_payload

_UTC = "UTC"


def tick(plane: Plane, ids: Ids, us: int) -> list[str]:
    """Queue and start all work scheduled for the minute of `us` (µs).

    Returns the ids of the queued jobs. Idempotency keys contain the minute, so that handling the
    same minute twice starts its work once.
    """
    minute = us // MINUTE_US * MINUTE_US
    queued = _flows(plane, ids, minute, us)
    if plane.is_hosted:
        return queued
    return [*queued, *_assignments(plane, ids, minute, us)]


def _flows(plane: Plane, ids: Ids, minute: int, us: int) -> list[str]:
    queued = []
    rows = plane.db.all(
        "SELECT f.id, v.graph FROM flows f JOIN flow_versions v ON v.id = f.published_version_id"
        " WHERE f.status = 'active' AND v.graph LIKE '%\"schedule\"%' ORDER BY f.created_at, f.id"
    )
    for row in rows:
        start = matching.start_data(json.loads(row["graph"]))
        expression, zone = str(start.get("scheduleCron") or ""), str(start.get("scheduleTimezone") or _UTC)
        flow = named_flow_start.active_flow(plane, row["id"]) if start.get("event") == "schedule" else None
        if flow is None or not is_due(expression, zone, minute):
            continue
        key = tick_key("flow", flow["id"], minute)
        payload = tick_payload(minute, expression, zone)
        fired = named_flow_start.start_flow(plane, ids, flow, key=key, payload=payload, source="cron", at=us)
        if fired.outcome == "queued" and fired.job_id is not None:
            queued.append(fired.job_id)
    return queued


def _assignments(plane: Plane, ids: Ids, minute: int, us: int) -> list[str]:
    queued = []
    rows = plane.db.all(
        "SELECT a.id, a.type, a.cron_schedule, r.id AS repo_id, r.full_name, r.user_id, r.github_installation_id"
        " FROM assignments a JOIN repos r ON r.id = a.repo_id WHERE a.enabled = 1"
        f" AND a.type IN {matching.CLOCKED} AND a.cron_schedule IS NOT NULL ORDER BY a.created_at, a.id"
    )
    for row in rows:
        if not is_due(row["cron_schedule"], _UTC, minute):
            continue
        target = matching.Target(
            "assignment",
            row["id"],
            row["user_id"],
            row["github_installation_id"],
            None,
            row["repo_id"],
            row["full_name"],
            row["type"],
        )
        metadata = {"schedule": tick_payload(minute, row["cron_schedule"], _UTC)}
        work = work_queue.Work(
            target,
            work_queue.work_metadata(target, metadata),
            tick_key("assignment", row["id"], minute),
            target.source_type in work_queue.DUPLICATE_SENSITIVE,
        )
        with plane.db.transaction(ids=ids) as tx:
            enqueued = work_queue.enqueue(tx, work, us)
        if enqueued.queued and enqueued.job_id is not None:
            work_queue.start(plane, ids, enqueued.job_id, "cron", us)
            queued.append(enqueued.job_id)
    return queued
