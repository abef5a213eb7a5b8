"""Times as integer microseconds since the epoch (UTC), and their two text forms.

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
    """A source of the current time: the function `read_us`, or else the system clock."""

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
    """Format an instant like the service's database: `2026-08-01T09:30:00.25+00:00`.

    The offset is numeric; the fraction has up to six digits and no trailing zeros (errors.md §6).
    """
    stem, fraction = _stem(us)
    if not fraction:
        return f"{stem}+00:00"
    return f"{stem}.{f'{fraction:06d}'.rstrip('0')}+00:00"


def iso_db_or_none(us: int | None) -> str | None:
    """Format a time like `iso_db`; return None for None."""
    return None if us is None else iso_db(us)


def iso_app(us: int) -> str:
    """Format an instant like the service's own code: `2026-08-01T09:30:00.250Z`.

    The fraction always has three digits (errors.md §6).
    """
    stem, fraction = _stem(us)
    return f"{stem}.{fraction // 1000:03d}Z"


def parse_instant(text: str) -> int | None:
    """Parse ISO 8601 text to microseconds; return None for invalid text.

    A date alone means midnight UTC; a time without an offset is UTC.
    """
    try:
        parsed = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=UTC)
    delta = parsed - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * SECOND_US + delta.microseconds
