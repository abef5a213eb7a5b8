"""Requests of the sandbox routes.

Contract: sandboxes.md §3.2 and §4.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from mogplex_tui.api.models import field_validators
from mogplex_tui.api.models.base import Outbound
from mogplex_tui.api.models.branch_and_directory import WorkingTree
from mogplex_tui.api.models.runs import Harness

_MAX_MINUTES = 300
_MAX_NAME_LENGTH = 128
_MAX_REASON_LENGTH = 64


class LaunchDraft(WorkingTree):
    """The request to launch a sandbox.

    If `create_branch` is True, `working_branch` is required. If `working_branch` is None, the
    sandbox works on the base branch.
    """

    repo_id: Annotated[str, field_validators.uuid("The repository id is not a UUID")]
    restore_snapshot_id: Annotated[str | None, field_validators.text()] = None
    restore_snapshot_project_id: Annotated[str | None, field_validators.text()] = None
    restore_snapshot_team_id: Annotated[str | None, field_validators.text()] = None

    @model_validator(mode="after")
    def _check_named(self) -> LaunchDraft:
        if self.create_branch and self.working_branch is None:
            raise ValueError("A new branch needs a name")
        return self


class CommandDraft(Outbound):
    """A command to run in a sandbox.

    If `args` is None, a shell runs `command`; otherwise `command` is the program to run. `cwd` is
    the working directory; None means the root directory of the sandbox.
    """

    command: Annotated[
        str, field_validators.text("command required", trimmed=False), field_validators.json_value()
    ]
    args: Annotated[list[str] | None, field_validators.json_value()] = None
    cwd: Annotated[str | None, field_validators.json_value()] = None

    def body(self) -> dict[str, Any]:
        """Return the JSON body."""
        return self.model_dump(by_alias=True, exclude_none=True)


class CommandId(Outbound):
    """The id of a running command, from the first event of the command's stream."""

    cmd_id: Annotated[str, field_validators.text("cmdId required")]


class HarnessDraft(Outbound):
    """The request to run a coding CLI with a prompt in a sandbox.

    `continue_last` continues the last session, `resume_session_id` the session with this id.
    `ai_call_id` is the id of an AI call that `prepare_harness` has created.
    """

    harness: Annotated[str, field_validators.one_of(tuple(Harness), "Invalid harness")]
    prompt: Annotated[
        str, field_validators.text("Prompt is required", trimmed=False), field_validators.json_value()
    ]
    continue_last: Annotated[bool | None, Field(serialization_alias="continue")] = None
    resume_session_id: Annotated[str | None, field_validators.text()] = None
    mode: Annotated[str | None, field_validators.text()] = None
    conversation_id: Annotated[str | None, field_validators.text()] = None
    workspace_session_id: Annotated[str | None, field_validators.text()] = None
    ai_call_id: Annotated[str | None, field_validators.uuid("The call id is not a UUID")] = None

    def body(self) -> dict[str, Any]:
        """Return the JSON body."""
        return self.model_dump(by_alias=True, exclude_none=True)


class Extension(Outbound):
    """The request to extend the lifetime of a sandbox by a number of minutes."""

    minutes: float

    @field_validator("minutes")
    @classmethod
    def _check(cls, value: float) -> float:
        if not (math.isfinite(value) and 1 <= value <= _MAX_MINUTES):
            raise ValueError(f"minutes must be between 1 and {_MAX_MINUTES}")
        return value

    def body(self) -> dict[str, Any]:
        """Return the JSON body; an integral number of minutes is sent as an integer."""
        return {"minutes": int(self.minutes) if self.minutes.is_integer() else self.minutes}


class PresenceEvent(StrEnum):
    """The changes in the presence of a person or program that views a sandbox.

    ATTACH means that the viewer has opened the sandbox, RELEASE that it has closed it.
    """

    ATTACH = "attach"
    RELEASE = "release"


class PresenceReport(Outbound):
    """The report that a viewer has opened or closed a sandbox.

    `tab_id` and `session_id` identify the viewer. The service ignores a report of a viewer if it
    has already received one with a higher `event_seq`.
    """

    event: Annotated[str, field_validators.one_of(tuple(PresenceEvent), "event must be attach or release")]
    tab_id: str
    session_id: str
    event_seq: int | None = None
    reason: str | None = None

    @field_validator("tab_id")
    @classmethod
    def _check_tab(cls, value: str) -> str:
        return _named("tabId", value)

    @field_validator("session_id")
    @classmethod
    def _check_session(cls, value: str) -> str:
        return _named("sessionId", value)

    @field_validator("event_seq")
    @classmethod
    def _check_seq(cls, value: int | None) -> int | None:
        if value is not None and value < 0:
            raise ValueError("eventSeq must be a non-negative integer")
        return value

    @field_validator("reason")
    @classmethod
    def _check_reason(cls, value: str | None) -> str | None:
        # The service keeps only this much of the text.
        return None if value is None else value.strip()[:_MAX_REASON_LENGTH]

    def body(self) -> dict[str, Any]:
        """Return the JSON body."""
        return self.model_dump(by_alias=True, exclude_none=True)


def _named(name: str, value: str) -> str:
    text = value.strip()
    if not 1 <= len(text) <= _MAX_NAME_LENGTH:
        raise ValueError(f"{name} must be between 1 and {_MAX_NAME_LENGTH} characters")
    return text


class EntryKind(StrEnum):
    """The kinds of directory entries that can be created in a sandbox."""

    FILE = "file"
    DIRECTORY = "directory"


def relative_path(path: str) -> str:
    """Check that a path is below the root directory of a sandbox, and return it.

    Raises ValueError for any other path. Contract: sandboxes.md §4.11.
    """
    if not path.strip("/ "):
        raise ValueError("path required")
    if "\0" in path:
        raise ValueError("path must stay within the repo root")
    depth = 0
    for step in path.split("/"):
        depth += {"": 0, ".": 0, "..": -1}.get(step, 1)
        if depth < 0:
            raise ValueError("path must stay within the repo root")
    if depth == 0:
        raise ValueError("path must stay within the repo root")
    return path


class PathDraft(Outbound):
    """Base class of requests about one path below the root directory of a sandbox."""

    path: str

    _check = field_validator("path")(relative_path)


class FileDraft(PathDraft):
    """The request to write a file in a sandbox.

    `content` is the complete new content of the file; it may be empty.
    """

    content: Annotated[str, field_validators.json_value()]


class EntryDraft(PathDraft):
    """The request to create an empty file or a directory in a sandbox."""

    kind: Annotated[str, field_validators.one_of(tuple(EntryKind), "kind must be 'file' or 'directory'")]


class MoveDraft(Outbound):
    """The request to move one file or directory in a sandbox.

    The paths of a directory end with a slash, those of a file do not.
    """

    from_path: str
    to_path: str

    _check = field_validator("from_path", "to_path")(relative_path)

    @model_validator(mode="after")
    def _check_pair(self) -> MoveDraft:
        if self.from_path.endswith("/") != self.to_path.endswith("/"):
            raise ValueError("move kind mismatch")
        if f"{self.to_path.strip('/')}/".startswith(f"{self.from_path.strip('/')}/"):
            raise ValueError("Cannot move a directory into itself")
        return self


class MovesDraft(Outbound):
    """The request to make several moves; the service makes either all of them or none."""

    moves: Annotated[list[MoveDraft], Field(min_length=1)]

    @field_validator("moves", mode="before")
    @classmethod
    def _check_any(cls, value: object) -> object:
        if not value:
            raise ValueError("moves required")
        return value
