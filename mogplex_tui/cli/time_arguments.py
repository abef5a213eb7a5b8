"""Parses durations and times in options: `30m`, `24h`, `7d`, a date, or a time."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime, timedelta

_UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 604800}


def parse_since(text: str) -> timedelta | datetime:
    """Parse a duration or a time. Raises ArgumentTypeError."""
    if match := re.fullmatch(r"(\d{1,6})([mhdw])", text.strip().lower()):
        span = timedelta(seconds=int(match[1]) * _UNITS[match[2]])
        if timedelta(0) < span <= timedelta(days=3660):
            return span
        raise argparse.ArgumentTypeError("must be a span of up to ten years")
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        raise argparse.ArgumentTypeError(
            "must be like 30m, 24h, 7d, 2026-08-05 or 2026-08-05T10:00Z"
        ) from None
    # A date or time without a zone is in the local time zone.
    return time.astimezone()


def to_utc(duration_or_time: timedelta | datetime, now: datetime) -> datetime:
    """Return a time in UTC; a duration is subtracted from `now`."""
    return (
        now - duration_or_time
        if isinstance(duration_or_time, timedelta)
        else duration_or_time.astimezone(UTC)
    )
