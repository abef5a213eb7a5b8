"""How old a screen's data is: the time of its last read and a text about its age."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from mogplex_tui.live.freshness import Freshness, SourceState, is_delayed, shown_freshness
from mogplex_tui.live.session import Session
from mogplex_tui.operate.messages import freshness_text
from mogplex_tui.widgets.segment_line import Segment
from mogplex_tui.widgets.styles import Tone


def read_time(session: Session, fresh: Freshness) -> datetime:
    """Return the latest time for which the rows are known to be correct.

    It is the current time, or the time of the last read while reads fail or the rows are stale.
    Durations are computed up to this time: a run may have ended since the last read, so its
    duration must not grow.
    """
    now, at = session.clock.now(), session.clock.monotonic()
    known = 0.0 if not (fresh.failures or fresh.stale(at)) else fresh.age(at) or 0.0
    return now - timedelta(seconds=known)


def freshness_segment(
    session: Session, fresh: Freshness, sources: Sequence[SourceState] = (), *, priority: int = 2
) -> Segment:
    """Return the segment of the title line that states how old the screen's data is.

    It is dim, or highlighted while the data is stale or cannot be read.
    """
    shown, _ = shown_freshness(fresh, sources)
    loud = shown.stale(session.clock.monotonic()) or is_delayed(shown)
    tone = Tone.WARN if loud else Tone.DIM
    return Segment(freshness_text(session, fresh, sources), tone, priority=priority, right=True)
