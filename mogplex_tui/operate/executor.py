"""Carries out every change: ledger entry, request, outcome and read-back.

The ledger is the local log of changes. The read-back reads the record after the change.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar, cast

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import (
    BudgetBlocked,
    InvalidInput,
    InvalidResponse,
    MogplexError,
    NotAllowed,
    NotFound,
    NotSignedIn,
    Throttled,
)
from mogplex_tui.api.retry import RATE_LIMIT_ERRORS
from mogplex_tui.live import redact
from mogplex_tui.live.changes_in_flight import QueuedChange
from mogplex_tui.live.collection import Entry
from mogplex_tui.live.session import NotAttached
from mogplex_tui.operate import change_results, kind_rows, messages
from mogplex_tui.operate.action_registry import fetch_read_only_reason
from mogplex_tui.operate.model import Action, AnyEntry, Change, Creation, Result, Row, Values
from mogplex_tui.operate.send_with_retries import send_with_retries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mogplex_tui.api.client import ClientView
    from mogplex_tui.config.secret import Secret
    from mogplex_tui.live.change_ledger import LedgerEntry as LedgerEntry
    from mogplex_tui.live.collection import Collection
    from mogplex_tui.live.run_row import RunRow
    from mogplex_tui.live.session import Session
    from mogplex_tui.operate.model import Kind

log = logging.getLogger("mogplex.operate")

Answer = TypeVar("Answer")
FinalResult = TypeVar("FinalResult")

NO_VALUES = Values({})
# Seconds to wait at most before a start is sent again whose response was lost. A longer wait is left to the operator.
LONGEST_WAIT_AFTER_LOSS = 5.0


class GivenUp(Throttled):
    """Raised when the user cancels a change that is waiting for a rate limit."""

    default_advice = "Nothing was changed"


class Outcome(NamedTuple):
    """The result of a change: a sentence, whether it succeeded, and the error.

    `secret` is shown to the user once. `new_id` and `fields` are those of a `Result`. A `closed` change was
    not sent, because the session does not allow it. A `recorded` change was stored by the service although
    the response was an error.
    """

    sentence: str
    is_success: bool
    row: RunRow | None = None
    secret: Secret | None = None
    error: MogplexError | None = None
    new_id: str | None = ""
    fields: Mapping[str, object] = MappingProxyType({})
    closed: bool = False
    recorded: bool = False


def ledger_state_of(error: MogplexError, *, has_idempotency_key: bool = False) -> str:
    """Return the ledger state of a failed change: `unknown` or `refused`.

    The state is `unknown` if the service may have made the change. An error with a status of 500 or more
    counts as unknown only if the request had an idempotency key (`has_idempotency_key`, errors.md §5).
    """
    if isinstance(error, NotAttached | InvalidInput | BudgetBlocked | NotAllowed | NotSignedIn | GivenUp):
        # The request was not sent, or was refused before it changed anything.
        return "refused"
    if error.status is None or isinstance(error, InvalidResponse):
        return "unknown"
    return "unknown" if has_idempotency_key and error.status >= 500 else "refused"


def new_idempotency_key() -> str:
    """Return a new idempotency key, to be used for all attempts of one change."""
    return f"mogplex-tui-{uuid.uuid4()}"


@dataclass(frozen=True, slots=True)
class ChangeRequest(Generic[Answer, FinalResult]):
    """A change that `run_change` carries out, with callbacks for its progress.

    `action` and `subject` are written to the ledger. `label` names the change where there is little room
    (`delete`), `title` in sentences (`delete of sandbox web`). `record` is the key of the changed record, ""
    if the change has no record.

    `begin` shows the change as in progress. `queued` is called every second while the change waits for a rate
    limit. `finish` removes what `begin` and `queued` show; its argument is whether the service accepted the
    request. `accepted` is called with the response, `refused` with the error and the ledger state; both read
    the record back and return the final result. `detail` returns the part of a response that is kept in the
    ledger.

    With `repeats_lost`, a request whose response was lost is sent again with the same idempotency key. `send_slot`
    limits how many changes are sent at once: the caller acquires it, and a change releases it while it waits
    for a rate limit. An urgent change is sent before other queued ones.
    """

    action: str
    subject: str
    label: str
    title: str
    request: Callable[[], Awaitable[Answer]]
    accepted: Callable[[Answer], Awaitable[FinalResult]]
    refused: Callable[[MogplexError, str], Awaitable[FinalResult]]
    begin: Callable[[], None] = lambda: None
    queued: Callable[[QueuedChange], None] = lambda _: None
    finish: Callable[[bool], None] = lambda _: None
    record: str = ""
    idempotency_key: str | None = None
    repeats_lost: bool = False
    detail: Callable[[Answer], str | None] = lambda _: None
    send_slot: asyncio.Semaphore | None = None
    is_urgent: bool = False


async def run_change(session: Session, change: ChangeRequest[Answer, FinalResult]) -> FinalResult:
    """Carry out one change and return the result of its callback.

    The change and its idempotency key are written to the ledger before the request is sent. If a rate limit
    refuses the request, it is queued and sent again with the same key, as `api.retry` allows.
    """
    key, is_accepted = change.idempotency_key, False
    entry = session.ledger.open(change.action, change.subject, key)
    change.begin()
    tries = _RequestAttempts(session, change, entry)
    try:
        answer = await tries.send()
    except MogplexError as error:
        ledger_state = ledger_state_of(error, has_idempotency_key=key is not None)
        session.ledger.close(entry, ledger_state, str(error))
        return await change.refused(error, ledger_state)
    except asyncio.CancelledError:
        if tries.has_done_nothing:
            session.ledger.close(entry, "refused", "Not sent again after the rate limit refused it.")
        else:
            session.ledger.close(entry, "unknown")
        raise
    else:
        is_accepted = True
        session.ledger.close(entry, "done", change.detail(answer))
        return await change.accepted(answer)
    finally:
        change.finish(is_accepted)


class _RequestAttempts(Generic[Answer, FinalResult]):
    """The attempts to send one change, and the waits between them."""

    def __init__(
        self, session: Session, change: ChangeRequest[Answer, FinalResult], entry: LedgerEntry
    ) -> None:
        self._session, self._change, self._entry = session, change, entry
        # The error of an attempt whose response was lost: the service may have made the change then, even if it refuses
        # later attempts.
        self._lost: MogplexError | None = None
        self._is_waiting = False

    @property
    def has_done_nothing(self) -> bool:
        """Whether the change is waiting and a rate limit refused every attempt.

        The change can then be cancelled without any effect on the service.
        """
        return self._is_waiting and self._lost is None

    async def send(self) -> Answer:
        """Send the request until it succeeds or must not be repeated.

        Raises MogplexError.
        """
        change = self._change
        try:
            return await send_with_retries(
                change.request,
                method="POST",
                wait=self._wait,
                may_wait=lambda error, seconds: (
                    isinstance(error, RATE_LIMIT_ERRORS) or seconds <= LONGEST_WAIT_AFTER_LOSS
                ),
                idempotency_key=change.idempotency_key if change.repeats_lost else None,
            )
        except RATE_LIMIT_ERRORS as error:
            raise self._lost or error from None

    async def _wait(self, error: MogplexError, seconds: float) -> None:
        if not isinstance(error, RATE_LIMIT_ERRORS):
            self._lost = error
            await pause(seconds)
            return
        change, in_flight = self._change, self._session.in_flight
        queued = QueuedChange(
            change.action, change.record, change.label, change.title, seconds, change.is_urgent
        )
        in_flight.add_queued(queued)
        self._is_waiting = True
        if self._lost is None:
            self._session.ledger.mark(self._entry, "queued")
        if change.send_slot is not None:
            change.send_slot.release()
        try:
            async with in_flight.while_queued(queued):
                await self._count_down(queued)
        finally:
            in_flight.remove_queued(queued)
            if change.send_slot is not None:
                await change.send_slot.acquire()
        self._is_waiting = False
        self._session.ledger.mark(self._entry, "sent")
        change.begin()

    async def _count_down(self, queued: QueuedChange) -> None:
        """Wait until a queued change may be sent, and report the seconds left.

        Raises GivenUp if the user cancels the change.
        """
        in_flight = self._session.in_flight
        while not queued.given_up.is_set():
            if queued.seconds_left <= 0 and not in_flight.yield_to_urgent(queued):
                break
            self._change.queued(queued)
            # Wait for the fraction of a second first, so that each number is shown for a second.
            step = queued.seconds_left % 1 or 1.0
            await pause(step, queued.given_up)
            queued.seconds_left -= step
        if queued.given_up.is_set():
            raise GivenUp(f"The {queued.title} was given up while it was queued by the rate limit")


async def pause(seconds: float, given_up: asyncio.Event | None = None) -> None:
    """Wait for a number of seconds, or until the event `given_up` is set."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await (given_up or asyncio.Event()).wait()


