"""Finds runs by the ids of calls and jobs, where the list does not hold them (observability.md §4, §7.2).

No route reads one call by its id: the time of its first event finds it in the list. Neither calls nor jobs carry the id
of a v1 run, which the token API alone resolves; a call of a run that was started or opened here is found all the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import aclosing, suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mogplex_tui.api.access import Family
from mogplex_tui.api.errors import NotFound, NotSignedIn
from mogplex_tui.live import rows as make
from mogplex_tui.live.freshness import CLOSED
from mogplex_tui.live.rows import RunRow

if TYPE_CHECKING:
    from mogplex_tui.api.budget import Priority
    from mogplex_tui.api.models.events import Event
    from mogplex_tui.api.models.jobs import JobDetail
    from mogplex_tui.live.runs import Runs
    from mogplex_tui.live.session import Session

# The longest time between the start of a call and its first event.
AROUND = timedelta(seconds=60)


def unknown_id(session: Session, asked: str) -> NotFound | NotSignedIn:
    """Return the error for an id that no route resolves, which without a token may be the id of a run."""
    if session.target.token is None:
        return NotSignedIn(
            f"No call or job was found by the id {asked}, and the id of a run cannot be looked up without a token",
            advice="mogplex-tui login --token adds one; the list of runs shows the ids of calls",
        )
    if session.open(Family.OBSERVABILITY):
        advice = (
            "Jobs and the newest calls were searched, too; check the id, it may belong to another account"
        )
    else:
        advice = "Ids of calls and jobs need a browser session: mogplex-tui login --session opens it"
    return NotFound(f"The service does not know a run {asked}", advice=advice)


async def by_call_or_job(runs: Runs, asked: str, priority: Priority) -> RunRow | None:
    """Return the row of the call or job with this id, or None.

    A job is represented by its newest call, as in the list, or by its own row before it has a call. None also stands for
    routes that are closed to the credentials. Raises the error tree.
    """
    session = runs.session
    if not session.open(Family.OBSERVABILITY):
        return None
    known = session.history.get(asked)
    try:
        call = await _call(runs, (known.call_id if known else None) or asked, priority)
        return call or await _job(runs, asked, priority)
    except CLOSED:
        if session.target.token is None:
            raise
        return None


async def _call(runs: Runs, call_id: str, priority: Priority) -> RunRow | None:
    observability = runs.session.client.at(priority).observability
    at: datetime | None = None
    with suppress(NotFound):
        async with aclosing(observability.call_events(call_id)) as batches:
            async for batch in batches:
                at = next((event.created_at for event in batch), None)
                break
    if at is None:
        return None
    page = await observability.calls(since=at - AROUND, until=at + AROUND, limit=100)
    found = next((call for call in page.calls if call.id == call_id), None)
    return None if found is None else runs.dress(make.from_call(found))


async def _job(runs: Runs, job_id: str, priority: Priority) -> RunRow | None:
    try:
        job = await runs.session.client.at(priority).observability.job(job_id)
    except NotFound:
        return None
    if job.ai_calls:
        return runs.dress(make.from_call(job.ai_calls[-1]))
    return job_row(runs, job)


def job_row(runs: Runs, job: JobDetail) -> RunRow:
    """Return the row of a job, made from the service's record of the job."""
    row = make.from_job(job, job.flow_id, job.agent.name if job.agent else None)
    return runs.dress(row._replace(cost_listed=True))


def with_events(row: RunRow, events: Iterable[Event]) -> RunRow:
    """Return the row of a call with what only its events name: the id of its run and the branches (v1.md §8.1).

    The service replaces the branches in the row of a failed call by a sentence; its events keep them.
    """
    for event in events:
        if row.external and row.run_id is None and (run_id := event.text("external_run_id")):
            row = row._replace(run_id=run_id)
        if event.text("stage") in ("git_sync", "git_delivery"):
            row = row._replace(
                branch=row.branch or event.text("working_branch"),
                base_branch=row.base_branch or event.text("base_branch"),
            )
    return row


def lacks_events(row: RunRow) -> bool:
    """Return whether a call's events may hold fields that its row lacks."""
    is_harness = row.external or row.harness is not None
    return (
        is_harness
        and row.call_id is not None
        and (row.base_branch is None or (row.external and row.run_id is None))
    )
