"""Read the trigger event and the agents from a flow's stored graph.

observability.md §7.1.
"""

from __future__ import annotations

import json


def start_event(text: str) -> str | None:
    """Return the event that the start node of a graph (JSON text) listens to, or None."""
    for node in json.loads(text).get("nodes", []):
        if node.get("type") == "start":
            event = (node.get("data") or {}).get("event")
            return event if isinstance(event, str) else None
    return None


def agent_ids(text: str) -> list[str]:
    """Return the agent ids in a graph's (JSON text) agent nodes, in graph order.

    The first id is that of the primary agent.
    """
    found = []
    for node in json.loads(text).get("nodes", []):
        agent_id = (node.get("data") or {}).get("agentId") if node.get("type") == "agent" else None
        if isinstance(agent_id, str):
            found.append(agent_id)
    return found
