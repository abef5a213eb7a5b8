"""Start one flow that is known by its id, without matching an event.

Webhooks of single flows, trigger tests, schedules and Slack mentions use it. routing.md §1.5,
§3.11.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...core.plane import Plane
from ...db.clock import iso_app
from ...db.database import Row
from ...db.ids import Ids
from . import matching, work_queue

# The metadata key of a manual or hook run's payload, by the flow's event.
_SLOTS = {"schedule": "schedule", "webhook": "webhook", "slack_mention": "slack"}


class FlowStartResult(NamedTuple):
    """The result of starting one flow with `start_flow` (routing.md §3.11).

    `outcome` is `queued` or `suppressed`; `reason` says why the job was not queued or not started.
    """

    outcome: str
    job_id: str | None
    started: bool
    reason: str | None

    def body(self) -> dict[str, Any]:
        """Return the result as the JSON object that the routes respond with."""
        return {
            "matched": True,
            "outcome": self.outcome,
            "jobRunId": self.job_id,
            "started": self.started,
            "reason": self.reason,
        }


def payload_key(event: str) -> str:
    """Return the job metadata key that holds the payload of an event."""
    return _SLOTS.get(event, "trigger_payload")


def trial_payload(at: int) -> dict[str, Any]:
    """Return the default payload of a trigger test."""
    return {"test": True, "sent_at": iso_app(at), "message": "Test run of this workflow's trigger"}


def trial_key(flow_id: str, unique: str) -> str:
    """Return the idempotency key of one trigger test."""
    return f"flow-test:{flow_id}:{unique}"


def active_flow(plane: Plane, flow_id: str) -> Row | None:
    """Return a flow with its published graph, or None if it is not active.

    The row has id, user_id, installation_id, version_id and graph.
    """
    return plane.db.one(
        "SELECT f.id, f.user_id, f.installation_id, v.id AS version_id, v.graph FROM flows f"
        " JOIN flow_versions v ON v.id = f.published_version_id WHERE f.id = ? AND f.status = 'active'",
        (flow_id,),
    )


def repo_of(plane: Plane, flow: Row, start: Mapping[str, Any]) -> Row | None:
    """Return the flow owner's repository that the start node's filter names first.

    Returns None if the filter names no repository or the owner has not connected the first one.
    """
    names = (start.get("filter") or {}).get("repos") or []
    if not names:
        return None
    return next(
        (row for row in matching.repos_named(plane.db, str(names[0])) if row["user_id"] == flow["user_id"]),
        None,
    )


def start_flow(
    plane: Plane,
    ids: Ids,
    flow: Row,
    *,
    key: str,
    payload: Mapping[str, Any],
    source: str,
    extra_metadata: Mapping[str, Any] | None = None,
    check_duplicates: bool | None = None,
    at: int | None = None,
    origin: str = "outside",
) -> FlowStartResult:
    """Queue and start one run of an active flow, without matching an event.

    `flow` is a row of `active_flow`, `extra_metadata` is added to the job's metadata, and `source` is
    stored as the source of the start. If `check_duplicates` is true, no run is queued while another
    one for the same event and repository is active; None means true unless the flow has a schedule.
    """
    at = plane.clock.now_us() if at is None else at
    start = matching.start_data(json.loads(flow["graph"]))
    event = str(start.get("event") or "mention")
    repo = repo_of(plane, flow, start)
    if repo is None:
        return FlowStartResult("suppressed", None, False, "REPO_NOT_FOUND")
    target = matching.Target(
        "flow",
        flow["id"],
        flow["user_id"],
        flow["installation_id"],
        flow["version_id"],
        repo["id"],
        repo["full_name"],
        event,
    )
    metadata = work_queue.work_metadata(target, {**(extra_metadata or {}), payload_key(event): dict(payload)})
    check = event != "schedule" if check_duplicates is None else check_duplicates
    with plane.db.transaction(ids=ids) as tx:
        enqueued = work_queue.enqueue(tx, work_queue.Work(target, metadata, key, check, origin), at)
    if not enqueued.queued or enqueued.job_id is None:
        return FlowStartResult("suppressed", enqueued.job_id, False, enqueued.reason)
    result = work_queue.start(plane, ids, enqueued.job_id, source, at)
    return FlowStartResult("queued", enqueued.job_id, result.started, result.reason)
