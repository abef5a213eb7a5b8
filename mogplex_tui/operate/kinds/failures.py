"""Failures of automations: class, phase and retries (observability.md §8.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from mogplex_tui.api.route_access import Family
from mogplex_tui.live.failure_class import FailureClass, failure_class
from mogplex_tui.live.reasons import Requirement
from mogplex_tui.operate import column_formats as formats
from mogplex_tui.operate import failure_steps, formatting
from mogplex_tui.operate.common_joins import automation_names
from mogplex_tui.operate.failure_groups import FailureGroupings, Grouping
from mogplex_tui.operate.model import (
    Fact,
    Join,
    Kind,
    Layout,
    Link,
    Older,
    Related,
    RowPage,
    Source,
    TextBlock,
    Window,
    column,
    fact,
)
from mogplex_tui.operate.row_pages import page_of

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.dispatch_and_failures import FailureRecord
    from mogplex_tui.live.run_row import RunRow
    from mogplex_tui.live.session import Session
    from mogplex_tui.live.store import RowSet


@dataclass(frozen=True, slots=True)
class FailureRow:
    """A failed run of an automation, with the automation's name from the list of runs."""

    failure: FailureRecord
    automation: str | None = None

    @property
    def created_at(self) -> datetime | None:
        """The time of the failure."""
        return self.failure.created_at


async def _read(client: ClientView, _: Session) -> RowPage[FailureRow]:
    return await _read_older(client, Window())


async def _read_older(client: ClientView, window: Window) -> RowPage[FailureRow]:
    report = await client.observability.automation_failures(since=window.since, until=window.until)
    page = page_of(report.records, FailureRow, lambda row: row.failure.id)
    return replace(page, total=report.total)


def _next_step(row: FailureRow) -> str:
    known = failure_class(row.failure.diagnostics.failure_class) or FailureClass.UNKNOWN
    return failure_steps.next_step(known).sentence


def _message(row: FailureRow) -> str | None:
    return (row.failure.diagnostics.failure_message or "").strip() or None


def _long_message(row: FailureRow) -> str | None:
    """Return the failure's message if it has several lines, otherwise None.

    A message of one line is shown as a fact on the record's page.
    """
    message = _message(row)
    return message if message and "\n" in message else None


def _why(row: FailureRow) -> str:
    return formatting.reason(row.failure.reason, row.failure.metadata) or row.failure.reason_label


def _summary(row: FailureRow) -> str:
    # A failure outside the model has a reason but no message.
    return _message(row) or _why(row)


def _class(row: FailureRow) -> str | None:
    return row.failure.diagnostics.failure_label


def _repo(row: FailureRow) -> str | None:
    return None if row.failure.repo is None else row.failure.repo.full_name


def _agent(row: FailureRow) -> str | None:
    return None if row.failure.agent is None else row.failure.agent.name


def _model(row: FailureRow) -> str | None:
    return None if row.failure.agent is None else row.failure.agent.model


def _fill(session: Session) -> Callable[[FailureRow], FailureRow]:
    """Return a function that adds the name of the automation to a row.

    A failure names only its job, so the automation is the one of a run of this job.
    """
    name_of = automation_names(session)
    runs: RowSet[RunRow] = session.store.set("runs")
    of_jobs = {row.job_id: row.automation or name_of(row.flow_id) for row in runs.rows.values() if row.job_id}
    return lambda row: replace(row, automation=of_jobs.get(row.failure.job_run_id or ""))


KIND: Kind[FailureRow] = Kind(
    name="failures",
    title="Failures",
    noun="failure",
    aliases=("failure", "fail", "fa"),
    contract="observability.md §8.3",
    sources=(
        Source(
            Family.OBSERVABILITY,
            _read,
            poll=90,
            poll_without_realtime=30,
            tables=frozenset({"automation_dispatch_events"}),
        ),
    ),
    older=Older(_read_older, lambda row: row.created_at),
    join=Join(_fill, related={"runs": Related(), "automations": Related()}),
    failure_groupings=FailureGroupings(
        lambda row: row.created_at,
        (
            Grouping("class", "class", _class, str.lower),
            Grouping("model", "model", _model, formatting.model),
            Grouping("automation", "automation", lambda row: row.automation),
        ),
    ),
    columns=(
        column("age", "AGE", lambda row: row.created_at, formats.AGE, Layout(4), field="created_at"),
        column(
            "class", "CLASS", _class, formats.text("warn"), Layout(22), field="failure_label", is_text=True
        ),
        column(
            "message",
            "MESSAGE",
            _summary,
            formats.text(),
            Layout(34, flex=3, min_width=30),
            is_text=True,
        ),
        column(
            "repo",
            "REPO",
            _repo,
            formats.text(),
            Layout(16, flex=1, min_width=12, cut="middle"),
            is_text=True,
        ),
        column("agent", "AGENT", _agent, formats.text("dim"), Layout(14, 3), is_text=True),
        column(
            "trigger",
            "TRIGGER",
            lambda row: row.failure.source_type,
            formats.text("dim"),
            Layout(12, 3),
            field="source_type",
            is_text=True,
        ),
        column(
            "attempts",
            "ATTEMPTS",
            lambda row: row.failure.diagnostics.attempts,
            formats.count(),
            Layout(8, 2),
            field="attempts",
        ),
    ),
    hidden_filters={
        "why": _why,
        "source": lambda row: row.failure.source_type,
        "tries": lambda row: row.failure.diagnostics.attempts,
        "model": _model,
        "automation": lambda row: row.automation,
        "reason": lambda row: row.failure.reason,
        "jobrunid": lambda row: row.failure.job_run_id,
    },
    label=lambda row: f"{_class(row) or ''} {_repo(row) or ''}".strip(),
    default_sort=lambda row: (formats.sort_key(row.created_at),),
    descending=True,
    facts=(
        (
            Fact("class", _class),
            fact("message", _message, formats.text("error"), optional=True),
            Fact("why", _why),
            Fact("status code", lambda row: row.failure.diagnostics.failure_status_code),
        ),
        (Fact("next step", _next_step),),
        (
            Fact("phase", lambda row: row.failure.diagnostics.execution_phase),
            Fact("time limit", lambda row: row.failure.diagnostics.timeout_bucket_label),
        ),
        (
            Fact("retried", lambda row: row.failure.diagnostics.retry_attempted),
            Fact("retries", lambda row: row.failure.diagnostics.retry_count),
            Fact("attempts", lambda row: row.failure.diagnostics.attempts),
        ),
        (
            Fact("repo", _repo),
            Fact("automation", lambda row: row.automation, optional=True),
            Fact("agent", _agent),
            Fact("model", _model),
            Fact("trigger", lambda row: row.failure.source_type),
        ),
        (Fact("failed at", lambda row: row.created_at),),
    ),
    links=(
        Link(
            "job",
            "jobs",
            lambda row: formatting.short_id(row.failure.job_run_id),
            key=lambda row: row.failure.job_run_id,
        ),
        Link(
            "repo",
            "projects",
            lambda row: _repo(row) or "",
            key=lambda row: None if row.failure.repo is None else row.failure.repo.id,
        ),
        Link(
            "agent",
            "agents",
            lambda row: _agent(row) or "",
            key=lambda row: None if row.failure.agent is None else row.failure.agent.id,
        ),
        Link("model", "models", lambda row: _model(row) or "", key=_model),
    ),
    texts=(TextBlock("Message", _long_message),),
    empty="No automation has failed.",
    needs=Requirement("failures", alternative=":jobs state:failed shows failed runs of automations."),
)
