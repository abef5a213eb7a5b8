"""Requests that create, change and start automations over the token API.

Contract: v1.md §5.3.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from mogplex_tui.api.models.base import Flag, Inbound, Outbound, Text
from mogplex_tui.api.models.field_validators import json_value, positive_int, require_a_change, text, uuid
from mogplex_tui.api.models.graph_checks import check_v1_graph
from mogplex_tui.api.models.runs import RunRuntime

_Installation = Annotated[int, positive_int("installationId must be a positive integer")]
_Graph = Annotated[dict[str, Any] | None, AfterValidator(check_v1_graph)]


class AutomationDraft(Outbound):
    """The fields of an automation to create.

    If `graph` is None, the service uses its default graph. A graph with action steps cannot be
    sent over the token API: see `V1_NODE_TYPES`.
    """

    installation_id: _Installation
    name: Annotated[str | None, text()] = None
    description: str | None = None
    notes: str | None = None
    graph: _Graph = None
    publish: bool = False

    def body(self) -> dict[str, Any]:
        """Return the JSON body, without fields that are None."""
        return self.model_dump(by_alias=True, exclude_none=True)


class AutomationChange(Outbound):
    """A change of an automation.

    Fields that are not set keep their values; null clears a field.
    """

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
    """The request to set the model of one agent step of an automation.

    If `model_id` is None, the step's model is removed; an automation with such a step cannot be
    published.
    """

    node_id: Annotated[str, text("nodeId is required", trimmed=False)]
    model_id: Annotated[str | None, text("modelId must be a model id or null")]
    publish: bool = False


class AutomationTrigger(Outbound):
    """The request to start an automation for a repository.

    `input` is data that the steps of the automation can read.
    """

    repo_id: Annotated[str, uuid("The repository id is not a UUID")]
    input: Annotated[dict[str, Any] | None, json_value()] = None

    def body(self) -> dict[str, Any]:
        """Return the JSON body; `input` is left out if it is None."""
        return self.model_dump(by_alias=True, exclude_none=True)


class TriggeredRun(Inbound):
    """The result of starting an automation; `outcome` is queued or suppressed.

    Suppressed means that the service skipped the work, which is not an error. If the reason is
    IDEMPOTENT_DUPLICATE, `job_run_id` is the earlier job with the same idempotency key.
    """

    automation_id: Text = ""
    job_run_id: str | None = None
    outcome: Text = ""
    reason: str | None = None
    started: Flag = False
    status: str | None = None
    runtime: RunRuntime | None = Field(default=None)
