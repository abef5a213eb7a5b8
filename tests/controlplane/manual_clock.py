"""A clock that only moves when a test moves it."""

from __future__ import annotations

from mogplex_tui.controlplane.db.clock import SECOND_US, Clock

# 2026-08-05T10:00:00Z
NOON = 1_785_924_000 * SECOND_US


class ManualClock(Clock):
    """A clock that only moves when a test moves it; `us` is its time in microseconds."""

    def __init__(self, us: int = NOON) -> None:
        self.us = us
        super().__init__(lambda: self.us)

    def advance(self, seconds: float) -> None:
        self.us += round(seconds * SECOND_US)
