"""Instants as whole microseconds since the epoch (UTC), and their two text forms.

errors.md §6.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US


class Clock:
    """A source of the current time; the system clock unless another one is given."""

    def __init__(self, read_us: Callable[[], int] | None = None) -> None:
        self._read_us = read_us or (lambda: time.time_ns() // 1000)

    def now_us(self) -> int:
        """The current time in µs since the epoch (UTC)."""
        return self._read_us()


@lru_cache(4_096)
def _second(seconds: int) -> str:
    t = time.gmtime(seconds)
    return f"{t[0]:04d}-{t[1]:02d}-{t[2]:02d}T{t[3]:02d}:{t[4]:02d}:{t[5]:02d}"


def _stem(us: int) -> tuple[str, int]:
    seconds, fraction = divmod(us, SECOND_US)
    return _second(seconds), fraction


def iso_db(us: int) -> str:
    """Format an instant as values read from the database are formatted.

    Numeric offset, up to six digits, no trailing zeros (errors.md §6).
    """
    stem, fraction = _stem(us)
    if not fraction:
        return f"{stem}+00:00"
    return f"{stem}.{f'{fraction:06d}'.rstrip('0')}+00:00"


def iso_db_or_none(us: int | None) -> str | None:
    """Format a nullable time as `iso_db` does; None stays None."""
    return None if us is None else iso_db(us)


def iso_app(us: int) -> str:
    """Format an instant as server code does: milliseconds and Z (errors.md §6)."""
    stem, fraction = _stem(us)
    return f"{stem}.{fraction // 1000:03d}Z"


def parse_instant(text: str) -> int | None:
    """Parse an ISO 8601 text to microseconds; None if it is none.

    A date alone is midnight UTC.
    """
    try:
        parsed = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=UTC)
    delta = parsed - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * SECOND_US + delta.microseconds
