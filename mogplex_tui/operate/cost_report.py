"""Where the money went in a range of time: groups, intervals, rates and forecasts.

Computed from the history of calls, for the screen and the command. A report says of each sum how
many calls have no price, and since when the calls are complete.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, NamedTuple

from mogplex_tui.live import call_sums
from mogplex_tui.live.call_spans import CoveredSpan, Gap, complete_since, gaps
from mogplex_tui.live.call_sums import CallSum, CostDimension, Interval
from mogplex_tui.live.call_tables import CallTables, dollars
from mogplex_tui.live.cost_forecast import MIN_SAMPLES, Forecast, forecast
from mogplex_tui.operate.time_ranges import (
    EXPECTED,
    TimeSpan,
    day_start,
    month_start,
    next_month_start,
    parse_range,
)

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
_TEN_MINUTES: Final = timedelta(minutes=10)
# The longest ranges that are divided into ten minutes, and into hours.
_SHORT, _MEDIUM = timedelta(hours=3), timedelta(hours=50)
# The windows of the forecasts, in intervals, and the fewest of them.
_HOURS, _LEAST_HOURS, _DAYS, _LEAST_DAYS = 24, 6, 14, 3


class Within(NamedTuple):
    """A group of the first dimension, by its label (None: calls without a value)."""

    label: str | None


@dataclass(frozen=True, slots=True)
class CostQuestion:
    """What a report shows: a range of time, and one or two dimensions.

    `within`, if set, is the group of the first dimension that is looked into: only its calls are
    shown, and the plot is divided by the second dimension.
    """

    span: TimeSpan
    dimensions: tuple[CostDimension, ...] = (CostDimension.MODEL,)
    within: Within | None = None

    @property
    def plotted(self) -> CostDimension:
        """The dimension by which the plot is divided."""
        return self.dimensions[0 if self.within is None else -1]

    def includes(self, labels: Sequence[str | None]) -> bool:
        """Return whether a group, with the first dimension's label first, is shown."""
        return self.within is None or labels[0] == self.within.label


DEFAULT_QUESTION: Final = CostQuestion(parse_range("24h"), (CostDimension.MODEL, CostDimension.REPO))


def parse_question(text: str) -> CostQuestion:
    """Parse dimensions and a range such as `model repo 7d`. Raises ValueError."""
    question, chosen = DEFAULT_QUESTION, list[CostDimension]()
    for word in text.replace(",", " ").split():
        if word in set(CostDimension):
            chosen.append(CostDimension(word))
        elif word not in ("by", "then"):
            try:
                question = replace(question, span=parse_range(word))
            except ValueError:
                names = ", ".join(CostDimension)
                raise ValueError(f"{word} is neither a range ({EXPECTED}) nor one of {names}.") from None
    if len(set(chosen)) < len(chosen) or len(chosen) > len(DEFAULT_QUESTION.dimensions):
        raise ValueError("Costs are summed by one or two different properties.")
    return replace(question, dimensions=tuple(chosen)) if chosen else question


@dataclass(frozen=True, slots=True)
class CostGroup:
    """The sums of one group, with its label in each dimension (None: no value)."""

    labels: tuple[str | None, ...]
    sum: CallSum


@dataclass(frozen=True, slots=True)
class CostStep:
    """One interval of the plot, with the sums of each group by label.

    `is_complete` is False if calls of the interval may be missing.
    """

    start: datetime
    end: datetime
    groups: Mapping[str | None, CallSum]
    is_complete: bool

    @property
    def sum(self) -> CallSum:
        """The sums over all groups."""
        return _added(self.groups.values())


@dataclass(frozen=True, slots=True)
class CostReport:
    """The answer to a question, as of `now`.

    `groups` are in order of cost. `gaps` are the parts of the range of which calls may be missing;
    `complete_since` is None if no call was ever read. `per_hour` is the sum of the last sixty minutes;
    it is None if they are not complete.
    """

    question: CostQuestion
    now: datetime
    interval: Interval
    total: CallSum
    groups: tuple[CostGroup, ...]
    outcomes: Mapping[str, CallSum]
    steps: tuple[CostStep, ...]
    gaps: tuple[Gap, ...]
    complete_since: datetime | None
    per_hour: CallSum | None
    midnight: Forecast | None
    month: Forecast | None


def read_report(
    connection: sqlite3.Connection, question: CostQuestion, now: datetime, names: Mapping[str, str]
) -> CostReport:
    """Compute a report from the database of the call history.

    `names` are names of records by id; those that are stored are used as well.
    """
    interval, reader = question.span.interval(now), _Reader(connection, question, names)
    spans = CallTables(connection).spans()
    since = complete_since(spans)
    is_recent = since is not None and since <= now - HOUR
    total = call_sums.total(connection, interval)
    groups = reader.groups(interval, question.dimensions)
    if question.within is not None:
        total = _added(group.sum for group in groups)
    outcomes = reader.groups(interval, (question.dimensions[0], CostDimension.OUTCOME))
    return CostReport(
        question,
        now,
        interval,
        total,
        tuple(groups),
        _by_last_label(outcomes),
        _steps(reader, interval, spans),
        _missing(spans, interval),
        since,
        call_sums.total(connection, Interval(now - HOUR, now + _TEN_MINUTES)) if is_recent else None,
        _forecast(connection, now, HOUR, since),
        _forecast(connection, now, DAY, since),
    )


