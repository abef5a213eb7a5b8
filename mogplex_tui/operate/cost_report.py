"""Where the money went in a range of time: groups, intervals, rates and forecasts.

Computed from the history of calls, for the screen and the command. A report says of each sum how
many calls have no price, and since when the calls are complete.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from mogplex_tui.live import call_sums
from mogplex_tui.live.call_spans import CoveredSpan, Gap, complete_since, gaps
from mogplex_tui.live.call_sums import (
    CallReader,
    CallSum,
    CostDimension,
    Interval,
    Point,
    Selection,
)
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
PLOTTED: Final = 4
"""The groups that a plot shows; all others are one more part."""
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
    """One interval of the plot: the sums of the plotted groups, and of all calls.

    `is_complete` is False if calls of the interval may be missing.
    """

    start: datetime
    end: datetime
    groups: tuple[CallSum, ...]
    sum: CallSum
    is_complete: bool


@dataclass(frozen=True, slots=True)
class CostReport:
    """The answer to a question, as of `now`.

    `groups` are in order of cost, and `plotted` are the labels of those in `steps`. `gaps` are the
    parts of the range of which calls may be missing;
    `complete_since` is None if no call was ever read. `per_hour` is the sum of the last sixty minutes;
    it is None if they are not complete.
    """

    question: CostQuestion
    now: datetime
    interval: Interval
    total: CallSum
    groups: tuple[CostGroup, ...]
    outcomes: Mapping[str, CallSum]
    plotted: tuple[str | None, ...]
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
    interval, spans = question.span.interval(now), CallTables(connection).spans()
    since = complete_since(spans)
    sums = _Sums(connection, question, interval, {**call_sums.names(connection), **names})
    groups = sums.sorted_groups()
    plotted = [group.labels[-1] for group in groups if group.sum.units][:PLOTTED]
    points = sums.points(min(step_of(interval), HOUR), plotted)
    hours = _hours(connection, question, interval, points, now)
    last_hour = Interval(now - HOUR, now + _TEN_MINUTES)
    return CostReport(
        question,
        now,
        interval,
        sums.total,
        tuple(groups),
        sums.outcomes,
        tuple(plotted),
        _steps(points, interval, len(plotted), spans),
        _missing(spans, interval),
        since,
        call_sums.total(connection, last_hour) if since is not None and since <= now - HOUR else None,
        _forecast_to_midnight(hours, now, since),
        _forecast_to_month(hours, now, since),
    )


class _Sums:
    """The sums of a question by labels in place of keys."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        question: CostQuestion,
        interval: Interval,
        names: Mapping[str, str],
    ) -> None:
        self._question, self._names = question, names
        reader = self.reader = CallReader(connection, interval)
        if question.within is not None:
            first = question.dimensions[0]
            keys = self._keys_of(first, question.within.label)
            reader = self.reader = CallReader(connection, interval, Selection(first, keys))
        # The keys of each label of the plotted dimension: records may share a name.
        self._keys: dict[str | None, set[str | None]] = {}
        self._groups: dict[tuple[str | None, ...], CallSum] = {}
        self.outcomes: dict[str, CallSum] = {}
        self.total = CallSum()
        for group in reader.groups([*question.dimensions, CostDimension.OUTCOME]):
            *keys_of_group, outcome = group.keys
            labels = self._labels(keys_of_group)
            self._keys.setdefault(labels[-1], set()).add(keys_of_group[-1])
            before = self._groups.get(labels)
            self._groups[labels] = group.sum if before is None else before.plus(group.sum)
            self.outcomes[str(outcome)] = self.outcomes.get(str(outcome), CallSum()).plus(group.sum)
        self._count_opened()

    def _count_opened(self) -> None:
        """Add the number of pull requests opened to the groups and to the total."""
        all_opened, opened_by = set[int](), dict[tuple[str | None, ...], set[int]]()
        for keys, opened in self.reader.opened(self._question.dimensions):
            all_opened.add(opened)
            opened_by.setdefault(self._labels(keys), set()).add(opened)
        for labels, opened_here in opened_by.items():
            self._groups[labels] = self._groups[labels]._replace(opened=len(opened_here))
        self.total = _added(self.outcomes.values())._replace(opened=len(all_opened))

    def sorted_groups(self) -> list[CostGroup]:
        """Return the groups in order of cost."""
        groups = [CostGroup(labels, each) for labels, each in self._groups.items()]
        groups.sort(
            key=lambda group: (-group.sum.units, -group.sum.calls, [label or "" for label in group.labels])
        )
        return groups

    def points(self, step: timedelta, labels: Sequence[str | None]) -> list[Point]:
        """Return the costs by interval of the groups with these labels, and of all others."""
        shown = [frozenset(self._keys[label]) for label in labels]
        return self.reader.points(step, self._question.plotted, shown)

    def _labels(self, keys: Sequence[str | None]) -> tuple[str | None, ...]:
        return tuple(self._label(*pair) for pair in zip(self._question.dimensions, keys, strict=True))

    def _label(self, dimension: CostDimension, key: str | None) -> str | None:
        """Return the name of a key, or the key itself if it has no name."""
        if key is None:
            return None
        if dimension is CostDimension.PULL_REQUEST:
            repo, _, number = key.partition("#")
            return f"{self._names.get(repo, repo)}#{number}" if number else key
        return self._names.get(key, key)

    def _keys_of(self, dimension: CostDimension, label: str | None) -> frozenset[str | None]:
        """Return the keys with a label."""
        if label is None:
            return frozenset({None})
        return frozenset(key for key in self.reader.keys(dimension) if self._label(dimension, key) == label)


