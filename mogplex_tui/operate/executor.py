"""Carries out every change: ledger entry, request, what an answer or its loss means, reading back."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

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
    ended,
)
from mogplex_tui.live import redact
from mogplex_tui.live.collection import Item
from mogplex_tui.live.session import NotYet
from mogplex_tui.operate import answers
from mogplex_tui.operate.actions import refusal_to_write
from mogplex_tui.operate.kinds.base import Kind
from mogplex_tui.operate.kinds.verb import Verb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mogplex_tui.config.secret import Secret
    from mogplex_tui.live.collection import Collection
    from mogplex_tui.live.rows import RunRow
    from mogplex_tui.live.session import Session
    from mogplex_tui.operate.model import Values

log = logging.getLogger("mogplex.operate")

A = TypeVar("A")
R = TypeVar("R")


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


def end_of(error: MogplexError, *, keyed: bool = False) -> str:
    """Return how a call ended for the ledger: `unknown` where the service may have done it, else `refused`.

    A call with an idempotency key (`keyed`) may have been done although it was answered by a 5xx (errors.md §5).
    """
    if isinstance(error, NotYet | InvalidInput | BudgetBlocked | NotAllowed | NotSignedIn):
        # Never sent, or refused before anything was done.
        return "refused"
    if error.status is None or isinstance(error, InvalidResponse):
        return "unknown"
    return "unknown" if keyed and error.status >= 500 else "refused"


def new_key() -> str:
    """Return an idempotency key; it is made before the first try and kept for every further one."""
    return f"mogplex-tui-{uuid.uuid4()}"


@dataclass(frozen=True, slots=True)
class Execution(Generic[A, R]):
    """One change as `execute` carries it out.

    `action` and `subject` stand in the ledger. `begin` shows that the change is under way; `finish` stops that, and gets
    whether the service accepted the request. `accepted` gets the answer, `refused` the error and how the request ended
    for the ledger; both read back what was changed and return the result. `detail` is what the ledger keeps of an
    answer.
    """

    action: str
    subject: str
    request: Callable[[], Awaitable[A]]
    accepted: Callable[[A], Awaitable[R]]
    refused: Callable[[MogplexError, str], Awaitable[R]]
    begin: Callable[[], None] = lambda: None
    finish: Callable[[bool], None] = lambda _: None
    idempotency_key: str | None = None
    detail: Callable[[A], str | None] = lambda _: None


async def execute(session: Session, change: Execution[A, R]) -> R:
    """Carry out one change. The ledger knows it, with its idempotency key, before the request leaves."""
    key, is_accepted = change.idempotency_key, False
    entry = session.ledger.open(change.action, change.subject, key)
    change.begin()
    try:
        answer = await change.request()
    except MogplexError as error:
        end = end_of(error, keyed=key is not None)
        session.ledger.close(entry, end, str(error))
        return await change.refused(error, end)
    except asyncio.CancelledError:
        session.ledger.close(entry, "unknown")
        raise
    else:
        is_accepted = True
        session.ledger.close(entry, "done", change.detail(answer))
        return await change.accepted(answer)
    finally:
        change.finish(is_accepted)


# A change is read back after these many seconds, until the reading differs from before.
READ_BACK = (0.0, 1.0, 3.0)


async def carry_out(
    session: Session,
    collection: Collection,
    kind: Kind,
    verb: Verb,
    item: Item,
    text: str | Values = "",
    *,
    reads: Priority = Priority.ACTION,
    idempotency_key: str = "",
    how_to_repeat: str = "Doing it again is safe.",
) -> Outcome:
    """Send a verb's one call and say how it ended. Never raises for what the service answers.

    `reads` is the priority of the reading after it. A change that sends an idempotency key sends the given one, else
    that of the same change if its last answer was lost, else a new one; it is in the ledger before the request leaves.
    `how_to_repeat` is the sentence after a lost answer, with the key for `{key}`.
    """
    closed = kind.closed_to(verb, session) or await refusal_to_write(session) or _unreadable(kind, verb, item)
    if closed is not None:
        # Nothing is asked of what is known to be closed, also where it closed while a question was open.
        return Outcome(closed, good=False, closed=True)
    name, subject = kind.name_of(item), item.key
    if verb.makes_record:
        name, subject = f"{kind.noun} {name}", f"{kind.noun} {subject}"
    action = f"{kind.name}.{verb.id}"
    key: tuple[str, bool] | tuple[()] = ()
    if verb.keyed:
        subject = redact.text(f"{subject} {text}".strip())
        key = _key_of(session, action, subject, idempotency_key)

    async def accepted(answer: object) -> Outcome:
        await _read_back(session, collection, kind, item, reads, _waits_after_success(verb, item, text))
        good, said = (True, verb.done) if verb.told is None else verb.told(answer)
        secret = None if verb.secret is None else verb.secret(answer)
        sentence = answers.about(said or f"{verb.title}: {{}} is done.", name)
        return Outcome(
            _begun(sentence), good=good, secret=secret, new_id=verb.new_id(answer), fields=verb.fields(answer)
        )

    async def refused(error: MogplexError, end: str) -> Outcome:
        await _read_back(session, collection, kind, item, reads, _waits_after(error))
        repeat = how_to_repeat.replace("{key}", key[0] if key else "")
        return Outcome(_begun(_refusal(verb, name, error, end, repeat)), good=False, error=error)

    return await execute(
        session,
        Execution(
            action,
            subject,
            lambda: verb.call(session.client.at(Priority.ACTION), item, text, *key),
            accepted,
            refused,
            begin=lambda: collection.begin(item.key, verb.doing),
            finish=lambda _: collection.done(item.key),
            idempotency_key=key[0] if key else None,
        ),
    )


def _unreadable(kind: Kind, verb: Verb, item: Item) -> str | None:
    """Return why a change of a record that could not be read is not sent: some requests need its row."""
    if item.record is not None or verb.new is not None:
        return None
    return f"This {kind.noun} could not be read, so nothing can be done to it."


def _begun(sentence: str) -> str:
    """Return a sentence with a capital at its beginning, which is a noun or a verb of ours."""
    return sentence[:1].upper() + sentence[1:]


def _key_of(session: Session, action: str, subject: str, given: str) -> tuple[str, bool]:
    """Return the idempotency key of a change, and whether an earlier request with it had no answer."""
    if given:
        return given, session.ledger.last_end(given) == "unknown"
    for entry in reversed(session.ledger.entries):
        if entry.action == action and entry.subject == subject:
            if entry.state == "unknown" and entry.key is not None:
                return entry.key, True
            break
    return new_key(), False


async def carry_out_all(
    session: Session,
    collection: Collection,
    kind: Kind,
    verb: Verb,
    items: Sequence[Item],
    text: str | Values = "",
) -> Outcome:
    """Carry a verb out on several records, one after the other, and sum up; one that makes a record needs none."""
    if verb.new is not None:
        return await carry_out(session, collection, kind, verb, named(verb, text), text)
    if len(items) == 1:
        return await carry_out(session, collection, kind, verb, items[0], text)
    refused = []
    for number, item in enumerate(items, 1):
        # What is still to be sent comes before what is read in between; the last reading tells of all.
        reads = Priority.ACTION if number == len(items) else Priority.TABLE
        outcome = await carry_out(session, collection, kind, verb, item, text, reads=reads)
        if not outcome.good:
            refused.append(outcome.sentence)
    went = len(items) - len(refused)
    said = f"{verb.title}: {went} of {len(items)} done."
    return Outcome(_begun(" ".join([said, *refused[:2]])), good=not refused)


def named(verb: Verb, values: str | Values) -> Item:
    """Return what stands for a record that is not there yet: its name and nothing else."""
    return Item(verb.new(values) if verb.new is not None and not isinstance(values, str) else "", None)


def _refusal(verb: Verb, name: str, error: MogplexError, end: str, how_to_repeat: str) -> str:
    if isinstance(error, NotFound):
        return f"The service does not know {name} any more. The list was read again."
    if isinstance(error, Throttled):
        return f"{verb.title} of {name} was refused: too many requests. Again in {int(error.retry_after or 60)} s."
    if verb.keyed and end == "unknown":
        # The next attempt sends the same idempotency key, so the service does not repeat the change.
        return f"Whether {name} was started is not known. {ended(error.what)} {how_to_repeat}"
    lost = " If it is listed all the same, nobody can read its secret any more: remove it."
    after = lost if verb.secret is not None and end == "unknown" else ""
    return f"{verb.title} of {name} did not go through. {error}{after}"


def _waits_after_success(verb: Verb, item: Item, given: str | Values) -> Sequence[float]:
    """Return when to read back after a success: once if the record had the given values before, which cannot differ."""
    if item.record is None or isinstance(given, str) or not verb.parameters:
        return READ_BACK
    before = verb.texts(item, {})
    is_same = all(before.get(each.name) == given.text(each) != each.default for each in verb.parameters)
    return READ_BACK[:1] if is_same else READ_BACK


def _waits_after(error: MogplexError) -> Sequence[float]:
    """Return when to read back after a failure: what was plainly refused has changed nothing that could still show."""
    return READ_BACK[:1] if end_of(error) == "refused" and (error.status or 0) < 500 else READ_BACK


async def _read_back(
    session: Session,
    collection: Collection,
    kind: Kind,
    item: Item,
    reads: Priority,
    waits: Sequence[float],
) -> None:
    """Show what the service says now: the one record where it can be read by itself, and the list."""
    for wait in waits:
        if wait:
            await asyncio.sleep(wait)
        try:
            if kind.one is not None and item.record is not None:
                collection.put(await kind.one(session.client.at(reads), item))
            differed = await collection.fetch(reads)
        except NotFound:
            await _quietly(collection, reads)
            return
        except BudgetBlocked:
            return
        except MogplexError as error:
            log.info("reading %s back failed: %s", kind.name, error)
            continue
        except Exception:
            # What the answer said is told all the same: it may be a secret that nobody tells again.
            log.exception("reading %s back failed", kind.name)
            return
        now = collection.set.rows.get(item.key)
        if differed or now is None or now.record != item.record:
            return


async def _quietly(collection: Collection, reads: Priority) -> None:
    try:
        await collection.fetch(reads)
    except MogplexError as error:
        log.info("reading %s again failed: %s", collection.name, error)
