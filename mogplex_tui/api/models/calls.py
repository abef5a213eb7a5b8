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
    """The statuses of a call and of a v1 run."""

    PENDING = "pending"
    STREAMING = "streaming"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"


LIVE = frozenset({CallStatus.PENDING, CallStatus.STREAMING})
"""The statuses that change without an action of the user."""


class CostSource(StrEnum):
    """Where the cost of a call comes from.

    TRIGGER is an estimate, GATEWAY the bill of the gateway and MANUAL an entry by a person.
    Contract: observability.md §6.
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
    """One use of a tool in a call.

    `id`, `model` and `type` describe the call; only the tool-calls route returns them.
    Contract: observability.md §5.
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
    """The sandbox in which a call ran a coding tool.

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
    """One conversation with a model or one run of a coding CLI.

    Tokens are counts, money is US dollars and durations are milliseconds. If the call failed, some
    texts hold a sentence in place of a keyword, such as `control_state`.
    Contract: observability.md §2.1 and §9.
    """

    id: str
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
        """Whether the call is not finished, so that its data may still change."""
        return self.status in LIVE

    @property
    def tokens(self) -> int | None:
        """The sum of the input, output and cache tokens, or None if no count is known.

        If only the total is known, it is the total. Reasoning tokens are not added.
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
        """The origin of the call.

        It is the first of live, automation, cli and cloud that applies.
        Contract: observability.md §2.2.
        """
        if self.is_live:
            return Surface.LIVE
        if self.job_run_id:
            return Surface.AUTOMATION
        is_cli = self.runtime_command_id or self.meta("source") == "cli"
        return Surface.CLI if is_cli else Surface.CLOUD

    def meta(self, key: str) -> str | None:
        """Return the text under a key of the metadata, or None if there is no text.

        An empty text or another type of value also gives None.
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
    """One page of calls; `total` counts the matching calls of all pages.

    `limit` is None if the response does not contain it.
    """

    calls: Rows[Call]
    total: int
    page: int | None
    limit: int | None


class CallCancelled(Inbound):
    """The result of cancelling a call.

    `status` is cancelled, or how the call had ended before the cancel.
    Contract: observability.md §3.
    """

    status: Text = ""
