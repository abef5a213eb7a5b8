"""The header line: context, connection, problems found, request budget and costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mogplex_tui.api.connection_state import ConnectionState
from mogplex_tui.api.route_access import Family
from mogplex_tui.live.realtime import RealtimeState
from mogplex_tui.live.session import Session
from mogplex_tui.operate import formatting
from mogplex_tui.operate.health import Finding, FindingKind
from mogplex_tui.widgets.segment_line import Segment
from mogplex_tui.widgets.sparkline import sparkline
from mogplex_tui.widgets.styles import Tone


class Look(NamedTuple):
    """Display options of the console, with the current context's name and colour."""

    context: str
    ascii: bool = False
    reduced_motion: bool = False
    tab_line: bool = True
    colour: str | None = None
    protected: bool = False
    # The name of the active team, its short id if the name is not known, or "" for the personal scope.
    team: str = ""

    @property
    def protected_name(self) -> str:
        """The name that the user must type to confirm a dangerous action.

        Empty if the context is not protected, because only protected contexts require it.
        """
        return self.context if self.protected else ""


# connection state -> its tone and what it means
_CONNECTION = {
    "connected": Tone.OK,
    "connecting": Tone.DIM,
    "reconnecting": Tone.WARN,
    "degraded": Tone.WARN,
    "not signed in": Tone.ERROR,
    "offline": Tone.ERROR,
}


# colour of a context, as the themes name it -> tone
_COLOURS = {"accent": Tone.LIVE, "success": Tone.OK, "warning": Tone.WARN, "error": Tone.ERROR}


def _context(look: Look) -> Segment:
    """Return the segment with the context's name in the context's colour.

    If the context is protected, the word "protected" follows the name.
    """
    tone = _COLOURS.get(look.colour or "", Tone.WARN if look.protected else Tone.STRONG)
    return Segment(f"{look.context} protected" if look.protected else look.context, tone, priority=1)


def connection_word(session: Session) -> str:
    """Return the state of the connection as a word or two, such as "not signed in"."""
    if not session.attached or session.client_made is None:
        return "connecting"
    state = session.client_made.connection.state
    if state is not ConnectionState.NOMINAL:
        return str(state)
    if session.realtime.state is RealtimeState.RECONNECTING:
        return "reconnecting"
    return "not signed in" if session.refused else "connected"


# The action that lists the findings.
FINDINGS = "app.findings"


def header_segments(
    session: Session, look: Look, waiting: int = 0, findings: Sequence[Finding] = ()
) -> list[Segment]:
    """Return the segments of the header line.

    `waiting` is the number of pending approvals. `findings` are the problems to report, the most
    severe first.
    """
    word = connection_word(session)
    tone = _CONNECTION.get(word, Tone.WARN)
    segments = [
        Segment("mogplex", Tone.ACCENT, priority=6),
        _context(look),
        Segment(f"team {look.team}" if look.team else "", Tone.PLAIN, priority=2),
        Segment("" if session.may_write else "read-only", Tone.WARN, priority=2),
        Segment("session expired" if session.session_expired else "", Tone.WARN, priority=1),
        Segment("two accounts" if session.two_accounts else "", Tone.WARN, priority=1),
        Segment(session.account or "", Tone.DIM, priority=7),
        _connected(session, word, tone),
        *_findings(session, findings),
        Segment(*_budget(session), priority=2, right=True),
    ]
    queue = session.in_flight.queue
    if queue:
        text = queue[0].word if len(queue) == 1 else f"{len(queue)} changes queued"
        segments.append(Segment(f"◌ {text}", Tone.WARN, priority=1, right=True))
    segments += _costs(session, look)
    if waiting and not any(finding.kind is FindingKind.APPROVALS for finding in findings):
        glyph, _, _ = formatting.state("waiting")
        # As old as the list that the counts come from, or as the part of it that fails.
        approvals, now = session.store.set("approvals"), session.clock.monotonic()
        sources = (approvals.freshness, *(source.freshness for source in approvals.sources.values()))
        tone = Tone.DIM if any(fresh.stale(now) for fresh in sources) else Tone.WARN
        segments.append(Segment(f"{glyph} {waiting}", tone, priority=0, right=True))
    return segments


def _findings(session: Session, findings: Sequence[Finding]) -> list[Segment]:
    """Return the segments that report problems.

    In a narrow terminal the last findings are dropped first, the first and most severe one last.
    The two most severe stay longer than the request budget and the costs.
    """
    is_stale = session.store.set("runs").freshness.stale(session.clock.monotonic())
    segments = []
    for place, finding in enumerate(findings):
        glyph = f"{formatting.state('waiting')[0]} " if finding.kind is FindingKind.APPROVALS else ""
        glyph = glyph or ("▲ " if place == 0 else "")
        tone = Tone.ERROR if finding.is_error else Tone.WARN
        segments.append(
            Segment(
                f"{glyph}{finding.text}",
                Tone.DIM if is_stale and finding.is_error else tone,
                priority=(0, 1)[place] if place < 2 else 3,
                right=True,
                short=f"{glyph}{finding.short}" if finding.short != finding.text else "",
                short_priority=3,
                action=FINDINGS,
            )
        )
    return segments


def _connected(session: Session, word: str, tone: Tone) -> Segment:
    """Return the segment of the connection, in narrow lines with only a short word."""
    text, client = f"● {word}", session.client_made
    if client is not None and str(client.connection.state) == "offline":
        text += f" since {formatting.time_of_day(client.connection.since)}"
    elif session.realtime.state is RealtimeState.OPEN:
        short = "● live" if word == "connected" else ""
        return Segment(f"{text} · live", tone, priority=0, right=True, short=short, short_priority=4)
    return Segment(text, tone, priority=0, right=True)


def _budget(session: Session) -> tuple[str, Tone]:
    """Return a text about the API requests of the last minute, and its tone.

    The text states the number of requests and their limit. While the service has rate-limited the
    token, the text is empty.
    """
    if session.attached and session.target.token is None:
        return "no token", Tone.DIM
    budget = session.budget
    if budget.blocked_until is not None:
        # The service has rate-limited this token, so the local count is too low. A finding says so.
        return "", Tone.DIM
    used = budget.used()
    tone = Tone.WARN if used >= budget.limit - 10 else Tone.PLAIN if used else Tone.DIM
    if budget.slowdown > 1:
        # A 429 came although this machine had room: another program uses the token, so reads are slower.
        return f"API {used}/{budget.limit} shared, slower", Tone.WARN
    return f"API {used}/{budget.limit}", tone


def _costs(session: Session, look: Look) -> list[Segment]:
    if not session.may_request(Family.OBSERVABILITY):
        return [Segment(f"today {formatting.DASH}", Tone.DIM, priority=3, right=True)]
    today = formatting.money(session.costs.today)
    rate, old = session.costs.per_hour, session.costs.feeds["hour"].freshness.stale(session.clock.monotonic())
    loud = Tone.STRONG if session.costs.today and not old else Tone.DIM
    segments = [Segment(f"today {today}", loud, priority=3, right=True)]
    if rate is not None:
        spark = sparkline(session.costs.series()[-12:], ascii_mode=look.ascii)
        plain, accent = (Tone.DIM, Tone.DIM) if old else (Tone.PLAIN, Tone.ACCENT)
        segments.append(Segment(f"{formatting.money(rate)}/h", plain, priority=5, right=True))
        segments.append(Segment(spark, accent, priority=8, right=True))
    return segments
