"""Events of streams that launch sandboxes, run commands or run coding CLIs.

Contract: sandboxes.md §3.2 and §4.
"""

from collections.abc import Mapping
from typing import Annotated, TypeAlias

from pydantic import PlainValidator, ValidationError

from mogplex_tui.api.models.base import Int64, Text
from mogplex_tui.api.models.stream_events import (
    Output,
    StreamCancelled,
    StreamEnd,
    StreamEndKind,
    StreamEvent,
    StreamFailed,
    UnknownEvent,
)
from mogplex_tui.api.models.unversioned_sandboxes import SandboxRecord


def _record(value: object) -> SandboxRecord | None:
    # A record that does not parse must not hide the event.
    try:
        return value if isinstance(value, SandboxRecord) else SandboxRecord.model_validate(value)
    except ValidationError:
        return None


Record = Annotated[SandboxRecord | None, PlainValidator(_record)]
"""The sandbox record in an event, or None if the record does not parse.

During the installation it may be older than the stored record.
"""


class BootStatus(StreamEvent):
    """Event sent when the lifecycle status of the sandbox has changed."""

    status: Text = ""
    sandbox: Record = None


class BootWarning(StreamEvent):
    """Event with a problem that does not stop the boot.

    It may also come after `SandboxReady`.
    """

    message: Text = ""


class SnapshotRestore(StreamEvent):
    """Event sent when the machine is being restored from a snapshot."""

    snapshot_id: Text = ""


class SandboxCreated(StreamEvent):
    """Event sent when the machine of the sandbox has been created.

    `record_id` is the id of the sandbox to use in requests; `sandbox_id` is the id of its machine.
    """

    sandbox_id: Text = ""
    record_id: Text = ""
    sandbox: Record = None


class BootLog(StreamEvent):
    """Event with output of one phase of the boot.

    `data` may begin and end in the middle of a line.
    """

    phase: Text = ""
    data: Text = ""


class PreviewUrl(StreamEvent):
    """Event with the URL of the preview that the sandbox serves."""

    url: Text = ""
    sandbox: Record = None


class SandboxReady(StreamEvent):
    """Event sent when the boot has ended and the sandbox is running."""

    sandbox: Record = None

    @property
    def end(self) -> StreamEnd:
        """The reason why the stream ended: DONE."""
        return StreamEnd(StreamEndKind.DONE)


class SandboxFound(SandboxReady):
    """Event sent when a sandbox for the same branches and directory exists already.

    The existing sandbox may still be booting.
    """

    @property
    def is_final(self) -> bool:
        """Always True: it is the only event in the response."""
        return True


class IdleWarning(StreamEvent):
    """Event sent when the sandbox is idle and will soon be paused."""

    minutes_remaining: float | None = None


class CommandStarted(StreamEvent):
    """Event sent when the command has started.

    `cmd_id` is the id with which the command can be cancelled.
    """

    cmd_id: Text = ""


class CommandDone(StreamEvent):
    """Event sent when the command has ended.

    `exit_code` is None if the exit code is unknown. `cwd` is the working directory after the
    command, to be used for the next one.
    """

    exit_code: Int64 | None = None
    cwd: Text = ""

    @property
    def end(self) -> StreamEnd:
        """The reason why the stream ended: DONE, whatever the exit code."""
        return StreamEnd(StreamEndKind.DONE)

    @property
    def is_final(self) -> bool:
        """Always True: no other event follows in the stream."""
        return True


class HarnessStarted(StreamEvent):
    """Event sent when the coding CLI starts, and an AI call records what it does.

    `ai_call_id` is the id of the call, with which its events and its cost can be read.
    """

    ai_call_id: Text = ""


class InstallLog(StreamEvent):
    """Event with output of the installation of the coding CLI."""

    data: Text = ""


class HarnessSession(StreamEvent):
    """Event with the id of the coding CLI's session.

    A later prompt with this id continues the session.
    """

    session_id: Text = ""


class HarnessDone(StreamEvent):
    """Event sent when the coding CLI has ended.

    If the CLI changed files, `pull_request_url` is the pull request that was opened.
    """

    exit_code: Int64 | None = None
    error: str | None = None
    failure_code: str | None = None
    pull_request_url: str | None = None

    @property
    def end(self) -> StreamEnd:
        """The reason why the stream ended: DONE, or FAILED if the coding CLI failed."""
        if not self.exit_code and self.error is None:
            return StreamEnd(StreamEndKind.DONE)
        return StreamEnd(StreamEndKind.FAILED, self.error or f"exit code {self.exit_code}")

    @property
    def is_final(self) -> bool:
        """Always True: no other event follows in the stream."""
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
