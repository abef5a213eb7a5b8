"""What a screen says when it has nothing to show, or when what it shows is old (look: when there is nothing to show)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from mogplex_tui.api.access import Family, Reach
from mogplex_tui.api.errors import MogplexError, Throttled, Unavailable
from mogplex_tui.live.session import Session, session_needed
from mogplex_tui.live.store import Freshness
from mogplex_tui.operate import words
from mogplex_tui.operate.actions import key_of
from mogplex_tui.widgets.status_line import Segment
from mogplex_tui.widgets.tones import Tone

# Older than this a list is drawn dim, as old, unless it is read more rarely than that.
STALE_AFTER = 90.0
# A reading may be so late, in seconds, before what is shown is called old.
LATE = 30.0
_SENTENCES = re.compile(r"(?<=[.?]) (?=\S)")
_SENT = "Actions are sent all the same; the service may refuse them."


def stale(fresh: Freshness, now: float, every: float = 0.0) -> bool:
    """Return whether rows are old enough, or troubled enough, to be drawn as old; they are read `every` seconds."""
    age = fresh.age(now)
    late = max(STALE_AFTER, every + LATE)
    return age is not None and (age > late or (fresh.failures > 1 and age > 15))


def seen(session: Session, fresh: Freshness, every: float = 0.0) -> datetime:
    """Return up to when rows are known: now, or when they were last read while that fails or is long ago.

    They are read `every` seconds. What goes on then may be over by now: its time does not grow any more.
    """
    now, at = session.clock.now(), session.clock.monotonic()
    known = 0.0 if not (fresh.failures or stale(fresh, at, every)) else fresh.age(at) or 0.0
    return now - timedelta(seconds=known)


def failing(fresh: Freshness) -> str:
    """Return why what is shown was not read again, once a second try failed too or none is planned; else nothing."""
    if fresh.as_of is None or fresh.error is None or (fresh.failures < 2 and fresh.retry_at is not None):
        return ""
    what = fresh.error.what if isinstance(fresh.error, MogplexError) else f"Reading failed: {fresh.error}"
    return kept(what, f"; {key_of('view.refresh')} reads it again")


def kept(why: str, then: str = "") -> str:
    """Return why nothing is read any more, with what that means for what is shown."""
    return f"{why.rstrip('.')}. What was read before stays{then}."


def freshness_words(session: Session, fresh: Freshness) -> str:
    """Return how fresh a set is, when that is not "now": `as of 14s`, `stale 3m`, `next read in 7s`."""
    now = session.clock.monotonic()
    age = fresh.age(now)
    if age is None:
        return "reading" if fresh.loading else ""
    if fresh.blocked_until is not None:
        why = "budget used up" if session.budget.blocked_until is None else "requests limited"
        return f"as of {words.seconds(age)} · {why}, next read in {wait(fresh.blocked_until - now)}"
    if fresh.failures:
        again = "" if fresh.retry_at is None else f" · retry in {wait(fresh.retry_at - now)}"
        return f"stale {words.seconds(age)}{again}"
    return "" if age < 8 else f"as of {words.seconds(age)}"


def freshness_segment(
    session: Session, fresh: Freshness, *, every: float = 0.0, priority: int = 2
) -> Segment:
    """Return how fresh a set is for the title: an age alone is quiet, what is old or troubled stands out."""
    old = stale(fresh, session.clock.monotonic(), every)
    loud = old or fresh.failures or fresh.blocked_until is not None
    tone = Tone.WARN if loud else Tone.DIM
    return Segment(freshness_words(session, fresh), tone, priority=priority, right=True)


def wait(seconds: float) -> str:
    """Return a wait in whole seconds, never less than one."""
    return f"{max(1, round(seconds))}s"


def nothing(session: Session, fresh: Freshness, *, noun: str, empty: str) -> list[str]:
    """Return the lines that stand where rows would be.

    `empty` says what an empty list means and what to do next.
    """
    now = session.clock.monotonic()
    limited = isinstance(fresh.error, Throttled) and fresh.error.of_requests
    if limited and fresh.retry_at is not None:
        return [f"The service limits requests; the next read is in {wait(fresh.retry_at - now)}.", _SENT]
    if isinstance(fresh.error, MogplexError):
        lines = [f"{text.rstrip('.')}." if text else "" for text in (fresh.error.what, _beside(fresh.error))]
        if fresh.retry_at is not None:
            lines.append(f"Retrying in {wait(fresh.retry_at - now)}; {key_of('view.refresh')} retries now.")
        else:
            lines.append(f"{key_of('view.refresh')} retries now.")
        return [line for line in lines if line]
    if fresh.error is not None:
        return [
            f"Reading {noun} failed: {fresh.error}",
            "This is a fault of the console; the log has the details.",
        ]
    if fresh.blocked_until is not None:
        frees = wait(fresh.blocked_until - now)
        why = f"Request budget used up; the next slot frees in {frees}."
        if session.budget.blocked_until is not None:
            # The service's own limit, which may be lower than the budget that is counted here.
            why = f"The service limits requests; the next read is in {frees}."
        return [why, _SENT]
    if fresh.as_of is None:
        where = session.target.base_url if session.attached else "the embedded control plane"
        return [f"Reading {noun} from {where} …"]
    return [empty]


def _beside(error: MogplexError) -> str:
    """Return what helps beside another try, of which the next line tells."""
    first, _, rest = error.advice.partition("; ")
    waits = ("Try again", Unavailable.default_advice, Throttled.default_advice)
    return rest[:1].upper() + rest[1:] if first in waits else error.advice


def parted(said: str) -> list[str]:
    """Return the sentences of what is said, for a line each."""
    return _SENTENCES.split(said)


def observability_closed(session: Session) -> list[str]:
    """Return why observability cannot be seen and what would open it."""
    if session.refusal is not None:
        return [session.refusal]
    finding = session.access.reach(Family.OBSERVABILITY)
    needs_session = finding.reach is Reach.NEEDS_SESSION
    return [
        session.lacking(Family.OBSERVABILITY, session_needed("Figures and costs"))
        if needs_session
        else finding.reason,
        f"Runs started or opened from here are on the Runs screen ({key_of('go.runs')}).",
    ]
