"""Schema of an automation graph in the arguments of an MCP call (v1.md §5.2)."""

from __future__ import annotations

from .argument_shapes import AnyObject, Choice, ListOf, Number, Shape, Text

_NODE_TYPES = (
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
_HANDLE = Text(free=True, nullable=True)
_POSITION = Shape({"x": Number(), "y": Number()}, ("x", "y"))
_VIEWPORT = Shape({"x": Number(), "y": Number(), "zoom": Number(positive=True)}, ("x", "y", "zoom"))
_NODE = Shape(
    {"id": Text(), "type": Choice(_NODE_TYPES), "position": _POSITION, "data": AnyObject()},
    ("id", "type", "position", "data"),
    strict=False,
)
_EDGE = Shape(
    {"id": Text(), "source": Text(), "target": Text(), "sourceHandle": _HANDLE, "targetHandle": _HANDLE},
    ("id", "source", "target"),
    strict=False,
)
# Checked in full; the published schema says no more than "object".
GRAPH = Shape(
    {"nodes": ListOf(_NODE), "edges": ListOf(_EDGE), "viewport": _VIEWPORT}, ("nodes", "edges"), opaque=True
)