class _Reader:
    """Reads sums with the names of their groups, limited to what a question shows."""

    def __init__(
        self, connection: sqlite3.Connection, question: CostQuestion, names: Mapping[str, str]
    ) -> None:
        self._connection, self.question = connection, question
        self._names = {**call_sums.names(connection), **names}

    def groups(self, interval: Interval, dimensions: Sequence[CostDimension]) -> list[CostGroup]:
        """Return the groups in order of cost."""
        sums: dict[tuple[str | None, ...], CallSum] = {}
        for group in call_sums.groups(self._connection, interval, dimensions):
            labels = self._labels(dimensions, group.keys)
            if self.question.includes(labels):
                sums[labels] = sums.get(labels, CallSum()).plus(group.sum)
        groups = [CostGroup(labels, each) for labels, each in sums.items()]
        groups.sort(
            key=lambda group: (-group.sum.units, -group.sum.calls, [label or "" for label in group.labels])
        )
        return groups

    def points(self, interval: Interval, step: timedelta) -> Iterable[tuple[datetime, str | None, CallSum]]:
        """Yield start, label and sums of the intervals of the plot."""
        question = self.question
        dimensions = question.dimensions if question.within is not None else question.dimensions[:1]
        for point in call_sums.points(self._connection, interval, step, dimensions):
            labels = self._labels(dimensions, point.keys)
            if question.includes(labels):
                yield point.start, labels[-1], point.sum

    def _labels(
        self, dimensions: Sequence[CostDimension], keys: Sequence[str | None]
    ) -> tuple[str | None, ...]:
        return tuple(self._label(*pair) for pair in zip(dimensions, keys, strict=True))

    def _label(self, dimension: CostDimension, key: str | None) -> str | None:
        """Return the name of a key, or the key itself if it has no name."""
        if key is None:
            return None
        if dimension is CostDimension.PULL_REQUEST:
            repo, _, number = key.partition("#")
            return f"{self._names.get(repo, repo)}#{number}" if number else key
        return self._names.get(key, key)


def _by_last_label(groups: Iterable[CostGroup]) -> dict[str, CallSum]:
    sums: dict[str, CallSum] = {}
    for group in groups:
        label = str(group.labels[-1])
        sums[label] = sums.get(label, CallSum()).plus(group.sum)
    return sums


def step_of(interval: Interval) -> timedelta:
    """Return the length of the intervals of a plot: ten minutes, an hour or a day."""
    length = interval.until - interval.since
    return _TEN_MINUTES if length <= _SHORT else HOUR if length <= _MEDIUM else DAY


def _steps(reader: _Reader, interval: Interval, spans: Sequence[CoveredSpan]) -> tuple[CostStep, ...]:
    """Return the intervals of a range, of which days are local days."""
    step = step_of(interval)
    sums: dict[datetime, dict[str | None, CallSum]] = {}
    for at, label, each in reader.points(interval, min(step, HOUR)):
        # The key of a step that is a day is its local midnight.
        groups = sums.setdefault(_local_day(at) if step == DAY else at, {})
        groups[label] = groups.get(label, CallSum()).plus(each)
    if not spans and not sums:
        return ()
    # A range from long ago begins with its first call.
    earliest = min(sums, default=interval.since)
    has_all = bool(spans) and spans[0].has_first_call
    since = max(interval.since, earliest) if has_all or step == DAY else interval.since
    missing, out, start = _missing(spans, interval), [], _floor(since, step)
    while start < interval.until:
        end = _local_day(start + DAY * 1.5) if step == DAY else start + step
        complete = not any(gap.oldest < end and gap.newest > start for gap in missing)
        out.append(CostStep(start, end, sums.get(start, {}), complete))
        start = end
    return tuple(out)


def _local_day(at: datetime) -> datetime:
    local = at.astimezone()
    return local.replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0).astimezone()


def _floor(at: datetime, step: timedelta) -> datetime:
    if step == DAY:
        return _local_day(at)
    return at - timedelta(seconds=at.timestamp() % step.total_seconds())


def _missing(spans: Sequence[CoveredSpan], interval: Interval) -> tuple[Gap, ...]:
    """Return the parts of a range of which calls may be missing, the newest first."""
    cut = (
        Gap(max(gap.oldest, interval.since), min(gap.newest, interval.until))
        for gap in gaps(spans, interval.since)
    )
    return tuple(gap for gap in cut if gap.oldest < gap.newest)


def _forecast(
    connection: sqlite3.Connection, now: datetime, step: timedelta, since: datetime | None
) -> Forecast | None:
    """Return the forecast to midnight from hours, or to the month's end from days.

    There is none if calls since the start of the day or month are missing, or too few have a price.
    """
    begin, until, most, least = (
        (day_start(now), day_start(now) + DAY, _HOURS, _LEAST_HOURS)
        if step == HOUR
        else (month_start(now), next_month_start(now), _DAYS, _LEAST_DAYS)
    )
    if since is None or since > begin:
        return None
    first = call_sums.first_start(connection)
    if first is None:
        return None
    count = min(most, int((now - max(since, first)) / step))
    edges = [now - step * back for back in range(count, -1, -1)]
    sums = [call_sums.total(connection, Interval(*pair)) for pair in pairwise(edges)]
    if sum(each.priced for each in sums) < MIN_SAMPLES:
        return None
    spent = call_sums.total(connection, Interval(begin, now + _TEN_MINUTES))
    costs = [dollars(each.units) for each in sums]
    return forecast(dollars(spent.units), costs, step, now, until, least=least)


def _added(sums: Iterable[CallSum]) -> CallSum:
    out = CallSum()
    for each in sums:
        out = out.plus(each)
    return out
