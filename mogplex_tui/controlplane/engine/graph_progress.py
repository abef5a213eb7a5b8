"""The graph of a flow, and which of its nodes can run next (routing.md §5)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..automation.graphs.normalizer import NODE_TYPES

TERMINAL = ("success", "failed", "skipped", "cancelled")


class Node(NamedTuple):
    """One node of a graph: its id, type and data."""

    id: str
    type: str
    data: dict[str, Any]

    @property
    def label(self) -> str | None:
        """The node's display name, or None."""
        label = self.data.get("label")
        return label if isinstance(label, str) and label else None


class Edge(NamedTuple):
    """One edge of a graph, from one node to another.

    `handle` names the output of the source: "true", "false", "error", or None for the only one.
    """

    source: str
    target: str
    handle: str | None


class NodeResult(NamedTuple):
    """The status of a finished node; `branch` is "true" or "false" for a condition."""

    status: str
    branch: str | None = None


@dataclass(frozen=True, slots=True)
class Graph:
    """The nodes of a flow in stored order, and the edges into and out of each node."""

    nodes: dict[str, Node]
    into: dict[str, list[Edge]] = field(default_factory=dict)
    out: dict[str, list[Edge]] = field(default_factory=dict)

    def of_type(self, kind: str) -> list[Node]:
        """Return the nodes of one type in stored order."""
        return [node for node in self.nodes.values() if node.type == kind]

    def has_error_edge(self, node_id: str) -> bool:
        """Return whether an error edge leaves the node and so handles its failure."""
        return any(edge.handle == "error" for edge in self.out[node_id])


def load(text: str) -> Graph:
    """Parse the JSON of a flow version's graph, leaving out nodes of unknown types."""
    raw = json.loads(text)
    nodes = {
        node["id"]: Node(node["id"], node["type"], node.get("data") or {})
        for node in raw.get("nodes", [])
        if node.get("type") in NODE_TYPES
    }
    graph = Graph(nodes, {name: [] for name in nodes}, {name: [] for name in nodes})
    for edge in raw.get("edges", []):
        source, target = edge.get("source"), edge.get("target")
        if source in nodes and target in nodes:
            made = Edge(source, target, edge.get("sourceHandle"))
            graph.out[source].append(made)
            graph.into[target].append(made)
    return graph


def single_agent(event: str, agent_id: str, label: str, model: str, role: str) -> Graph:
    """Return the graph of a job without a flow: a start, one agent and an end.

    Jobs of assignments and triggers have no flow.
    """
    nodes = [
        {"id": "start", "type": "start", "data": {"label": "Start", "event": event}},
        {
            "id": "agent-1",
            "type": "agent",
            "data": {
                "label": label,
                "agentId": agent_id,
                "harness": "mogplex",
                "role": role,
                "modelOverride": model,
            },
        },
        {"id": "end", "type": "end", "data": {"label": "Done"}},
    ]
    edges = [{"source": "start", "target": "agent-1"}, {"source": "agent-1", "target": "end"}]
    return load(json.dumps({"nodes": nodes, "edges": edges}))


class Step(NamedTuple):
    """The nodes to run next and the nodes to skip next, each list in stored order."""

    run: list[str]
    skip: list[str]


def _is_edge_taken(edge: Edge, done: Mapping[str, NodeResult]) -> bool | None:
    """Return whether a run follows an edge; None if the edge's source has not ended."""
    ended = done.get(edge.source)
    if ended is None:
        return None
    if ended.status == "failed":
        return edge.handle == "error"
    if ended.status != "success" or edge.handle == "error":
        return False
    return edge.handle == ended.branch if edge.handle in ("true", "false") else True


def _may_run(node: Node, tokens: list[bool | None]) -> bool | None:
    """Return whether a node runs (True), is skipped (False) or must wait (None).

    routing.md §5.5.
    """
    came, open_ = tokens.count(True), tokens.count(None)
    if node.type == "start":
        return True
    policy = node.data.get("policy") if node.type == "join" else None
    if policy == "wait_for_any":
        return True if came else (None if open_ else False)
    if policy == "quorum":
        quorum = node.data.get("quorum")
        needed = quorum if isinstance(quorum, int) else len(tokens)
        if came >= needed:
            return True
        return None if came + open_ >= needed else False
    return None if open_ else came > 0


def next_step(graph: Graph, seen: Mapping[str, str], done: Mapping[str, NodeResult]) -> Step:
    """Return the nodes that can now be run or skipped.

    `seen` maps every node that has a node run to its status; `done` maps every node that has
    ended to its result.
    """
    run: list[str] = []
    skip: list[str] = []
    for node in graph.nodes.values():
        if node.id in seen:
            continue
        verdict = _may_run(node, [_is_edge_taken(edge, done) for edge in graph.into[node.id]])
        if verdict is not None:
            (run if verdict else skip).append(node.id)
    return Step(run, skip)
