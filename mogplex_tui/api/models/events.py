"""Events of a call: one model for both roads, v1 and observability (v1.md §8, observability.md §4)."""

from enum import StrEnum
from typing import Any

from pydantic import AliasChoices, Field

from mogplex_tui.api.models.base import Inbound, JsonObject, Text, Time


class EventType(StrEnum):
    """The nine types there are today; an unknown one stays a plain text (v1.md §8.5)."""

    STARTED = "started"
    STATUS_CHANGED = "status_changed"
    TOOL_STARTED = "tool_started"
    TOOL_FINISHED = "tool_finished"
    CANCEL_REQUESTED = "cancel_requested"
    CANCELLED = "cancelled"
    FINISHED = "finished"
    FAILED = "failed"
    LOG = "log"


class Event(Inbound):
    """One entry of a call's append-only timeline; `type` is a text, comparable with EventType."""

    id: str
    type: str = Field(validation_alias=AliasChoices("type", "event_type"))
    created_at: Time
    tool_name: str | None = None
    message: Text = ""
    payload: JsonObject = Field(default_factory=dict)

    def text(self, key: str) -> str | None:
        """Return a text of the payload, or None where it is absent, null or another type."""
        value: Any = self.payload.get(key)
        return value if isinstance(value, str) else None
