"""Stream events of starting a sandbox and of commands and coding CLIs in it.

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
"""The record in an event, or None.

During the installation it may be older than the stored record.
"""


class BootStatus(StreamEvent):
    """The event that the lifecycle status of the sandbox changed."""

    status: Text = ""
    sandbox: Record = None


class BootWarning(StreamEvent):
    """The event of a problem that does not stop the boot.

    It may also come after `SandboxReady`.
    """

    message: Text = ""


class SnapshotRestore(StreamEvent):
    """The event that the machine is being restored from a snapshot."""

    snapshot_id: Text = ""


class SandboxCreated(StreamEvent):
    """The event that the machine exists.

    `record_id` is the id of the sandbox that all routes take.
    """

    sandbox_id: Text = ""
    record_id: Text = ""
    sandbox: Record = None


class BootLog(StreamEvent):
    """The event with output of a phase of the boot.

    The text may begin and end within a line.
    """

    phase: Text = ""
    data: Text = ""


class PreviewUrl(StreamEvent):
    """The event with the address of the sandbox's preview."""

    url: Text = ""
    sandbox: Record = None


class SandboxReady(StreamEvent):
    """The event that the sandbox is running."""

    sandbox: Record = None

    @property
    def end(self) -> StreamEnd:
        """The end of the stream that this event reports: success."""
        return StreamEnd(StreamEndKind.DONE)


class SandboxFound(SandboxReady):
    """The event that a sandbox with these branches and this directory already exists.

    The sandbox may still be booting.
    """

    @property
    def is_final(self) -> bool:
        """Always True: no other event follows in the response."""
        return True


class IdleWarning(StreamEvent):
    """The event that the sandbox will soon be paused because it is idle."""

    minutes_remaining: float | None = None


class CommandStarted(StreamEvent):
    """The event that the command has started.

    `cmd_id` is the id by which the command can be cancelled.
    """

    cmd_id: Text = ""


class CommandDone(StreamEvent):
    """The event that the command has ended.

    If `exit_code` is None, the exit code is unknown. `cwd` is the directory for the next command.
    """

    exit_code: Int64 | None = None
    cwd: Text = ""

    @property
    def end(self) -> StreamEnd:
        """The end of the stream that this event reports: success for any exit code."""
        return StreamEnd(StreamEndKind.DONE)

    @property
    def is_final(self) -> bool:
        """Always True: no event follows."""
        return True


class HarnessStarted(StreamEvent):
    """The event with the id of the AI call that records the coding CLI's work.

    The events and the cost of the work are found by this id.
    """

    ai_call_id: Text = ""


class InstallLog(StreamEvent):
    """The event with output of the installation of the coding CLI."""

    data: Text = ""


class HarnessSession(StreamEvent):
    """The event with the id of the coding CLI's session.

    A later prompt can continue the session.
    """

    session_id: Text = ""


class HarnessDone(StreamEvent):
    """The event that the coding CLI has ended.

    If the CLI changed something, the service has opened a pull request.
    """

    exit_code: Int64 | None = None
    error: str | None = None
    failure_code: str | None = None
    pull_request_url: str | None = None

    @property
    def end(self) -> StreamEnd:
        """The end of the stream: success, or the failure that the coding CLI reported."""
        if not self.exit_code and self.error is None:
            return StreamEnd(StreamEndKind.DONE)
        return StreamEnd(StreamEndKind.FAILED, self.error or f"exit code {self.exit_code}")

    @property
    def is_final(self) -> bool:
        """Always True: no event follows."""
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
