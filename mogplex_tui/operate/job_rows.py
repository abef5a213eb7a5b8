"""Rows of the list of jobs (observability.md §7, v1.md §5.4).

They are read from the unversioned routes, or from the token API.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from mogplex_tui.api.route_access import Family
from mogplex_tui.live.failure_class import FailureClass, failure_class
from mogplex_tui.live.reasons import PartialList, Requirement, Subject
from mogplex_tui.operate import formatting
from mogplex_tui.operate.combined_reads import ListPart, read_parts
from mogplex_tui.operate.common_joins import automation_names, jobs_with_open_approval
from mogplex_tui.operate.failure_steps import class_of
from mogplex_tui.operate.formatting import first_line
from mogplex_tui.operate.model import Entry, RowPage, Window
from mogplex_tui.operate.row_pages import page_of

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.automations import AutomationRun, AutomationRunDetail, NodeRun, Wait
    from mogplex_tui.api.models.base import Rows
    from mogplex_tui.api.models.jobs import DispatchEvent, Finding, Job, JobDetail
    from mogplex_tui.live.run_row import RunRow
    from mogplex_tui.live.session import Session

# A job can be repaired this long after its last start attempt, or after its creation if there was none (§7).
_REPAIR_AFTER = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class JobRow:
    """A row of the list of jobs, with further fields from the job's own record.

    `waits`, `dispatch_events` and `findings` are empty until the job's own record is read. `steps`
    are also empty until then, unless the row is from the token API. `open_waits` is the number of
    open waits for a person or an event; only the token API returns it. `automation` is the name of
    the automation that the job belongs to. `waits_for_person` is true while the job has an open
    approval. `failure_class` and `cause`, the most specific message, are from the list of failures.
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
    failure_class: FailureClass | None = None
    cause: str | None = None

    @property
    def created_at(self) -> datetime | None:
        """The creation time of the job."""
        return self.job.created_at

    @property
    def state(self) -> str:
        """The state of the job: its status, or `waiting` or `parked` while it waits.

        A live job is `waiting` for an approval, or `parked` for another event. The service reports
        both as running.
        """
        if self.job.is_live and self.waits_for_person:
            return "waiting"
        return "parked" if self.job.is_live and self.open_waits else self.job.status

    @property
    def source(self) -> str:
        """The name of the automation, or the type of the event that started the job."""
        return self.automation or self.job.source_type

    @property
    def repo(self) -> str | None:
        """The name of the job's repository."""
        return None if self.job.repo is None else self.job.repo.full_name

    @property
    def agent(self) -> str | None:
        """The name of the job's agent."""
        return None if self.job.agent is None else self.job.agent.name

    @property
    def error(self) -> str | None:
        """The error of the job, of its last start, or of its cancel.

        The first of the three that is set is used.
        """
        return self.job.error or self.job.last_start_error or self.job.cancel_error

    @property
    def failure(self) -> FailureClass | None:
        """The class of the job's failure, None for a job that has not failed."""
        return class_of(self.failure_class, self.error) if self.job.status == "failed" else None

    @property
    def repairable_from(self) -> datetime | None:
        """The time after which the service accepts a repair of the job."""
        since = self.job.last_start_attempt_at or self.job.created_at or self.job.started_at
        return None if since is None else since + _REPAIR_AFTER

    @property
    def pull_request(self) -> str | None:
        """The web address of the job's pull request."""
        url = self.job.metadata.get("pull_request_url")
        return url if isinstance(url, str) else None

    @property
    def reason(self) -> str:
        """The reason of the job's newest dispatch event, as text."""
        event = self.job.latest_dispatch_event
        return "" if event is None else formatting.reason(first_line(event.reason or ""), self.job.metadata)


def _as_listed(job: Job) -> Job:
    """Return a copy of a job with only the fields that the list has.

    Jobs from different routes can then be compared.
    """
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
    """Convert the runs of an automation to a page of job rows."""
    return page_of(runs, _row, lambda row: row.id)


async def read_older(client: ClientView, window: Window) -> RowPage[JobRow]:
    """Read the newest jobs, at most 100, in a time range with service filters."""
    response = await client.observability.jobs(
        since=window.since, until=window.until, status=window.filters.get("status")
    )
    return replace(page_of(response.jobs, _row, lambda row: row.id), total=response.total)


async def read(client: ClientView, _: Session) -> RowPage[JobRow]:
    """Read the newest jobs."""
    return await read_older(client, Window())


def token_notice(of: str) -> PartialList:
    """Return the notice that only the newest runs of automations are listed.

    The notice is for a list that was read with a token; with a browser session all jobs are listed.
    `of` completes the phrase "the newest 50 runs".
    """
    return PartialList(
        f"the newest 50 runs {of}", Requirement("other jobs, agents, costs and actions on jobs")
    )


async def read_v1(client: ClientView, session: Session) -> RowPage[JobRow]:
    """Read the runs of the newest automations from the token API.

    If the runs of one automation cannot be read, those of the others are still returned.
    """
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
    """Read one job with its steps, waits, dispatch events and findings.

    From the token API, its cost is the sum of the costs of its calls.
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
    """Return `row` with the fields that only the job's own record has.

    `row` is from a newer read of the list and `single` from an earlier read of the record.
    """
    return replace(
        row,
        cost_usd=single.cost_usd if row.cost_usd is None else row.cost_usd,
        steps=row.steps or single.steps,
        waits=single.waits,
        dispatch_events=single.dispatch_events,
        findings=single.findings,
    )


def fill(session: Session) -> Callable[[JobRow], JobRow]:
    """Return a function that adds data of other lists to a job row.

    It sets the name of the automation, whether the job has an open approval, and the cause of its
    failure, which the list of jobs replaces by a sentence (observability.md §9).
    """
    name_of, waiting = automation_names(session), jobs_with_open_approval(session)
    entries = session.store.set("failures").rows.values()
    failures = {
        entry.row.failure.job_run_id: entry.row.failure.diagnostics
        for entry in entries
        if entry.row is not None
    }

    def fill_row(row: JobRow) -> JobRow:
        found = failures.get(row.id) if row.job.status == "failed" else None
        return replace(
            row,
            automation=name_of(row.job.flow_id),
            waits_for_person=row.id in waiting,
            failure_class=None if found is None else failure_class(found.failure_class),
            cause=None if found is None else found.failure_message,
        )

    return fill_row


def run_of(row: JobRow) -> RunRow:
    """Return a job as a row of the list of runs, with the cause of its failure."""
    from mogplex_tui.live.run_row import from_job

    run = from_job(row.job, row.job.flow_id, row.automation)
    return run._replace(failure_class=row.failure_class, cause=row.cause)


def state_words(row: JobRow) -> tuple[str, ...]:
    """Return the words that match the state of a job in a filter.

    They are the shown word, the service's word, and `live` for a live job.
    """
    shown = formatting.state(first_line(row.state))[1]
    return (shown, first_line(row.state), *(("live",) if row.job.is_live else ()))


def state_texts(status: str) -> tuple[str, ...]:
    """Return the words that match jobs with a service status in a filter.

    For a live status they include `waiting` and `parked`, because the state of such a job may be
    shown with these words.
    """
    is_live = status in ("pending", "running")
    states = (status, *(("waiting", "parked") if is_live else ()))
    shown = tuple(text for state in states for text in (formatting.state(state)[1], state))
    return (*shown, "live") if is_live else shown
