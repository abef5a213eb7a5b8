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
    """One message of a chat.

    `content` repeats the text of `parts`: the model is given `parts`, and the service stores
    `content` in its memories. Contract: library.md §13.1.
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
        """Create a message with a single part, which is a text."""
        return cls(id=message_id, role=role, parts=[{"type": "text", "text": text}], content=text)


class ChatDraft(Outbound):
    """The request to continue a chat; it contains all messages so far.

    If `model` is None, the account's default model replies. `sandbox_id` is the id of a sandbox
    record; the model may then write files and run commands in that sandbox.
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
    """The metadata of a chat event, which contain the id of the AI call."""

    ai_call_id: Text = ""


class ChatMetadata(StreamEvent):
    """Event with the id of the AI call that produces the response.

    The service sends it, with the same id, after each event of another type.
    """

    message_metadata: Metadata | None = None


class ChatStarted(ChatMetadata):
    """Event sent when the response starts.

    The id of the AI call in it can be used to look up the call's events and cost later.
    """


class StepBoundary(StreamEvent):
    """Event sent when a step of the model starts or ends; `type` says which."""


class TextBoundary(StreamEvent):
    """Event sent when a text, or a piece of the model's reasoning, starts or ends.

    `type` says which. Several texts of a response may have the same id.
    """

    id: Text = ""


class TextDelta(StreamEvent):
    """Event with the next characters of the text or reasoning that has the id `id`."""

    id: Text = ""
    delta: Text = ""

    @property
    def thinking(self) -> bool:
        """Whether the characters belong to the model's reasoning, not to its text."""
        return self.type == "reasoning-delta"


class ToolInputStarted(StreamEvent):
    """Event sent when the input of a tool call starts to arrive."""

    tool_call_id: Text = ""
    tool_name: Text = ""


class ToolInputDelta(StreamEvent):
    """Event with the next characters of a tool's input, which is JSON."""

    tool_call_id: Text = ""
    input_text_delta: Text = ""


class ToolInput(StreamEvent):
    """Event with the complete input of a tool call, or the reason why it is unusable.

    It may come without an earlier ToolInputStarted.
    """

    tool_call_id: Text = ""
    tool_name: Text = ""
    input: Any = None
    error_text: str | None = None


class ToolOutput(StreamEvent):
    """Event with the output or the error of a tool call.

    The response continues after either of them.
    """

    tool_call_id: Text = ""
    output: Any = None
    error_text: str | None = None


class ChatFile(StreamEvent):
    """Event with a file that the model generated, as a data URL."""

    media_type: Text = ""
    url: Text = Field(default="", repr=False)


class ChatFinished(ChatMetadata):
    """Event sent when the response has ended.

    `finish_reason` is `length` or `content-filter` if the response was cut short.
    """

    finish_reason: Text = ""

    @property
    def end(self) -> StreamEnd:
        """The reason why the stream ended: DONE, or FAILED if the model had an error."""
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
