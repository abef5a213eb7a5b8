"""Failures of automations: class, phase and retries (observability.md §8.3)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mogplex_tui.api.route_access import Family
from mogplex_tui.live.failure_class import FailureClass, failure_class
from mogplex_tui.live.reasons import Requirement
from mogplex_tui.operate import column_formats as formats
from mogplex_tui.operate import failure_steps, formatting
from mogplex_tui.operate.model import (
    Fact,
    Kind,
    Layout,
    Link,
    Older,
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
    from mogplex_tui.live.session import Session


async def _read(client: ClientView, _: Session) -> RowPage[FailureRecord]:
    return await _read_older(client, Window())


async def _read_older(client: ClientView, window: Window) -> RowPage[FailureRecord]:
    report = await client.observability.automation_failures(since=window.since, until=window.until)
    page = page_of(report.records, lambda failure: failure, lambda failure: failure.id)
    return replace(page, total=report.total)


def _next_step(failure: FailureRecord) -> str:
    known = failure_class(failure.diagnostics.failure_class) or FailureClass.UNKNOWN
    return failure_steps.next_step(known).sentence


def _message(failure: FailureRecord) -> str | None:
    return (failure.diagnostics.failure_message or "").strip() or None


def _long_message(failure: FailureRecord) -> str | None:
    """Return the failure's message if it has several lines, otherwise None.

    A message of one line is shown as a fact on the record's page.
    """
    message = _message(failure)
    return message if message and "\n" in message else None


def _why(failure: FailureRecord) -> str:
    return formatting.reason(failure.reason, failure.metadata) or failure.reason_label


def _summary(failure: FailureRecord) -> str:
    # A failure outside the model has a reason but no message.
    return _message(failure) or _why(failure)


def _class(failure: FailureRecord) -> str | None:
    return failure.diagnostics.failure_label


def _repo(failure: FailureRecord) -> str | None:
    return None if failure.repo is None else failure.repo.full_name


def _agent(failure: FailureRecord) -> str | None:
    return None if failure.agent is None else failure.agent.name


def _model(failure: FailureRecord) -> str | None:
    return None if failure.agent is None else failure.agent.model


KIND: Kind[FailureRecord] = Kind(
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
    older=Older(_read_older, lambda failure: failure.created_at),
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
            lambda row: row.source_type,
            formats.text("dim"),
            Layout(12, 3),
            field="source_type",
            is_text=True,
        ),
        column(
            "attempts",
            "ATTEMPTS",
            lambda row: row.diagnostics.attempts,
            formats.count(),
            Layout(8, 2),
            field="attempts",
        ),
    ),
    hidden_filters={
        "why": _why,
        "source": lambda row: row.source_type,
        "tries": lambda row: row.diagnostics.attempts,
        "reason": lambda row: row.reason,
        "jobrunid": lambda row: row.job_run_id,
    },
    label=lambda row: f"{_class(row) or ''} {_repo(row) or ''}".strip(),
    default_sort=lambda row: (formats.sort_key(row.created_at),),
    descending=True,
    facts=(
        (
            Fact("class", _class),
            fact("message", _message, formats.text("error"), optional=True),
            Fact("why", _why),
            Fact("status code", lambda row: row.diagnostics.failure_status_code),
        ),
        (Fact("next step", _next_step),),
        (
            Fact("phase", lambda row: row.diagnostics.execution_phase),
            Fact("time limit", lambda row: row.diagnostics.timeout_bucket_label),
        ),
        (
            Fact("retried", lambda row: row.diagnostics.retry_attempted),
            Fact("retries", lambda row: row.diagnostics.retry_count),
            Fact("attempts", lambda row: row.diagnostics.attempts),
        ),
        (
            Fact("repo", _repo),
            Fact("agent", _agent),
            Fact("model", _model),
            Fact("trigger", lambda row: row.source_type),
        ),
        (Fact("failed at", lambda row: row.created_at),),
    ),
    links=(
        Link("job", "jobs", lambda row: formatting.short_id(row.job_run_id), key=lambda row: row.job_run_id),
        Link(
            "repo",
            "projects",
            lambda row: _repo(row) or "",
            key=lambda row: None if row.repo is None else row.repo.id,
        ),
        Link(
            "agent",
            "agents",
            lambda row: _agent(row) or "",
            key=lambda row: None if row.agent is None else row.agent.id,
        ),
        Link("model", "models", lambda row: _model(row) or "", key=_model),
    ),
    texts=(TextBlock("Message", _long_message),),
    empty="No automation has failed.",
    needs=Requirement("failures", alternative=":jobs state:failed shows failed runs of automations."),
)
