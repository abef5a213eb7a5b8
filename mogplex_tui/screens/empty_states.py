"""Messages in the place of rows: why a screen has none, and what to do about it."""

from __future__ import annotations

import re

from mogplex_tui.api.access import Family
from mogplex_tui.api.errors import MogplexError, Throttled, Unavailable, ended
from mogplex_tui.live.freshness import Freshness
from mogplex_tui.live.session import Session, session_needed
from mogplex_tui.operate.actions import key_of
from mogplex_tui.screens.freshness_text import wait

_SENTENCES = re.compile(r"(?<=[.?]) (?=\S)")
_SENT = "Actions are sent all the same; the service may refuse them."


def nothing(session: Session, fresh: Freshness, *, noun: str, empty: str) -> list[str]:
    """Return the lines that stand where rows would be.

    `empty` says what an empty list means and what to do next.
    """
    now = session.clock.monotonic()
    limited = isinstance(fresh.error, Throttled) and fresh.error.of_requests
    if limited and fresh.retry_at is not None:
        return [f"The service limits requests; the next read is in {wait(fresh.retry_at - now)}.", _SENT]
    if isinstance(fresh.error, MogplexError):
        lines = [ended(text) for text in (*parted(fresh.error.what), _beside(fresh.error))]
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
        where = session.target.base_url if session.attached else session.service
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
    return [
        session.closed([Family.OBSERVABILITY], session_needed("Figures and costs")) or "",
        f"The Runs screen ({key_of('go.runs')}) has runs of automations, and runs started or opened from here.",
    ]
