"""Events of a call, which v1 and the observability routes return in the same form.

Contract: v1.md §8, observability.md §4.
"""

from enum import StrEnum
from typing import Any

from pydantic import AliasChoices, Field

from mogplex_tui.api.models.base import Inbound, JsonObject, Text, Time


class EventType(StrEnum):
    """The known types of events of a call.

    A model keeps an unknown type as text. Contract: v1.md §8.5.
    """

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
    """One event of a call. `type` is a text that can be compared with EventType."""

    id: str
    type: str = Field(validation_alias=AliasChoices("type", "event_type"))
    created_at: Time
    tool_name: str | None = None
    message: Text = ""
    payload: JsonObject = Field(default_factory=dict)

    def text(self, key: str) -> str | None:
        """Return the text under a key of the payload, or None if there is no text."""
        value: Any = self.payload.get(key)
        return value if isinstance(value, str) else None
