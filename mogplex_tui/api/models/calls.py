"""AI calls and their tool calls.

Contract: observability.md §2, §3 and §5.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from mogplex_tui.api.models.base import (
    Count,
    Inbound,
    Int64,
    JsonObject,
    Measured,
    Money,
    Rows,
    Text,
    Time,
    empty_rows,
    nested,
)
from mogplex_tui.api.models.events import Event


class CallStatus(StrEnum):
    """The statuses of a call and of a run of the token API."""

    PENDING = "pending"
    STREAMING = "streaming"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"


LIVE = frozenset({CallStatus.PENDING, CallStatus.STREAMING})
"""The statuses of a call that has not finished."""


class CostSource(StrEnum):
    """The source of the cost of a call.

    TRIGGER means an estimate by the service, GATEWAY the bill of the AI gateway, and MANUAL an
    entry by a person. Contract: observability.md §6.
    """

    TRIGGER = "trigger"
    GATEWAY = "gateway"
    MANUAL = "manual"


class Surface(StrEnum):
    """The part of the product that a call comes from.

    Contract: observability.md §2.2.
    """

    LIVE = "live"
    CLI = "cli"
    CLOUD = "cloud"
    AUTOMATION = "automation"


class ToolCall(Inbound):
    """One use of a tool in an AI call.

    `id`, `model` and `type` describe the AI call; only the route that lists tool calls returns
    them. Contract: observability.md §5.
    """

    name: Text = ""
    input: Any = None
    output: Any = None
    input_preview: Any = None
    output_preview: Any = None
    duration_ms: float | None = None
    id: str | None = None
    model: str | None = None
    type: str | None = None
    started_at: Time | None = None


class SandboxContext(Inbound):
    """The sandbox in which a call ran a coding CLI.

    Contract: observability.md §2.1.
    """

    sandbox_record_id: str | None = None
    sandbox_id: str | None = None
    compute_billing_source: str | None = None
    billing_project_id: str | None = None
    billing_team_id: str | None = None
    preview_url: str | None = None


def _texts(value: object) -> object:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else None


class Call(Inbound):
    """An AI call: one conversation with a model or one run of a coding CLI.

    Costs are US dollars and durations are milliseconds. If the call failed, fields such as
    `control_state` may hold a sentence in place of a keyword.
    Contract: observability.md §2.1 and §9.
    """

    id: str
    user_id: str | None = None
    status: Text
    type: Text = ""
    model: Text = ""
    started_at: Time | None = None
    completed_at: Time | None = None
    duration_ms: Int64 | None = None
    input_tokens: Int64 | None = None
    output_tokens: Int64 | None = None
    cache_read_input_tokens: Int64 | None = None
    cache_creation_input_tokens: Int64 | None = None
    reasoning_tokens: Int64 | None = None
    total_tokens: Measured = None
    cost_usd: Money | None = None
    cost_source: str | None = None
    gateway_generation_id: str | None = None
    gateway_generation_ids: Annotated[list[str] | None, BeforeValidator(_texts)] = None
    error: str | None = None
    conversation_id: str | None = None
    job_run_id: str | None = None
    repo_id: str | None = None
    cancel_requested_at: Time | None = None
    control_state: Text = ""
    runtime_command_id: str | None = None
    tool_calls_count: Count = None
    tool_calls: Annotated[Rows[ToolCall], nested(ToolCall)] = empty_rows()
    metadata: JsonObject = Field(default_factory=dict)
    sandbox_context: SandboxContext | None = None

    @property
    def is_live(self) -> bool:
        """Whether the call has not finished, so that its data may still change."""
        return self.status in LIVE

    @property
    def tokens(self) -> int | None:
        """The sum of the input, output and cache tokens, or None if no count is known.

        If only the service's own total is known, that total is used. Reasoning tokens are not added.
        Contract: observability.md §1.3.
        """
        parts = (
            self.input_tokens,
            self.output_tokens,
            self.cache_read_input_tokens,
            self.cache_creation_input_tokens,
        )
        known = [part for part in parts if part is not None]
        return sum(known) if known else self.total_tokens

    @property
    def surface(self) -> Surface:
        """The part of the product that the call comes from.

        It is LIVE if the call has not finished, else AUTOMATION if the call belongs to a job, else CLI
        if a command line tool made it, else CLOUD. Contract: observability.md §2.2.
        """
        if self.is_live:
            return Surface.LIVE
        if self.job_run_id:
            return Surface.AUTOMATION
        is_cli = self.runtime_command_id or self.meta("source") == "cli"
        return Surface.CLI if is_cli else Surface.CLOUD

    def meta(self, key: str) -> str | None:
        """Return the text under a key of the metadata, or None.

        The result is None if the key is missing or its value is empty or not a text.
        """
        value = self.metadata.get(key)
        return value if isinstance(value, str) and value else None


class CallWithEvents(Call):
    """A call with its events, as part of a job.

    Contract: v1.md §5.4, observability.md §7.2.
    """

    events: Annotated[Rows[Event], nested(Event)] = empty_rows()


@dataclass(frozen=True)
class CallPage:
    """One page of calls.

    `total` is the number of matching calls on all pages. `limit` is None if the response does not
    contain it.
    """

    calls: Rows[Call]
    total: int
    page: int | None
    limit: int | None


class CallCancelled(Inbound):
    """The result of cancelling a call.

    `status` is cancelled, or the earlier final status of a call that had ended before the cancel.
    Contract: observability.md §3.
    """

    status: Text = ""
