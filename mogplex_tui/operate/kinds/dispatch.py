"""The dispatch log: why work did or did not start (observability.md §8.1, §8.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mogplex_tui.api.route_access import Family
from mogplex_tui.live.reasons import Requirement
from mogplex_tui.operate import column_formats as formats
from mogplex_tui.operate import common_joins, formatting
from mogplex_tui.operate.model import (
    Fact,
    Join,
    Kind,
    Layout,
    Link,
    Older,
    Related,
    RowPage,
    ServiceFilter,
    Source,
    Window,
    column,
    fact,
)
from mogplex_tui.operate.row_pages import page_of

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.dispatch_and_failures import DispatchLogEntry, DispatchLogPage
    from mogplex_tui.live.session import Session

_OUTCOMES = (
    *("queued", "suppressed", "started", "deferred", "start_failed", "completed", "failed"),
    *("cancel_requested", "cancelled", "cancel_failed", "reconciled"),
)
# Outcomes of work that continues or went well.
_QUIET = ("queued", "started", "completed", "resumed")


@dataclass(frozen=True, slots=True)
class DispatchRow:
    """A dispatch event, with the name of its automation."""

    id: str
    entry: DispatchLogEntry
    automation_name: str | None = None

    @property
    def why(self) -> str:
        """The reason of the dispatch event, as text."""
        return formatting.reason(self.entry.reason, self.entry.metadata) or self._started_by

    @property
    def _started_by(self) -> str:
        return f"by {self.start_source.replace('_', ' ')}" if self.start_source else ""

    @property
    def start_source(self) -> str:
        """The service's word for the type of event that started the work."""
        return str(self.entry.metadata.get("start_source") or "")

    @property
    def code(self) -> str | None:
        """The reason code of the dispatch event, None if the reason is free text."""
        reason = self.entry.reason
        return None if reason == formatting.reason(reason) else reason

    @property
    def repo_name(self) -> str | None:
        """The name of the event's repository."""
        return None if self.entry.repo is None else self.entry.repo.full_name

    @property
    def repo_id(self) -> str | None:
        """The id of the event's repository."""
        return (None if self.entry.repo is None else self.entry.repo.id) or self.entry.repo_id

    @property
    def agent_name(self) -> str | None:
        """The name of the event's agent."""
        return None if self.entry.agent is None else self.entry.agent.name

    @property
    def agent_id(self) -> str | None:
        """The id of the event's agent."""
        return None if self.entry.agent is None else self.entry.agent.id


def _page(response: DispatchLogPage) -> RowPage[DispatchRow]:
    page = page_of(response.entries, lambda entry: DispatchRow(entry.id, entry), lambda row: row.id)
    return replace(page, total=response.total)


async def _read(client: ClientView, _: Session) -> RowPage[DispatchRow]:
    return _page(await client.observability.automation_events())


async def _read_older(client: ClientView, window: Window) -> RowPage[DispatchRow]:
    filters = window.filters
    return _page(
        await client.observability.automation_events(
            since=window.since,
            until=window.until,
            outcome=filters.get("outcome"),
        )
    )


_SERVICE_FILTERS = (
    ServiceFilter("outcome", "outcome", {name: (formatting.state(name)[1], name) for name in _OUTCOMES}),
)


def _fill(session: Session) -> Callable[[DispatchRow], DispatchRow]:
    name_of = common_joins.automation_names(session)
    return lambda row: replace(row, automation_name=name_of(row.entry.flow_id))


