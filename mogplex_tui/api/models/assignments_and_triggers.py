"""Assignments and triggers, which start work on a repository.

Contract: routing.md §1 and §2.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from mogplex_tui.api.models.base import Count, Flag, Inbound, Int64, OutboundSnake, Text, Time
from mogplex_tui.api.models.field_validators import one_of, positive_int, require_a_change, text, uuid


class AssignmentType(StrEnum):
    """The kinds of work that an assignment can do."""

    PR_REVIEW = "pr_review"
    CRON_REFACTOR = "cron_refactor"
    CRON = "cron"
    PUSH_REVIEW = "push_review"
    ISSUE_TRIAGE = "issue_triage"
    CI_FAILURE = "ci_failure"


class TriggerEvent(StrEnum):
    """The events that a trigger can react to.

    Automations can react to further events.
    """

    MENTION = "mention"
    PR_OPENED = "pr_opened"
    ISSUE_OPENED = "issue_opened"
    PR_COMMENT = "pr_comment"
    ISSUE_COMMENT = "issue_comment"
    PUSH = "push"
    CI_FAILURE = "ci_failure"


class Activity(Inbound):
    """Base class of records that start runs: the latest run and counts of runs.

    The counts of runs that did not start (suppressed, deferred, start failed) are counts of entries
    in the dispatch log. `last_run_error` may contain control characters. `last_pressure_reason` is
    the newest reason in the dispatch log, whatever its outcome and its age.
    Contract: routing.md §1.1.
    """

    last_job_run_id: str | None = None
    last_run_status: str | None = None
    last_run_started_at: Time | None = None
    last_run_error: str | None = None
    running_count: Count = None
    pending_count: Count = None
    failed_24h: Count = None
    last_run_repairable: bool | None = None
    last_run_requeueable: bool | None = None
    last_run_cancelable: bool | None = None
    suppressed_24h: Count = None
    deferred_24h: Count = None
    start_failed_24h: Count = None
    last_pressure_reason: str | None = None
    last_pressure_at: Time | None = None


class Assignment(Activity):
    """One kind of work that an agent is set up to do on a repository.

    The response to a change does not contain the fields of `Activity`. Contract: routing.md §1.
    """

    id: str
    repo_id: Text = ""
    agent_id: Text = ""
    type: Text = ""
    cron_schedule: str | None = None
    skill_id: str | None = None
    enabled: Flag = False
    created_at: Time | None = None


_Type = Annotated[
    str, one_of(tuple(AssignmentType), f"The kind of work must be one of {', '.join(AssignmentType)}")
]
_Skill = Annotated[str | None, uuid("The skill id is not a UUID")]


class AssignmentDraft(OutboundSnake):
    """The fields of an assignment to create.

    If the agent is a preset, the service creates a copy of the preset for the account.
    """

    repo_id: Annotated[str, uuid("The repository id is not a UUID")]
    agent_id: Annotated[str, text("Choose an agent")]
    type: _Type
    cron_schedule: str | None = None
    skill_id: _Skill = None
    enabled: bool = True


class AssignmentChange(OutboundSnake):
    """A change of an assignment; fields that are not set keep their values.

    None removes the skill. The schedule cannot be removed. Contract: routing.md §1.3.
    """

    enabled: bool = True
    cron_schedule: Annotated[str, text("A schedule cannot be cleared")] = ""
    type: _Type = ""
    skill_id: _Skill = None

    @model_validator(mode="after")
    def _check_any(self) -> "AssignmentChange":
        require_a_change(self.model_fields_set)
        return self


class TriggerAgent(Inbound):
    """The agent of a trigger: only its id, names and model."""

    id: str | None = None
    name: str | None = None
    slug: str | None = None
    model: str | None = None


class Trigger(Activity):
    """A rule that an event of a GitHub installation starts an agent.

    Contract: routing.md §2.
    """

    id: str
    installation_id: Int64 | None = None
    agent_id: Text = ""
    event: Text = ""
    is_default: Flag = False
    enabled: Flag = False
    created_at: Time | None = None
    agent: TriggerAgent | None = Field(default=None, validation_alias="agents")


_Event = Annotated[str, one_of(tuple(TriggerEvent), f"The event must be one of {', '.join(TriggerEvent)}")]
_Agent = Annotated[str, uuid("The agent id is not a UUID")]


class TriggerDraft(OutboundSnake):
    """The fields of a trigger to create.

    The service creates triggers enabled. Contract: routing.md §2.
    """

    installation_id: Annotated[int, positive_int("The installation must be a positive number")]
    agent_id: _Agent
    event: _Event
    is_default: bool = False


class TriggerChange(OutboundSnake):
    """A change of a trigger; fields that are not set keep their values.

    At least one field must be set. Contract: routing.md §2.
    """

    enabled: bool = True
    event: _Event = ""
    is_default: bool = False
    agent_id: _Agent = ""

    @model_validator(mode="after")
    def _check_any(self) -> "TriggerChange":
        require_a_change(self.model_fields_set)
        return self
