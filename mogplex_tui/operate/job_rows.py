"""Rows of the list of jobs, from each route (observability.md §7, v1.md §5.4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from mogplex_tui.api.access import Family
from mogplex_tui.live.reasons import PartialList, Requirement, Subject
from mogplex_tui.operate import formatting
from mogplex_tui.operate.combined_reads import ListPart, read_parts
from mogplex_tui.operate.common_joins import automation_names, jobs_with_open_approval
from mogplex_tui.operate.formatting import first_line
from mogplex_tui.operate.model import Entry, RowPage, Window, page_of

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.automations import AutomationRun, AutomationRunDetail, NodeRun, Wait
    from mogplex_tui.api.models.base import Rows
    from mogplex_tui.api.models.jobs import DispatchEvent, Finding, Job, JobDetail
    from mogplex_tui.live.session import Session

# A job can be repaired this long after its last start attempt, or after its creation if there was none (§7).
_REPAIR_AFTER = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job run of the list, with the fields that only the single record has.

    `open_waits` counts its waits for a person or an event; only the token API returns it. `automation` is the name of
    its automation. `waits_for_person` is true while the job has an open approval.
    """

    id: str
    job: Job
    cost_usd: Decimal | None
    open_waits: int | None = None
    steps: tuple[NodeRun, ...] = ()
    waits: tuple[Wait, ...] = ()
    dispatch_events: tuple[DispatchEvent, ...] = ()
    findings: tuple[Finding, ...] = ()
    automation: str | None = None
    waits_for_person: bool = False

    @property
    def created_at(self) -> datetime | None:
        """The creation time."""
        return self.job.created_at

    @property
    def state(self) -> str:
        """The status, or `waiting` or `parked` for a live job that waits.

        The service reports such a job as running.
        """
        if self.job.is_live and self.waits_for_person:
            return "waiting"
        return "parked" if self.job.is_live and self.open_waits else self.job.status

    @property
    def source(self) -> str:
        """The name of its automation, or the type of the event that started it."""
        return self.automation or self.job.source_type

    @property
    def repo(self) -> str | None:
        """The name of its repository."""
        return None if self.job.repo is None else self.job.repo.full_name

    @property
    def agent(self) -> str | None:
        """The name of its agent."""
        return None if self.job.agent is None else self.job.agent.name

    @property
    def error(self) -> str | None:
        """The newest error: of the job, of its last start, or of its cancel."""
        return self.job.error or self.job.last_start_error or self.job.cancel_error

    @property
    def repairable_from(self) -> datetime | None:
        """The time from which the service accepts a repair."""
        since = self.job.last_start_attempt_at or self.job.created_at or self.job.started_at
        return None if since is None else since + _REPAIR_AFTER

    @property
    def pull_request(self) -> str | None:
        """The address of its pull request."""
        url = self.job.metadata.get("pull_request_url")
        return url if isinstance(url, str) else None

    @property
    def reason(self) -> str:
        """The reason of its newest dispatch event, in words."""
        event = self.job.latest_dispatch_event
        return "" if event is None else formatting.reason(first_line(event.reason or ""), self.job.metadata)


def _as_listed(job: Job) -> Job:
    """Reduce a job to the fields of the list, so that jobs of all routes compare."""
    from mogplex_tui.api.models.jobs import Job

    return Job.model_construct(**{name: getattr(job, name) for name in Job.model_fields})


def _row(job: Job) -> JobRow:
    from mogplex_tui.api.models.automations import AutomationRun

    row = JobRow(job.id, _as_listed(job), job.cost_usd)
    if isinstance(job, AutomationRun):
        return replace(row, open_waits=job.active_wait_count, steps=tuple(job.node_runs))
    return row


def _detailed(job: JobDetail) -> JobRow:
    return replace(_row(job), dispatch_events=tuple(job.dispatch_events), findings=tuple(job.review_findings))


