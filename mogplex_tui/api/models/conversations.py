"""Stored conversations.

The service saves a conversation only if its stored version has not changed since the caller
read it. Contract: library.md §12.
"""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator

from mogplex_tui.api.models.base import Inbound, JsonObject, OutboundSnake, Text, Time
from mogplex_tui.api.models.field_validators import json_value, text

_Items = Annotated[list[Any], BeforeValidator(lambda value: value if isinstance(value, list) else [])]


class Conversation(Inbound):
    """A stored conversation.

    Lists leave out `messages`, `local_msgs` and `harness_state`. `messages` are the messages of a
    chat, and `local_msgs` the messages that the client displays; both are JSON of any shape.
    Contract: library.md §12 and §13.
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
    """The request to save a conversation; the client chooses its id.

    Fields that are not set keep their values. `expected_updated_at` is the `updated_at` of the
    version that was read; None means that the conversation is new. Contract: library.md §12.
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
        """Return the JSON body.

        Times are sent with microseconds. Without microseconds, the time would differ from the stored
        one, and the service would report a conflict each time.
        """
        moment = self.expected_updated_at
        return self.set_fields() | {"expected_updated_at": None if moment is None else moment.isoformat()}