async def run_unlisted_change(
    session: Session, action: str, subject: str, request: Callable[[], Awaitable[Answer]], *, title: str
) -> Answer:
    """Carry out a change of something that is in no list; return the response.

    Raises MogplexError.
    """

    async def accepted(answer: Answer) -> Answer:
        return answer

    async def refused(error: MogplexError, _: str) -> Answer:
        raise error

    return await run_change(session, ChangeRequest(action, subject, title, title, request, accepted, refused))


# A change is read back after each of these seconds, until the row differs from before.
READ_BACK_DELAYS = (0.0, 1.0, 3.0)


async def run_action(
    session: Session,
    collection: Collection[Row],
    kind: Kind[Row],
    action: Action[Row] | Creation,
    entry: Entry[Row],
    values: Values = NO_VALUES,
    *,
    read_priority: Priority = Priority.ACTION,
    idempotency_key: str = "",
    how_to_repeat: str = "Repeating it is safe.",
    send_slot: asyncio.Semaphore | None = None,
) -> Outcome:
    """Send the request of an action and return its outcome.

    Does not raise for errors of the service. `entry` is the record; for a creation, the result of `new_entry`.
    `read_priority` is the priority of the read-back. `how_to_repeat` is the sentence that follows a lost response,
    with `{key}` for the idempotency key. `send_slot` limits how many changes are sent at once. If `idempotency_key` is
    empty and the action needs a key, the key of the same change whose response was lost is used, or a new one.
    """
    if (closed := await _not_sent_reason(session, kind, action, entry)) is not None:
        return Outcome(closed, is_success=False, closed=True)
    name, subject = kind_rows.name_of(kind, entry), entry.key
    if isinstance(action, Action) or action.makes_record:
        name, subject = f"{kind.noun} {name}", f"{kind.noun} {subject}"
    ledger_name, key, is_retry = f"{kind.name}.{action.id}", "", False
    if _sends_idempotency_key(action):
        subject = redact.text(f"{subject} {values}".strip())
        key, is_retry = _idempotency_key_of(session, ledger_name, subject, idempotency_key)
    send = _request_of(session, action, entry, values, key, is_retry)

    async def accepted(answer: object) -> Outcome:
        delays = _delays_after_success(action, entry, values)
        await _read_back(session, collection, kind, entry, read_priority, delays)
        return _outcome_of_success(action, name, answer)

    async def refused(error: MogplexError, ledger_state: str) -> Outcome:
        await _read_back(session, collection, kind, entry, read_priority, _delays_after_failure(error))
        sentence = _refusal(action, name, error, ledger_state, how_to_repeat.replace("{key}", key))
        return Outcome(sentence, is_success=False, error=error)

    return await run_change(
        session,
        ChangeRequest(
            ledger_name,
            subject,
            action.label,
            f"{action.label} of {name}",
            lambda: send(session.client.at(Priority.ACTION)),
            accepted,
            refused,
            begin=lambda: collection.begin(entry.key, action.in_progress),
            queued=lambda change: collection.begin(entry.key, change.word, is_queued=True),
            finish=lambda _: collection.end(entry.key),
            record=entry.key,
            idempotency_key=key or None,
            send_slot=send_slot,
            is_urgent=isinstance(action, Action) and action.is_urgent,
        ),
    )


