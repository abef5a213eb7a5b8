"""The events of a boot, of a command and of a coding CLI in a sandbox.

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
    """The sandbox has a new lifecycle status."""

    status: Text = ""
    sandbox: Record = None


class BootWarning(StreamEvent):
    """A problem that does not stop the boot. It may also come after `SandboxReady`."""

    message: Text = ""


class SnapshotRestore(StreamEvent):
    """The machine is being restored from a snapshot."""

    snapshot_id: Text = ""


class SandboxCreated(StreamEvent):
    """The machine exists. `record_id` is the id that every route takes."""

    sandbox_id: Text = ""
    record_id: Text = ""
    sandbox: Record = None


class BootLog(StreamEvent):
    """Output of a phase of the boot: text that may begin and end within a line."""

    phase: Text = ""
    data: Text = ""


class PreviewUrl(StreamEvent):
    """The address of the preview."""

    url: Text = ""
    sandbox: Record = None


class SandboxReady(StreamEvent):
    """The sandbox is running."""

    sandbox: Record = None

    @property
    def end(self) -> StreamEnd:
        """Success."""
        return StreamEnd(StreamEndKind.DONE)


class SandboxFound(SandboxReady):
    """A sandbox of this working tree exists already; it may still be booting."""

    @property
    def is_final(self) -> bool:
        """Return True: no other event follows in the response."""
        return True


class IdleWarning(StreamEvent):
    """The sandbox will be paused soon."""

    minutes_remaining: float | None = None


class CommandStarted(StreamEvent):
    """The command has started. `cmd_id` is the id that cancels it."""

    cmd_id: Text = ""


class CommandDone(StreamEvent):
    """The command has ended. `exit_code` None is unknown.

    `cwd` is the directory for the next command.
    """

    exit_code: Int64 | None = None
    cwd: Text = ""

    @property
    def end(self) -> StreamEnd:
        """Success, whatever the exit code."""
        return StreamEnd(StreamEndKind.DONE)

    @property
    def is_final(self) -> bool:
        """No event follows."""
        return True


class HarnessStarted(StreamEvent):
    """The call of the run, by whose id its events and its cost are found."""

    ai_call_id: Text = ""


class InstallLog(StreamEvent):
    """Output of the installation of the CLI."""

    data: Text = ""


class HarnessSession(StreamEvent):
    """The session of the CLI, which a later run can continue."""

    session_id: Text = ""


class HarnessDone(StreamEvent):
    """The CLI has ended. It has opened a pull request if it changed something."""

    exit_code: Int64 | None = None
    error: str | None = None
    failure_code: str | None = None
    pull_request_url: str | None = None

    @property
    def end(self) -> StreamEnd:
        """Success, or the failure that the CLI reported."""
        if not self.exit_code and self.error is None:
            return StreamEnd(StreamEndKind.DONE)
        return StreamEnd(StreamEndKind.FAILED, self.error or f"exit code {self.exit_code}")

    @property
    def is_final(self) -> bool:
        """No event follows."""
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
