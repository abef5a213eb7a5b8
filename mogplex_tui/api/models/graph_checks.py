"""Check the shape of an automation's graph before it is sent.

Contract: v1.md §5.2, routing.md §5.1.
"""

import math
from collections.abc import Iterator
from typing import Any

from mogplex_tui.api.request_checks import json_text

V1_NODE_TYPES = frozenset(
    [
        "start",
        "agent",
        "condition",
        "parallel",
        "join",
        "delay",
        "await_event",
        "set_variable",
        "transform",
        "end",
    ]
)
"""The types of steps that the token API accepts (v1.md §5.2).

Graphs with action steps can be sent only over the unversioned routes.
"""


def check_v1_graph(graph: dict[str, Any] | None) -> dict[str, Any] | None:
    """Check the graph of an automation for the token API, and return it.

    Raises ValueError with the position of the first problem.
    """
    if graph is None:
        return None
    json_text(graph)
    path = next(_problems(graph), None)
    if path is not None:
        raise ValueError(f"graph must be a valid Flow graph{' at ' if path else ''}{path}")
    return graph


def check_flow_graph(graph: dict[str, Any] | None) -> dict[str, Any] | None:
    """Check the graph of an automation for the unversioned routes, and return it.

    Raises ValueError if `nodes` or `edges` is not a list. The service would drop such a value and
    save a graph without steps.
    """
    if graph is None:
        return None
    json_text(graph)
    for key in ("nodes", "edges"):
        if not isinstance(graph.get(key), list):
            raise ValueError(f"The graph has no list of {key}")
    return graph


def _problems(graph: dict[str, Any]) -> Iterator[str]:
    for key in ("nodes", "edges"):
        if not isinstance(graph.get(key), list):
            yield f"graph.{key}"
            return
    if set(graph) - {"nodes", "edges", "viewport"}:
        yield ""
    for index, node in enumerate(graph["nodes"]):
        yield from _node_problems(node, f"graph.nodes.{index}")
    for index, edge in enumerate(graph["edges"]):
        path = f"graph.edges.{index}"
        if not isinstance(edge, dict):
            yield path
            continue
        yield from (f"{path}.{key}" for key in ("id", "source", "target") if not _is_name(edge.get(key)))
        for key in ("sourceHandle", "targetHandle"):
            if not isinstance(edge.get(key), str | None):
                yield f"{path}.{key}"
    viewport = graph.get("viewport", {"x": 0, "y": 0, "zoom": 1})
    yield from _number_problems(viewport, "graph.viewport", ("x", "y", "zoom"))
    if isinstance(viewport, dict) and _is_number(viewport.get("zoom")) and viewport["zoom"] <= 0:
        yield "graph.viewport.zoom"


def _node_problems(node: Any, path: str) -> Iterator[str]:
    if not isinstance(node, dict):
        yield path
        return
    if not _is_name(node.get("id")):
        yield f"{path}.id"
    if not isinstance(node.get("type"), str) or node["type"] not in V1_NODE_TYPES:
        yield f"{path}.type"
    yield from _number_problems(node.get("position"), f"{path}.position", ("x", "y"))
    if not isinstance(node.get("data"), dict):
        yield f"{path}.data"


def _number_problems(value: Any, path: str, keys: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(value, dict) or set(value) - set(keys):
        yield path
        return
    yield from (f"{path}.{key}" for key in keys if not _is_number(value.get(key)))


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
