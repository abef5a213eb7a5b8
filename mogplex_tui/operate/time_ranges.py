"""Parse durations, times and ranges of time such as `24h` and `2026-11-20..`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from mogplex_tui.live.call_sums import Interval

_UNITS: Final = {"m": 60, "h": 3600, "d": 86400, "w": 604800}
_LONGEST: Final = timedelta(days=3660)
EXPECTED: Final = "30m, 24h, 7d, today, month, 2026-11-20.. or 2026-11-20..2026-11-25"
"""What a range may look like, for messages."""


def parse_duration(text: str) -> timedelta | None:
    """Parse a duration such as `24h`; return None for other texts. Raises ValueError."""
    match = re.fullmatch(r"(\d{1,6})([mhdw])", text.strip().lower())
    if match is None:
        return None
    span = timedelta(seconds=int(match[1]) * _UNITS[match[2]])
    if timedelta(0) < span <= _LONGEST:
        return span
    raise ValueError("must be a span of up to ten years")


def parse_time(text: str) -> datetime:
    """Parse a date or time, which is local without a zone. Raises ValueError."""
    return datetime.fromisoformat(text.strip()).astimezone()


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """A range of time as it was typed: it ends now, or between two times.

    `length` is set for a range that moves with time.
    """

    text: str
    length: timedelta | None = None
    since: datetime | None = None
    until: datetime | None = None

    def interval(self, now: datetime) -> Interval:
        """Return the start and the end of the range; calls of this moment are included."""
        end = self.until or now + timedelta(seconds=1)
        if self.text == "today":
            return Interval(day_start(now), end)
        if self.text == "month":
            return Interval(month_start(now), end)
        if self.length is not None:
            return Interval(now - self.length, end)
        return Interval(self.since or now, end)


def day_start(now: datetime) -> datetime:
    """Return 00:00 UTC, when the service's day begins."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def month_start(now: datetime) -> datetime:
    """Return the beginning of the month, UTC."""
    return day_start(now).replace(day=1)


def next_month_start(now: datetime) -> datetime:
    """Return the beginning of the next month, UTC."""
    return month_start(month_start(now) + timedelta(days=32))


def parse_range(text: str) -> TimeSpan:
    """Parse a range such as `24h`, `today`, `month` or `2026-11-20..2026-11-25`.

    Without an end, the range reaches to now. A date as the end includes the whole day. Raises ValueError.
    """
    text = text.strip()
    if text in ("today", "month"):
        return TimeSpan(text)
    length = parse_duration(text)
    if length is not None:
        return TimeSpan(text, length=length)
    first, _, last = text.partition("..")
    try:
        since = parse_time(first)
        until = parse_time(last) if last.strip() else None
    except ValueError:
        raise ValueError(f"must be like {EXPECTED}") from None
    if until is not None and len(last.strip()) == len("2026-11-20"):
        until = parse_time((datetime.fromisoformat(last.strip()) + timedelta(days=1)).isoformat())
    if until is not None and until <= since:
        raise ValueError("must have the earlier time first")
    return TimeSpan(text if ".." in text else f"{text}..", since=since, until=until)
