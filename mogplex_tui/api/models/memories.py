"""Memories: texts that agents store for later work.

Each memory is in one of four lanes: session, semantic, episodic or procedural.
Contract: library.md §10.
"""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from mogplex_tui.api.models.base import Inbound, JsonObject, Outbound, Text, Time
from mogplex_tui.api.models.field_validators import json_value, one_of, uuid
from mogplex_tui.api.request_checks import utf16_length

CONTENT_LIMIT = 16_000
"""The longest memory, in characters."""


class Lane(StrEnum):
    """The lanes, which are the kinds of memories."""

    SESSION = "session"
    SEMANTIC = "semantic"
    EPISODIC = "episodic"
    PROCEDURAL = "procedural"


class MemoryScope(StrEnum):
    """The memories that a request covers, by their owner.

    ALL means all memories that the account can see, PERSONAL those of the account, and TEAM those
    of the active team.
    """

    ALL = "all"
    PERSONAL = "personal"
    TEAM = "team"


class Memory(Inbound):
    """One memory.

    `metadata` contains the ids of the records that the memory belongs to, such as a repository.
    Contract: library.md §10.
    """

    id: str
    lane: Text = ""
    content: Text = ""
    metadata: JsonObject = Field(default_factory=dict)
    created_at: Time | None = None
    updated_at: Time | None = None

    def meta(self, key: str) -> str | None:
        """Return the text under a key of the metadata, or None.

        The result is None if the key is missing or its value is empty or not a text.
        """
        value = self.metadata.get(key)
        return value if isinstance(value, str) and value else None


def memory_content(value: str) -> str:
    """Check the content of a memory and return it unchanged.

    Raises ValueError if the content is empty or too long. Contract: library.md §10.2.
    """
    if not value:
        raise ValueError("Content required")
    if utf16_length(value) > CONTENT_LIMIT:
        raise ValueError(f"Content exceeds {CONTENT_LIMIT} characters")
    return value


_Lane = Annotated[str, one_of(tuple(Lane), "Invalid lane")]
_Scope = Annotated[str | None, one_of(tuple(MemoryScope), "Invalid memory scope")]
_Repo = Annotated[str | None, uuid("The repository id is not a UUID")]
_Sandbox = Annotated[str | None, uuid("The sandbox id is not a UUID")]


class MemoryEdit(Outbound):
    """The request to replace the content of a memory; nothing else can be changed.

    Contract: library.md §10.2.
    """

    content: Annotated[str, AfterValidator(memory_content)]


class MemoryDraft(Outbound):
    """The fields of a memory to add.

    `workspace_session_id` is used only in the session and episodic lanes, and `conversation_id`
    only in the session lane. Contract: library.md §10.2.
    """

    lane: _Lane
    content: Annotated[str, AfterValidator(memory_content)]
    metadata: Annotated[dict[str, Any] | None, json_value(4096, "metadata exceeds 4096 bytes")] = None
    repo_id: _Repo = None
    workspace_session_id: str | None = None
    conversation_id: str | None = None
    sandbox_id: _Sandbox = None
    source: str | None = None
    agent: str | None = None
    resource_scope: _Scope = None

    def body(self) -> dict[str, Any]:
        """Return the JSON body, without fields that are None."""
        return self.model_dump(by_alias=True, exclude_none=True)


def _label(value: str | None) -> str | None:
    if value is not None and utf16_length(value) > 512:
        raise ValueError("The label must be 512 characters or less")
    return value


class Checkpoint(Outbound):
    """The request to store a checkpoint: a memory that only marks a point in time.

    If `lane` is None, the service uses the session lane; if `label` is None, it uses the current
    time. Contract: library.md §10.3.
    """

    lane: Annotated[str | None, one_of(tuple(Lane), "Invalid lane")] = None
    label: Annotated[str | None, AfterValidator(_label)] = None
    repo_id: _Repo = None
    workspace_session_id: str | None = None
    conversation_id: str | None = None
    sandbox_id: _Sandbox = None
    resource_scope: _Scope = None

    def body(self) -> dict[str, Any]:
        """Return the JSON body, without fields that are None."""
        return {"action": "checkpoint", **self.model_dump(by_alias=True, exclude_none=True)}
