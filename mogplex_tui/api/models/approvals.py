"""Requests for approval that automations and the orchestrator have made.

Contract: routing.md §3.15 and §3.16.
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from mogplex_tui.api.models.base import Inbound, JsonObject, Outbound, Rows, Text, Time
from mogplex_tui.api.models.field_validators import one_of
from mogplex_tui.api.request_checks import utf16_length

MOST_INPUT = 4_000
"""The length at which the service cuts the input of an automation's tool call."""


class Decision(StrEnum):
    """The possible decisions about an approval."""

    APPROVE = "approve"
    DENY = "deny"


class Urgency(StrEnum):
    """The urgency of a request for approval by the orchestrator."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class FlowApproval(Inbound):
    """A tool call or a manual step of an automation that waits for an approval.

    Contract: routing.md §3.15.
    """

    id: str
    job_run_id: str | None = None
    flow_id: str | None = None
    node_id: Text = ""
    wait_config: JsonObject = Field(default_factory=dict)
    created_at: Time | None = None
    expires_at: Time | None = None

    @property
    def kind(self) -> str:
        """The kind of approval: `tool_approval`, `manual_approval` or an unknown word."""
        return self._text("kind") or ""

    @property
    def question(self) -> str:
        """The prompt of the manual step, or the name of the tool; may be empty."""
        return self._text("prompt") or self._text("toolName") or ""

    @property
    def tool_input(self) -> str | None:
        """The tool's input as JSON text, or None if the response contains no input.

        The service cuts the text at 4000 characters.
        """
        return self._text("toolInput")

    @property
    def is_input_cut(self) -> bool:
        """Whether the service has cut the tool's input, which then ends in an ellipsis."""
        text = self.tool_input or ""
        return text.endswith("…") and utf16_length(text) >= MOST_INPUT

    @property
    def repo(self) -> str | None:
        """The full name of the repository, or None if the response contains none."""
        return self._text("repoFullName")

    @property
    def requester(self) -> str | None:
        """The name of the waiting agent, or else of the waiting step, or None.

        It is None if the response names neither of them.
        """
        return self._text("agentName") or self._text("nodeLabel")

    @property
    def source(self) -> str:
        """The kind of work that waits: `step` (a manual step) or `tool` (a tool call)."""
        return "step" if self.kind == "manual_approval" else "tool"

    @property
    def input_text(self) -> str | None:
        """The tool's input as text, or None if the response contains no input."""
        return self.tool_input

    @property
    def denial_effect(self) -> str:
        """A sentence for the user about the effect of a denial."""
        return (
            "A denied step fails." if self.source == "step" else "The model learns of the denial and goes on."
        )

    def _text(self, key: str) -> str | None:
        value = self.wait_config.get(key)
        return value if isinstance(value, str) and value else None


@dataclass(frozen=True)
class FlowApprovals:
    """The 50 oldest pending approvals of automations.

    `has_more` says whether more than 50 are pending.
    """

    approvals: Rows[FlowApproval]
    has_more: bool


class ControlApproval(Inbound):
    """A tool call of the orchestrator that waits for an approval.

    The approval may have expired: `expires_at` may be in the past. Contract: routing.md §3.16.
    """

    id: str
    run_id: str | None = None
    ai_call_id: str | None = None
    tool_name: Text = ""
    tool_call_id: Text = ""
    tool_input: Any = None
    summary: Text = ""
    urgency: Text = ""
    status: Text = ""
    resolution_source: str | None = None
    resolution_note: str | None = None
    expires_at: Time | None = None
    resolved_at: Time | None = None
    resolved_by: str | None = None
    created_at: Time | None = None

    @property
    def source(self) -> str:
        """The kind of work that waits; always `control`."""
        return "control"

    @property
    def requester(self) -> str:
        """The name of the requester; always `orchestrator`."""
        return "orchestrator"

    @property
    def question(self) -> str:
        """The orchestrator's summary of the tool call, or the tool's name if it gave none."""
        return self.summary or self.tool_name

    @property
    def repo(self) -> Any:
        """The value of `repo` in the tool's input, or None if the input has no `repo`."""
        return self.tool_input.get("repo") if isinstance(self.tool_input, dict) else None

    @property
    def input_text(self) -> str | None:
        """The tool's input as indented JSON, or None if the response contains no input."""
        return None if self.tool_input is None else json.dumps(self.tool_input, indent=2, default=str)

    @property
    def denial_effect(self) -> str:
        """A sentence for the user about the effect of a denial."""
        return "The tool is not called."


def _note(value: str | None) -> str | None:
    if value is not None and utf16_length(value) > 2000:
        raise ValueError("note must be at most 2000 characters")
    return value or None


class ApprovalAnswer(Outbound):
    """A decision with an optional note of at most 2000 characters.

    Contract: routing.md §3.15.
    """

    decision: Annotated[str, one_of(tuple(Decision), 'decision must be "approve" or "deny"')]
    note: Annotated[str | None, AfterValidator(_note)] = None

    def body(self) -> dict[str, Any]:
        """Return the JSON body; the note is left out if it is empty."""
        return self.model_dump(by_alias=True, exclude_none=True)
