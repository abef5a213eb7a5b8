"""Runs of coding CLIs, as the token API starts and returns them.

Contract: v1.md §7 to §9.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pydantic import Field, field_validator

from mogplex_tui.api.models.base import Flag, Inbound, Rows, Text, Time
from mogplex_tui.api.models.branch_and_directory import WorkingTree
from mogplex_tui.api.models.calls import LIVE
from mogplex_tui.api.models.events import Event
from mogplex_tui.api.request_checks import invalid_prompt_reason, is_uuid

MAX_RUN_EVENTS = 200
"""The number of events that v1 returns for a run; they are its oldest events (v1.md §8)."""


class Harness(StrEnum):
    """The coding CLIs that a run can use."""

    CODEX = "codex"
    CLAUDE_CODE = "claude-code"


class RunBranch(Inbound):
    """The branches that were requested when a run was started.

    The CLI may work on another branch; only the events of the run then name it.
    Contract: v1.md §7.5.
    """

    base: Text = ""
    working: Text = ""
    create_branch: Flag = False


class RunRuntime(Inbound):
    """The background process of the service that executes a run."""

    provider: str | None = None
    run_id: str | None = None


class RunDetail(Inbound):
    """A run of a coding CLI.

    Its tokens and its cost are not here but in the AI call of the run. Contract: v1.md §7.5.
    """

    run_id: str
    status: Text
    ai_call_id: str | None = None
    sandbox_record_id: str | None = None
    sandbox_id: str | None = None
    repo_id: str | None = None
    harness: Text = ""
    branch: RunBranch = Field(default_factory=RunBranch)
    root_directory: str | None = None
    created_at: Time | None = None
    updated_at: Time | None = None
    error: str | None = None
    runtime: RunRuntime | None = None

    @property
    def is_live(self) -> bool:
        """Whether the run has not finished, so that its data may still change."""
        return self.status in LIVE


class StartedRun(RunDetail):
    """The response to the start of a run.

    `replayed` is True if an earlier request with the same idempotency key had started the run.
    Contract: v1.md §7.3.
    """

    replayed: Flag = False


class RunCancelled(Inbound):
    """The response to the request to cancel a run.

    If `status` is that of an unfinished run, the service is still cancelling it.
    Contract: v1.md §9.
    """

    run: RunDetail
    status: Text = ""
    already_terminal: Flag = False


@dataclass(frozen=True)
class RunEvents:
    """A run with its oldest events.

    `is_truncated` is True if the run may have more events; the token API cannot return them.
    """

    run: RunDetail
    events: Rows[Event]
    is_truncated: bool


class RunStart(WorkingTree):
    """The request to start a run.

    Contract: v1.md §7.2, §9.1 and §9.2.
    """

    repo_id: str
    prompt: str
    harness: str = Harness.CODEX
    conversation_id: str | None = None
    workspace_session_id: str | None = None
    mode: str | None = None

    @field_validator("repo_id")
    @classmethod
    def _check_repo(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("Choose a repository")
        if not is_uuid(value.strip()):
            # The service answers such a request with a 503, which looks like an outage (auth.md §7).
            raise ValueError("The repository id is not a UUID")
        return value.strip().lower()

    @field_validator("prompt")
    @classmethod
    def _check_prompt(cls, value: str) -> str:
        if problem := invalid_prompt_reason(value):
            raise ValueError(problem)
        return value.strip()

    @field_validator("harness")
    @classmethod
    def _check_harness(cls, value: str) -> str:
        if value not in tuple(Harness):
            raise ValueError(f"The harness must be {' or '.join(Harness)}")
        return str(value)
