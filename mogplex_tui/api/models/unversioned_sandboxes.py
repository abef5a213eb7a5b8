"""Sandboxes as the unversioned routes return them.

Contract: sandboxes.md §1, §3 and §4.
"""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from mogplex_tui.api.models.base import (
    Count,
    Flag,
    Inbound,
    Int64,
    JsonObject,
    Rows,
    Text,
    Time,
    empty_rows,
    nested,
)
from mogplex_tui.api.models.hidden_fields import Hidden


def _object(value: object) -> object:
    return value if isinstance(value, dict) else {}


class Health(StrEnum):
    """The known states of the preview that a sandbox serves.

    A state that is not listed here is kept as a plain string. Contract: sandboxes.md §2.2.
    """

    UNKNOWN = "unknown"
    STARTING = "starting"
    RUNNING = "running"
    PAUSING = "pausing"
    READY = "ready"
    STOPPED = "stopped"
    PAUSED = "paused"
    ERROR = "error"
    NOT_AVAILABLE = "not_available"
    IDLE_WARNING = "idle_warning"
    APP_ERROR = "app_error"
    UNREACHABLE = "unreachable"


class StopReason(StrEnum):
    """The reasons why a sandbox stopped.

    If a user pauses a sandbox, the stored reason does not change. Contract: sandboxes.md §2.3.
    """

    IDLE_TIMEOUT = "idle_timeout"
    LIFETIME_TIMEOUT = "lifetime_timeout"
    MANUAL = "manual"
    STUCK_BOOT = "stuck_boot"
    VM_GONE = "vm_gone"
    AUTO_PAUSE = "auto_pause"
    BILLING_DEPLETED = "billing_depleted"
    UNKNOWN = "unknown"


class BillingSummary(Inbound):
    """The account, Vercel project or team that pays for a sandbox.

    No route returns the amount. Contract: sandboxes.md §2.5.
    """

    source: Text = ""
    label: Text = ""
    project_id: str | None = None
    team_id: str | None = None
    team_label: Text = ""


class RuntimeSummary(Inbound):
    """The state of the machine and the preview of a sandbox.

    `persistent` and `effective_timeout_ms` are None if the route does not return them.
    """

    sandbox_id: Text = ""
    status: Text = ""
    health_status: Text = ""
    preview_url: str | None = None
    last_health_check_at: Time | None = None
    last_preview_http_status: Int64 | None = None
    boot_attempts: Count = None
    last_boot_started_at: Time | None = None
    last_boot_completed_at: Time | None = None
    effective_timeout_ms: Int64 | None = None
    persistent: bool | None = None
    vercel_diagnostics: dict[str, Any] | None = None


class ErrorSummary(Inbound):
    """The errors of a sandbox.

    `display_error` is the error to show: the first one that is not empty of `current_error`,
    `last_preview_error`, `last_boot_error` and a summary of the failed build.
    """

    current_error: str | None = None
    last_preview_error: str | None = None
    last_boot_error: str | None = None
    display_error: str | None = None
    has_errors: Flag = False


class SandboxRecord(Inbound):
    """The service's record of a sandbox, as the unversioned routes return it.

    The properties are shortcuts to fields of the runtime summary and the error summary.
    """

    id: str
    user_id: Text = ""
    repo_id: Text = ""
    sandbox_id: Text = ""
    base_branch: Text = ""
    working_branch: Text = ""
    snapshot_id: str | None = None
    stop_reason: str | None = None
    install_log: str | None = Field(default=None, repr=False)
    dev_log: str | None = Field(default=None, repr=False)
    runtime: str | None = None
    terminal_cwd: str | None = None
    root_directory: str | None = None
    created_at: Time | None = None
    last_active_at: Time | None = None
    billing_summary: Annotated[BillingSummary, BeforeValidator(_object)] = Field(
        default_factory=BillingSummary
    )
    runtime_summary: Annotated[RuntimeSummary, BeforeValidator(_object)] = Field(
        default_factory=RuntimeSummary
    )
    error_summary: Annotated[ErrorSummary, BeforeValidator(_object)] = Field(default_factory=ErrorSummary)

    @property
    def status(self) -> str:
        """The lifecycle status of the sandbox; `stopped` if the record contains none.

        Contract: sandboxes.md §1.1.
        """
        return self.runtime_summary.status or "stopped"

    @property
    def health(self) -> str:
        """The health of the preview; `unknown` if the record contains none."""
        return self.runtime_summary.health_status or Health.UNKNOWN

    @property
    def error(self) -> str | None:
        """The error to show, or None if there is no error."""
        return self.error_summary.display_error

    @property
    def has_root(self) -> bool:
        """Whether the response contains a root directory, which may be None.

        If it contains none, the sandbox has the root directory of its repository.
        """
        return "root_directory" in self.model_fields_set


