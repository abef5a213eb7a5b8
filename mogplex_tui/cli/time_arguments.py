"""Durations, times and ranges in options: `30m`, a date, or `DATE..DATE`."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta

from mogplex_tui.operate import time_ranges


def parse_since(text: str) -> timedelta | datetime:
    """Parse a duration or a time. Raises ArgumentTypeError."""
    try:
        duration = time_ranges.parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if duration is not None:
        return duration
    try:
        return time_ranges.parse_time(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            "must be like 30m, 24h, 7d, 2026-08-05 or 2026-08-05T10:00Z"
        ) from None


def parse_range(text: str) -> time_ranges.TimeSpan:
    """Parse a range of time. Raises ArgumentTypeError."""
    try:
        return time_ranges.parse_range(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def to_utc(duration_or_time: timedelta | datetime, now: datetime) -> datetime:
    """Return a time in UTC; a duration is subtracted from `now`."""
    return (
        now - duration_or_time
        if isinstance(duration_or_time, timedelta)
        else duration_or_time.astimezone(UTC)
    )
