"""Automations, which the service also calls flows, and their runs.

Contract: v1.md §5.
"""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from mogplex_tui.api.errors import InvalidInput
from mogplex_tui.api.models.base import (
    NULL_IS_EMPTY,
    Count,
    Inbound,
    Int64,
    JsonObject,
    Rows,
    Text,
    Time,
    empty_rows,
    nested,
)
from mogplex_tui.api.models.jobs import Job, JobDetail


class AutomationStatus(StrEnum):
    """The states of an automation: active, or inactive (paused or not published)."""

    ACTIVE = "active"
    INACTIVE = "inactive"


class AutomationSummary(Inbound):
    """An automation as the list of the token API contains it."""

    id: str
    name: Text = ""
    status: Text = ""
    description: str | None = None
    installation_id: Int64 | None = None
    published_version_id: str | None = None
    created_at: Time | None = None
    updated_at: Time | None = None


class GraphNode(Inbound):
    """One step of an automation.

    The fields of `data` depend on the step's type.
    """

    id: str
    type: Text = ""
    position: JsonObject = Field(default_factory=dict)
    data: JsonObject = Field(default_factory=dict)

    @property
    def label(self) -> str:
        """The name of the step, or its id if it has no name."""
        label = self.data.get("label")
        return label if isinstance(label, str) and label else self.id


class GraphEdge(Inbound):
    """A connection from one step of an automation to the next.

    `source_handle` tells which branch of the source step the connection belongs to, such as the
    error branch.
    """

    id: Text = ""
    source: str
    target: str
    source_handle: str | None = None
    target_handle: str | None = None


class Graph(Inbound):
    """The steps of an automation and the connections between them."""

    nodes: Annotated[Rows[GraphNode], nested(GraphNode)] = empty_rows()
    edges: Annotated[Rows[GraphEdge], nested(GraphEdge)] = empty_rows()
    viewport: JsonObject = Field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """Return the graph as JSON for a request, in camelCase.

        Raises InvalidInput if a step or a connection could not be parsed.
        """
        if self.nodes.bad or self.edges.bad:
            # Saving the graph without them would delete them.
            raise InvalidInput("This graph holds parts that cannot be read, so saving it would lose them")
        graph: dict[str, Any] = {
            "nodes": [
                {
                    "id": node.id,
                    "type": node.type,
                    "position": node.position or {"x": 0, "y": 0},
                    "data": node.data,
                }
                for node in self.nodes
            ],
            "edges": [
                {
                    "id": edge.id or f"{edge.source}-{edge.target}",
                    "source": edge.source,
                    "target": edge.target,
                    "sourceHandle": edge.source_handle,
                    "targetHandle": edge.target_handle,
                }
                for edge in self.edges
            ],
        }
        return graph | ({"viewport": self.viewport} if self.viewport else {})


class PublishedVersion(Inbound):
    """The published version of an automation, which its runs execute."""

    id: str
    version_number: Count = None
    graph: Graph = Field(default_factory=Graph)
    created_at: Time | None = None


class Versioned(Inbound):
    """Base class of automations: the draft graph and the published version.

    `published_version` is None if the automation was never published.
    """

    draft_graph: Annotated[Graph, NULL_IS_EMPTY] = Field(default_factory=Graph)
    published_version: PublishedVersion | None = None

    @property
    def version(self) -> int | None:
        """The number of the published version, or None if nothing was published."""
        return None if self.published_version is None else self.published_version.version_number

    @property
    def draft_state(self) -> str:
        """Whether the draft differs from the published version, as a word.

        The word is `unpublished` if nothing was published, `differs` if the two differ, and empty if
        they are the same.
        """
        version = self.published_version
        return "unpublished" if version is None else "differs" if self.draft_graph != version.graph else ""


class Automation(Versioned):
    """An automation as the token API returns it, with draft and published version.

    The summary of its runs is left out, because the service never computes it.
    Contract: v1.md §5.1.
    """

    id: str
    name: Text = ""
    status: Text = ""
    description: str | None = None
    notes: str | None = None
    installation_id: Int64 | None = None
    created_at: Time | None = None
    updated_at: Time | None = None

    @property
    def published_version_id(self) -> str | None:
        """The id of the published version, or None if nothing was published."""
        return None if self.published_version is None else self.published_version.id


class NodeRun(Inbound):
    """The execution of one step in one run of an automation."""

    id: str
    node_id: Text
    node_type: Text = ""
    node_label: str | None = None
    status: Text = ""
    started_at: Time | None = None
    completed_at: Time | None = None
    duration_ms: Int64 | None = None
    error: str | None = None
    output: Any = None
    created_at: Time | None = None


class AutomationRun(Job):
    """A run of an automation with its steps, without costs.

    Contract: v1.md §5.4.
    """

    active_wait_count: Count = None
    node_runs: Annotated[Rows[NodeRun], nested(NodeRun)] = empty_rows()


class Wait(Inbound):
    """A pause of a run until an event or an approval arrives.

    The resume token, which the service also sends, is not stored here.
    """

    id: str
    node_id: Text = ""
    wait_kind: Text = ""
    wait_config: JsonObject = Field(default_factory=dict)
    status: Text = ""
    expires_at: Time | None = None
    created_at: Time | None = None
    resumed_at: Time | None = None


class AutomationRunDetail(AutomationRun, JobDetail):
    """A run with its steps, dispatch log, calls with events, findings and waits."""

    waits: Annotated[Rows[Wait], nested(Wait)] = empty_rows()
