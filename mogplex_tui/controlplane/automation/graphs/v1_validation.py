"""Validate graphs that are sent to the v1 API (v1.md §5.2).

The structure is validated strictly, but the contents of a node's `data` are not validated.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .node_data import is_number

# Action nodes exist in the product, but v1 does not take them.
_TYPES = frozenset(
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
        "end",
    )
)
_SPACES = " \t\n\r\v\f\u00a0\ufeff"


def first_error_path(value: Any) -> str | None:
    """Return the path of the first invalid value, or None if the graph is valid.

    The path is `graph` if the value itself is invalid or has unknown keys.
    """
    return next(_error_paths(value), None)


def _error_paths(value: Any) -> Iterator[str]:
    if not isinstance(value, dict):
        yield "graph"
        return
    for name, check in (("nodes", _node), ("edges", _edge)):
        entries = value.get(name)
        if not isinstance(entries, list):
            yield f"graph.{name}"
            continue
        for index, entry in enumerate(entries):
            yield from check(f"graph.{name}.{index}", entry)
    if "viewport" in value:
        yield from _numbers("graph.viewport", value["viewport"], ("x", "y", "zoom"))
    if set(value) - {"nodes", "edges", "viewport"}:
        yield "graph"


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip(_SPACES))


def _node(path: str, node: Any) -> Iterator[str]:
    if not isinstance(node, dict):
        yield path
        return
    if not _is_name(node.get("id")):
        yield f"{path}.id"
    if not isinstance(node.get("type"), str) or node["type"] not in _TYPES:
        yield f"{path}.type"
    yield from _numbers(f"{path}.position", node.get("position"), ("x", "y"))
    if not isinstance(node.get("data"), dict):
        yield f"{path}.data"


def _edge(path: str, edge: Any) -> Iterator[str]:
    if not isinstance(edge, dict):
        yield path
        return
    for name in ("id", "source", "target"):
        if not _is_name(edge.get(name)):
            yield f"{path}.{name}"
    for name in ("sourceHandle", "targetHandle"):
        if edge.get(name) is not None and not isinstance(edge[name], str):
            yield f"{path}.{name}"


def _numbers(path: str, value: Any, names: tuple[str, ...]) -> Iterator[str]:
    """Yield the path of each error in an object that must consist of these numbers.

    Numbers must be finite, and `zoom` must be above zero. Keys other than `names` are errors.
    """
    if not isinstance(value, dict):
        yield path
        return
    for name in names:
        if not is_number(value.get(name)) or (name == "zoom" and value[name] <= 0):
            yield f"{path}.{name}"
    if set(value) - set(names):
        yield path


def trimmed(graph: dict[str, Any]) -> dict[str, Any]:
    """Return the graph with white space trimmed from node ids and edge ends."""

    def cut(entry: dict[str, Any], *names: str) -> dict[str, Any]:
        return {
            key: value.strip(_SPACES) if key in names and isinstance(value, str) else value
            for key, value in entry.items()
        }

    return {
        **graph,
        "nodes": [cut(node, "id") for node in graph["nodes"]],
        "edges": [cut(edge, "id", "source", "target") for edge in graph["edges"]],
    }
