"""Texts on how fresh the data of a screen is and why it was not read again, as a whole and for each source."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import inf

from mogplex_tui.api.errors import MogplexError, ServiceFailed, Unavailable, Unreachable, ended
from mogplex_tui.live.freshness import Freshness, SourceState
from mogplex_tui.live.session import Session
from mogplex_tui.operate import words
from mogplex_tui.operate.actions import key_of
from mogplex_tui.widgets.status_line import Segment
from mogplex_tui.widgets.tones import Tone

# Of more parts that fail at once, not each is told with its own reason.
AT_LENGTH = 2
# What the next try often finds over: it is told when that fails as well.
_PASSING = (Unreachable, Unavailable, ServiceFailed)


def read_time(session: Session, fresh: Freshness) -> datetime:
    """Return the time up to which rows are known: now, or their last read while reading fails or the rows are stale.

    A run that was running then may have ended since, so its duration must not grow.
    """
    now, at = session.clock.now(), session.clock.monotonic()
    known = 0.0 if not (fresh.failures or fresh.stale(at)) else fresh.age(at) or 0.0
    return now - timedelta(seconds=known)


# Sentences ----------------------------------------------------------------------------------------------------------


def failing(fresh: Freshness, sources: Sequence[SourceState] = ()) -> str:
    """Return why what is shown was not read again, once a second try failed too or none is planned; else nothing.

    Where the whole was read and one of its sources was not, it is told what of the rest is old or not known.
    """
    if fresh.as_of is None:
        return ""
    if _lasts(fresh):
        return kept(_what(fresh), f"; {key_of('view.refresh')} reads it again")
    troubled: dict[str, SourceState] = {}
    for source in sources:
        if _lasts(source.freshness):
            troubled.setdefault(source.what, source)
    if len(troubled) > AT_LENGTH:
        return _in_short([*troubled.values()])
    return " ".join(map(_in_part, troubled.values()))


def _lasts(fresh: Freshness) -> bool:
    if fresh.error is None:
        return False
    soon = fresh.retry_at is not None and isinstance(fresh.error, _PASSING)
    return fresh.as_of is None or fresh.failures > 1 or not soon


def _what(fresh: Freshness) -> str:
    error = fresh.error
    return error.what if isinstance(error, MogplexError) else f"Reading failed: {error}"


def _in_part(source: SourceState) -> str:
    ending = "it was" if source.what.endswith(" is") else "they were"
    stays = f"shown as {ending} read before"
    lost = "not known" if source.columns or source.keys is None else "not shown"
    return f"{ended(_what(source.freshness))} {source.what} {stays if source.known else lost}."


def _in_short(sources: Sequence[SourceState]) -> str:
    """What several fail to tell, with the reason of the first alone: more than that has no room at 80 columns."""
    old, lost = ([each for each in sources if each.known is known] for known in (True, False))
    said = [f"{len(sources)} readings fail, one of them so: {ended(_what(sources[0].freshness))}"]
    for some, end in ((old, "shown as read before"), (lost, "not known")):
        names = ", ".join(each.what.rpartition(" ")[0] for each in some)
        said += [f"{names}: {end}."] if names else []
    return " ".join(said)


def kept(why: str, then: str = "") -> str:
    """Return why nothing is read any more, with what that means for what is shown."""
    return f"{ended(why)} What was read before stays{then}."


# The title ----------------------------------------------------------------------------------------------------------


def told(fresh: Freshness, sources: Sequence[SourceState] = ()) -> tuple[Freshness, bool]:
    """Return the freshness that the title tells, and whether it is that of a part alone.

    That of the whole, if that is troubled; else of the troubled source that is the oldest; else of the oldest.
    """
    if fresh.as_of is None or delayed(fresh):
        return fresh, False
    troubled = [each.freshness for each in sources if delayed(each.freshness)]
    if troubled:
        return min(troubled, key=read_at), True
    aging = [
        each.freshness for each in sources if each.freshness.as_of is not None and each.freshness.every < inf
    ]
    return min((fresh, *aging), key=read_at), False


def delayed(fresh: Freshness) -> bool:
    """Return whether a failure or the budget keeps a source from being read."""
    return fresh.failures > 0 or (fresh.blocked_until is not None and fresh.as_of is not None)


def read_at(fresh: Freshness) -> float:
    """Return when something was read last, in monotonic seconds; before everything else what never was."""
    return -inf if fresh.as_of is None else fresh.as_of


def freshness_words(session: Session, fresh: Freshness, sources: Sequence[SourceState] = ()) -> str:
    """Return how fresh what is shown is, when that is not "now": `as of 14s`, `stale 3m`, `partly stale 3m`."""
    fresh, partly = told(fresh, sources)
    now, part = session.clock.monotonic(), "partly " if partly else ""
    age = fresh.age(now)
    if age is None and not partly:
        return "reading" if fresh.loading else ""
    if fresh.blocked_until is not None:
        why = "budget used up" if session.budget.blocked_until is None else "requests limited"
        return f"{part}as of {words.seconds(age)} · {why}, next read in {wait(fresh.blocked_until - now)}"
    if fresh.failures:
        again = "" if fresh.retry_at is None else f" · retry in {wait(fresh.retry_at - now)}"
        return f"{part}{'not read' if age is None else f'stale {words.seconds(age)}'}{again}"
    return "" if age is None or age < 8 else f"as of {words.seconds(age)}"


def freshness_segment(
    session: Session, fresh: Freshness, sources: Sequence[SourceState] = (), *, priority: int = 2
) -> Segment:
    """Return how fresh what is shown is, for the title: an age alone is quiet, what is old or troubled stands out."""
    shown, _ = told(fresh, sources)
    loud = shown.stale(session.clock.monotonic()) or delayed(shown)
    tone = Tone.WARN if loud else Tone.DIM
    return Segment(freshness_words(session, fresh, sources), tone, priority=priority, right=True)


def wait(seconds: float) -> str:
    """Return a wait in whole seconds, never less than one."""
    return f"{max(1, round(seconds))}s"