class ActiveSandbox(Inbound):
    """A sandbox that is not stopped, as the list of active sandboxes contains it.

    Its status is creating, installing, running or paused. Contract: sandboxes.md §3.1.
    """

    id: str
    sandbox_id: str | None = None
    repo: str | None = None
    workspace: str | None = None
    branch: str | None = None
    status: Text = ""
    created_at: Time | None = None
    url: str | None = None


class SandboxHealth(Inbound):
    """The result of checking the machine and the preview of a sandbox.

    `sandbox` is the record of the sandbox after the check.
    """

    sandbox: SandboxRecord
    health: Annotated[JsonObject, BeforeValidator(_object)] = Field(default_factory=dict)

    @property
    def status(self) -> str:
        """The health of the preview: a value of `Health`, or another word of the service."""
        word = self.health.get("status")
        return word if isinstance(word, str) and word else self.sandbox.health


class Reconciled(Inbound):
    """The result of correcting the record of a sandbox to match its machine.

    If `queued` is True, the background process `runtime_run_id` makes the correction. If it is
    False, `sandbox` is the corrected record, or None if the record no longer exists.
    """

    queued: Flag = False
    reason: str | None = None
    runtime_provider: str | None = None
    runtime_run_id: str | None = None
    sandbox: SandboxRecord | None = None


class SandboxDeleted(Inbound):
    """The result of deleting a sandbox.

    If `warning` is not None, the record still exists. Contract: sandboxes.md §4.2.
    """

    sandbox_id: Text = ""
    warning: str | None = None

    @property
    def is_removed(self) -> bool:
        """Whether the record of the sandbox was deleted."""
        return not self.warning


class Extended(Inbound):
    """The number of milliseconds by which the lifetime of a sandbox was extended."""

    extended_by_ms: Count = None


class PresenceSeen(Inbound):
    """The response to the report that a viewer has opened or closed a sandbox.

    `queued` is True if the service may pause the sandbox after the grace period.
    """

    attached: Flag = False
    released: Flag = False
    queued: Flag = False
    grace_period_ms: Int64 | None = None


class CommandResult(Inbound):
    """The exit code, the output and the working directory after a command.

    `exit_code` is None if the exit code is unknown.
    """

    exit_code: Int64 | None = None
    stdout: Text = ""
    stderr: Text = ""
    cwd: Text = ""


class FileText(Inbound):
    """The text of one file in a sandbox."""

    path: Text = ""
    content: Text = ""


class FileEntry(Inbound):
    """One entry of a directory in a sandbox.

    `size` is in bytes.
    """

    name: str
    is_dir: Flag = False
    size: Count = None


class Listing(Inbound):
    """The entries of a directory in a sandbox; subdirectories come first."""

    path: Text = ""
    entries: Annotated[Rows[FileEntry], nested(FileEntry)] = empty_rows()


class Move(Inbound):
    """A completed move of a file or directory, with both paths normalized."""

    from_path: Text = ""
    to_path: Text = ""


class TerminalOffer(Inbound):
    """The address of a sandbox's terminal, or the reason why none is available.

    `expires_at` is in milliseconds since 1970.
    """

    available: Flag = False
    reason: str | None = None
    detail: str | None = None
    terminal_session_key: str | None = None
    ws_url: str | None = None
    token: Hidden | None = None
    expires_at: Int64 | None = None
    tmux_available: Flag = False
