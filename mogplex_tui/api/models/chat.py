"""A chat with a model: its request and the events of its stream.

Contract: library.md §13.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Self, TypeAlias

from pydantic import Field, field_validator

from mogplex_tui.api.models import field_validators
from mogplex_tui.api.models.base import Inbound, Outbound, Text
from mogplex_tui.api.models.stream_events import (
    StreamCancelled,
    StreamEnd,
    StreamEndKind,
    StreamEvent,
    StreamFailed,
    UnknownEvent,
)

_Id = Annotated[str | None, field_validators.text(), field_validators.json_value()]


class ChatRole(StrEnum):
    """The author of a message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


class ChatMessage(Outbound):
    """One message of a chat: its parts, and the same text again in `content`.

    The model reads the parts; the service's memory reads `content`. Contract: library.md §13.1.
    """

    id: Annotated[str, field_validators.text("A message needs an id"), field_validators.json_value()]
    role: Annotated[str, field_validators.one_of(tuple(ChatRole), "role must be system, user or assistant")]
    parts: Annotated[list[dict[str, Any]], field_validators.json_value()]
    content: Annotated[str | None, field_validators.json_value()] = None

    @field_validator("parts")
    @classmethod
    def _check_parts(cls, value: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if any(not isinstance(part.get("type"), str) for part in value):
            raise ValueError("Each part of a message has a type")
        return value

    @classmethod
    def from_text(cls, message_id: str, text: str, role: ChatRole = ChatRole.USER) -> Self:
        """Return a message with one text."""
        return cls(id=message_id, role=role, parts=[{"type": "text", "text": text}], content=text)


class ChatDraft(Outbound):
    """A chat to continue: all messages so far, and the model.

    None is the account's default model. `sandbox_id` is the id of a record; it lets the model write files and run
    commands in that sandbox.
    """

    messages: list[ChatMessage]
    model: _Id = None
    enable_tools: bool = True
    conversation_id: _Id = None
    workspace_session_id: _Id = None
    repo_id: Annotated[str | None, field_validators.uuid("The repository id is not a UUID")] = None
    repo_full_name: _Id = None
    repo_owner: _Id = None
    repo_name: _Id = None
    repo_branch: _Id = None
    repo_base_branch: _Id = None
    sandbox_id: Annotated[str | None, field_validators.uuid("The sandbox id is not a UUID")] = None

    @field_validator("messages")
    @classmethod
    def _check_messages(cls, value: list[ChatMessage]) -> list[ChatMessage]:
        if not value:
            raise ValueError("Write a message")
        return value

    def body(self) -> dict[str, Any]:
        """Return the JSON body."""
        return self.model_dump(by_alias=True, exclude_none=True)


class Metadata(Inbound):
    """Metadata of an event."""

    ai_call_id: Text = ""


class ChatMetadata(StreamEvent):
    """The id of the call. It follows each event and does not change."""

    message_metadata: Metadata | None = None


class ChatStarted(ChatMetadata):
    """The response starts. By its call id, events and cost are found later too."""


class StepBoundary(StreamEvent):
    """A step of the model starts or ends; `type` says which."""


class TextBoundary(StreamEvent):
    """A text or a thought starts or ends; `type` says which. Ids may repeat."""

    id: Text = ""


class TextDelta(StreamEvent):
    """The next piece of the text or the thought of this id."""

    id: Text = ""
    delta: Text = ""

    @property
    def thinking(self) -> bool:
        """Whether it belongs to the model's thinking."""
        return self.type == "reasoning-delta"


class ToolInputStarted(StreamEvent):
    """The input of a tool starts to arrive."""

    tool_call_id: Text = ""
    tool_name: Text = ""


class ToolInputDelta(StreamEvent):
    """The next piece of a tool's input, which is JSON."""

    tool_call_id: Text = ""
    input_text_delta: Text = ""


class ToolInput(StreamEvent):
    """The whole input of a tool, with an error if it cannot be used.

    It may come without ToolInputStarted.
    """

    tool_call_id: Text = ""
    tool_name: Text = ""
    input: Any = None
    error_text: str | None = None


class ToolOutput(StreamEvent):
    """The output of a tool, or its error. The response continues in both cases."""

    tool_call_id: Text = ""
    output: Any = None
    error_text: str | None = None


class ChatFile(StreamEvent):
    """A generated file, as a data URL."""

    media_type: Text = ""
    url: Text = Field(default="", repr=False)


class ChatFinished(ChatMetadata):
    """The response is complete.

    `finish_reason` may say that it was cut: `length` or `content-filter`.
    """

    finish_reason: Text = ""

    @property
    def end(self) -> StreamEnd:
        """Success, or a failure if the model ended with an error."""
        if self.finish_reason == "error":
            return StreamEnd(StreamEndKind.FAILED, "The model ended with an error")
        return StreamEnd(StreamEndKind.DONE)


ChatEvent: TypeAlias = (
    ChatStarted
    | ChatMetadata
    | StepBoundary
    | TextBoundary
    | TextDelta
    | ToolInputStarted
    | ToolInputDelta
    | ToolInput
    | ToolOutput
    | ChatFile
    | ChatFinished
    | StreamFailed
    | StreamCancelled
    | UnknownEvent
)

CHAT_EVENTS: Mapping[str, type[ChatEvent]] = {
    "start": ChatStarted,
    "message-metadata": ChatMetadata,
    "start-step": StepBoundary,
    "finish-step": StepBoundary,
    "text-start": TextBoundary,
    "text-delta": TextDelta,
    "text-end": TextBoundary,
    "reasoning-start": TextBoundary,
    "reasoning-delta": TextDelta,
    "reasoning-end": TextBoundary,
    "tool-input-start": ToolInputStarted,
    "tool-input-delta": ToolInputDelta,
    "tool-input-available": ToolInput,
    "tool-input-error": ToolInput,
    "tool-output-available": ToolOutput,
    "tool-output-error": ToolOutput,
    "file": ChatFile,
    "error": StreamFailed,
    "abort": StreamCancelled,
    "finish": ChatFinished,
}