def _detailed_v1(run: AutomationRunDetail) -> JobRow:
    from mogplex_tui.live import v1_jobs

    return replace(_detailed(run), cost_usd=v1_jobs.cost_of(run), waits=tuple(run.waits))


def page_of_runs(runs: Rows[AutomationRun]) -> RowPage[JobRow]:
    """Convert the runs of an automation to rows."""
    return page_of(runs, _row, lambda row: row.id)


async def read_older(client: ClientView, window: Window) -> RowPage[JobRow]:
    """Read the newest jobs of a window, at most 100."""
    response = await client.observability.jobs(
        since=window.since, until=window.until, status=window.filters.get("status")
    )
    return replace(page_of(response.jobs, _row, lambda row: row.id), total=response.total)


async def read(client: ClientView, _: Session) -> RowPage[JobRow]:
    """Read the newest jobs."""
    return await read_older(client, Window())


def token_notice(of: str) -> PartialList:
    """Return the notice that a token shows only the newest runs of automations."""
    return PartialList(
        f"the newest 50 runs {of}", Requirement("other jobs, agents, costs and actions on jobs")
    )


async def read_v1(client: ClientView, session: Session) -> RowPage[JobRow]:
    """Read the runs of the newest automations; each read may fail by itself."""
    from mogplex_tui.live import v1_jobs

    jobs = await v1_jobs.newest(client)

    def part(automation_runs: v1_jobs.AutomationRuns) -> ListPart[JobRow]:
        async def read(_: ClientView, __: Session) -> RowPage[JobRow]:
            if automation_runs.error is not None:
                raise automation_runs.error
            return page_of_runs(automation_runs.runs)

        name = automation_runs.automation.name or automation_runs.automation.id[:8]
        return ListPart(automation_runs.automation.id, Subject(f"runs of {name}"), read)

    page = await read_parts(client, session, "jobs", map(part, jobs.of_each))
    if not jobs.left_out:
        return page
    partial = token_notice(f"of the newest {v1_jobs.MOST_AUTOMATIONS} automations")
    cause = session.missing_session(Family.OBSERVABILITY)
    return replace(page, notices=(partial._replace(cause=cause), *page.notices))


async def read_single(client: ClientView, key: str, row: JobRow | None) -> Entry[JobRow]:
    """Read a job with its steps, waits, dispatch events and findings.

    Over v1 its cost is the sum of its calls.
    """
    if client.access.may_ask(Family.OBSERVABILITY):
        job = await client.observability.job(key)
        return Entry(key, _detailed(job), job.model_dump(mode="json"))
    from mogplex_tui.live import v1_jobs

    run = await v1_jobs.one(client, key, None if row is None else row.job.flow_id)
    detailed = _detailed_v1(run)
    cost = None if detailed.cost_usd is None else str(detailed.cost_usd)
    return Entry(key, detailed, {**run.model_dump(mode="json"), "cost_usd": cost})


def merge(row: JobRow, single: JobRow) -> JobRow:
    """Return a newer row of the list with the fields that only the single record has."""
    return replace(
        row,
        cost_usd=single.cost_usd if row.cost_usd is None else row.cost_usd,
        steps=row.steps or single.steps,
        waits=single.waits,
        dispatch_events=single.dispatch_events,
        findings=single.findings,
    )


def fill(session: Session) -> Callable[[JobRow], JobRow]:
    """Return a function that fills in the automation's name and an open approval."""
    name_of, waiting = automation_names(session), jobs_with_open_approval(session)
    return lambda row: replace(row, automation=name_of(row.job.flow_id), waits_for_person=row.id in waiting)


def state_texts(status: str) -> tuple[str, ...]:
    """Return the texts by which a filter finds the jobs of a status.

    A live job may be shown as waiting.
    """
    waiting = ("waiting", "parked") if status in ("pending", "running") else ()
    return tuple(text for state in (status, *waiting) for text in (formatting.state(state)[1], state))
