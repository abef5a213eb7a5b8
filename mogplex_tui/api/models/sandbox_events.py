"""The events of booting a sandbox, of a command in it, and of a coding CLI in it (sandboxes.md §3.2, §4)."""

from collections.abc import Mapping
from typing import Annotated, TypeAlias

from pydantic import PlainValidator, ValidationError

from mogplex_tui.api.models.base import Int64, Text
from mogplex_tui.api.models.sandbox_records import SandboxRecord
from mogplex_tui.api.models.stream import (
    Output,
    StreamCancelled,
    StreamEnd,
    StreamEndKind,
    StreamEvent,
    StreamFailed,
    UnknownEvent,
)


def _record(value: object) -> SandboxRecord | None:
    # An event says more than its record: one that cannot be read must not hide what happened.
    try:
        return value if isinstance(value, SandboxRecord) else SandboxRecord.model_validate(value)
    except ValidationError:
        return None


Record = Annotated[SandboxRecord | None, PlainValidator(_record)]
"""The record inside an event, or None; while it is being installed it may be older than the stored one."""


class BootStatus(StreamEvent):
    """The sandbox has come to a lifecycle status."""

    status: Text = ""
    sandbox: Record = None


class BootWarning(StreamEvent):
    """Something that does not stop the boot; it may come after `SandboxReady`, too."""

    message: Text = ""


class SnapshotRestore(StreamEvent):
    """The machine is made from a snapshot."""

    snapshot_id: Text = ""


class SandboxCreated(StreamEvent):
    """The machine is there; `record_id` is the id that every route takes."""

    sandbox_id: Text = ""
    record_id: Text = ""
    sandbox: Record = None


class BootLog(StreamEvent):
    """What a phase of the boot printed: a piece of text, not aligned to lines."""

    phase: Text = ""
    data: Text = ""


class PreviewUrl(StreamEvent):
    """Where the preview will answer."""

    url: Text = ""
    sandbox: Record = None


class SandboxReady(StreamEvent):
    """The sandbox runs."""

    sandbox: Record = None

    @property
    def end(self) -> StreamEnd:
        """A success."""
        return StreamEnd(StreamEndKind.DONE)


class SandboxFound(SandboxReady):
    """Nothing had to boot from here: a sandbox of this working tree was there, and it may still be booting."""

    @property
    def is_final(self) -> bool:
        """It is all that such an answer holds."""
        return True


class IdleWarning(StreamEvent):
    """The sandbox will be paused soon."""

    minutes_remaining: float | None = None


class CommandStarted(StreamEvent):
    """A command runs; `cmd_id` is what cancels it."""

    cmd_id: Text = ""


class CommandDone(StreamEvent):
    """A command has ended, well or not: None is an exit code that is not known. `cwd` is where to go on."""

    exit_code: Int64 | None = None
    cwd: Text = ""

    @property
    def end(self) -> StreamEnd:
        """The command's end; a failing command is a command that ran."""
        return StreamEnd(StreamEndKind.DONE)

    @property
    def is_final(self) -> bool:
        """Nothing follows."""
        return True


class HarnessStarted(StreamEvent):
    """The run has its call; events and costs are found under its id."""

    ai_call_id: Text = ""


class InstallLog(StreamEvent):
    """What installing the CLI printed."""

    data: Text = ""


class HarnessSession(StreamEvent):
    """The CLI's own session, with which the talk can be gone on with."""

    session_id: Text = ""


class HarnessDone(StreamEvent):
    """The CLI has ended; it opens a pull request by itself when it changed something."""

    exit_code: Int64 | None = None
    error: str | None = None
    failure_code: str | None = None
    pull_request_url: str | None = None

    @property
    def end(self) -> StreamEnd:
        """A success, or the failure that the CLI ended with."""
        if not self.exit_code and self.error is None:
            return StreamEnd(StreamEndKind.DONE)
        return StreamEnd(StreamEndKind.FAILED, self.error or f"exit code {self.exit_code}")

    @property
    def is_final(self) -> bool:
        """Nothing follows."""
        return True


BootEvent: TypeAlias = (
    BootStatus
    | BootWarning
    | SnapshotRestore
    | SandboxCreated
    | BootLog
    | PreviewUrl
    | SandboxReady
    | IdleWarning
    | StreamFailed
    | StreamCancelled
    | UnknownEvent
)
CommandEvent: TypeAlias = (
    CommandStarted | Output | CommandDone | StreamFailed | StreamCancelled | UnknownEvent
)
HarnessEvent: TypeAlias = (
    HarnessStarted
    | InstallLog
    | HarnessSession
    | Output
    | HarnessDone
    | StreamFailed
    | StreamCancelled
    | UnknownEvent
)

BOOT_EVENTS: Mapping[str, type[BootEvent]] = {
    "status": BootStatus,
    "warning": BootWarning,
    "snapshot_restore": SnapshotRestore,
    "sandbox_created": SandboxCreated,
    "log": BootLog,
    "preview_url": PreviewUrl,
    "ready": SandboxReady,
    "idle_warning": IdleWarning,
    "error": StreamFailed,
    "cancelled": StreamCancelled,
}
COMMAND_EVENTS: Mapping[str, type[CommandEvent]] = {
    "run": CommandStarted,
    "log": Output,
    "done": CommandDone,
    "error": StreamFailed,
    "cancelled": StreamCancelled,
}
HARNESS_EVENTS: Mapping[str, type[HarnessEvent]] = {
    "run": HarnessStarted,
    "install": InstallLog,
    "session": HarnessSession,
    "log": Output,
    "done": HarnessDone,
    "error": StreamFailed,
    "cancelled": StreamCancelled,
}
