"""Events of a call, as the token API and the observability routes return them.

Contract: v1.md §8, observability.md §4.
"""

from enum import StrEnum
from typing import Any

from pydantic import AliasChoices, Field

from mogplex_tui.api.models.base import Inbound, JsonObject, Text, Time


class EventType(StrEnum):
    """The known types of events of a call.

    A type that is not listed here is kept as a plain string. Contract: v1.md §8.5.
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
    """One event of a call.

    `type` is a string that can be compared with the members of EventType.
    """

    id: str
    type: str = Field(validation_alias=AliasChoices("type", "event_type"))
    created_at: Time
    tool_name: str | None = None
    message: Text = ""
    payload: JsonObject = Field(default_factory=dict)

    def text(self, key: str) -> str | None:
        """Return the text under a key of the payload, or None if its value is not a text."""
        value: Any = self.payload.get(key)
        return value if isinstance(value, str) else None
