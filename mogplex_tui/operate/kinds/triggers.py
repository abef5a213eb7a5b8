"""Triggers: GitHub events that start an agent (routing.md §2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mogplex_tui.api.route_access import Family
from mogplex_tui.live.reasons import Requirement
from mogplex_tui.operate import column_formats as formats
from mogplex_tui.operate import formatting, recent_run_facts, toggle_delete_actions
from mogplex_tui.operate.model import Change, Fact, Join, Kind, Layout, Link, RowPage, Source, column
from mogplex_tui.operate.row_pages import page_of

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.assignments_and_triggers import Trigger
    from mogplex_tui.live.session import Session


@dataclass(frozen=True, slots=True)
class TriggerRow:
    """A trigger, with the name of its agent.

    The name is from the trigger itself, or from the list of agents if the trigger has none.
    """

    id: str
    trigger: Trigger
    agent_name: str | None = None

    @property
    def agent_id(self) -> str | None:
        """The id of the trigger's agent."""
        agent = self.trigger.agent
        return (agent.id if agent is not None else None) or self.trigger.agent_id

    @property
    def agent(self) -> str | None:
        """The name of the trigger's agent, or its id if the name is not known."""
        return self.agent_name or self.trigger.agent_id

    @property
    def model(self) -> str | None:
        """The model of the trigger's agent."""
        return self.trigger.agent.model if self.trigger.agent is not None else None

    @property
    def installation(self) -> str | None:
        """GitHub's number of the App installation that the trigger belongs to."""
        number = self.trigger.installation_id
        return None if number is None else str(number)


def _row(trigger: Trigger) -> TriggerRow:
    return TriggerRow(trigger.id, trigger, trigger.agent.name if trigger.agent is not None else None)


async def _read(client: ClientView, _: Session) -> RowPage[TriggerRow]:
    return page_of(await client.triggers.list(), _row, lambda row: row.id)


def _fill(session: Session) -> Callable[[TriggerRow], TriggerRow]:
    return lambda row: replace(row, agent_name=row.agent_name or session.names.agent(row.trigger.agent_id))


async def _set_enabled(change: Change[TriggerRow], enabled: bool) -> None:
    from mogplex_tui.api.models.assignments_and_triggers import TriggerChange

    await change.client.triggers.update(change.key, TriggerChange(enabled=enabled))


KIND = Kind[TriggerRow](
    name="triggers",
    title="Triggers",
    noun="trigger",
    aliases=("trigger", "tr"),
    contract="routing.md §2",
    sources=(
        Source(
            Family.TRIGGERS,
            _read,
            poll=60,
            poll_without_realtime=20,
            tables=frozenset(
                {"triggers", "github_installations", "repos", "job_runs", "automation_dispatch_events"}
            ),
            tables_are_complete=False,
        ),
    ),
    join=Join(_fill, names=True),
    columns=(
        column("enabled", "ON", lambda row: row.trigger.enabled, formats.switch(), Layout(5)),
        column(
            "event",
            "EVENT",
            lambda row: row.trigger.event,
            formats.text(),
            Layout(14, flex=1, min_width=12),
            is_text=True,
        ),
        column(
            "agent",
            "AGENT",
            lambda row: row.agent,
            formats.text(),
            Layout(18, flex=1, min_width=10),
            is_text=True,
        ),
        column(
            "installation",
            "INSTALL",
            lambda row: row.installation,
            formats.text("dim"),
            Layout(10, 3),
            field="installation_id",
            is_text=True,
        ),
        column(
            "last_run_status",
            "LAST",
            lambda row: row.trigger.last_run_status,
            formats.state(is_own=False),
            Layout(11),
            is_text=True,
        ),
        column(
            "age",
            "AGE",
            lambda row: row.trigger.last_run_started_at,
            formats.AGE,
            Layout(4, 1),
            field="last_run_started_at",
        ),
        column(
            "running",
            "RUN",
            lambda row: row.trigger.running_count,
            formats.count(),
            Layout(4, 2),
            field="running_count",
        ),
        column(
            "waiting",
            "WAIT",
            lambda row: row.trigger.pending_count,
            formats.count(),
            Layout(4, 2),
            field="pending_count",
        ),
        column(
            "failed",
            "FAIL",
            lambda row: row.trigger.failed_24h,
            formats.count("error"),
            Layout(4, 1),
            field="failed_24h",
        ),
        column(
            "skipped",
            "SKIPPED",
            lambda row: row.trigger.suppressed_24h,
            formats.count("warn"),
            Layout(7, 3),
            field="suppressed_24h",
        ),
        formats.error_column(lambda row: row.trigger.last_run_error, "last_run_error"),
    ),
    hidden_filters={"suppressed": lambda row: row.trigger.suppressed_24h},
    label=lambda row: f"{row.trigger.event} {row.agent_name or ''}".strip(),
    default_sort=lambda row: (
        formats.sort_key(row.trigger.enabled),
        formats.sort_key(row.trigger.last_run_started_at),
    ),
    descending=True,
    facts=(
        (
            Fact("enabled", lambda row: row.trigger.enabled),
            Fact("event", lambda row: row.trigger.event),
            Fact("default", lambda row: row.trigger.is_default),
        ),
        (
            Fact("agent", lambda row: row.agent),
            Fact("model", lambda row: row.model),
            Fact("installation", lambda row: row.installation),
        ),
        *recent_run_facts.activity(TriggerRow, lambda row: row.trigger),
        (Fact("created", lambda row: row.trigger.created_at),),
    ),
    links=(
        Link("agent", "agents", lambda row: row.agent or "", key=lambda row: row.agent_id),
        Link(
            "last job",
            "jobs",
            lambda row: formatting.short_id(row.trigger.last_job_run_id),
            key=lambda row: row.trigger.last_job_run_id,
        ),
        Link("jobs", "jobs", lambda _: "all jobs", filter=lambda row: f"parent:{row.id[:8]}"),
        Link(
            "dispatch log",
            "dispatch",
            lambda _: "all entries",
            filter=lambda row: f"triggerid:{row.id[:8]}",
        ),
        Link("model", "models", lambda row: row.model or "", key=lambda row: row.model),
    ),
    actions=(
        *toggle_delete_actions.enable_and_disable(
            TriggerRow,
            _set_enabled,
            lambda row: row.trigger.enabled,
            Family.TRIGGERS,
            enable_help="Let the event start new jobs",
            disable_help="Stop the event from starting new jobs",
            disable_consequence="Running jobs continue; no new ones start.",
        ),
        toggle_delete_actions.delete(
            lambda change: change.client.triggers.delete(change.key),
            "Its jobs stay in the dispatch log; the event no longer starts jobs.",
            Family.TRIGGERS,
        ),
    ),
    created_at=lambda row: row.trigger.created_at,
    empty="No triggers. :automations shows what else starts jobs.",
    needs=Requirement("triggers"),
)
