"""Five-field cron expressions (routing.md §1.5, §5.6)."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from ...db.clock import DAY_US, MINUTE_US, iso_app

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
# Lowest and highest value of each field, and names with the number of the first.
_FIELDS: tuple[tuple[int, int, tuple[str, ...], int], ...] = (
    (0, 59, (), 0),
    (0, 23, (), 0),
    (1, 31, (), 0),
    (1, 12, _MONTHS, 1),
    (0, 7, _DAYS, 0),
)


class Cron(NamedTuple):
    """A parsed cron expression: the allowed values of each field.

    `nth` has the (weekday, occurrence in the month) pairs of items such as `mon#2`. Weekday 0 is
    Sunday. `any_day` and `any_weekday` are true if the day field or the weekday field starts with `*`
    or `?`.
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    nth: frozenset[tuple[int, int]]
    any_day: bool
    any_weekday: bool

    def matches(self, at: datetime) -> bool:
        """Return whether the expression matches the minute of a local time.

        If both day of month and day of week are restricted, a match of one of them is enough.
        """
        if at.minute not in self.minutes or at.hour not in self.hours or at.month not in self.months:
            return False
        weekday = at.isoweekday() % 7
        by_week = weekday in self.weekdays or (weekday, (at.day - 1) // 7 + 1) in self.nth
        by_month = at.day in self.days
        if self.any_day or self.any_weekday:
            return by_week and by_month
        return by_week or by_month


@lru_cache(256)
def parse(text: str) -> Cron | None:
    """Parse a cron expression; return None if it is invalid."""
    fields = text.split()
    if len(fields) != len(_FIELDS):
        return None
    try:
        sets = [_field(field, *limits) for field, limits in zip(fields[:4], _FIELDS, strict=False)]
        week = fields[4].lower()
        pairs = frozenset(_pair(item) for item in week.split(",") if "#" in item)
        rest = ",".join(item for item in week.split(",") if "#" not in item)
        days = _field(rest, *_FIELDS[4]) if rest else frozenset()
    except ValueError:
        return None
    weekdays = frozenset(day % 7 for day in days)
    return Cron(
        sets[0],
        sets[1],
        sets[2],
        sets[3],
        weekdays,
        pairs,
        fields[2][0] in "*?",
        fields[4][0] in "*?",
    )


def _field(text: str, low: int, high: int, names: tuple[str, ...], first: int) -> frozenset[int]:
    values: set[int] = set()
    for item in text.lower().split(","):
        span, _, step_text = item.partition("/")
        step = int(step_text) if step_text else 1
        if step < 1:
            raise ValueError(item)
        if span in ("*", "?"):
            start, end = low, high
        else:
            left, _, right = span.partition("-")
            start = _value(left, names, first)
            end = _value(right, names, first) if right else (high if step_text else start)
        if not low <= start <= high or not low <= end <= high or start > end:
            raise ValueError(item)
        values.update(range(start, end + 1, step))
    return frozenset(values)


def _value(text: str, names: tuple[str, ...], first: int) -> int:
    return names.index(text) + first if text in names else int(text)


def _pair(item: str) -> tuple[int, int]:
    day, _, which = item.partition("#")
    return _value(day, _DAYS, 0) % 7, int(which)


def is_due(text: str, zone: str, us: int) -> bool:
    """Return whether a cron expression matches the minute of `us` (µs) in a time zone.

    An invalid expression or zone never matches.
    """
    cron = parse(text)
    if cron is None:
        return False
    try:
        local = datetime.fromtimestamp(us // 1_000_000, ZoneInfo(zone))
    except (KeyError, ValueError, OSError):
        return False
    return cron.matches(local)


def latest(text: str, zone: str, us: int) -> int | None:
    """Return the latest minute (µs) up to `us` that a cron expression matches.

    Returns None if no minute of the last seven days matches.
    """
    last = us // MINUTE_US * MINUTE_US
    return next((at for at in range(last, last - 7 * DAY_US, -MINUTE_US) if is_due(text, zone, at)), None)


def tick_payload(minute: int, text: str, zone: str) -> dict[str, Any]:
    """Return the event payload of a job that a schedule starts."""
    return {"scheduled_at": iso_app(minute), "cron": text, "timezone": zone}


def tick_key(kind: str, row_id: str, minute: int) -> str:
    """Return the idempotency key of a scheduled start.

    The key contains the minute, so that each minute starts work at most once.
    """
    return f"schedule:{kind}:{row_id}:{iso_app(minute)}"
