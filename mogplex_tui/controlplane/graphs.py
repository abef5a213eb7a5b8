"""Automation graphs as they leave the plane, and what a job run takes from one (v1.md §5.1,
observability.md §7.1).
"""

from __future__ import annotations

import json
from typing import Any

NODE_TYPES = frozenset(
    (
        "start",
        "agent",
        "condition",
        "parallel",
        "join",
        "delay",
        "await_event",
        "set_variable",
        "transform",
        "action",
        "end",
    )
)
_VIEWPORT = {"x": 0, "y": 0, "zoom": 1}


def normalised(text: str) -> dict[str, Any]:
    """The stored graph with unknown nodes and stray keys dropped, handles and viewport filled in."""
    graph = json.loads(text)
    nodes = [_node(node) for node in graph.get("nodes", []) if node.get("type") in NODE_TYPES]
    edges = [
        {
            "id": edge["id"],
            "source": edge["source"],
            "target": edge["target"],
            "sourceHandle": edge.get("sourceHandle"),
            "targetHandle": edge.get("targetHandle"),
        }
        for edge in graph.get("edges", [])
    ]
    viewport = {**_VIEWPORT, **(graph.get("viewport") or {})}
    return {"nodes": nodes, "edges": edges, "viewport": {name: viewport[name] for name in _VIEWPORT}}


def _node(node: dict[str, Any]) -> dict[str, Any]:
    position = node.get("position") or {}
    return {
        "id": node["id"],
        "type": node["type"],
        "position": {"x": position.get("x", 0), "y": position.get("y", 0)},
        "data": node.get("data") or {},
    }


def start_event(text: str) -> str | None:
    """The event that a graph's start node waits for."""
    for node in json.loads(text).get("nodes", []):
        if node.get("type") == "start":
            event = (node.get("data") or {}).get("event")
            return event if isinstance(event, str) else None
    return None


def agent_ids(text: str) -> list[str]:
    """The agents of a graph's agent nodes in graph order; the first is the primary one."""
    found = []
    for node in json.loads(text).get("nodes", []):
        agent_id = (node.get("data") or {}).get("agentId") if node.get("type") == "agent" else None
        if isinstance(agent_id, str):
            found.append(agent_id)
    return found