async def _not_sent_reason(
    session: Session, kind: Kind[Row], action: Action[Row] | Creation, entry: Entry[Row]
) -> str | None:
    """Return why an action must not be sent, None if it may be sent.

    A closed route gets no request, even if it closed while the confirmation was open.
    """
    reason = kind_rows.closed_reason(kind, action, session) or await fetch_read_only_reason(session)
    if reason is None and isinstance(action, Action) and entry.row is None:
        return messages.not_changeable(kind.noun)
    return reason


def _request_of(
    session: Session,
    action: Action[Row] | Creation,
    entry: Entry[Row],
    values: Values,
    key: str,
    is_retry: bool,
) -> Callable[[ClientView], Awaitable[object]]:
    """Return a function that sends the request of an action."""
    if isinstance(action, Creation):
        return lambda client: action.request(client, values)
    # `_not_sent_reason` refuses a record without a row.
    row = cast("Row", entry.row)
    all_values = action.completed(row, values)
    return lambda client: action.request(
        Change(client, entry.key, row, all_values, key, is_retry, session=session)
    )


def _outcome_of_success(action: Action[Row] | Creation, name: str, answer: object) -> Outcome:
    result = answer if isinstance(answer, Result) else Result(True, action.done)
    return Outcome(
        messages.capitalized(change_results.insert_name(result.sentence, name)),
        is_success=result.is_success,
        secret=result.secret if action.reveals else None,
        new_id=result.new_id,
        fields=result.fields,
    )


