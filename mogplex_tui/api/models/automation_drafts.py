"""What creates, changes and sets off automations over the token API (v1.md §5.3)."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from mogplex_tui.api.models.base import Flag, Inbound, Outbound, Text
from mogplex_tui.api.models.checks import json_value, positive_int, require_a_change, text, uuid
from mogplex_tui.api.models.graph_input import check_v1_graph
from mogplex_tui.api.models.runs import RunRuntime

_Installation = Annotated[int, positive_int("installationId must be a positive integer")]
_Graph = Annotated[dict[str, Any] | None, AfterValidator(check_v1_graph)]


class AutomationDraft(Outbound):
    """An automation to create; without a graph it gets the service's first draft (v1.md §5.3).

    A graph with action steps cannot be sent this way: `V1_NODE_TYPES`.
    """

    installation_id: _Installation
    name: Annotated[str | None, text()] = None
    description: str | None = None
    notes: str | None = None
    graph: _Graph = None
    publish: bool = False

    def body(self) -> dict[str, Any]:
        """Return the JSON body without what was not given."""
        return self.model_dump(by_alias=True, exclude_none=True)


class AutomationChange(Outbound):
    """A change of an automation: what is not given stays, null clears the description or the notes (v1.md §5.3)."""

    installation_id: _Installation = 0
    name: Annotated[str, text("An automation needs a name")] = ""
    description: str | None = None
    notes: str | None = None
    graph: _Graph = None

    @model_validator(mode="after")
    def _check_any(self) -> "AutomationChange":
        require_a_change(self.model_fields_set)
        if "graph" in self.model_fields_set and self.graph is None:
            raise ValueError("graph must be a valid Flow graph")
        return self


class NodeModel(Outbound):
    """The model of one agent step; null takes it away, and an ordinary step cannot be published without one."""

    node_id: Annotated[str, text("nodeId is required", trimmed=False)]
    model_id: Annotated[str | None, text("modelId must be a model id or null")]
    publish: bool = False


class AutomationTrigger(Outbound):
    """A repository to set an automation off for, and what its steps can read as metadata (v1.md §5.3)."""

    repo_id: Annotated[str, uuid("The repository id is not a UUID")]
    input: Annotated[dict[str, Any] | None, json_value()] = None

    def body(self) -> dict[str, Any]:
        """Return the JSON body without an input that was not given."""
        return self.model_dump(by_alias=True, exclude_none=True)


class TriggeredRun(Inbound):
    """What a trigger came to: `outcome` queued or suppressed (v1.md §5.3).

    Suppressed work is no error. With the reason IDEMPOTENT_DUPLICATE `job_run_id` is the earlier job of the same key.
    """

    automation_id: Text = ""
    job_run_id: str | None = None
    outcome: Text = ""
    reason: str | None = None
    started: Flag = False
    status: str | None = None
    runtime: RunRuntime | None = Field(default=None)
