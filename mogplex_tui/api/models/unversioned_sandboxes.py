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
    """The known states of a preview; others stay texts.

    Contract: sandboxes.md §2.2.
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
    """Reason for the stop of a sandbox. A manual pause does not change it.

    Contract: sandboxes.md §2.3.
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
    """Payer of a sandbox. No route returns the amount.

    Contract: sandboxes.md §2.5.
    """

    source: Text = ""
    label: Text = ""
    project_id: str | None = None
    team_id: str | None = None
    team_label: Text = ""


class RuntimeSummary(Inbound):
    """The state of the machine.

    `persistent` and the timeout are None if the route does not read them.
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
    """The errors of a sandbox. `display_error` is the first that has a text."""

    current_error: str | None = None
    last_preview_error: str | None = None
    last_boot_error: str | None = None
    display_error: str | None = None
    has_errors: Flag = False


class SandboxRecord(Inbound):
    """The record of a sandbox, with shortcuts to fields of its summaries."""

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
        """The lifecycle status; a record without one is stopped.

        Contract: sandboxes.md §1.1.
        """
        return self.runtime_summary.status or "stopped"

    @property
    def health(self) -> str:
        """The health of the preview, `unknown` if there is none."""
        return self.runtime_summary.health_status or Health.UNKNOWN

    @property
    def error(self) -> str | None:
        """The error to show, or None."""
        return self.error_summary.display_error

    @property
    def has_root(self) -> bool:
        """Whether the response has a root directory; if not, the repository's applies."""
        return "root_directory" in self.model_fields_set


class ActiveSandbox(Inbound):
    """A sandbox that is creating, installing, running or paused, with few fields.

    Contract: sandboxes.md §3.1.
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
    """A record after the service has checked the machine and the preview."""

    sandbox: SandboxRecord
    health: Annotated[JsonObject, BeforeValidator(_object)] = Field(default_factory=dict)

    @property
    def status(self) -> str:
        """The health, as `Health` names it."""
        word = self.health.get("status")
        return word if isinstance(word, str) and word else self.sandbox.health


class Reconciled(Inbound):
    """The result of a reconcile: queued with the id of its run, or done.

    If it is done, `sandbox` is the record, None if the record is gone.
    """

    queued: Flag = False
    reason: str | None = None
    runtime_provider: str | None = None
    runtime_run_id: str | None = None
    sandbox: SandboxRecord | None = None


class SandboxDeleted(Inbound):
    """The result of a delete. With a `warning` the record still exists.

    Contract: sandboxes.md §4.2.
    """

    sandbox_id: Text = ""
    warning: str | None = None

    @property
    def is_removed(self) -> bool:
        """Whether the record was deleted."""
        return not self.warning


class Extended(Inbound):
    """The number of milliseconds by which the lifetime was extended."""

    extended_by_ms: Count = None


class PresenceSeen(Inbound):
    """The result of reporting a viewer. `queued` means that a pause may follow."""

    attached: Flag = False
    released: Flag = False
    queued: Flag = False
    grace_period_ms: Int64 | None = None


class CommandResult(Inbound):
    """The result of a command: exit code (None: unknown), output and directory."""

    exit_code: Int64 | None = None
    stdout: Text = ""
    stderr: Text = ""
    cwd: Text = ""


class FileText(Inbound):
    """The text of one file."""

    path: Text = ""
    content: Text = ""


class FileEntry(Inbound):
    """One entry of a directory. `size` is in bytes."""

    name: str
    is_dir: Flag = False
    size: Count = None


class Listing(Inbound):
    """The entries of a directory, directories first."""

    path: Text = ""
    entries: Annotated[Rows[FileEntry], nested(FileEntry)] = empty_rows()


class Move(Inbound):
    """One move that was made, with normalized paths."""

    from_path: Text = ""
    to_path: Text = ""


class TerminalOffer(Inbound):
    """A terminal to connect to, or the reason why there is none.

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
