"""Time as the client sees it, so that a test can own it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

# A day away from the ends of the calendar, every instant has a date in every zone.
_EARLIEST = datetime.min.replace(tzinfo=UTC) + timedelta(days=1)
_LATEST = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)


def aware(value: datetime) -> datetime:
    """Return an instant that was moment, in UTC where it names no zone, as one that can be moment in any zone.

    Some services write the first second of the year 1 where there is no time.
    """
    moment = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    return min(max(moment, _EARLIEST), _LATEST)


class Clock(Protocol):
    """Two readings: a monotonic one in seconds for intervals, and the wall clock in UTC for people."""

    def monotonic(self) -> float:
        """Return seconds that only grow, from an unspecified start, and go on while the machine sleeps."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""


def _monotonic_clock() -> Callable[[], float]:
    """Return the monotonic clock that also counts a closed lid, where the machine has one.

    `time.monotonic` stands still then on Linux and macOS, so that what was read before three hours of sleep would
    look seconds old after it.
    """
    name = {"linux": "CLOCK_BOOTTIME", "darwin": "CLOCK_MONOTONIC"}.get(sys.platform, "")
    which = getattr(time, name, None)
    try:
        if which is not None:
            time.clock_gettime(which)
            return lambda: time.clock_gettime(which)
    except OSError:
        # A kernel that does not offer it.
        pass
    return time.monotonic


class SystemClock:
    """The machine's own clocks."""

    def __init__(self) -> None:
        self._monotonic = _monotonic_clock()

    def monotonic(self) -> float:
        """Return the machine's monotonic seconds, sleep included."""
        return self._monotonic()

    def now(self) -> datetime:
        """Return the machine's wall clock in UTC."""
        return datetime.now(UTC)
