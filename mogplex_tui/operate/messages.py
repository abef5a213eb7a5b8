"""Sentences for people on freshness, missing data and closed routes, made from structured reasons.

Nothing takes a sentence apart again: code that needs to know a part of it uses the structure it was made from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mogplex_tui.api.errors import (
    MogplexError,
    ServiceFailed,
    Throttled,
    Unavailable,
    Unreachable,
    ended,
)
from mogplex_tui.live.freshness import Freshness, shown_freshness
from mogplex_tui.operate import words
from mogplex_tui.operate.actions import key_of

if TYPE_CHECKING:
    from mogplex_tui.live.freshness import SourceState
    from mogplex_tui.live.reasons import Subject
    from mogplex_tui.live.session import Session

# With more failing sources than these, the reason of the first stands for all.
_REASONS_IN_FULL = 2
# Errors that often pass: they are reported once the next try has failed as well.
_TRANSIENT = (Unreachable, Unavailable, ServiceFailed)
_CHANGES_ARE_SENT = "Actions are sent all the same; the service may refuse them."


def capitalized(text: str) -> str:
    """Return a text with a capital at its beginning and the rest as it is."""
    return text[:1].upper() + text[1:]


def clause(subject: Subject, predicate: str) -> str:
    """Return the sentence that a subject is something, such as "Older runs are not shown."."""
    return f"{capitalized(subject.text)} {'are' if subject.is_plural else 'is'} {predicate}."


# Freshness -----------------------------------------------------------------------------------------------------------


def read_failures(fresh: Freshness, sources: Sequence[SourceState] = ()) -> str:
    """Return why the data or some of its sources could not be read again; an empty text while nothing is wrong.

    A transient error is left out until a second try has failed or no further one is planned.
    """
    if fresh.as_of is None:
        return ""
    if _is_lasting(fresh):
        return data_kept(_reason(fresh), f"; {key_of('view.refresh')} reads it again")
    failing: dict[Subject, SourceState] = {}
    for source in sources:
        if _is_lasting(source.freshness):
            failing.setdefault(source.subject, source)
    if len(failing) > _REASONS_IN_FULL:
        return _failures_in_short([*failing.values()])
    return " ".join(map(_failure_of, failing.values()))


def data_kept(reason: str, then: str = "") -> str:
    """Return why nothing is read any more, and that the data of the last reading stays."""
    return f"{ended(reason)} What was read before stays{then}."


def not_listed(subject: Subject, error: MogplexError) -> str:
    """Return that a part of a list is missing in the output of a command, and why."""
    return f"{clause(subject, 'not listed')} {error}"


def freshness_words(session: Session, fresh: Freshness, sources: Sequence[SourceState] = ()) -> str:
    """Return how old the data is: `as of 14s`, `stale 3m`, `partly stale 3m`; an empty text for fresh data."""
    fresh, is_part = shown_freshness(fresh, sources)
    now, part = session.clock.monotonic(), "partly " if is_part else ""
    age = fresh.age(now)
    if age is None and not is_part:
        return "reading" if fresh.loading else ""
    if fresh.blocked_until is not None:
        why = "budget used up" if session.budget.blocked_until is None else "requests limited"
        return f"{part}as of {words.seconds(age)} · {why}, next read in {wait(fresh.blocked_until - now)}"
    if fresh.failures:
        again = "" if fresh.retry_at is None else f" · retry in {wait(fresh.retry_at - now)}"
        return f"{part}{'not read' if age is None else f'stale {words.seconds(age)}'}{again}"
    return "" if age is None or age < 8 else f"as of {words.seconds(age)}"


def wait(seconds: float) -> str:
    """Return a wait in whole seconds, never less than one."""
    return f"{max(1, round(seconds))}s"


def _is_lasting(fresh: Freshness) -> bool:
    if fresh.error is None:
        return False
    is_retried = fresh.retry_at is not None and isinstance(fresh.error, _TRANSIENT)
    return fresh.as_of is None or fresh.failures > 1 or not is_retried


def _reason(fresh: Freshness) -> str:
    error = fresh.error
    return error.what if isinstance(error, MogplexError) else f"Reading failed: {error}"


def _failure_of(source: SourceState) -> str:
    shown = f"shown as {'they were' if source.subject.is_plural else 'it was'} read before"
    missing = "not known" if source.columns or source.keys is None else "not shown"
    return f"{ended(_reason(source.freshness))} {clause(source.subject, shown if source.known else missing)}"


def _failures_in_short(sources: Sequence[SourceState]) -> str:
    """Return which sources fail, with the reason of the first alone: more has no room at 80 columns."""
    old, missing = ([each for each in sources if each.known is known] for known in (True, False))
    sentences = [f"{len(sources)} readings fail, one of them so: {ended(_reason(sources[0].freshness))}"]
    for some, end in ((old, "shown as read before"), (missing, "not known")):
        names = ", ".join(each.subject.text for each in some)
        sentences += [f"{capitalized(names)}: {end}."] if names else []
    return " ".join(sentences)


# In the place of rows ------------------------------------------------------------------------------------------------


def empty_list(session: Session, fresh: Freshness, *, noun: str, empty: str) -> list[str]:
    """Return the lines that stand where rows would be.

    `empty` says what an empty list means and what to do next.
    """
    now = session.clock.monotonic()
    is_limited = isinstance(fresh.error, Throttled) and fresh.error.of_requests
    if is_limited and fresh.retry_at is not None:
        return [
            f"The service limits requests; the next read is in {wait(fresh.retry_at - now)}.",
            _CHANGES_ARE_SENT,
        ]
    if isinstance(fresh.error, MogplexError):
        error, key = fresh.error, key_of("view.refresh")
        lines = [ended(text) for text in (error.what, error.advice_beside_retry) if text]
        if fresh.retry_at is not None:
            return [*lines, f"Retrying in {wait(fresh.retry_at - now)}; {key} retries now."]
        return [*lines, f"{key} retries now."]
    if fresh.error is not None:
        return [
            f"Reading {noun} failed: {fresh.error}",
            "This is a fault of the console; the log has the details.",
        ]
    if fresh.blocked_until is not None:
        frees = wait(fresh.blocked_until - now)
        reason = f"Request budget used up; the next slot frees in {frees}."
        if session.budget.blocked_until is not None:
            # The service's own limit, which may be lower than the budget that is counted here.
            reason = f"The service limits requests; the next read is in {frees}."
        return [reason, _CHANGES_ARE_SENT]
    if fresh.as_of is None:
        where = session.target.base_url if session.attached else session.service
        return [f"Reading {noun} from {where} …"]
    return [empty]
