"""Carries out every change: ledger entry, request, what an answer or its loss means, reading back."""

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
from mogplex_tui.live.collection import Entry
from mogplex_tui.live.in_flight import QueuedChange
from mogplex_tui.live.session import NotAttached
from mogplex_tui.operate import change_results, kind_rows, messages
from mogplex_tui.operate.action_registry import fetch_read_only_reason
from mogplex_tui.operate.model import Action, AnyEntry, Change, Creation, Result, Row, Values
from mogplex_tui.operate.retries import repeat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mogplex_tui.api.client import ClientView
    from mogplex_tui.config.secret import Secret
    from mogplex_tui.live.collection import Collection
    from mogplex_tui.live.ledger import LedgerEntry as LedgerEntry
    from mogplex_tui.live.run_row import RunRow
    from mogplex_tui.live.session import Session
    from mogplex_tui.operate.model import Kind

log = logging.getLogger("mogplex.operate")

Answer = TypeVar("Answer")
FinalResult = TypeVar("FinalResult")

NO_VALUES = Values({})
# A start whose answer was lost is sent again after so many seconds at most; a longer wait is for a person to choose.
LONGEST_WAIT_AFTER_LOSS = 5.0


class GivenUp(Throttled):
    """The operator gave up a change while it waited for a rate limit."""

    default_advice = "Nothing was changed"


class Outcome(NamedTuple):
    """How a change ended: a sentence, whether it is good news, what is shown once, and the error if one ended it.

    `new_id` and `fields` are those of a `Result`. A change that is `closed` was not sent: the credential may not make it.
    One that is `recorded` was taken down by the service although the answer was an error.
    """

    sentence: str
    good: bool
    row: RunRow | None = None
    secret: Secret | None = None
    error: MogplexError | None = None
    new_id: str | None = ""
    fields: Mapping[str, object] = MappingProxyType({})
    closed: bool = False
    recorded: bool = False


def ledger_state_of(error: MogplexError, *, keyed: bool = False) -> str:
    """Return how a call ended for the ledger: `unknown` where the service may have done it, else `refused`.

    A call with an idempotency key (`keyed`) may have been done although it was answered by a 5xx (errors.md §5).
    """
    if isinstance(error, NotAttached | InvalidInput | BudgetBlocked | NotAllowed | NotSignedIn | GivenUp):
        # Never sent, or refused before anything was done.
        return "refused"
    if error.status is None or isinstance(error, InvalidResponse):
        return "unknown"
    return "unknown" if keyed and error.status >= 500 else "refused"


def new_idempotency_key() -> str:
    """Return an idempotency key; it is made before the first try and kept for every further one."""
    return f"mogplex-tui-{uuid.uuid4()}"


