"""Cost, tokens, number and failures of the loaded runs in a time range, by owner."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from mogplex_tui.api.estimated_amount import Estimate
from mogplex_tui.live.run_row import Cost, RunSource

if TYPE_CHECKING:
    from mogplex_tui.live.hourly_costs import HourCost
    from mogplex_tui.live.run_row import RunRow

HOUR = timedelta(hours=1)
# The length of the steps of a chart of the last hour.
STEP = timedelta(minutes=10)
# The number of parts of a time range between which its trend compares failures.
TREND_PARTS = 8
OwnerOf = Callable[["RunRow"], str | None]


class TimeRange(StrEnum):
    """A time range that ends now.

    `TODAY` begins at 00:00 UTC, when the service's day begins.
    """

    HOUR = "hour"
    TODAY = "today"
    DAY = "day"
    WEEK = "week"

    def since(self, now: datetime) -> datetime:
        """Return the start of the range."""
        if self is TimeRange.TODAY:
            return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return now - _SPANS[self]


_SPANS = {TimeRange.HOUR: HOUR, TimeRange.DAY: 24 * HOUR, TimeRange.WEEK: 168 * HOUR}


class Measure(StrEnum):
    """The figure by which usage is compared."""

    COST = "cost"
    TOKENS = "tokens"
    CALLS = "calls"
    FAILURES = "failures"


@dataclass(slots=True)
class Usage:
    """Sums over some runs; `cost` and `tokens` are None while no run has a value.

    `cost` is in US dollars, and an `Estimate` if any part of it is estimated. `failed` contains the
    start times of failed runs.
    """

    calls: int = 0
    tokens: int | None = None
    cost: Decimal | None = None
    failed: list[datetime] = field(default_factory=list)

    def add(self, row: RunRow) -> None:
        """Add the figures of one run."""
        self.calls += 1
        if row.state == "failed" and row.began is not None:
            self.failed.append(row.began)
        if row.tokens is not None:
            self.tokens = (self.tokens or 0) + row.tokens
        if row.cost is not None:
            is_estimate = row.cost_source is not Cost.KNOWN or isinstance(self.cost, Estimate)
            total = (self.cost or Decimal(0)) + row.cost
            self.cost = Estimate(total) if is_estimate else total

    def value(self, measure: Measure) -> Decimal | int | None:
        """Return the sum of one measure, or None if it is not known."""
        values: dict[Measure, Decimal | int | None] = {
            Measure.COST: self.cost,
            Measure.TOKENS: self.tokens,
            Measure.CALLS: self.calls,
            Measure.FAILURES: len(self.failed),
        }
        return values[measure]


@dataclass(slots=True)
class Breakdown:
    """The usage of the loaded calls that began in a time range.

    `by` holds, for each dimension, the usage by owner; runs without an owner have the key None.
    `complete_since` is the time from which all calls are loaded.
    """

    total: Usage = field(default_factory=Usage)
    by: dict[str, dict[str | None, Usage]] = field(default_factory=dict)
    complete_since: datetime | None = None

    def is_complete(self, since: datetime) -> bool:
        """Return whether all calls since a time are loaded."""
        return self.complete_since is not None and self.complete_since <= since


def break_down(
    rows: Iterable[RunRow],
    since: datetime,
    owners: Mapping[str, OwnerOf],
    complete_since: datetime | None,
) -> Breakdown:
    """Return the usage of the calls since a time, in total and by owner.

    `owners` has a function for each dimension, which returns the owner of a row. Rows that are not
    calls are left out, because their route has no cost.
    """
    out = Breakdown(by={name: {} for name in owners}, complete_since=complete_since)
    for row in rows:
        if row.source is not RunSource.CALL or row.began is None or row.began < since:
            continue
        out.total.add(row)
        for name, owner_of in owners.items():
            out.by[name].setdefault(owner_of(row), Usage()).add(row)
    return out


def trend(
    failed: Iterable[datetime], since: datetime, now: datetime, complete_since: datetime | None
) -> list[int | None]:
    """Return the number of failed runs in each part of a time range, oldest first.

    The parts are equally long. The number is None for a part whose runs are not all loaded.
    """
    length = (now - since) / TREND_PARTS
    counts: list[int | None] = [
        0 if complete_since is not None and complete_since <= since + length * part else None
        for part in range(TREND_PARTS)
    ]
    for began in failed:
        # A clock that runs ahead may start a run after `now`.
        part = min(TREND_PARTS - 1, int((began - since) / length)) if length else TREND_PARTS - 1
        count = counts[part]
        if count is not None:
            counts[part] = count + 1
    return counts


class Bucket(NamedTuple):
    """One interval of a chart, from `start` up to `end`.

    `value` is the figure of the chart's measure, None if it is not known; a cost is in US dollars. `calls`
    is None unless the number of calls is known. `read` of the `steps` in the interval have been read.
    """

    start: datetime
    end: datetime
    value: Decimal | int | None
    calls: int | None
    read: int
    steps: int


def buckets(
    chosen: TimeRange,
    now: datetime,
    rows: Iterable[RunRow],
    complete_since: datetime | None,
    hourly: Mapping[datetime, HourCost],
    measure: Measure = Measure.COST,
) -> list[Bucket]:
    """Return the figures of a measure over a time range, divided into buckets.

    A bucket is ten minutes, an hour or a day. A step for which all calls are loaded is summed from
    `rows`; an hour that is not loaded has its figure from `hourly`, in which hours that were not read
    are missing. The service does not count failed calls by the hour.
    """
    step = STEP if chosen is TimeRange.HOUR else HOUR
    starts = _steps(chosen, now, step)
    sums: dict[datetime, Usage] = {}
    for row in rows:
        if row.source is RunSource.CALL and row.began is not None and row.began >= starts[0]:
            sums.setdefault(_floor(row.began, step), Usage()).add(row)
    out: list[Bucket] = []
    for start in starts:
        if complete_since is not None and complete_since <= start:
            usage = sums.get(start, Usage())
            value = usage.value(measure) if usage.calls else _NOTHING[measure]
            fresh = Bucket(start, start + step, value, usage.calls, 1, 1)
        else:
            fresh = _hour_bucket(start, start + step, hourly.get(start) if step == HOUR else None, measure)
        same_day = bool(out) and out[-1].start.astimezone().date() == start.astimezone().date()
        if chosen is TimeRange.WEEK and same_day:
            out[-1] = _joined(out[-1], fresh)
        else:
            out.append(fresh)
    return out


_NOTHING: Mapping[Measure, Decimal | int] = {
    Measure.COST: Decimal(0),
    Measure.TOKENS: 0,
    Measure.CALLS: 0,
    Measure.FAILURES: 0,
}


def _hour_bucket(start: datetime, end: datetime, hour: HourCost | None, measure: Measure) -> Bucket:
    """Return the bucket of an hour that is not loaded, from the service's sums."""
    figures = None if hour is None else hour.figures
    calls = None if figures is None else figures.calls
    if measure is Measure.COST:
        value: Decimal | int | None = None if hour is None else hour.cost
        is_read = hour is not None
    elif measure is Measure.FAILURES:
        # A live or cancelled call counts as not successful, too, so only their absence is certain.
        value = 0 if calls == 0 else None
        is_read = value is not None
    else:
        value = None if figures is None else figures.calls if measure is Measure.CALLS else figures.tokens
        is_read = figures is not None
    return Bucket(start, end, value, calls, int(is_read), 1)


def _joined(first: Bucket, then: Bucket) -> Bucket:
    values = [bucket.value for bucket in (first, then) if bucket.value is not None]
    total: Decimal | int | None = None
    if values:
        total = sum(values[1:], values[0])
        if any(isinstance(value, Estimate) for value in values):
            total = Estimate(total)
    calls = None if first.calls is None or then.calls is None else first.calls + then.calls
    return Bucket(first.start, then.end, total, calls, first.read + then.read, first.steps + then.steps)


def _floor(at: datetime, step: timedelta) -> datetime:
    at = at.astimezone(UTC)
    minute = at.minute - at.minute % 10 if step == STEP else 0
    return at.replace(minute=minute, second=0, microsecond=0)


def _steps(chosen: TimeRange, now: datetime, step: timedelta) -> Sequence[datetime]:
    """Return the start times of the steps of a time range, oldest first."""
    newest = _floor(now, step)
    if chosen is TimeRange.TODAY:
        count = newest.hour + 1
    else:
        # The last hour usually begins within a step.
        count = _SPANS[chosen] // step + (chosen is TimeRange.HOUR)
    return [newest - step * back for back in reversed(range(count))]
