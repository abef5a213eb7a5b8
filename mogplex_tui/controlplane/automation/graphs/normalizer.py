"""Normalise automation graphs for storage, without rejecting anything.

A graph is `{nodes, edges, viewport}` of JSON values; a value of the wrong type becomes the default of its field
(routing.md §5.2).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from . import node_data

Graph = dict[str, Any]

_DATA: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "start": node_data.start,
    "agent": node_data.agent,
    "action": node_data.action,
    "condition": node_data.condition,
    "parallel": lambda data: {"label": node_data.label(data, "Parallel split")},
    "join": node_data.join,
    "delay": node_data.delay,
    "await_event": node_data.await_event,
    "set_variable": node_data.set_variable,
    "transform": node_data.transform,
    "end": lambda data: {"label": node_data.label(data, "Done")},
}
NODE_TYPES = frozenset(_DATA)


def normalize(value: Any) -> Graph:
    """Return a graph in its stored form.

    A value that is not an object becomes an empty graph. Nodes of unknown types and edges without
    source or target are dropped.
    """
    graph = value if isinstance(value, dict) else {}
    nodes = [
        _node(node)
        for node in node_data.objects(graph.get("nodes"))
        if isinstance(node.get("type"), str) and node["type"] in _DATA
    ]
    edges = [edge for entry in node_data.objects(graph.get("edges")) if (edge := _edge(entry)) is not None]
    return {"nodes": nodes, "edges": edges, "viewport": _viewport(graph.get("viewport"))}


def _node(node: dict[str, Any]) -> dict[str, Any]:
    data = node.get("data")
    return {
        "id": node_data.text_or_none(node.get("id")) or str(uuid.uuid4()),
        "type": node["type"],
        "position": _position(node.get("position")),
        "data": _DATA[node["type"]](data if isinstance(data, dict) else {}),
    }


def _position(value: Any) -> dict[str, Any]:
    position = value if isinstance(value, dict) else {}
    return {name: node_data.number_or(position.get(name), 0) for name in ("x", "y")}


def _viewport(value: Any) -> dict[str, Any]:
    viewport = value if isinstance(value, dict) else {}
    return {**_position(viewport), "zoom": node_data.number_or(viewport.get("zoom"), 1)}


def _edge(edge: dict[str, Any]) -> dict[str, Any] | None:
    """Return an edge in its stored form, or None if it lacks a source or target."""
    source, target = (node_data.text_or_none(edge.get(name)) for name in ("source", "target"))
    if source is None or target is None:
        return None
    return {
        "id": node_data.text_or_none(edge.get("id")) or f"{source}-{target}",
        "source": source,
        "target": target,
        "sourceHandle": node_data.text_or_none(edge.get("sourceHandle")),
        "targetHandle": node_data.text_or_none(edge.get("targetHandle")),
    }


def start_of(graph: Graph) -> dict[str, Any] | None:
    """Return the data of the first start node, or None if there is no start node."""
    for node in graph["nodes"]:
        if node["type"] == "start":
            found: dict[str, Any] = node["data"]
            return found
    return None


def agents_of(graph: Graph) -> list[dict[str, Any]]:
    """Return the data of all agent nodes in graph order."""
    return [node["data"] for node in graph["nodes"] if node["type"] == "agent"]


def single_agent_graph(start: dict[str, Any], agent: dict[str, Any]) -> Graph:
    """Return the graph of a new automation: start, `agent-1` and end.

    `start` and `agent` are the data of these nodes (routing.md §5.1).
    """
    nodes = [("start", "start", start), ("agent-1", "agent", agent), ("end", "end", {"label": "Done"})]
    return normalize(
        {
            "nodes": [
                {"id": node_id, "type": kind, "position": {"x": 260 * index, "y": 0}, "data": data}
                for index, (node_id, kind, data) in enumerate(nodes)
            ],
            "edges": [{"source": "start", "target": "agent-1"}, {"source": "agent-1", "target": "end"}],
        }
    )
