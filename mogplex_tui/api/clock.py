"""The clocks of the client, which a test can replace to control the time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

# One day from the ends of the calendar, every time has a date in every zone.
_EARLIEST = datetime.min.replace(tzinfo=UTC) + timedelta(days=1)
_LATEST = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)


def aware(value: datetime) -> datetime:
    """Return a time with a time zone, at least one day inside the range of datetime.

    A time without a zone is taken as UTC. Some services send the first second of the year 1 in
    place of a missing time; a time so close to the limits of datetime cannot be converted to every
    time zone.
    """
    moment = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    return min(max(moment, _EARLIEST), _LATEST)


class Clock(Protocol):
    """A source of monotonic time, for intervals, and of the current time in UTC."""

    def monotonic(self) -> float:
        """Return seconds that never decrease and go on while the machine is suspended."""

    def now(self) -> datetime:
        """Return the current time in UTC, with its zone."""


def _monotonic_clock() -> Callable[[], float]:
    """Return a monotonic clock that goes on while the machine is suspended.

    On Linux and macOS `time.monotonic` stops while the machine is suspended, so data that was read
    before a pause of three hours would look seconds old. `time.monotonic` is returned only if the
    system has no other clock.
    """
    name = {"linux": "CLOCK_BOOTTIME", "darwin": "CLOCK_MONOTONIC"}.get(sys.platform, "")
    which = getattr(time, name, None)
    try:
        if which is not None:
            time.clock_gettime(which)
            return lambda: time.clock_gettime(which)
    except OSError:
        # The kernel does not offer this clock.
        pass
    return time.monotonic


class SystemClock:
    """The clock of this machine."""

    def __init__(self) -> None:
        self._monotonic = _monotonic_clock()

    def monotonic(self) -> float:
        """Return monotonic seconds, which also count while the machine is suspended."""
        return self._monotonic()

    def now(self) -> datetime:
        """Return the current time in UTC, with its zone."""
        return datetime.now(UTC)
