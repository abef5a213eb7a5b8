"""Stored chat transcripts, saved by compare-and-set (library.md §12)."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator

from mogplex_tui.api.models.base import Inbound, JsonObject, OutboundSnake, Text, Time
from mogplex_tui.api.models.checks import json_value, text

_Items = Annotated[list[Any], BeforeValidator(lambda value: value if isinstance(value, list) else [])]


class Conversation(Inbound):
    """A transcript; the list leaves out messages, local_msgs and harness_state (§12).

    `messages` are those of a chat (§13), `local_msgs` what the client drew: free JSON, both.
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
    """What to write: what is not given stays. The id is any text that the client chose (§12).

    `expected_updated_at` is the moment that was read before; None says that there is nothing there yet.
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
        """Return the JSON body; the expected moment keeps its microseconds, or every write would conflict."""
        moment = self.expected_updated_at
        return self.set_fields() | {"expected_updated_at": None if moment is None else moment.isoformat()}
