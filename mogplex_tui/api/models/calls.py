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
    """The source of a call's cost: an estimate, the gateway's bill or a person.

    Contract: observability.md §6.
    """

    TRIGGER = "trigger"
    GATEWAY = "gateway"
    MANUAL = "manual"


class Surface(StrEnum):
    """Origin of a call.

    Contract: observability.md §2.2.
    """

    LIVE = "live"
    CLI = "cli"
    CLOUD = "cloud"
    AUTOMATION = "automation"


class ToolCall(Inbound):
    """One tool call. The tool-calls route adds id, model and type of its call.

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
    """The sandbox in which a call runs a coding tool.

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

    Tokens are counts, money is US dollars and durations are milliseconds. On a failed call, some texts hold a whole
    sentence, `control_state` for instance. Contract: observability.md §2.1 and §9.
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
        """Whether the call still changes by itself."""
        return self.status in LIVE

    @property
    def tokens(self) -> int | None:
        """The sum of the fresh, cached and written tokens, or None if none are known.

        Reasoning tokens do not count. Contract: observability.md §1.3.
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
        """The first of live, automation, cli and cloud that applies.

        Contract: observability.md §2.2.
        """
        if self.is_live:
            return Surface.LIVE
        if self.job_run_id:
            return Surface.AUTOMATION
        is_cli = self.runtime_command_id or self.meta("source") == "cli"
        return Surface.CLI if is_cli else Surface.CLOUD

    def meta(self, key: str) -> str | None:
        """Return a text in the metadata, or None if it is missing, empty or not a text."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) and value else None


class CallWithEvents(Call):
    """A call of a job with its events.

    Contract: v1.md §5.4, observability.md §7.2.
    """

    events: Annotated[Rows[Event], nested(Event)] = empty_rows()


@dataclass(frozen=True)
class CallPage:
    """One page of calls. `total` counts all matching calls.

    `limit` is None if the service lost it.
    """

    calls: Rows[Call]
    total: int
    page: int | None
    limit: int | None


class CallCancelled(Inbound):
    """The status of a call after a cancel: cancelled, or how it had ended.

    Contract: observability.md §3.
    """

    status: Text = ""