KIND = Kind[DispatchRow](
    name="dispatch",
    title="Dispatch log",
    noun="dispatch log entry",
    aliases=("ledger", "events", "di"),
    contract="observability.md §8.1",
    sources=(
        Source(
            Family.OBSERVABILITY,
            _read,
            poll=60,
            poll_without_realtime=15,
            tables=frozenset({"automation_dispatch_events"}),
        ),
    ),
    join=Join(_fill, related={"automations": Related(columns=("owner",))}),
    older=Older(_read_older, lambda row: row.entry.created_at, _SERVICE_FILTERS),
    columns=(
        column("age", "AGE", lambda row: row.entry.created_at, formats.AGE, Layout(4), field="created_at"),
        column(
            "step",
            "STEP",
            lambda row: row.entry.event_kind,
            formats.text("dim"),
            Layout(8, 1),
            field="event_kind",
            is_text=True,
        ),
        column(
            "outcome", "OUTCOME", lambda row: row.entry.outcome, formats.state(), Layout(14), is_text=True
        ),
        column(
            "why", "WHY", lambda row: row.why, formats.text(), Layout(40, flex=3, min_width=30), is_text=True
        ),
        column(
            "repo",
            "REPO",
            lambda row: row.repo_name,
            formats.text(),
            Layout(16, 1, flex=1, min_width=12, cut="middle"),
            is_text=True,
        ),
        column(
            "trigger",
            "TRIGGER",
            lambda row: row.entry.source_type,
            formats.text("dim"),
            Layout(14, 2),
            field="source_type",
            is_text=True,
        ),
        column(
            "owner",
            "OWNER",
            lambda row: row.automation_name or row.agent_name,
            formats.text("dim"),
            Layout(16, 3, flex=1),
            is_text=True,
        ),
        column(
            "job",
            "JOB",
            lambda row: row.entry.job_run_id,
            formats.short_id(),
            Layout(8, 4),
            field="job_run_id",
            is_text=True,
        ),
    ),
    hidden_filters={
        "reason": lambda row: row.entry.reason,
        "source": lambda row: row.entry.source_type,
        "whose": lambda row: row.automation_name or row.agent_name,
        "automation": lambda row: row.automation_name,
        "jobrunid": lambda row: row.entry.job_run_id,
        "flowid": lambda row: row.entry.flow_id,
        "triggerid": lambda row: row.entry.trigger_id,
        "assignmentid": lambda row: row.entry.assignment_id,
    },
    label=lambda row: f"{formatting.state(row.entry.outcome)[1]} {row.repo_name or ''}".strip(),
    default_sort=lambda row: (formats.sort_key(row.entry.created_at),),
    descending=True,
    is_quiet=lambda row: row.entry.outcome in _QUIET,
    facts=(
        (
            Fact("step", lambda row: row.entry.event_kind),
            fact("outcome", lambda row: row.entry.outcome, formats.state()),
            Fact("why", lambda row: row.why),
            Fact("code", lambda row: row.code),
        ),
        (
            Fact("repo", lambda row: row.repo_name),
            Fact("agent", lambda row: row.agent_name),
            Fact("automation", lambda row: row.automation_name or row.entry.flow_id),
        ),
        (
            Fact("trigger", lambda row: row.entry.source_type),
            Fact("source", lambda row: row.entry.source_kind),
            Fact("start source", lambda row: row.start_source),
        ),
        (Fact("created", lambda row: row.entry.created_at),),
    ),
    links=(
        Link(
            "job",
            "jobs",
            lambda row: formatting.short_id(row.entry.job_run_id),
            key=lambda row: row.entry.job_run_id,
        ),
        Link(
            "automation",
            "automations",
            lambda row: row.automation_name or row.entry.flow_id or "",
            key=lambda row: row.entry.flow_id,
        ),
        Link(
            "trigger",
            "triggers",
            lambda row: formatting.short_id(row.entry.trigger_id),
            key=lambda row: row.entry.trigger_id,
        ),
        Link(
            "assignment",
            "assignments",
            lambda row: formatting.short_id(row.entry.assignment_id),
            key=lambda row: row.entry.assignment_id,
        ),
        Link("agent", "agents", lambda row: row.agent_name or "", key=lambda row: row.agent_id),
        Link("repo", "projects", lambda row: row.repo_name or row.repo_id or "", key=lambda row: row.repo_id),
    ),
    empty="No entries. Events that match :automations, :triggers or :assignments appear here.",
    needs=Requirement(
        "entries of the dispatch log", alternative="The page of a job in :jobs shows its own entries."
    ),
)