async def run_bulk_action(
    session: Session,
    collection: Collection[Row],
    kind: Kind[Row],
    action: Action[Row] | Creation,
    entries: Sequence[Entry[Row]],
    values: Values = NO_VALUES,
) -> Outcome:
    """Carry out an action on several records and return one outcome for all.

    The requests are sent one after the other; while one waits for a rate limit, the next one is sent. A
    creation needs no records.
    """
    if isinstance(action, Creation):
        return await run_action(session, collection, kind, action, new_entry(action, values), values)
    if len(entries) == 1:
        return await run_action(session, collection, kind, action, entries[0], values)
    send_slot = asyncio.Semaphore(1)

    async def run_one(number: int, entry: Entry[Row]) -> Outcome:
        # The remaining requests go before the read-backs between them; the last read-back shows all changes.
        read_priority = Priority.ACTION if number == len(entries) else Priority.TABLE
        async with send_slot:
            return await run_action(
                session,
                collection,
                kind,
                action,
                entry,
                values,
                read_priority=read_priority,
                send_slot=send_slot,
            )

    outcomes = await asyncio.gather(*(run_one(number, entry) for number, entry in enumerate(entries, 1)))
    refused = [outcome.sentence for outcome in outcomes if not outcome.is_success]
    return Outcome(messages.changes_done(action.label, len(entries), refused), is_success=not refused)


def new_entry(creation: Creation, values: Values) -> AnyEntry:
    """Return an entry without a row for a record that is to be created.

    Its key is the name of the new record, made from `values`.
    """
    return Entry(creation.name(values), None)


def _sends_idempotency_key(action: Action[Row] | Creation) -> bool:
    return isinstance(action, Action) and action.sends_idempotency_key


def _idempotency_key_of(session: Session, action: str, subject: str, given_key: str) -> tuple[str, bool]:
    """Return the idempotency key to send, and whether it repeats a lost change.

    A change is lost if its request was sent but no response arrived.
    """
    if given_key:
        return given_key, session.ledger.last_end(given_key) == "unknown"
    for entry in reversed(session.ledger.entries):
        if entry.action == action and entry.subject == subject:
            if entry.state == "unknown" and entry.key is not None:
                return entry.key, True
            break
    return new_idempotency_key(), False


def _refusal(
    action: Action[Row] | Creation, name: str, error: MogplexError, ledger_state: str, how_to_repeat: str
) -> str:
    is_lost = ledger_state == "unknown"
    change = messages.RefusedChange(
        action.label,
        name,
        error,
        is_given_up=isinstance(error, GivenUp),
        # The next attempt sends the same idempotency key, so the service does not repeat the change.
        how_to_repeat=how_to_repeat if is_lost and _sends_idempotency_key(action) else "",
        may_have_secret=is_lost and action.reveals,
    )
    return messages.change_refused(change)


def _delays_after_success(
    action: Action[Row] | Creation, entry: Entry[Row], values: Values
) -> Sequence[float]:
    """Return the seconds to wait before each read-back of a successful change.

    There is only one read-back if the record already had the given values, because the row will not differ.
    """
    if not isinstance(action, Action) or entry.row is None or not action.parameters:
        return READ_BACK_DELAYS
    before = action.texts(entry.row, {})
    is_same = all(
        before.get(parameter.name) == values.text(parameter) != parameter.default
        for parameter in action.parameters
    )
    return READ_BACK_DELAYS[:1] if is_same else READ_BACK_DELAYS


def _delays_after_failure(error: MogplexError) -> Sequence[float]:
    """Return the seconds to wait before each read-back of a failed change.

    There is at most one read-back if the service refused the change, because nothing was changed.
    """
    if isinstance(error, GivenUp):
        return ()
    return (
        READ_BACK_DELAYS[:1]
        if ledger_state_of(error) == "refused" and (error.status or 0) < 500
        else READ_BACK_DELAYS
    )


async def _read_back(
    session: Session,
    collection: Collection[Row],
    kind: Kind[Row],
    entry: Entry[Row],
    read_priority: Priority,
    delays: Sequence[float],
) -> None:
    """Read the changed record and its list, until the row differs from `entry`."""
    for delay in delays:
        if delay:
            await asyncio.sleep(delay)
        try:
            if kind.single is not None and entry.row is not None:
                collection.put(
                    await kind_rows.read_single(kind.single, session.client.at(read_priority), entry)
                )
            differed = await collection.fetch(read_priority)
        except NotFound:
            await _read_list(collection, read_priority)
            return
        except BudgetBlocked:
            return
        except MogplexError as error:
            log.info("reading %s back failed: %s", kind.name, error)
            continue
        except Exception:
            # The outcome is shown all the same: it may have a secret that is sent only once.
            log.exception("reading %s back failed", kind.name)
            return
        current = collection.set.rows.get(entry.key)
        if differed or current is None or current.row != entry.row:
            return


async def _read_list(collection: Collection[Row], read_priority: Priority) -> None:
    try:
        await collection.fetch(read_priority)
    except MogplexError as error:
        log.info("reading %s again failed: %s", collection.name, error)
