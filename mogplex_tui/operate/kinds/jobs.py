"""Jobs: runs of automations, triggers and assignments (observability.md §7)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from mogplex_tui.api.route_access import Family
from mogplex_tui.live.reasons import Requirement, Subject
from mogplex_tui.operate import change_results, failure_steps, formatting, nested_record_text
from mogplex_tui.operate import column_formats as formats
from mogplex_tui.operate.column_formats import sort_key
from mogplex_tui.operate.filters import quoted
from mogplex_tui.operate.job_rows import (
    JobRow,
    fill,
    merge,
    read,
    read_older,
    read_single,
    read_v1,
    run_of,
    state_texts,
    state_words,
    token_notice,
)
from mogplex_tui.operate.model import (
    Action,
    Cell,
    Change,
    Confirmation,
    Fact,
    Join,
    Kind,
    Layout,
    Link,
    Older,
    Parameter,
    Related,
    Result,
    ServiceFilter,
    Single,
    Source,
    TextBlock,
    column,
    fact,
)

if TYPE_CHECKING:
    from mogplex_tui.api.models.jobs import Job

_STATUSES = ("pending", "running", "success", "failed", "cancelled")
_TABLES = frozenset({"job_runs", "ai_calls", "automation_dispatch_events"})
_VERSIONS = ("same_version", "latest_published")


def _parent(label: str, kind: str, id_of: Callable[[Job], str | None]) -> Link[JobRow]:
    return Link(label, kind, lambda row: row.source, key=lambda row: id_of(row.job))


def _span(row: JobRow) -> tuple[datetime, datetime | None] | None:
    since = row.job.created_at
    return None if since is None else (since, row.job.completed_at)


def _dispatch_filter(row: JobRow) -> str:
    return f"jobrunid:{quoted(row.id[:8])}"


def _version(text: str) -> str | None:
    if text not in ("", *_VERSIONS):
        raise ValueError(f"A version is one of {', '.join(_VERSIONS)}.")
    return text or None


VERSION = Parameter(
    "version",
    "version of the automation to run; by default the published one where it fits",
    _version,
    choices=_VERSIONS,
    only_in_command=True,
)


async def _repair(change: Change[JobRow]) -> Result:
    response = await change.client.observability.repair_job(change.key)
    return Result(*change_results.repair_result(response), fields=response.model_dump(mode="json"))


async def _requeue(change: Change[JobRow]) -> Result:
    response = await change.client.observability.requeue_job(change.key, change.values[VERSION])
    is_success, sentence = change_results.requeue_result(response)
    return Result(is_success, sentence, new_id=response.job_run_id, fields=response.model_dump(mode="json"))


def _failure(row: JobRow) -> str | None:
    return failure_steps.describe(row.failure_class, row.cause, None) if row.cause else None


def _next_step(row: JobRow) -> str | None:
    return None if row.failure is None else failure_steps.next_step(row.failure).sentence


def _status(row: JobRow) -> str:
    return row.job.status or "unknown"


def _repair_unavailable_reason(row: JobRow) -> str | None:
    if row.job.status != "pending":
        return f"Only a pending job can be repaired; this one is {_status(row)}."
    if row.job.repairable:
        return None
    since = "" if row.repairable_from is None else f" from {formatting.time_of_day(row.repairable_from)}"
    return f"It can be repaired{since}, two minutes after the last attempt to start it."


REPAIR: Action[JobRow] = Action(
    "repair",
    "R",
    "Retry the start of a pending job",
    _repair,
    in_progress="starting",
    families=(Family.OBSERVABILITY,),
    unavailable_reason=_repair_unavailable_reason,
    is_bulk=True,
)

REQUEUE: Action[JobRow] = Action(
    "requeue",
    "Q",
    "Run a failed job again as a new job",
    _requeue,
    in_progress="queueing",
    families=(Family.OBSERVABILITY,),
    unavailable_reason=lambda row: (
        None if row.job.requeueable else f"Only a failed job can be requeued; this one is {_status(row)}."
    ),
    parameters=(VERSION,),
    confirmation=Confirmation(
        ["A new job runs the published version if it fits, else the version that failed."],
        "Requeue",
        is_asked_in_command=False,
    ),
    is_bulk=True,
)

KIND = Kind[JobRow](
    name="jobs",
    title="Jobs",
    noun="job",
    aliases=("job", "jo"),
    contract="observability.md §7",
    sources=(
        Source(
            Family.OBSERVABILITY,
            read,
            poll=60,
            poll_without_realtime=10,
            tables=_TABLES,
            tables_are_complete=False,
        ),
        # Each automation takes a request, so this polls rarely. The runs of v1 tell by themselves whether they wait.
        Source(
            Family.V1,
            read_v1,
            poll=120,
            poll_without_realtime=60,
            notice=token_notice("of each automation"),
            hides=frozenset({"agent", "cost", "approvals", "failures"}),
        ),
    ),
    older=Older(
        read_older,
        lambda row: row.job.created_at,
        tuple(
            ServiceFilter(name, "status", {status: state_texts(status) for status in _STATUSES})
            for name in ("state", "status")
        ),
    ),
    single=Single(read_single, merge),
    join=Join(
        fill,
        related={
            "automations": Related(columns=("trigger",)),
            "failures": Related(columns=("error",), subject=Subject("causes of failures")),
            "approvals": Related(subject=Subject("pending approvals"), source="flows"),
        },
    ),
    columns=(
        column(
            "status",
            "STATE",
            lambda row: row.state,
            formats.state(),
            Layout(12),
            is_text=True,
            filter_value=state_words,
        ),
        column(
            "trigger",
            "TRIGGER",
            lambda row: row.source,
            formats.text(),
            Layout(22, flex=1, min_width=16),
            is_text=True,
        ),
        column(
            "repo",
            "REPO",
            lambda row: row.repo,
            formats.text(),
            Layout(18, 1, flex=1, min_width=12, cut="middle"),
            field="repo_full_name",
            is_text=True,
        ),
        column(
            "agent",
            "AGENT",
            lambda row: row.agent,
            formats.text("dim"),
            Layout(14, 4),
            field="agent_name",
            is_text=True,
        ),
        column("age", "AGE", lambda row: row.job.created_at, formats.AGE, Layout(4), field="created_at"),
        column(
            "attempts",
            "ATTEMPTS",
            lambda row: row.job.start_attempts,
            formats.count(),
            Layout(8, 7),
            field="start_attempts",
        ),
        column("tokens", "TOKENS", lambda row: row.job.tokens, formats.count(), Layout(6, 5)),
        column("cost", "COST", lambda row: row.cost_usd, formats.MONEY, Layout(8, 1), field="cost_usd"),
        formats.error_column(lambda row: row.cause or row.error, "error", min_width=formatting.CAUSE_WIDTH),
    ),
    hidden_filters={
        "source": lambda row: row.source,
        "tries": lambda row: row.job.start_attempts,
        "automation": lambda row: row.automation,
        "sourcetype": lambda row: row.job.source_type,
        "sourcekind": lambda row: row.job.source_kind,
        "laststarterror": lambda row: row.job.last_start_error,
        "parent": lambda row: row.job.parent,
        "project": lambda row: None if row.job.repo is None else row.job.repo.id,
        "retryof": lambda row: row.job.retry_of_job_run_id,
        "repairable": lambda row: "yes" if row.job.repairable else "no",
    },
    label=lambda row: f"{row.source} {row.repo or ''}".strip() or formatting.short_id(row.id),
    similarity_key=lambda row: (row.state, row.job.parent, row.repo),
    default_sort=lambda row: (sort_key(float(row.job.is_live)), sort_key(row.job.created_at)),
    descending=True,
    failed_filter="state:failed",
    live_filter="state:live",
    is_quiet=lambda row: row.job.status in ("success", "cancelled"),
    facts=(
        (
            fact("status", lambda row: row.state, formats.state()),
            Fact("outcome", lambda row: row.reason),
        ),
        (
            fact("failure", _failure, formats.text("error"), optional=True),
            Fact("next step", _next_step, optional=True),
            fact("error", lambda row: row.job.error, formats.text("error")),
            fact("last start error", lambda row: row.job.last_start_error, formats.text("error")),
            fact("cancel error", lambda row: row.job.cancel_error, formats.text("error")),
        ),
        (
            Fact("repo", lambda row: row.repo),
            Fact("agent", lambda row: row.agent),
            Fact("trigger", lambda row: row.job.source_type),
            Fact("source", lambda row: row.job.source_kind),
        ),
        (
            Fact("created", lambda row: row.job.created_at),
            Fact("started", lambda row: row.job.started_at),
            Fact("ended", lambda row: row.job.completed_at),
            Fact(
                "duration",
                lambda row: row.job.duration_ms,
                lambda row, _: Cell(formatting.millis(row.job.duration_ms)),
            ),
        ),
        (
            Fact("attempts", lambda row: row.job.start_attempts),
            Fact("last started by", lambda row: row.job.last_start_source),
            Fact("retry of", lambda row: row.job.retry_of_job_run_id),
        ),
        (
            Fact("cost", lambda row: row.cost_usd),
            Fact("tokens in", lambda row: row.job.input_tokens),
            Fact("tokens out", lambda row: row.job.output_tokens),
        ),
        (
            Fact("pull request", lambda row: row.pull_request),
            Fact("runtime", lambda row: row.job.runtime_provider),
            Fact("runtime ID", lambda row: row.job.runtime_run_id),
        ),
    ),
    links=(
        _parent("automation", "automations", lambda job: job.flow_id),
        _parent("trigger", "triggers", lambda job: None if job.flow_id else job.trigger_id),
        _parent(
            "assignment",
            "assignments",
            lambda job: None if job.flow_id or job.trigger_id else job.assignment_id,
        ),
        Link(
            "repo",
            "projects",
            lambda row: row.repo or "",
            key=lambda row: None if row.job.repo is None else row.job.repo.id,
        ),
        Link(
            "agent",
            "agents",
            lambda row: row.agent or "",
            key=lambda row: None if row.job.agent is None else row.job.agent.id,
        ),
        Link(
            "last call",
            "runs",
            lambda row: "" if row.job.latest_ai_call is None else row.job.latest_ai_call.id[:8],
            key=lambda row: None if row.job.latest_ai_call is None else row.job.latest_ai_call.id,
        ),
        Link("calls", "runs", lambda _: "all calls", filter=lambda row: f"id:{quoted(row.id[:8])}"),
        Link(
            "retry of",
            "jobs",
            lambda row: formatting.short_id(row.job.retry_of_job_run_id),
            key=lambda row: row.job.retry_of_job_run_id,
        ),
        Link(
            "approvals",
            "approvals",
            lambda _: "pending approvals",
            filter=lambda row: _dispatch_filter(row) if row.job.is_live else None,
        ),
        Link(
            "failure",
            "failures",
            lambda _: "failure details",
            filter=lambda row: _dispatch_filter(row) if row.job.status == "failed" else None,
            span=_span,
        ),
        Link("dispatch log", "dispatch", lambda _: "all entries", filter=_dispatch_filter, span=_span),
    ),
    texts=(
        TextBlock("Waits", lines=lambda row, _: [nested_record_text.wait(each) for each in row.waits]),
        TextBlock("Steps", lines=lambda row, now: [nested_record_text.step(each, now) for each in row.steps]),
        TextBlock(
            "Dispatch log",
            lines=lambda row, _: [nested_record_text.dispatch_event(each) for each in row.dispatch_events],
        ),
        TextBlock(
            "Findings", lines=lambda row, _: [nested_record_text.finding(each) for each in row.findings]
        ),
    ),
    run_of=run_of,
    page_in_browser=lambda row: row.pull_request or "",
    actions=(
        Action(
            "cancel",
            "x",
            "Cancel the job; asks first",
            lambda change: change.client.observability.cancel_job(change.key),
            in_progress="cancelling",
            help_has_title=True,
            done="{} is cancelled.",
            families=(Family.OBSERVABILITY,),
            unavailable_reason=lambda row: (
                None
                if row.job.cancelable
                else f"Only a live job can be cancelled, once; this one is {_status(row)}."
            ),
            confirmation=Confirmation(
                ["Its agents are asked to stop; their branches and sandboxes stay."], "Cancel job"
            ),
            is_bulk=True,
            is_urgent=True,
        ),
        REPAIR,
        REQUEUE,
    ),
    created_at=lambda row: row.created_at,
    empty="No jobs. :automations shows what starts them, :dispatch why one did not start.",
    needs=Requirement("jobs", accepts_token=True),
)
