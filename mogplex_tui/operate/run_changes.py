"""Starts and cancels runs, and reads their state afterwards (v1.md §7.2, §9)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import (
    BudgetBlocked,
    Conflict,
    InvalidInput,
    MogplexError,
    NotAllowed,
    NotFound,
    NotSignedIn,
    Throttled,
    with_full_stop,
)
from mogplex_tui.api.route_access import Family
from mogplex_tui.live.known_runs import KnownRun
from mogplex_tui.live.run_row import ENDED_STATES, RunRow, RunSource
from mogplex_tui.live.session import NotAttached
from mogplex_tui.operate import formatting
from mogplex_tui.operate.action_registry import fetch_read_only_reason, key_of
from mogplex_tui.operate.executor import ChangeRequest, GivenUp, Outcome, run_change
from mogplex_tui.operate.kinds.runs import KIND
from mogplex_tui.operate.model import Change, Values
from mogplex_tui.operate.run_actions import CANCEL, START, Draft, session_cancels
from mogplex_tui.operate.run_facts import name_of

if TYPE_CHECKING:
    from mogplex_tui.api.models.base import Rows
    from mogplex_tui.api.models.events import Event
    from mogplex_tui.api.models.runs import RunDetail
    from mogplex_tui.live.changes_in_flight import QueuedChange
    from mogplex_tui.live.runs import Runs
    from mogplex_tui.live.session import Session
    from mogplex_tui.operate.model import AnyAction

log = logging.getLogger("mogplex.operate")

# A cancel is read back after each of these seconds: the row of a run changes after its call (realtime.md §3.1).
READ_BACK_DELAYS = (0.0, 1.0, 3.0, 5.0)
CANCELS_AT_ONCE = 4


def _action_id(action: AnyAction) -> str:
    return f"{KIND.name}.{action.id}"


Reread = Callable[[RunRow], Awaitable[RunRow | None]]
"""Reads a row again; returns None if the service no longer knows the record."""


async def cancel(
    session: Session, runs: Runs, row: RunRow, send_slot: asyncio.Semaphore | None = None
) -> Outcome:
    """Cancel the run, call or job of a row and return its state afterwards.

    Does not raise for errors of the service. `send_slot` is as in `ChangeRequest`.
    """
    if refusal := await fetch_read_only_reason(session):
        return Outcome(f"{name_of(row)} was not cancelled. {refusal}", False, row, closed=True)
    return await execute_cancel(session, runs, row, runs.reread, key_of(_action_id(CANCEL)), send_slot)


async def execute_cancel(
    session: Session,
    runs: Runs,
    row: RunRow,
    reread: Reread,
    repeat_with: str,
    send_slot: asyncio.Semaphore | None = None,
) -> Outcome:
    """Cancel the run, call or job of a row without checking the credential.

    `repeat_with` names the key or command that repeats the cancel; for `send_slot` see `ChangeRequest`.
    """

    def begin() -> None:
        session.in_flight.begin(KIND.name, row.key, CANCEL.in_progress)
        runs.show_queued(row.key, None)
        runs.mark(row.key, CANCEL.in_progress)

    def queued(waiting: QueuedChange) -> None:
        _restore(runs, row)
        _show_queued(session, runs, row, waiting)

    def finish(is_accepted: bool) -> None:
        session.in_flight.end(KIND.name, row.key)
        runs.show_queued(row.key, None)
        if not is_accepted:
            _restore(runs, row)

    async def accepted(_: object) -> Outcome:
        return _outcome_of_accepted(row, await _read_back(session, reread, row))

    async def refused(error: MogplexError, _: str) -> Outcome:
        session.in_flight.end(KIND.name, row.key)
        current = await _read_once(reread, row)
        if await cancel_is_recorded(session, row, current, error):
            current = runs.note_cancel_request(row.key) or current
            sentence = cancel_not_confirmed(row, error, repeat_with)
            return Outcome(sentence, False, current, error=error, recorded=True)
        return _outcome_of_refused(row, current, error, repeat_with)

    return await run_change(
        session,
        ChangeRequest(
            _action_id(CANCEL),
            f"{row.source.value} {row.run_id or row.key}",
            CANCEL.id,
            f"{CANCEL.id} of {name_of(row)}",
            lambda: CANCEL.request(
                Change(session.client.at(Priority.ACTION), row.key, row, Values({}), session=session)
            ),
            accepted,
            refused,
            begin,
            queued,
            finish,
            record=row.key,
            send_slot=send_slot,
            is_urgent=CANCEL.is_urgent,
        ),
    )


def _show_queued(session: Session, runs: Runs, row: RunRow, waiting: QueuedChange) -> None:
    # The state column of runs is narrow at every width.
    session.in_flight.begin(KIND.name, row.key, waiting.short_word, is_queued=True)
    runs.show_queued(row.key, waiting.short_word)


async def cancel_all(session: Session, runs: Runs, rows: Sequence[RunRow]) -> Outcome:
    """Cancel several rows, a few at a time, and return one outcome for all.

    Does not raise for errors of the service. While a cancel waits for a rate limit, the next
    one is sent.
    """
    if len(rows) == 1:
        return await cancel(session, runs, rows[0])
    slots = asyncio.Semaphore(CANCELS_AT_ONCE)

    async def cancel_one(row: RunRow) -> Outcome:
        async with slots:
            return await cancel(session, runs, row, slots)

    outcomes = await asyncio.gather(*(cancel_one(row) for row in rows))
    failures = [outcome.sentence for outcome in outcomes if not outcome.is_success]
    done = len(rows) - len(failures)
    count = formatting.plural(len(rows), "run")
    sentences = [f"Cancelled {count}." if not failures else f"Cancelled {done} of {count}.", *failures[:2]]
    if len(failures) > 2:
        sentences.append(f"{len(failures) - 2} more were not cancelled.")
    return Outcome(" ".join(sentences), is_success=not failures)


async def send_cancel(session: Session, row: RunRow) -> None:
    """Send the request that cancels a row, by the route that stops most of its work.

    v1.md §9 describes the routes. If the service refuses the token because it lacks the write
    scope, the browser session cancels only the call or job. Raises MogplexError.
    """
    with_token = session.target.token is not None and session.may_change(v1_only=True)
    if row.run_id is None or not with_token:
        await _cancel_unversioned(session, row)
        return
    try:
        await _cancel_run(session, row.run_id, row)
    except NotAllowed:
        # The service checks the scope before it does anything.
        if session.may_change(v1_only=True) or not session_cancels(session, row):
            raise
        await _cancel_unversioned(session, row)


async def _cancel_run(session: Session, run_id: str, row: RunRow) -> None:
    client = session.client.at(Priority.ACTION)
    answer = await client.runs.cancel(run_id)
    if answer.already_terminal and row.source is RunSource.CALL and session.may_request(Family.OBSERVABILITY):
        # The run has ended but its call has not, and hangs until it is cancelled (v1.md §7.6).
        with contextlib.suppress(Conflict):
            await client.observability.cancel_call(row.key)


async def _cancel_unversioned(session: Session, row: RunRow) -> None:
    client = session.client.at(Priority.ACTION)
    if row.source is RunSource.JOB and row.job_id is not None:
        await client.observability.cancel_job(row.job_id)
        return
    await client.observability.cancel_call(row.call_id or row.key)
    if row.external and session.target.token is not None and session.may_change(v1_only=True):
        await _cancel_run_of_call(session, row)


# The service refuses these before it records anything.
_NOT_RECORDED = (NotFound, NotAllowed, NotSignedIn, Throttled, BudgetBlocked, InvalidInput, NotAttached)


async def cancel_is_recorded(
    session: Session, row: RunRow, current: RunRow | None, error: MogplexError
) -> bool:
    """Return whether the service stored a cancel although it returned an error.

    `current` is the row as it was read after the cancel. The v1 record of a run does not show
    that a cancel was requested, but the run's events do (v1.md §9, observability.md §3).
    """
    if current is not None and current.state in ENDED_STATES:
        return False
    if current is not None and current.cancel_requested:
        return not isinstance(error, Throttled)
    if row.run_id is None or session.target.token is None or isinstance(error, _NOT_RECORDED):
        return False
    try:
        response = await session.client.at(Priority.ACTION).runs.events(row.run_id)
    except MogplexError as failed:
        log.info("whether the cancel is recorded is not known: %s", failed)
        return False
    return any(event.type == "cancel_requested" for event in response.events)


def cancel_not_confirmed(row: RunRow, error: MogplexError, repeat_with: str) -> str:
    """Return the sentence for a cancel that is stored but did not reach the worker.

    `repeat_with` names the key or command with which the user can repeat the cancel.
    """
    return (
        f"The cancel of {name_of(row)} is not confirmed. {with_full_stop(error.message)}"
        f" The request is recorded; {repeat_with} repeats it."
    )


async def _cancel_run_of_call(session: Session, row: RunRow) -> None:
    """Cancel the v1 run that a cancelled call belongs to; errors are only logged.

    Cancelling a call does not end its run (v1.md §9).
    """
    client = session.client.at(Priority.ACTION)
    try:
        run_id = await run_id_in_events(client.observability.call_events(row.call_id or row.key))
        if run_id is not None:
            session.history.remember(KnownRun(run_id, row.call_id, row.repo, row.prompt))
            await client.runs.cancel(run_id)
    except MogplexError as error:
        log.info("the run of a cancelled call was not ended: %s", error)


async def run_id_in_events(batches: AsyncGenerator[Rows[Event]]) -> str | None:
    """Return the run id found in a call's events (v1.md §7.4).

    Returns None if no event has one.
    """
    async with aclosing(batches) as reading:
        async for batch in reading:
            for event in batch:
                if run_id := event.text("external_run_id"):
                    return run_id
    return None


async def _pause(seconds: float) -> None:
    await asyncio.sleep(seconds)


async def _read_back(session: Session, reread: Reread, row: RunRow) -> RunRow | None:
    current: RunRow | None = None
    for number, wait in enumerate(READ_BACK_DELAYS, 1):
        if wait:
            await _pause(wait)
        if number == len(READ_BACK_DELAYS):
            # The state after the last read is the service's own.
            session.in_flight.end(KIND.name, row.key)
        current = await _read_once(reread, row) or current
        if current is not None and current.state in ENDED_STATES:
            break
    return current


async def _read_once(reread: Reread, row: RunRow) -> RunRow | None:
    try:
        return await reread(row)
    except MogplexError as error:
        log.info("reading back failed: %s", error)
        return None


def _restore(runs: Runs, row: RunRow) -> None:
    """Show the state from before a failed cancel in the row of the run.

    Does nothing if a cancel was requested, so that the state stays `cancelling`.
    """
    shown = runs.set.rows.get(row.key)
    if shown is not None and shown.state == "cancelling" and not shown.cancel_requested:
        runs.mark(row.key, row.state)


def _outcome_of_accepted(row: RunRow, current: RunRow | None) -> Outcome:
    name = name_of(row)
    if current is None:
        accepted = f"The cancel of {name} was accepted, but its state could not be read."
        return Outcome(f"{accepted} {key_of('view.refresh')} refreshes it.", False)
    if current.state == "cancelled":
        return Outcome(f"{name} is cancelled.", True, current)
    if current.state in ENDED_STATES:
        return Outcome(f"{name} finished before the cancel arrived ({current.state}).", False, current)
    state = "has not stopped yet" if current.state == "cancelling" else f"is still {current.state}"
    return Outcome(f"Cancel requested: {name} {state}. It stops when its worker notices.", False, current)


def _outcome_of_refused(
    row: RunRow, current: RunRow | None, error: MogplexError, repeat_with: str
) -> Outcome:
    name = name_of(row)
    if current is not None and current.state in ENDED_STATES:
        sentence = f"{name} already finished ({current.state})."
        return Outcome(sentence, current.state == "cancelled", current, error=error)
    if isinstance(error, NotFound) and current is None:
        sentence = f"{name} no longer exists. {key_of('view.refresh')} refreshes the list."
        return Outcome(sentence, False, error=error)
    state = "" if current is None else f" and is {current.state}"
    if isinstance(error, GivenUp):
        return Outcome(f"The cancel of {name} was given up and not sent.", False, current, error=error)
    if isinstance(error, Throttled):
        wait = int(error.retry_after or 60)
        sentence = f"{name} was not cancelled{state}: too many requests. Retry with {repeat_with} in {wait}s."
        return Outcome(sentence, False, current, error=error)
    return Outcome(f"{name} was not cancelled{state}. {error}", False, current, error=error)


async def start(session: Session, runs: Runs, draft: Draft, key: str) -> RunRow:
    """Start a run, add it to the list and return its row.

    If the response is lost, the request is sent again with the same idempotency key. Raises
    MogplexError if the service refuses the run or cannot be reached.
    """
    # A draft that the service would refuse must not get into the ledger.
    draft.as_request()
    values = draft.values(key)

    async def request() -> RunDetail:
        return cast("RunDetail", await START.request(session.client.at(Priority.ACTION), values))

    async def accepted(started: RunDetail) -> RunRow:
        session.history.remember(
            KnownRun(started.run_id, started.ai_call_id, draft.repo or None, draft.prompt)
        )
        row = runs.put_run(started, prompt=draft.prompt, repo=draft.repo or None)
        session.scheduler.refresh(runs.feed)
        return row

    async def refused(error: MogplexError, _: str) -> RunRow:
        raise error

    return await run_change(
        session,
        ChangeRequest(
            _action_id(START),
            f"run in {draft.repo or draft.repo_id}",
            START.id,
            f"{START.id} of a run in {draft.repo or draft.repo_id}",
            request,
            accepted,
            refused,
            idempotency_key=key,
            repeats_lost=True,
            detail=lambda started: started.run_id,
        ),
    )
