"""Stored conversations, which are saved only if nobody else changed them.

Contract: library.md §12.
"""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator

from mogplex_tui.api.models.base import Inbound, JsonObject, OutboundSnake, Text, Time
from mogplex_tui.api.models.field_validators import json_value, text

_Items = Annotated[list[Any], BeforeValidator(lambda value: value if isinstance(value, list) else [])]


class Conversation(Inbound):
    """A conversation. Lists leave out messages, local_msgs and harness_state.

    `messages` are those of a chat, `local_msgs` what the client showed; both are free JSON. Contract: library.md §12
    and §13.
    """

    id: str
    model: Text = ""
    mode: Text = ""
    title: str | None = None
    messages: _Items = Field(default_factory=list)
    local_msgs: _Items = Field(default_factory=list)
    harness_state: JsonObject = Field(default_factory=dict)
    created_at: Time | None = None
    updated_at: Time | None = None


class ConversationSave(OutboundSnake):
    """A conversation to save; missing fields stay. The client chooses the id.

    `expected_updated_at` is the time of the version that was read; None means that there is none yet. Contract:
    library.md §12.
    """

    id: Annotated[str, text("Missing id", trimmed=False)]
    expected_updated_at: datetime | None = None
    model: Annotated[str, text("Name a model")] = ""
    mode: Annotated[str, text("Name a mode")] = ""
    title: str | None = None
    messages: Annotated[list[Any], json_value()] = Field(default_factory=list)
    local_msgs: Annotated[list[Any], json_value()] = Field(default_factory=list)
    harness_state: Annotated[dict[str, Any], json_value()] = Field(default_factory=dict)

    @field_validator("expected_updated_at")
    @classmethod
    def _check_moment(cls, value: datetime | None) -> datetime | None:
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)

    def body(self) -> dict[str, Any]:
        """Return the JSON body, with microseconds: without them each save would conflict."""
        moment = self.expected_updated_at
        return self.set_fields() | {"expected_updated_at": None if moment is None else moment.isoformat()}
