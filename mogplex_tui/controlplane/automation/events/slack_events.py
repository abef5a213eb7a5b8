"""Start the flows that listen to a Slack mention in a channel.

system.md §2.2, routing.md §5.3.
"""

from __future__ import annotations

import json
from typing import Any

from ...core.plane import Plane
from ...db.ids import Ids
from . import named_flow_start
from .github_events import Payload, part, text
from .matching import start_data

EVENT = "slack_mention"


def start_for_mention(plane: Plane, ids: Ids, payload: Payload) -> list[named_flow_start.FlowStartResult]:
    """Start every active flow that listens to the channel of a Slack mention.

    A flow is started at most once for each Slack event id.
    """
    event = part(payload, "event")
    event_id = text(payload.get("event_id"))
    if event.get("type") != "app_mention" or event_id is None or event.get("bot_id"):
        return []
    fired = []
    for flow_id in _listening_flows(plane, text(payload.get("team_id")), text(event.get("channel"))):
        flow = named_flow_start.active_flow(plane, flow_id)
        if flow is not None:
            key = f"slack-event:{event_id}:flow:{flow_id}"
            comment = {"comment_body": text(event.get("text")), "comment_author": text(event.get("user"))}
            metadata = {name: value for name, value in comment.items() if value is not None}
            fired.append(
                named_flow_start.start_flow(
                    plane,
                    ids,
                    flow,
                    key=key,
                    payload=_slack(payload),
                    source="webhook",
                    extra_metadata=metadata,
                )
            )
    return fired


def _slack(payload: Payload) -> dict[str, Any]:
    """Return the fields of a Slack delivery that are stored in a job's metadata."""
    event = part(payload, "event")
    kept = {key: event[key] for key in ("channel", "user", "text", "ts", "thread_ts") if key in event}
    return kept | {"team_id": payload.get("team_id"), "event_id": payload.get("event_id")}


def _listening_flows(plane: Plane, team: str | None, channel: str | None) -> list[str]:
    rows = plane.db.all(
        "SELECT f.id, v.graph FROM flows f JOIN flow_versions v ON v.id = f.published_version_id"
        f" WHERE f.status = 'active' AND v.graph LIKE '%\"{EVENT}\"%' ORDER BY f.created_at, f.id"
    )
    found = []
    for row in rows:
        start = start_data(json.loads(row["graph"]))
        if start.get("event") != EVENT or not channel or start.get("slackChannelId") != channel:
            continue
        if start.get("slackTeamId") in (None, "", team):
            found.append(row["id"])
    return found
