"""The incoming and outgoing edges of a graph's nodes, and a check for cycles.

routing.md §5.1.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from .normalizer import Graph

FAILURE = "error"
Edge = dict[str, Any]


class GraphEdges:
    """The incoming and outgoing edges of each node of a normalised graph.

    Both ends of every edge must be nodes of the graph.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.incoming: dict[str, list[Edge]] = defaultdict(list)
        self.outgoing: dict[str, list[Edge]] = defaultdict(list)
        for edge in graph["edges"]:
            self.outgoing[edge["source"]].append(edge)
            self.incoming[edge["target"]].append(edge)

    def only(self, kind: str) -> dict[str, Any]:
        """Return the first node of a type. Raises StopIteration if there is none."""
        return next(node for node in self.graph["nodes"] if node["type"] == kind)

    def success_edges(self, node_id: str) -> list[Edge]:
        """Return the outgoing edges that a run follows when the node succeeds."""
        return [edge for edge in self.outgoing[node_id] if edge["sourceHandle"] != FAILURE]

    def failure_edges(self, node_id: str) -> list[Edge]:
        """Return the outgoing edges that a run follows when the node fails."""
        return [edge for edge in self.outgoing[node_id] if edge["sourceHandle"] == FAILURE]

    def downstream(self, node_id: str) -> set[str]:
        """Return the ids of the node and of all nodes that can be reached from it."""
        return self._reached(node_id, self.outgoing, "target")

    def upstream(self, node_id: str) -> set[str]:
        """Return the ids of the node and of all nodes from which it can be reached."""
        return self._reached(node_id, self.incoming, "source")

    def _reached(self, node_id: str, edges: dict[str, list[Edge]], end: str) -> set[str]:
        found, waiting = {node_id}, [node_id]
        while waiting:
            for edge in edges[waiting.pop()]:
                if edge[end] not in found:
                    found.add(edge[end])
                    waiting.append(edge[end])
        return found

    def has_cycle(self) -> bool:
        """Return whether the graph contains a cycle."""
        open_entries = {node["id"]: len(self.incoming[node["id"]]) for node in self.graph["nodes"]}
        ready = [node_id for node_id, count in open_entries.items() if count == 0]
        done = 0
        while ready:
            done += 1
            for edge in self.outgoing[ready.pop()]:
                open_entries[edge["target"]] -= 1
                if open_entries[edge["target"]] == 0:
                    ready.append(edge["target"])
        return done < len(open_entries)
