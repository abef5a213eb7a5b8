"""Failures grouped by class, model and automation, with counts and trend."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Generic, NamedTuple, TypeVar

from mogplex_tui.live.usage_breakdown import trend
from mogplex_tui.operate.filters import quoted

Row = TypeVar("Row")

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
COMPARED: Final = 2 * DAY
"""The time over which failures are counted: the last day and the day before."""


@dataclass(frozen=True, slots=True)
class Grouping(Generic[Row]):
    """One way to group failed records: a title, and the owner of a record.

    A record without an owner is in no group. `field` is the filter field that selects the owner.
    """

    title: str
    field: str
    group_of: Callable[[Row], str | None]
    label_of: Callable[[str], str] = str

    def filter_of(self, owner: str) -> str:
        """Return the filter that selects the records of an owner."""
        return f"{self.field}:={quoted(owner)}"


@dataclass(frozen=True, slots=True)
class FailureGroupings(Generic[Row]):
    """How the failed records of a kind are grouped.

    `failed_at` returns the time of a record that has failed, None for any other record.
    """

    failed_at: Callable[[Row], datetime | None]
    by: tuple[Grouping[Row], ...]


class FailureCount(NamedTuple):
    """The number of failures in a time range; a lower bound unless `is_whole`."""

    number: int
    is_whole: bool


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """The failures of one owner in the last two days.

    `trend` has the number of failures in each part of this time, oldest first; None for a part that is
    not loaded.
    """

    grouping: str
    label: str
    filter: str
    hour: FailureCount
    hour_before: FailureCount
    day: FailureCount
    day_before: FailureCount
    trend: list[int | None] = field(default_factory=list)

    @property
    def is_rising(self) -> bool:
        """Whether failures grew from one hour, or day, to the next."""
        pairs = ((self.hour, self.hour_before), (self.day, self.day_before))
        return any(before.is_whole and now.number > before.number for now, before in pairs)


def group_failures(
    rows: Iterable[Row], groupings: FailureGroupings[Row], now: datetime, complete_since: datetime | None
) -> list[FailureGroup]:
    """Return the groups of the failures of the last two days, the largest first.

    The groups are in the order of `groupings`. `complete_since` is the time from which all records are
    loaded, None if it is not known.
    """
    since = now - COMPARED
    failed = [(row, at) for row in rows if (at := groupings.failed_at(row)) is not None and at >= since]
    out: list[FailureGroup] = []
    for by in groupings.by:
        times: dict[str, list[datetime]] = {}
        for row, at in failed:
            if owner := by.group_of(row):
                times.setdefault(owner, []).append(at)
        groups = [_group(by, owner, each, now, complete_since) for owner, each in times.items()]
        groups.sort(key=lambda group: (-group.day.number, -group.day_before.number, group.label))
        out += groups
    return out


def _group(
    by: Grouping[Row], owner: str, times: list[datetime], now: datetime, complete_since: datetime | None
) -> FailureGroup:
    def count(start: timedelta, end: timedelta = timedelta(0)) -> FailureCount:
        number = sum(now - start <= at and (not end or at < now - end) for at in times)
        return FailureCount(number, complete_since is not None and complete_since <= now - start)

    return FailureGroup(
        by.title,
        by.label_of(owner),
        by.filter_of(owner),
        count(HOUR),
        count(2 * HOUR, HOUR),
        count(DAY),
        count(COMPARED, DAY),
        trend(times, now - COMPARED, now, complete_since),
    )
