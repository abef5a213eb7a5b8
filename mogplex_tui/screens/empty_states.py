"""Messages in the place of rows: why a screen has none, and what to do about it."""

from __future__ import annotations

import re

from mogplex_tui.api.access import Family
from mogplex_tui.live.session import Session, session_needed
from mogplex_tui.operate.actions import key_of

_SENTENCES = re.compile(r"(?<=[.?]) (?=\S)")


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
