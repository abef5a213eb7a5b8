"""Sandboxes and their logs, as the token API returns them.

Contract: v1.md §4.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field

from mogplex_tui.api.models.base import Inbound, JsonObject, Rows, Text, Time, empty_rows, nested

# A launch returns a missing time as "" (v1.md §4).
_MaybeTime = Annotated[Time | None, BeforeValidator(lambda value: None if value == "" else value)]


class SandboxStatus(StrEnum):
    """The known statuses of a sandbox.

    A status that is not listed here is kept as a plain string.
    """

    CREATING = "creating"
    INSTALLING = "installing"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    STOPPED = "stopped"
    ERROR = "error"


class Sandbox(Inbound):
    """A sandbox as the token API returns it.

    `id` is the id of its record. `sandbox_id` is the id of its machine at the provider, or
    "pending" while the sandbox boots.
    """

    id: str
    status: Text
    sandbox_id: str | None = None
    repo_id: str | None = None
    base_branch: Text = ""
    working_branch: Text = ""
    root_directory: str | None = None
    preview_url: str | None = None
    created_at: _MaybeTime = None
    last_active_at: _MaybeTime = None
    error: str | None = None


class LoggedSandbox(Sandbox):
    """A sandbox with the logs of its package installation and its development server."""

    install_log: str | None = None
    dev_log: str | None = None


class LifecycleEvent(Inbound):
    """One event in the lifecycle of a sandbox, such as a decision to pause it."""

    id: str
    event_type: Text
    decision_code: str | None = None
    worker_run_id: str | None = None
    payload: JsonObject = Field(default_factory=dict)
    created_at: Time | None = None


class SandboxLogs(Inbound):
    """A sandbox with its logs and its first 200 lifecycle events.

    The oldest event comes first.
    """

    sandbox: LoggedSandbox
    lifecycle_events: Annotated[Rows[LifecycleEvent], nested(LifecycleEvent)] = empty_rows()
