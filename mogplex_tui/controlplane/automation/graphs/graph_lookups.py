"""Values of a job run from its automation's stored graph (observability.md §7.1)."""

from __future__ import annotations

import json


def start_event(text: str) -> str | None:
    """The event that a graph's start node waits for."""
    for node in json.loads(text).get("nodes", []):
        if node.get("type") == "start":
            event = (node.get("data") or {}).get("event")
            return event if isinstance(event, str) else None
    return None


def agent_ids(text: str) -> list[str]:
    """Return the agents of a graph's agent nodes in order; the first is primary."""
    found = []
    for node in json.loads(text).get("nodes", []):
        agent_id = (node.get("data") or {}).get("agentId") if node.get("type") == "agent" else None
        if isinstance(agent_id, str):
            found.append(agent_id)
    return found
