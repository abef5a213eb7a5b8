"""Time as the client sees it, so that a test can own it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Two readings: a monotonic one in seconds for intervals, and the wall clock in UTC for people."""

    def monotonic(self) -> float:
        """Return seconds that only grow, from an unspecified start."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""


class SystemClock:
    """The machine's own clocks."""

    def monotonic(self) -> float:
        """Return the machine's monotonic seconds."""
        return time.monotonic()

    def now(self) -> datetime:
        """Return the machine's wall clock in UTC."""
        return datetime.now(UTC)
