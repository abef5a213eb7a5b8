"""Find runs by the id of a run, call or job.

No route returns a call by its id: the time of the call's first event is used to find it in the
list. Calls and jobs do not contain the id of a v1 run, which only the token API resolves; the
call of a run that was started or opened on this machine is found through the known runs
(observability.md §4, §7.2).
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import aclosing, suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import MogplexError, NotFound, NotSignedIn
from mogplex_tui.api.route_access import Family
from mogplex_tui.live import run_row as make
from mogplex_tui.live.freshness import CLOSED
from mogplex_tui.live.known_runs import KnownRun
from mogplex_tui.live.run_row import RunRow

if TYPE_CHECKING:
    from mogplex_tui.api.models.events import Event
    from mogplex_tui.api.models.jobs import JobDetail
    from mogplex_tui.live.runs import Runs
    from mogplex_tui.live.session import Session

# The longest time between the start of a call and its first event, or the start of its run.
AROUND = timedelta(seconds=60)


def unknown_id(session: Session, asked: str) -> NotFound | NotSignedIn:
    """Return the error to raise for an id that was found on no route.

    Without a token the error is NotSignedIn, because the id may be that of a run.
    """
    if session.target.token is None:
        return NotSignedIn(
            f"No call or job was found by the id {asked}, and the id of a run cannot be looked up without a token",
            advice="mogplex-tui login --token adds one; the list of runs shows the ids of calls",
        )
    if session.may_request(Family.OBSERVABILITY):
        advice = (
            "Jobs and the newest calls were searched, too; check the id, it may belong to another account"
        )
    else:
        advice = "Ids of calls and jobs need a browser session: mogplex-tui login --session opens it"
    return NotFound(f"The service does not know a run {asked}", advice=advice)


async def find_run(runs: Runs, asked: str, *, completely: bool = False) -> RunRow:
    """Find a run by the id of a run, call or job, and return its row.

    A run or call is added to the list of runs. If `completely` is true, the repository's name and
    the run's call are also read. Commands need this; a console has them from its lists. Raises
    MogplexError.
    """
    session = runs.session
    refusal: MogplexError | None = None
    known = session.history.by_call(asked)
    if session.target.token is not None:
        try:
            return await _run(runs, known.run_id if known else asked, completely=completely)
        except (NotFound, NotSignedIn) as error:
            refusal = error
    listed = next((row for row in runs.set.rows.values() if asked in ids_of(row)), None)
    found_row = listed or await by_call_or_job(runs, asked, Priority.ACTION)
    if found_row is None:
        raise refusal if isinstance(refusal, NotSignedIn) else unknown_id(session, asked)
    if completely and found_row.repo is None:
        await _learn_repo(session, found_row.repo_id)
        found_row = runs.enrich(found_row)
    if found_row.source is make.RunSource.CALL:
        runs.set.apply([(found_row.key, found_row)])
    return found_row


def ids_of(row: RunRow) -> set[str]:
    """Return the ids with which a row can be found: its key, run, call and job ids."""
    return {each for each in (row.key, row.run_id, row.call_id, row.job_id) if each}


async def _run(runs: Runs, run_id: str, *, completely: bool) -> RunRow:
    session = runs.session
    run = await session.client.at(Priority.ACTION).runs.get(run_id)
    session.history.remember(KnownRun(run.run_id, run.ai_call_id))
    if completely:
        await _learn_repo(session, run.repo_id)
    row = runs.put_run(run, repo=session.names.repos.get(run.repo_id or ""))
    session.history.remember(KnownRun(run.run_id, row.call_id, row.repo))
    if not completely or row.call_id is None or not session.may_request(Family.OBSERVABILITY):
        return row
    try:
        call = await call_of(runs, row, Priority.TABLE)
    except MogplexError:
        # The run exists; the tokens and cost of its call stay unknown.
        return row
    if call is None:
        return row
    runs.set.apply([(call.key, call)])
    return runs.put_run(run, repo=row.repo)


async def _learn_repo(session: Session, repo_id: str | None) -> None:
    """Read the name of a repository if it is unknown; errors are ignored."""
    names, client = session.names, session.client.at(Priority.TABLE)
    if repo_id is None or repo_id in names.repos:
        return
    with suppress(MogplexError):
        if session.target.token is not None:
            names.take_repos(await client.repos.list(id=repo_id))
    with suppress(MogplexError):
        # The token API leaves out hidden repositories.
        if repo_id not in names.repos and session.may_request(Family.REPOS):
            names.take_repos([await client.imported_repos.get(repo_id)])


async def call_of(runs: Runs, row: RunRow, priority: Priority) -> RunRow | None:
    """Read the AI call of a run and return the row of the call, or None if not found.

    The call is found in the list by the time of the run, because no route returns a single call
    (observability.md §2).
    """
    if row.began is None:
        return None
    around = AROUND if row.source is make.RunSource.RUN else timedelta(0)
    page = await runs.session.client.at(priority).observability.calls(
        since=row.began - around, until=row.began + around, limit=100
    )
    call = next((call for call in page.calls if call.id == row.call_id), None)
    return None if call is None else runs.enrich(make.from_call(call))


async def by_call_or_job(runs: Runs, asked: str, priority: Priority) -> RunRow | None:
    """Return the row of the call or job with an id, or None if there is none.

    For a job, the row of its newest call is returned, as in the list of runs, or the row of the job
    itself if it has no call yet. None is also returned if the token cannot use the routes. Raises
    MogplexError, also for a refusal if there is no token.
    """
    session = runs.session
    if not session.may_request(Family.OBSERVABILITY):
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
    found_call = next((call for call in page.calls if call.id == call_id), None)
    return None if found_call is None else runs.enrich(make.from_call(found_call))


async def _job(runs: Runs, job_id: str, priority: Priority) -> RunRow | None:
    try:
        job = await runs.session.client.at(priority).observability.job(job_id)
    except NotFound:
        return None
    if job.ai_calls:
        return runs.enrich(make.from_call(job.ai_calls[-1]))
    return job_row(runs, job)


def job_row(runs: Runs, job: JobDetail) -> RunRow:
    """Make the row of a job from the response of the job route."""
    row = make.from_job(job, job.flow_id, job.agent.name if job.agent else None)
    return runs.enrich(row._replace(cost_listed=True))


def with_events(row: RunRow, events: Iterable[Event]) -> RunRow:
    """Return the row of a call, with the run id and branches from the call's events.

    If a call fails, the service replaces the branches in the call's record by a sentence; the
    events still have the branches (v1.md §8.1).
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
    """Return whether a call's events may contain fields that its row lacks."""
    is_harness = row.external or row.harness is not None
    return (
        is_harness
        and row.call_id is not None
        and (row.base_branch is None or (row.external and row.run_id is None))
    )
