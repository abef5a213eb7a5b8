"""The age of a screen's data, for its title and its durations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from mogplex_tui.live.freshness import Freshness, SourceState, is_delayed, shown_freshness
from mogplex_tui.live.session import Session
from mogplex_tui.operate.messages import freshness_text
from mogplex_tui.widgets.segment_line import Segment
from mogplex_tui.widgets.styles import Tone


def read_time(session: Session, fresh: Freshness) -> datetime:
    """Return the time up to which rows are known.

    That is now, or the last read while reads fail or the rows are stale. A run may have ended since then, so its
    duration must not grow.
    """
    now, at = session.clock.now(), session.clock.monotonic()
    known = 0.0 if not (fresh.failures or fresh.stale(at)) else fresh.age(at) or 0.0
    return now - timedelta(seconds=known)


def freshness_segment(
    session: Session, fresh: Freshness, sources: Sequence[SourceState] = (), *, priority: int = 2
) -> Segment:
    """Return the freshness segment: dim, or highlighted when stale or failing."""
    shown, _ = shown_freshness(fresh, sources)
    loud = shown.stale(session.clock.monotonic()) or is_delayed(shown)
    tone = Tone.WARN if loud else Tone.DIM
    return Segment(freshness_text(session, fresh, sources), tone, priority=priority, right=True)
