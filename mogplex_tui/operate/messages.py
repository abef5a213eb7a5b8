"""Sentences about freshness, missing data, unusable routes and changes.

They are made from structured reasons. No code parses a sentence; code that needs a part of
one uses the structure that the sentence was made from.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from mogplex_tui.api.errors import (
    LoginRequired,
    MogplexError,
    NotFound,
    ServiceFailed,
    Throttled,
    Unavailable,
    Unreachable,
    with_full_stop,
)
from mogplex_tui.api.route_access import Family, Reach
from mogplex_tui.live.freshness import Freshness, shown_freshness
from mogplex_tui.live.reasons import (
    ClosedList,
    ClosedPart,
    Hint,
    PartialList,
    PartialRuns,
    RefusedPart,
    Requirement,
)
from mogplex_tui.live.session import SESSION_EXPIRED, SIGN_IN_AGAIN
from mogplex_tui.operate import formatting
from mogplex_tui.operate.action_registry import key_of

if TYPE_CHECKING:
    from datetime import datetime

    from mogplex_tui.live.changes_in_flight import QueuedChange
    from mogplex_tui.live.freshness import SourceState
    from mogplex_tui.live.reasons import Closed, Notice, Subject
    from mogplex_tui.live.run_events_feed import RunEventsFeed
    from mogplex_tui.live.session import Session

# With more failing sources than this, only the reason of the first is shown.
_REASONS_IN_FULL = 2
# Errors that often pass. They are shown only once the next attempt has failed as well.
_TRANSIENT = (Unreachable, Unavailable, ServiceFailed)
_CHANGES_ARE_SENT = "Actions may still be refused."


def capitalized(text: str) -> str:
    """Return a text with its first letter capitalized."""
    return text[:1].upper() + text[1:]


def subject_sentence(subject: Subject, predicate: str) -> str:
    """Return the sentence "SUBJECT is PREDICATE.", with "are" for a plural subject."""
    return f"{capitalized(subject.text)} {'are' if subject.is_plural else 'is'} {predicate}."


# Freshness -----------------------------------------------------------------------------------------------------------


def read_failures(fresh: Freshness, sources: Sequence[SourceState] = (), *, now: float) -> str:
    """Return why the data or some of its sources could not be read again.

    Returns "" if there is nothing to report. `now` is the time on the clock of `fresh`. A
    transient error is reported only when the second attempt has failed too, or when no further
    attempt is planned.
    """
    if fresh.as_of is None:
        return ""
    if _is_rate_limited(fresh):
        retry = "" if fresh.retry_at is None else f", retrying in {wait_text(fresh.retry_at - now)}"
        return f"Rate limited; showing data from {formatting.seconds(now - fresh.as_of)} ago{retry}."
    if _is_lasting(fresh):
        return data_kept(_reason(fresh), f"; {key_of('view.refresh')} retries")
    failing: dict[Subject, SourceState] = {}
    for source in sources:
        if _is_lasting(source.freshness):
            failing.setdefault(source.subject, source)
    if len(failing) > _REASONS_IN_FULL:
        return _short_failures([*failing.values()])
    return " ".join(map(_failure_of, failing.values()))


def data_kept(reason: str, next_step: str = "") -> str:
    """Return why reading has stopped, and that the data of the last read is shown.

    `next_step` is appended to the sentence.
    """
    return f"{with_full_stop(reason)} Showing the last data read{next_step}."


def unreadable_record(record: str, reason: str) -> str:
    """Return the sentence that `record` could not be read, with the reason."""
    return f"{record} could not be read: {with_full_stop(reason)}"


def unlisted_part(subject: Subject, error: MogplexError) -> str:
    """Return the sentence that a part of a list is not printed, with the reason."""
    return f"{subject_sentence(subject, 'not listed')} {error}"


def freshness_text(session: Session, fresh: Freshness, sources: Sequence[SourceState] = ()) -> str:
    """Return the age of data, such as `updated 14s ago` or `stale 3m`.

    Returns "" for data that was just read. Adds the wait until the next read if reading has
    failed or the request limit is reached.
    """
    fresh, is_part = shown_freshness(fresh, sources)
    now, part = session.clock.monotonic(), "partly " if is_part else ""
    age = fresh.age(now)
    if age is None and not is_part:
        return "reading" if fresh.loading else ""
    if fresh.blocked_until is not None:
        reason = "budget used up" if session.budget.blocked_until is None else "rate limited"
        updated = f"{part}not read" if age is None else f"{part}updated {formatting.seconds(age)} ago"
        return f"{updated} · {reason}, next read in {wait_text(fresh.blocked_until - now)}"
    if fresh.failures:
        retry = "" if fresh.retry_at is None else f" · retry in {wait_text(fresh.retry_at - now)}"
        return f"{part}{'not read' if age is None else f'stale {formatting.seconds(age)}'}{retry}"
    return "" if age is None or age < 8 else f"updated {formatting.seconds(age)} ago"


def wait_text(seconds: float) -> str:
    """Format a waiting time in whole seconds, at least `1s`."""
    return f"{max(1, round(seconds))}s"


def _is_lasting(fresh: Freshness) -> bool:
    if fresh.error is None:
        return False
    is_retried = fresh.retry_at is not None and isinstance(fresh.error, _TRANSIENT)
    return fresh.as_of is None or fresh.failures > 1 or not is_retried


def _is_rate_limited(fresh: Freshness) -> bool:
    return isinstance(fresh.error, Throttled) and fresh.error.of_requests


def _reason(fresh: Freshness) -> str:
    error = fresh.error
    return error.message if isinstance(error, MogplexError) else f"Reading failed: {error}"


def _failure_of(source: SourceState) -> str:
    shown = "shown as last read"
    missing = "not known" if source.columns or source.keys is None else "not shown"
    state = subject_sentence(source.subject, shown if source.known else missing)
    return f"{with_full_stop(_reason(source.freshness))} {state}"


def _short_failures(sources: Sequence[SourceState]) -> str:
    """Return which sources cannot be read, and the reason of the first one only.

    At 80 columns there is no room for more reasons.
    """
    old, missing = ([each for each in sources if each.known is known] for known in (True, False))
    sentences = [
        f"{len(sources)} reads fail. The first error: {with_full_stop(_reason(sources[0].freshness))}"
    ]
    for group, end in ((old, "shown as last read"), (missing, "not known")):
        names = ", ".join(each.subject.text for each in group)
        sentences += [f"{capitalized(names)}: {end}."] if names else []
    return " ".join(sentences)


# In the place of rows ------------------------------------------------------------------------------------------------


def empty_list(session: Session, fresh: Freshness, *, noun: str, empty: str) -> list[str]:
    """Return the lines that a list shows when it has no rows.

    They say why nothing was read. If the list was read and has no records, they are the
    sentence `empty`.
    """
    now = session.clock.monotonic()
    if _is_rate_limited(fresh) and fresh.retry_at is not None:
        return [
            f"Rate limited; retrying in {wait_text(fresh.retry_at - now)}.",
            _CHANGES_ARE_SENT,
        ]
    if isinstance(fresh.error, MogplexError):
        error, key = fresh.error, key_of("view.refresh")
        lines = [with_full_stop(text) for text in (error.message, error.advice_when_retrying) if text]
        if fresh.retry_at is not None:
            return [*lines, f"Retrying in {wait_text(fresh.retry_at - now)}; {key} retries now."]
        return [*lines, f"{key} retries now."]
    if fresh.error is not None:
        return [
            f"Reading {noun} failed: {fresh.error}",
            "Internal console error; details are in the log.",
        ]
    if fresh.blocked_until is not None:
        frees = wait_text(fresh.blocked_until - now)
        reason = f"Request budget used up; next read in {frees}."
        if session.budget.blocked_until is not None:
            # The service's own limit, which may be lower than the budget that is counted here.
            reason = f"Rate limited; next read in {frees}."
        return [reason, _CHANGES_ARE_SENT]
    if fresh.as_of is None:
        service = session.target.base_url if session.attached else session.service
        return [f"Reading {noun} from {service} …"]
    return [empty]


# Reach ---------------------------------------------------------------------------------------------------------------


def requirement_sentence(needs: Requirement) -> str:
    """Return the sentence that says which credential something needs.

    The sentence also says how to get that credential.
    """
    return capitalized(_requirement_phrase(needs))


def closed_lines(closed: Closed | None, needs: Requirement | None) -> list[str]:
    """Return sentences on why routes cannot be used, and which credential they need.

    `closed` is None for routes that are usable; the result is then empty. `needs` says what the
    routes are for; it is None if the service's refusal alone explains the reason.
    """
    if closed is None:
        return []
    lines = [SESSION_EXPIRED] if closed.session_expired else []
    if needs is not None and _names_another(closed, needs):
        lines.append(f"{capitalized(needs.subject)} are not open to this credential.")
    if closed.refusal is not None:
        lines += closed.refusal.sentences
    if closed.reach is Reach.NEEDS_SESSION and needs is not None:
        lines.append(requirement_sentence(needs))
        lines += [needs.alternative] if needs.alternative else []
    if closed.reach is Reach.NOT_SIGNED_IN and closed.refusal is None:
        lines.append(SIGN_IN_AGAIN)
    return lines


def notices_text(items: Sequence[Notice]) -> str:
    """Return the notices of a list as text: what the list does not show, and why."""
    return " ".join(map(_notice, items))


def are_hints(items: Sequence[Notice]) -> bool:
    """Return whether none of the notices reports a problem."""
    return all(isinstance(notice, Hint) for notice in items)


def missing_events(feed: RunEventsFeed) -> str | None:
    """Return which events of a run are not shown and why.

    Returns None if all events are shown.
    """
    from mogplex_tui.live.run_event_tail import HORIZON

    row, tail = feed.row, feed.tail
    if feed.is_unreachable:
        reason = row.unreadable or feed.session.access.reach(Family.OBSERVABILITY).reason
        return f"The events of this call cannot be read. {reason}".strip()
    if tail.at_horizon:
        needs = _requirement_phrase(Requirement("later events"))
        return f"The first {HORIZON} events. A token shows no later ones; {needs}"
    if tail.gone:
        return f"The oldest {tail.gone:,} lines are no longer kept here; the service has all of them."
    if tail.bad:
        events, are = ("1 event", "is") if tail.bad == 1 else (f"{tail.bad} events", "are")
        return f"{events} could not be parsed and {are} shown as raw JSON."
    return None


def observability_closed(session: Session) -> list[str]:
    """Return why usage and costs are not shown, and which credential shows them."""
    if session.refusal is not None:
        return [" ".join(closed_lines(session.refusal, None))]
    closed = closed_lines(session.closed([Family.OBSERVABILITY]), Requirement("figures and costs"))
    return [
        " ".join(closed),
        f"The Runs screen ({key_of('go.runs')}) has runs of automations, and runs started or opened from here.",
    ]


def _requirement_phrase(needs: Requirement) -> str:
    if needs.accepts_token:
        return (
            f"{needs.subject} need a token or a browser session that this service accepts:"
            " mogplex-tui login gets one."
        )
    return f"{needs.subject} need a browser session: {LoginRequired.default_advice}."


def _names_another(closed: Closed, needs: Requirement) -> bool:
    """Return whether the service's refusal is about something other than `needs`.

    This happens when a request for other data found that the token lacks a scope.
    """
    if closed.reach is not Reach.NEEDS_SCOPE or closed.refusal is None:
        return False
    return closed.refusal.resource not in (needs.subject, f"the {needs.subject}")


def _notice(notice: Notice) -> str:
    match notice:
        case str():
            return notice
        case Hint(sentence):
            return sentence
        case PartialList(shown, needs, cause):
            partial = f"With a token alone this list has {shown}; {_requirement_phrase(needs)}"
            return " ".join([*closed_lines(cause, None), partial])
        case PartialRuns(cause):
            return _partial_runs(cause)
        case ClosedList(cause, requirement_of_list):
            return " ".join(closed_lines(cause, requirement_of_list))
        case ClosedPart(subject, cause):
            return _closed_part(subject, cause)
        case RefusedPart(subject, answer):
            return f"{with_full_stop(answer)} {subject_sentence(subject, 'not shown')}"


def _partial_runs(cause: Closed) -> str:
    shown = "You see the runs of your automations, and runs started or opened from here"
    sentences = closed_lines(cause, None)
    if cause.reach is not Reach.NEEDS_SESSION:
        return " ".join([f"{shown}.", *sentences])
    return " ".join(
        [*sentences, f"{shown}; {_requirement_phrase(Requirement('all others, and all costs,'))}"]
    )


def _closed_part(subject: Subject, cause: Closed) -> str:
    needs = Requirement(subject.text)
    lines = closed_lines(cause, needs)
    is_named_first = not cause.session_expired and (cause.refusal is None or _names_another(cause, needs))
    if not is_named_first:
        lines.append(subject_sentence(subject, "not shown"))
    return " ".join(lines)


# Changes -------------------------------------------------------------------------------------------------------------


def queued_change(change: QueuedChange, now: datetime) -> str:
    """Return the sentence on a change that a rate limit delays, with its next attempt."""
    seconds = ceil(change.seconds_left)
    at = formatting.time_of_day(now + timedelta(seconds=seconds))
    return f"{capitalized(change.title)} is queued: too many requests. Retrying in {seconds}s, at {at}."


class RefusedChange(NamedTuple):
    """A change that the service refused, or whose response was lost.

    `how_to_repeat` says how to repeat a lost change with the same idempotency key; it is empty
    for a refused change. `may_have_secret` tells whether the lost response may have contained
    the secret of a new record.
    """

    label: str
    name: str
    error: MogplexError
    is_given_up: bool = False
    how_to_repeat: str = ""
    may_have_secret: bool = False


def change_refused(change: RefusedChange) -> str:
    """Return the outcome of a change that the service did not confirm, with advice."""
    name, error = change.name, change.error
    request = f"{capitalized(change.label)} of {name}"
    if isinstance(error, NotFound):
        return f"{capitalized(name)} no longer exists. The list was refreshed."
    if change.is_given_up:
        return f"{request} was given up and not sent."
    if isinstance(error, Throttled):
        return f"{request} was refused: too many requests. Retry in {int(error.retry_after or 60)}s."
    if change.how_to_repeat:
        return (
            f"Whether {name} was started is not known. {with_full_stop(error.message)} {change.how_to_repeat}"
        )
    sentences = [f"{request} failed.", str(error)]
    if change.may_have_secret:
        sentences.append("If it is listed, its secret can no longer be read: delete it.")
    return " ".join(sentences)


def changes_done(label: str, count: int, refused: Sequence[str]) -> str:
    """Return a sentence on how many of several changes succeeded.

    The first two of the sentences in `refused` are added.
    """
    done = f"{capitalized(label)}: {count - len(refused)} of {count} done."
    return " ".join([done, *refused[:2]])


def not_changeable(noun: str) -> str:
    """Return the sentence that a record cannot be changed because it is unreadable."""
    return f"This {noun} could not be read, so it cannot be changed."