@dataclass(frozen=True, slots=True)
class ChangeRequest(Generic[Answer, FinalResult]):
    """One change as `run_change` carries it out.

    `action` and `subject` stand in the ledger; `label` names the change where there is little room (`delete`), `title`
    in sentences (`delete of sandbox web`). `record` is the key of the record that it changes, if there is one. `begin`
    shows that the change is under way, `queued` each second that it waits for a rate limit; `finish` ends both, and
    gets whether the service accepted the request. `accepted` gets the answer, `refused` the error and how the request
    ended for the ledger; both read back what was changed and return the result. `detail` is what the ledger keeps of an
    answer.

    With `repeats_lost` a lost answer is asked for again under the idempotency key. `turn` limits how many changes are
    sent at once: the caller holds it, and a change that waits lets go of it.
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
    turn: asyncio.Semaphore | None = None


async def run_change(session: Session, change: ChangeRequest[Answer, FinalResult]) -> FinalResult:
    """Carry out one change. The ledger knows it, with its idempotency key, before the request leaves.

    A change that a rate limit refuses is queued and sent again, with the same key, as `api.retry` allows.
    """
    key, is_accepted = change.idempotency_key, False
    entry = session.ledger.open(change.action, change.subject, key)
    change.begin()
    tries = _RequestAttempts(session, change, entry)
    try:
        answer = await tries.send()
    except MogplexError as error:
        end = ledger_state_of(error, keyed=key is not None)
        session.ledger.close(entry, end, str(error))
        return await change.refused(error, end)
    except asyncio.CancelledError:
        if tries.has_done_nothing:
            session.ledger.close(entry, "refused", "It was not sent again after a refusal by a rate limit.")
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
    """The requests of one change, and the waits between them."""

    def __init__(
        self, session: Session, change: ChangeRequest[Answer, FinalResult], entry: LedgerEntry
    ) -> None:
        self._session, self._change, self._entry = session, change, entry
        # The error of a try whose answer was lost: the service may have done what later tries are refused.
        self._lost: MogplexError | None = None
        self._is_waiting = False

    @property
    def has_done_nothing(self) -> bool:
        """Whether the change waits, and every request before was refused by a rate limit."""
        return self._is_waiting and self._lost is None

    async def send(self) -> Answer:
        """Send until the change succeeds or fails. Raises the error tree."""
        change = self._change
        try:
            return await repeat(
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
        queued = QueuedChange(change.action, change.record, change.label, change.title, seconds)
        in_flight.add_queued(queued)
        self._is_waiting = True
        if self._lost is None:
            self._session.ledger.mark(self._entry, "queued")
        if change.turn is not None:
            change.turn.release()
        try:
            async with in_flight.while_queued(queued):
                await self._count_down(queued)
        finally:
            in_flight.remove_queued(queued)
            if change.turn is not None:
                await change.turn.acquire()
        self._is_waiting = False
        self._session.ledger.mark(self._entry, "sent")
        change.begin()

    async def _count_down(self, queued: QueuedChange) -> None:
        """Show each second how long the change waits. Raises GivenUp."""
        while queued.seconds_left > 0 and not queued.given_up.is_set():
            self._change.queued(queued)
            # What is left over of a second comes first, so that each number is shown for a second.
            step = queued.seconds_left % 1 or 1.0
            await pause(step, queued.given_up)
            queued.seconds_left -= step
        if queued.given_up.is_set():
            raise GivenUp(f"The {queued.title} was given up while it waited for the rate limit")


async def pause(seconds: float, given_up: asyncio.Event | None = None) -> None:
    """Wait between two tries, or until the change is given up."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await (given_up or asyncio.Event()).wait()


async def run_unlisted_change(
    session: Session, action: str, subject: str, request: Callable[[], Awaitable[Answer]], *, title: str
) -> Answer:
    """Carry out a change that shows in no list, and return its answer. Raises the error tree."""

    async def accepted(answer: Answer) -> Answer:
        return answer

    async def refused(error: MogplexError, _: str) -> Answer:
        raise error

    return await run_change(session, ChangeRequest(action, subject, title, title, request, accepted, refused))


# A change is read back after these many seconds, until the reading differs from before.
READ_BACK_DELAYS = (0.0, 1.0, 3.0)


async def run_action(
    session: Session,
    collection: Collection[Row],
    kind: Kind[Row],
    action: Action[Row] | Creation,
    entry: Entry[Row],
    values: Values = NO_VALUES,
    *,
    reads: Priority = Priority.ACTION,
    idempotency_key: str = "",
    how_to_repeat: str = "Doing it again is safe.",
    turn: asyncio.Semaphore | None = None,
) -> Outcome:
    """Send the one request of an action and say how it ended. Never raises for what the service answers.

    `entry` is the record, for a creation what `new_entry` returns. `reads` is the priority of the reading after it. A
    change that sends an idempotency key sends the given one, else that of the same change if its last answer was lost,
    else a new one; it is in the ledger before the request leaves. `how_to_repeat` is the sentence after a lost answer,
    with the key for `{key}`. `turn` is as in `ChangeRequest`.
    """
    if (closed := await _not_sent_reason(session, kind, action, entry)) is not None:
        # Nothing is asked of what is known to be closed, also where it closed while a question was open.
        return Outcome(closed, good=False, closed=True)
    name, subject = kind_rows.name_of(kind, entry), entry.key
    if isinstance(action, Action) or action.makes_record:
        name, subject = f"{kind.noun} {name}", f"{kind.noun} {subject}"
    ledger_name, key, is_retry = f"{kind.name}.{action.id}", "", False
    if _sends_idempotency_key(action):
        subject = redact.text(f"{subject} {values}".strip())
        key, is_retry = _idempotency_key_of(session, ledger_name, subject, idempotency_key)
    send = _request_of(session, action, entry, values, key, is_retry)

    async def accepted(answer: object) -> Outcome:
        waits = _delays_after_success(action, entry, values)
        await _read_back(session, collection, kind, entry, reads, waits)
        return _success(action, name, answer)

    async def refused(error: MogplexError, end: str) -> Outcome:
        await _read_back(session, collection, kind, entry, reads, _delays_after_failure(error))
        sentence = _refusal(action, name, error, end, how_to_repeat.replace("{key}", key))
        return Outcome(sentence, good=False, error=error)

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
            turn=turn,
        ),
    )


