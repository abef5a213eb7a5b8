"""Questions to a human: those of automations and those of the orchestrator (routing.md §3.15, §3.16)."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from mogplex_tui.api.models.base import Inbound, JsonObject, Outbound, Rows, Text, Time
from mogplex_tui.api.models.checks import one_of
from mogplex_tui.api.request_rules import utf16_length


class Decision(StrEnum):
    """What a human says; the service echoes it in one place and puts it in the past in the other."""

    APPROVE = "approve"
    DENY = "deny"


class Urgency(StrEnum):
    """How much the orchestrator waits for an answer."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class FlowApproval(Inbound):
    """A parked run of an automation: a tool that wants to be called, or a question of the automation's author (§3.15)."""

    id: str
    job_run_id: str | None = None
    flow_id: str | None = None
    node_id: Text = ""
    wait_config: JsonObject = Field(default_factory=dict)
    created_at: Time | None = None
    expires_at: Time | None = None

    @property
    def kind(self) -> str:
        """`tool_approval`, `manual_approval`, or whatever else the service calls it."""
        return self._text("kind") or ""

    @property
    def question(self) -> str:
        """What is asked: the author's prompt, or the name of the tool; empty when neither is there."""
        return self._text("prompt") or self._text("toolName") or ""

    @property
    def tool_input(self) -> str | None:
        """The tool's input as JSON text, which may be cut at 4000 characters; None where there is no tool."""
        return self._text("toolInput")

    @property
    def repo(self) -> str | None:
        """The repository, or None."""
        return self._text("repoFullName")

    @property
    def requester(self) -> str | None:
        """The agent that asks, else the step, else None."""
        return self._text("agentName") or self._text("nodeLabel")

    @property
    def source(self) -> str:
        """Who asks: `step` for the automation's author, `tool` for an agent."""
        return "step" if self.kind == "manual_approval" else "tool"

    @property
    def input_text(self) -> str | None:
        """What the tool would get."""
        return self.tool_input

    @property
    def denial_effect(self) -> str:
        """What a no comes to, in a sentence (§3.15)."""
        return "A denied step fails." if self.source == "step" else "The model is told no and goes on."

    def _text(self, key: str) -> str | None:
        value = self.wait_config.get(key)
        return value if isinstance(value, str) and value else None


@dataclass(frozen=True)
class FlowApprovals:
    """At most 50 open questions, the oldest first; `has_more` says that others wait behind them."""

    approvals: Rows[FlowApproval]
    has_more: bool


class ControlApproval(Inbound):
    """A tool call of the orchestrator that waits for a human; it may be past `expires_at` already (§3.16)."""

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
        """Who asks: always `control`, the orchestrator."""
        return "control"

    @property
    def requester(self) -> str:
        """The orchestrator, in a word."""
        return "orchestrator"

    @property
    def question(self) -> str:
        """What is asked: the orchestrator's summary, else the name of the tool."""
        return self.summary or self.tool_name

    @property
    def repo(self) -> Any:
        """The repository that the tool would work on, None where it does not say."""
        return self.tool_input.get("repo") if isinstance(self.tool_input, dict) else None

    @property
    def input_text(self) -> str | None:
        """What the tool would get, as indented JSON."""
        return None if self.tool_input is None else json.dumps(self.tool_input, indent=2, default=str)

    @property
    def denial_effect(self) -> str:
        """What a no comes to, in a sentence (§3.16)."""
        return "The tool is not called."


def _note(value: str | None) -> str | None:
    if value is not None and utf16_length(value) > 2000:
        raise ValueError("note must be at most 2000 characters")
    return value or None


class ApprovalAnswer(Outbound):
    """A decision with an optional note of at most 2000 characters (§3.15)."""

    decision: Annotated[str, one_of(tuple(Decision), 'decision must be "approve" or "deny"')]
    note: Annotated[str | None, AfterValidator(_note)] = None

    def body(self) -> dict[str, Any]:
        """Return the JSON body without a note that is empty."""
        return self.model_dump(by_alias=True, exclude_none=True)