def step_of(interval: Interval) -> timedelta:
    """Return the length of the intervals of a plot: ten minutes, an hour or a day."""
    length = interval.until - interval.since
    return _TEN_MINUTES if length <= _SHORT else HOUR if length <= _MEDIUM else DAY


def _steps(
    points: Iterable[Point], interval: Interval, plotted: int, spans: Sequence[CoveredSpan]
) -> tuple[CostStep, ...]:
    """Return the intervals of a range, of which days are local days."""
    step, number = step_of(interval), plotted + 1
    parts: dict[datetime, list[CallSum]] = {}
    days: dict[datetime, datetime] = {}
    for place, at, each in points:
        if step == DAY:
            # The key of a step that is a day is its local midnight.
            at = days[at] if at in days else days.setdefault(at, _local_day(at))
        of_step = parts.get(at)
        if of_step is None:
            of_step = parts[at] = [CallSum()] * number
        of_step[place] = of_step[place].plus(each) if of_step[place].calls else each
    if not spans and not parts:
        return ()
    # A range from long ago begins with its first call.
    has_all = bool(spans) and spans[0].has_first_call
    since = (
        max(interval.since, min(parts, default=interval.since)) if has_all or step == DAY else interval.since
    )
    missing, out, start = _missing(spans, interval), [], _floor(since, step)
    while start < interval.until:
        end = _local_day(start + DAY * 1.5) if step == DAY else start + step
        complete = not any(gap.oldest < end and gap.newest > start for gap in missing)
        of_step = parts.get(start, [CallSum()] * number)
        out.append(CostStep(start, end, tuple(of_step[:-1]), _added(of_step), complete))
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


def _hours(
    connection: sqlite3.Connection,
    question: CostQuestion,
    interval: Interval,
    points: Iterable[Point],
    now: datetime,
) -> dict[datetime, CallSum]:
    """Return the costs of each hour of the windows of the forecasts, by its start.

    `points` are used if they have all calls of these hours.
    """
    since = min(month_start(now), _floor(now, HOUR) - DAY * _DAYS)
    has_all = question.within is None and interval.since <= since and interval.until > now
    if not has_all or step_of(interval) < HOUR:
        reader = CallReader(connection, Interval(since, now + _TEN_MINUTES))
        points = reader.points(HOUR, CostDimension.MODEL, ())
    hours: dict[datetime, CallSum] = {}
    for point in points:
        before = hours.get(point.start)
        hours[point.start] = point.sum if before is None else before.plus(point.sum)
    return hours


def _forecast_to_midnight(
    hours: Mapping[datetime, CallSum], now: datetime, since: datetime | None
) -> Forecast | None:
    """Return the forecast from the last complete hours; None if there are too few."""
    begin = day_start(now)
    ended = _floor(now, HOUR)
    starts = [ended - HOUR * back for back in range(1, _HOURS + 1)]
    windows = [[start] for start in starts if _is_known(start, hours, since)]
    return _forecast(hours, windows, HOUR, (begin, now, begin + DAY), since, least=_LEAST_HOURS)


def _forecast_to_month(
    hours: Mapping[datetime, CallSum], now: datetime, since: datetime | None
) -> Forecast | None:
    """Return the forecast from the last complete 24 hours; None if there are too few."""
    ended, windows = _floor(now, HOUR), list[list[datetime]]()
    for back in range(1, _DAYS + 1):
        start = ended - DAY * back
        if _is_known(start, hours, since):
            windows.append([start + HOUR * hour for hour in range(24)])
    times = (month_start(now), now, next_month_start(now))
    return _forecast(hours, windows, DAY, times, since, least=_LEAST_DAYS)


def _is_known(start: datetime, hours: Mapping[datetime, CallSum], since: datetime | None) -> bool:
    """Return whether calls are complete from a time on, and there were calls before."""
    return since is not None and since <= start and any(hour <= start for hour in hours)


def _forecast(
    hours: Mapping[datetime, CallSum],
    windows: Sequence[Sequence[datetime]],
    step: timedelta,
    times: tuple[datetime, datetime, datetime],
    since: datetime | None,
    *,
    least: int,
) -> Forecast | None:
    """Return the forecast from the hours of some windows.

    `times` are the start of the period, now, and its end. There is none if calls since the start are
    missing, or too few calls of the windows have a price.
    """
    begin, now, until = times
    sums = [_added(hours[hour] for hour in window if hour in hours) for window in windows]
    if since is None or since > begin or sum(each.priced for each in sums) < MIN_SAMPLES:
        return None
    spent = sum(each.units for start, each in hours.items() if start >= begin)
    return forecast(dollars(spent), [dollars(each.units) for each in sums], step, now, until, least=least)


def _added(sums: Iterable[CallSum]) -> CallSum:
    out = CallSum()
    for each in sums:
        out = out.plus(each)
    return out