async def _not_sent_reason(
    session: Session, kind: Kind[Row], action: Action[Row] | Creation, entry: Entry[Row]
) -> str | None:
    """Return why a change must not be sent; None where it may."""
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
    """Return what sends the one request of an action."""
    if isinstance(action, Creation):
        return lambda client: action.request(client, values)
    # A record without a row is refused before.
    row = cast("Row", entry.row)
    given = action.completed(row, values)
    return lambda client: action.request(
        Change(client, entry.key, row, given, key, is_retry, session=session)
    )


def _success(action: Action[Row] | Creation, name: str, answer: object) -> Outcome:
    result = answer if isinstance(answer, Result) else Result(True, action.done)
    return Outcome(
        messages.capitalized(change_results.insert_name(result.sentence, name)),
        good=result.is_success,
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
    """Carry an action out on several records, one after the other, and sum up; a creation needs none.

    A change that waits for a rate limit lets the next one go first.
    """
    if isinstance(action, Creation):
        return await run_action(session, collection, kind, action, new_entry(action, values), values)
    if len(entries) == 1:
        return await run_action(session, collection, kind, action, entries[0], values)
    turn = asyncio.Semaphore(1)

    async def one(number: int, entry: Entry[Row]) -> Outcome:
        # What is still to be sent comes before what is read in between; the last reading tells of all.
        reads = Priority.ACTION if number == len(entries) else Priority.TABLE
        async with turn:
            return await run_action(session, collection, kind, action, entry, values, reads=reads, turn=turn)

    outcomes = await asyncio.gather(*(one(number, entry) for number, entry in enumerate(entries, 1)))
    refused = [outcome.sentence for outcome in outcomes if not outcome.good]
    return Outcome(messages.changes_done(action.label, len(entries), refused), good=not refused)


def new_entry(creation: Creation, values: Values) -> AnyEntry:
    """Return what stands for a record that does not exist yet: its name alone."""
    return Entry(creation.name(values), None)


def _sends_idempotency_key(action: Action[Row] | Creation) -> bool:
    return isinstance(action, Action) and action.sends_idempotency_key


def _idempotency_key_of(session: Session, action: str, subject: str, given: str) -> tuple[str, bool]:
    """Return the idempotency key of a change, and whether an earlier request with it had no answer."""
    if given:
        return given, session.ledger.last_end(given) == "unknown"
    for entry in reversed(session.ledger.entries):
        if entry.action == action and entry.subject == subject:
            if entry.state == "unknown" and entry.key is not None:
                return entry.key, True
            break
    return new_idempotency_key(), False


def _refusal(
    action: Action[Row] | Creation, name: str, error: MogplexError, end: str, how_to_repeat: str
) -> str:
    is_lost = end == "unknown"
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
    action: Action[Row] | Creation, entry: Entry[Row], given: Values
) -> Sequence[float]:
    """Return when to read back after a success: once if the record had the given values before, which cannot differ."""
    if not isinstance(action, Action) or entry.row is None or not action.parameters:
        return READ_BACK_DELAYS
    before = action.texts(entry.row, {})
    is_same = all(before.get(each.name) == given.text(each) != each.default for each in action.parameters)
    return READ_BACK_DELAYS[:1] if is_same else READ_BACK_DELAYS


def _delays_after_failure(error: MogplexError) -> Sequence[float]:
    """Return when to read back after a failure: what was plainly refused has changed nothing that could still show."""
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
    reads: Priority,
    waits: Sequence[float],
) -> None:
    """Show what the service says now: the one record where it can be read by itself, and the list."""
    for wait in waits:
        if wait:
            await asyncio.sleep(wait)
        try:
            if kind.single is not None and entry.row is not None:
                collection.put(await kind_rows.read_single(kind.single, session.client.at(reads), entry))
            differed = await collection.fetch(reads)
        except NotFound:
            await _read_list(collection, reads)
            return
        except BudgetBlocked:
            return
        except MogplexError as error:
            log.info("reading %s back failed: %s", kind.name, error)
            continue
        except Exception:
            # What the answer said is shown all the same: it may be a secret that is sent only once.
            log.exception("reading %s back failed", kind.name)
            return
        now = collection.set.rows.get(entry.key)
        if differed or now is None or now.row != entry.row:
            return


async def _read_list(collection: Collection[Row], reads: Priority) -> None:
    try:
        await collection.fetch(reads)
    except MogplexError as error:
        log.info("reading %s again failed: %s", collection.name, error)
