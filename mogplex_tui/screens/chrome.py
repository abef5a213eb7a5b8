"""The header line: which context, does it answer, what is left of the budget, what does today cost."""

from __future__ import annotations

from typing import NamedTuple

from mogplex_tui.api.access import Family
from mogplex_tui.live.realtime import RealtimeState
from mogplex_tui.live.session import Session
from mogplex_tui.operate import formatting
from mogplex_tui.widgets.sparkline import sparkline
from mogplex_tui.widgets.status_line import Segment
from mogplex_tui.widgets.styles import Tone


class Look(NamedTuple):
    """How the console draws: letters instead of glyphs, motion, the tab line; the context's name and how it is marked."""

    context: str
    ascii: bool = False
    reduced_motion: bool = False
    tab_line: bool = True
    colour: str | None = None
    protected: bool = False

    @property
    def protected_name(self) -> str:
        """The context's name if it must be typed before a dangerous action, else an empty text."""
        return self.context if self.protected else ""


# state -> tone and what it means for the operator
_CONNECTION = {
    "nominal": Tone.OK,
    "connecting": Tone.DIM,
    "reconnecting": Tone.WARN,
    "degraded": Tone.WARN,
    "not signed in": Tone.ERROR,
    "offline": Tone.ERROR,
}


# a context's colour, which is a name of the themes -> its tone
_COLOURS = {"accent": Tone.LIVE, "success": Tone.OK, "warning": Tone.WARN, "error": Tone.ERROR}


def _context(look: Look) -> Segment:
    """The context's name in its colour; a protected one says so, and stands out even without a colour of its own."""
    tone = _COLOURS.get(look.colour or "", Tone.WARN if look.protected else Tone.STRONG)
    return Segment(f"{look.context} protected" if look.protected else look.context, tone, priority=1)


def connection_word(session: Session) -> str:
    """Return the connection in a word: nominal, connecting, reconnecting, degraded, not signed in or offline."""
    if not session.attached or session.client_made is None:
        return "connecting"
    state = str(session.client_made.connection.state)
    if state == "nominal" and session.realtime.hearing is RealtimeState.RECONNECTING:
        return "reconnecting"
    if state == "nominal" and session.refused:
        return "not signed in"
    return state


def header_segments(session: Session, look: Look, waiting: int = 0) -> list[Segment]:
    """Return the header, the most important first to survive a narrow terminal; `waiting` questions want a person."""
    word = connection_word(session)
    tone = _CONNECTION.get(word, Tone.WARN)
    segments = [
        Segment("mogplex", Tone.ACCENT, priority=5),
        _context(look),
        Segment("" if session.may_write else "read-only", Tone.WARN, priority=2),
        Segment("session expired" if session.session_expired else "", Tone.WARN, priority=1),
        Segment("two accounts" if session.two_accounts else "", Tone.WARN, priority=1),
        Segment(session.account or "", Tone.DIM, priority=6),
        Segment(_connected(session, f"● {word}"), tone, priority=0, right=True),
        Segment(*_budget(session), priority=2, right=True),
    ]
    queue = session.in_flight.queue
    if queue:
        text = queue[0].word if len(queue) == 1 else f"{len(queue)} changes queued"
        segments.append(Segment(f"◌ {text}", Tone.WARN, priority=1, right=True))
    segments += _costs(session, look)
    if waiting:
        glyph, _, _ = formatting.state("waiting")
        # As old as the list that they are counted in, or as the part of it that is troubled.
        asked, now = session.store.set("approvals"), session.clock.monotonic()
        told_by = (asked.freshness, *(source.freshness for source in asked.sources.values()))
        tone = Tone.DIM if any(fresh.stale(now) for fresh in told_by) else Tone.WARN
        segments.append(Segment(f"{glyph} {waiting}", tone, priority=1, right=True))
    return segments


def _connected(session: Session, text: str) -> str:
    client = session.client_made
    if client is None or str(client.connection.state) != "offline":
        hears = session.realtime.hearing is RealtimeState.OPEN
        return f"{text} live" if hears else text
    return f"{text} since {formatting.clock(client.connection.since)}"


def _budget(session: Session) -> tuple[str, Tone]:
    """How much of the token's budget is used, and when the next slot frees once it is short."""
    if session.attached and session.target.token is None:
        return "no token", Tone.DIM
    budget = session.budget
    if budget.blocked_until is not None:
        # The service has refused for its limit, so that what is counted here says nothing.
        wait = max(1, round(budget.blocked_until - session.clock.monotonic()))
        return f"requests limited, next {wait}s", Tone.WARN
    used = budget.used()
    text = f"budget {used}/{budget.limit}"
    if used == 0:
        return text, Tone.DIM
    text += f" next {max(1, round(budget.next_free_in()))}s"
    return text, Tone.WARN if used >= budget.limit - 10 else Tone.PLAIN


def _costs(session: Session, look: Look) -> list[Segment]:
    if not session.open(Family.OBSERVABILITY):
        return [Segment(f"today {formatting.DASH}", Tone.DIM, priority=3, right=True)]
    today = formatting.money(session.costs.today)
    rate, old = session.costs.per_hour, session.costs.feeds["hour"].freshness.stale(session.clock.monotonic())
    loud = Tone.STRONG if session.costs.today and not old else Tone.DIM
    segments = [Segment(f"today {today}", loud, priority=3, right=True)]
    if rate is not None:
        spark = sparkline(session.costs.series()[-12:], ascii_mode=look.ascii)
        plain, accent = (Tone.DIM, Tone.DIM) if old else (Tone.PLAIN, Tone.ACCENT)
        segments.append(Segment(f"{formatting.money(rate)}/h", plain, priority=4, right=True))
        segments.append(Segment(spark, accent, priority=7, right=True))
    return segments
