"""Automations as the unversioned routes return them, templates and coding CLIs.

Contract: routing.md §3 and §4.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from mogplex_tui.api.models.assignments_and_triggers import Activity
from mogplex_tui.api.models.automations import Versioned
from mogplex_tui.api.models.base import (
    Count,
    Flag,
    Inbound,
    Int64,
    OutboundSnake,
    Rows,
    Text,
    TextList,
    Time,
)
from mogplex_tui.api.models.field_validators import (
    json_value,
    one_of,
    positive_int,
    require_a_change,
    text,
    uuid,
)
from mogplex_tui.api.models.graph_checks import check_flow_graph
from mogplex_tui.api.models.jobs import RepoRef
from mogplex_tui.api.request_checks import utf16_length


class FlowTemplateId(StrEnum):
    """The ids of the templates that the service provides.

    Contract: routing.md §3.4.
    """

    BLANK = "blank"
    PR_REVIEW = "pr-review"
    DEPENDABOT_AUTOPILOT = "dependabot-autopilot"
    ISSUE_TRIAGE = "issue-triage"


class SourceKind(StrEnum):
    """The kinds of events that start an automation.

    The service stores the kind with the first publish. Contract: routing.md §3.1.
    """

    GITHUB = "github"
    SCHEDULE = "schedule"
    WEBHOOK = "webhook"
    SLACK = "slack"


class Flow(Versioned, Activity):
    """An automation as the unversioned routes return it.

    It has a draft and, after the first publish, a published version. Only lists contain the fields
    of `Activity`. Contract: routing.md §3.1.
    """

    id: str
    installation_id: Int64 | None = None
    name: Text = ""
    description: str | None = None
    notes: str | None = None
    source_kind: Text = ""
    status: Text = ""
    published_version_id: str | None = None
    trigger_schedule_id: str | None = None
    webhook_configured: Flag = False
    created_at: Time | None = None
    updated_at: Time | None = None


_Installation = Annotated[int, positive_int("installation_id is required")]
_Graph = Annotated[dict[str, Any] | None, AfterValidator(check_flow_graph)]


class FlowDraft(OutboundSnake):
    """The fields of an automation to create, optionally from a template.

    At most one of the three template ids may be set. If `name` is None, the automation gets the
    name of the template. Contract: routing.md §3.4.
    """

    installation_id: _Installation
    name: Annotated[str | None, text()] = None
    template_id: Annotated[str | None, one_of(tuple(FlowTemplateId), "Unknown workflow template")] = None
    personal_template_id: Annotated[str | None, uuid("The template id is not a UUID")] = None
    team_template_id: Annotated[str | None, uuid("The template id is not a UUID")] = None
    repo_full_name: Annotated[str | None, text("Name a repository")] = None

    @model_validator(mode="after")
    def _check_template(self) -> "FlowDraft":
        given = (self.template_id, self.personal_template_id, self.team_template_id)
        if sum(template is not None for template in given) > 1:
            raise ValueError("Choose one workflow template")
        return self

    def body(self) -> dict[str, Any]:
        """Return the JSON body, without fields that are None."""
        return self.model_dump(exclude_none=True)


class FlowChange(OutboundSnake):
    """A change of an automation's draft.

    Fields that are not set keep their values; null clears the description or the notes. The
    published version does not change. Contract: routing.md §3.6.
    """

    name: Annotated[str, text("An automation needs a name")] = ""
    description: str | None = None
    notes: str | None = None
    installation_id: Annotated[int, positive_int("Invalid installation_id")] = 0
    draft_graph: _Graph = None

    @model_validator(mode="after")
    def _check_any(self) -> "FlowChange":
        require_a_change(self.model_fields_set)
        if "draft_graph" in self.model_fields_set and self.draft_graph is None:
            raise ValueError("Saving no graph would empty the automation")
        return self


class FlowTestPayload(OutboundSnake):
    """The event data for a test run; without it, the service uses default data.

    Contract: routing.md §3.11.
    """

    payload: Annotated[dict[str, Any], json_value()]


class FlowTest(Inbound):
    """The result of starting a test run of an automation.

    `outcome` is queued or suppressed; `reason` says why a run was suppressed.
    Contract: routing.md §3.11.
    """

    matched: Flag = False
    outcome: Text = ""
    job_run_id: str | None = None
    started: Flag = False
    reason: str | None = None


class FlowTemplate(Inbound):
    """A stored template of an automation.

    `reconnect` names the settings that must be chosen again when the template is used.
    Contract: routing.md §3.17.
    """

    id: str
    owner_type: Text = ""
    owner_user_id: str | None = None
    product_team_id: str | None = None
    created_by_user_id: str | None = None
    name: Text = ""
    description: str | None = None
    source_flow_id: str | None = None
    trigger_event: Text = ""
    reconnect: TextList = Field(default_factory=list)
    requires_repository: Flag = False
    created_at: Time | None = None
    updated_at: Time | None = None


@dataclass(frozen=True)
class TemplatePage:
    """One page of at most 25 templates.

    `can_write` says whether the account may change the templates of the active team; it is None if
    no team is active. Contract: routing.md §3.17.
    """

    templates: Rows[FlowTemplate]
    next_cursor: str | None
    can_write: bool | None


def _template_name(value: str | None) -> str | None:
    if value is not None and utf16_length(value.strip()) > 80:
        raise ValueError("Template names must be 80 characters or fewer")
    return None if value is None else value.strip()


class TemplateDraft(OutboundSnake):
    """The request to save an automation as a template.

    If `name` is None, the template gets the name of the automation. Contract: routing.md §3.17.
    """

    flow_id: Annotated[str, uuid("The automation id is not a UUID")]
    name: Annotated[str | None, AfterValidator(_template_name)] = None

    def body(self) -> dict[str, Any]:
        """Return the JSON body, without fields that are None."""
        return self.model_dump(exclude_none=True)


class HarnessState(Inbound):
    """Whether a coding CLI is available, and who pays for the model that it uses.

    `reason` says why it is not available. Contract: routing.md §4.
    """

    name: Text = ""
    available: Flag = False
    billing_source: str | None = None
    reason: str | None = None


class SandboxTestEnv(Inbound):
    """The environment variables that a sandbox for the repository would get."""

    configured: Flag = False
    count: Count = None
    mode: str | None = None
    source: str | None = None
    warning: str | None = None


class SandboxTestHosting(Inbound):
    """The account, Vercel project and team that would pay for and host a sandbox."""

    billing_source: str | None = None
    credential_source: str | None = None
    project_id: str | None = None
    team_id: str | None = None


class SandboxTest(Inbound):
    """The answer whether a sandbox could be launched for a repository.

    `ok` is the answer, and `error` says why no sandbox could be launched.
    Contract: routing.md §4.
    """

    ok: Flag = False
    error: str | None = None
    repo: RepoRef | None = None
    env: SandboxTestEnv | None = None
    sandbox: SandboxTestHosting | None = None
