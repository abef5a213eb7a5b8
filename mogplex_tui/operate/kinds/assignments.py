"""Assignments: an agent does one type of work in a repository (routing.md §1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mogplex_tui.api.route_access import Family
from mogplex_tui.live.reasons import Requirement
from mogplex_tui.operate import (
    column_formats as formats,
)
from mogplex_tui.operate import (
    formatting,
    parameter_choices,
    recent_run_facts,
    toggle_delete_actions,
)
from mogplex_tui.operate.model import (
    Change,
    Creation,
    Fact,
    Join,
    Kind,
    Layout,
    Link,
    Parameter,
    Result,
    RowPage,
    Source,
    Values,
    column,
)
from mogplex_tui.operate.row_pages import page_of

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.assignments_and_triggers import Assignment
    from mogplex_tui.live.session import Session

_TYPES = ("pr_review", "cron_refactor", "cron", "push_review", "issue_triage", "ci_failure")


@dataclass(frozen=True, slots=True)
class AssignmentRow:
    """An assignment, with the names of its repository and agent if they are known."""

    id: str
    assignment: Assignment
    repo_name: str | None = None
    agent_name: str | None = None

    @property
    def repo(self) -> str:
        """The name of the repository, or its id if the name is not known."""
        return self.repo_name or self.assignment.repo_id

    @property
    def agent(self) -> str:
        """The name of the agent, or its id if the name is not known."""
        return self.agent_name or self.assignment.agent_id


async def _read(client: ClientView, _: Session) -> RowPage[AssignmentRow]:
    rows = await client.assignments.list()
    return page_of(rows, lambda assignment: AssignmentRow(assignment.id, assignment), lambda row: row.id)


def _fill(session: Session) -> Callable[[AssignmentRow], AssignmentRow]:
    names = session.names
    return lambda row: replace(
        row,
        repo_name=names.repo(row.assignment.repo_id),
        agent_name=names.agent(row.assignment.agent_id),
    )


async def _set_enabled(change: Change[AssignmentRow], enabled: bool) -> None:
    from mogplex_tui.api.models.assignments_and_triggers import AssignmentChange

    await change.client.assignments.update(change.key, AssignmentChange(enabled=enabled))


def _type(text: str) -> str:
    if text not in _TYPES:
        raise ValueError(f"The type is one of {', '.join(_TYPES)}.")
    return text


REPO = Parameter(
    "repo",
    "repository (owner/name or ID)",
    parameter_choices.required_text("Choose a repository."),
    live_choices=parameter_choices.repository_choices,
    choices_are_names=True,
)
AGENT = Parameter(
    "agent",
    "agent (name or ID)",
    parameter_choices.required_text("Choose an agent."),
    live_choices=parameter_choices.agent_choices,
    choices_are_names=True,
)
TYPE = Parameter("type", "type of work", _type, default="", choices=_TYPES)
SCHEDULE = Parameter("cron", "cron schedule in UTC, for scheduled types", lambda text: text.strip() or None)
ENABLED = Parameter(
    "enabled",
    "enable the assignment immediately",
    lambda text: text == "yes",
    default="yes",
    choices=("yes", "no"),
    past_flags={"--disabled": "no"},
)


async def _create(client: ClientView, values: Values) -> Result:
    from mogplex_tui.api.models.assignments_and_triggers import AssignmentDraft

    assignment = await client.assignments.create(
        AssignmentDraft(
            repo_id=values[REPO],
            agent_id=values[AGENT],
            type=values[TYPE],
            cron_schedule=values[SCHEDULE],
            enabled=values[ENABLED],
        )
    )
    return Result(True, "{} is created.", new_id=assignment.id)


KIND = Kind[AssignmentRow](
    name="assignments",
    title="Assignments",
    noun="assignment",
    aliases=("assignment", "as"),
    contract="routing.md §1",
    sources=(
        Source(
            Family.ASSIGNMENTS,
            _read,
            poll=60,
            poll_without_realtime=20,
            tables=frozenset({"assignments", "repos", "agents", "job_runs", "automation_dispatch_events"}),
            tables_are_complete=False,
        ),
    ),
    join=Join(_fill, names=True),
    columns=(
        column("enabled", "ON", lambda row: row.assignment.enabled, formats.switch(), Layout(5)),
        column(
            "repo",
            "REPO",
            lambda row: row.repo,
            formats.text(),
            Layout(18, flex=1, min_width=12, cut="middle"),
            is_text=True,
        ),
        column(
            "agent",
            "AGENT",
            lambda row: row.agent,
            formats.text(),
            Layout(16, 1, flex=1, min_width=10),
            is_text=True,
        ),
        column(
            "type",
            "TYPE",
            lambda row: row.assignment.type,
            formats.text(),
            Layout(13, 1, min_width=9),
            is_text=True,
        ),
        column(
            "schedule",
            "SCHEDULE",
            lambda row: row.assignment.cron_schedule,
            formats.text("dim"),
            Layout(13, 3),
            field="cron_schedule",
            is_text=True,
        ),
        column(
            "last_run_status",
            "LAST",
            lambda row: row.assignment.last_run_status,
            formats.state(is_own=False),
            Layout(11),
            is_text=True,
        ),
        column(
            "age",
            "AGE",
            lambda row: row.assignment.last_run_started_at,
            formats.AGE,
            Layout(4, 1),
            field="last_run_started_at",
        ),
        column(
            "running",
            "RUN",
            lambda row: row.assignment.running_count,
            formats.count(),
            Layout(4, 2),
            field="running_count",
        ),
        column(
            "failed",
            "FAIL",
            lambda row: row.assignment.failed_24h,
            formats.count("error"),
            Layout(4, 1),
            field="failed_24h",
        ),
        column(
            "pressure",
            "LAST REASON",
            lambda row: row.assignment.last_pressure_reason,
            formats.DIM_REASON,
            Layout(18, 4, flex=1, min_width=12),
            field="last_pressure_reason",
        ),
        # A narrow error column leaves room for the type.
        formats.error_column(lambda row: row.assignment.last_run_error, "last_run_error", min_width=14),
    ),
    hidden_filters={"project": lambda row: row.assignment.repo_id},
    label=lambda row: f"{row.repo_name or 'repo'} {row.assignment.type}".strip(),
    default_sort=lambda row: (
        formats.sort_key(row.assignment.enabled),
        formats.sort_key(row.assignment.last_run_started_at),
    ),
    descending=True,
    facts=(
        (
            Fact("enabled", lambda row: row.assignment.enabled),
            Fact("type", lambda row: row.assignment.type),
            Fact("schedule", lambda row: row.assignment.cron_schedule),
        ),
        (Fact("repo", lambda row: row.repo), Fact("agent", lambda row: row.agent)),
        *recent_run_facts.activity(AssignmentRow, lambda row: row.assignment),
        (Fact("created", lambda row: row.assignment.created_at),),
    ),
    links=(
        Link("repo", "projects", lambda row: row.repo, key=lambda row: row.assignment.repo_id),
        Link("agent", "agents", lambda row: row.agent, key=lambda row: row.assignment.agent_id),
        Link(
            "last job",
            "jobs",
            lambda row: formatting.short_id(row.assignment.last_job_run_id),
            key=lambda row: row.assignment.last_job_run_id,
        ),
        Link("jobs", "jobs", lambda _: "all jobs", filter=lambda row: f"parent:{row.id[:8]}"),
        Link(
            "dispatch log",
            "dispatch",
            lambda _: "all entries",
            filter=lambda row: f"assignmentid:{row.id[:8]}",
        ),
    ),
    creations=(
        Creation(
            "create",
            "",
            "Assign an agent to a repository",
            (REPO, AGENT, TYPE, SCHEDULE, ENABLED),
            lambda values: values.text(TYPE),
            _create,
            in_progress="creating",
            families=(Family.ASSIGNMENTS,),
        ),
    ),
    actions=(
        *toggle_delete_actions.enable_and_disable(
            AssignmentRow,
            _set_enabled,
            lambda row: row.assignment.enabled,
            Family.ASSIGNMENTS,
            enable_help="Let the assignment start new jobs",
            disable_help="Stop the assignment from starting new jobs",
            disable_consequence="Running jobs continue; no new ones start.",
        ),
        toggle_delete_actions.delete(
            lambda change: change.client.assignments.delete(change.key),
            "Its job runs are deleted too.",
            Family.ASSIGNMENTS,
        ),
    ),
    created_at=lambda row: row.assignment.created_at,
    empty="No assignments. Automations replace them: see :automations.",
    needs=Requirement("assignments", alternative=":automations shows what else starts work."),
)
