"""The bars of the Observability screen and the filters for the runs behind a bar."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from mogplex_tui.live.failure_class import FailureClass
from mogplex_tui.live.run_row import RunRow, RunSource
from mogplex_tui.live.usage_breakdown import Measure, TimeRange, Usage, trend
from mogplex_tui.operate import failure_steps, formatting, run_facts
from mogplex_tui.operate.filters import local_minute, quoted
from mogplex_tui.widgets.bars import Bar
from mogplex_tui.widgets.chart import COSTS, ChartMeasure
from mogplex_tui.widgets.sparkline import sparkline
from mogplex_tui.widgets.styles import Tone

if TYPE_CHECKING:
    from mogplex_tui.api.models.stats import Stats
    from mogplex_tui.live.names import Names
    from mogplex_tui.live.usage_breakdown import Breakdown, Bucket

_HARNESS = "harness:"
_DAY, _HOUR, _TEN_MINUTES = timedelta(days=1), timedelta(hours=1), timedelta(minutes=10)
_AGES = {TimeRange.HOUR: "1h", TimeRange.DAY: "24h", TimeRange.WEEK: "7d"}
# The most bars of a list: nobody scrolls further, and the list of runs has them all.
MAX_BARS = 50


CHART_MEASURES: Mapping[Measure, ChartMeasure] = {
    Measure.COST: COSTS,
    Measure.TOKENS: ChartMeasure("tokens"),
    Measure.CALLS: ChartMeasure("runs"),
    Measure.FAILURES: ChartMeasure("failures", tone=Tone.ERROR),
}


def _plain_label(key: str, _: Names) -> str:
    return key


@dataclass(frozen=True, slots=True)
class Dimension:
    """One way to group runs, such as by model, by repository or by agent.

    Each group has an owner, such as one model. `owner_of` returns the owner of a run, or None;
    `filter_of` and `label_of` return the filter and the label for an owner.
    """

    name: str
    title: str
    group_of: Callable[[RunRow], str | None]
    filter_of: Callable[[str, Names], str]
    label_of: Callable[[str, Names], str] = _plain_label


def _model_of(row: RunRow) -> str | None:
    return row.model or (f"{_HARNESS}{row.harness}" if row.harness else None)


def _model_filter(model: str, _: Names) -> str:
    if model.startswith(_HARNESS):
        return f"harness:={quoted(model.removeprefix(_HARNESS))}"
    return f"model:={quoted(model)}"


def _automation_filter(flow_id: str, names: Names) -> str:
    name = names.automations.get(flow_id)
    is_unique = name is not None and list(names.automations.values()).count(name) == 1
    return f"automation:={quoted(name if is_unique else flow_id)}"


DIMENSIONS: tuple[Dimension, ...] = (
    Dimension(
        "automation",
        "automation",
        lambda row: row.flow_id,
        _automation_filter,
        lambda key, names: names.automations.get(key) or formatting.short_id(key),
    ),
    Dimension(
        "model",
        "model",
        _model_of,
        _model_filter,
        lambda key, _: key if key.startswith(_HARNESS) else formatting.model(key),
    ),
    Dimension("repo", "repo", lambda row: row.repo, lambda key, _: f"repo:={quoted(key)}"),
    Dimension("agent", "agent", lambda row: row.who, lambda key, _: f"agent:={quoted(key)}"),
    Dimension("type", "type", lambda row: row.kind, lambda key, _: f"type:={quoted(key)}"),
)
# Only failed runs have an owner in this dimension.
FAILURE_CLASS = Dimension(
    "class",
    "class",
    run_facts.failure_class_of,
    lambda key, _: f"class:={key}",
    lambda key, _: failure_steps.label(FailureClass(key)),
)
BY_NAME: Mapping[str, Dimension] = {dimension.name: dimension for dimension in (*DIMENSIONS, FAILURE_CLASS)}


def range_filter(chosen: TimeRange, now: datetime) -> str:
    """Return the filter that selects the runs of a time range."""
    if chosen is TimeRange.TODAY:
        return started_filter(chosen.since(now), None)
    return f"age:<{_AGES[chosen]}"


def started_filter(since: datetime, until: datetime | None) -> str:
    """Return the shortest filter for the runs that started between two times.

    If `until` is None, the interval has no end.
    """
    start = local_minute(since)
    if until is None:
        return f"started:>{start.removesuffix('T00:00')}"
    # The beginning of a local time stands for a day, an hour or ten minutes.
    for length, span in ((10, _DAY), (13, _HOUR), (15, _TEN_MINUTES)):
        if until - since == span and not start[length:].strip("T:0"):
            return f"started:{start[:length]}"
    return f"started:>{start} started:<{local_minute(until)}"


def amount(value: Decimal | int | None, measure: Measure) -> str:
    """Return a figure as text, or a dash if the figure is None."""
    if isinstance(value, Decimal) or measure is Measure.COST:
        # An estimate stays one.
        return formatting.money(value if isinstance(value, Decimal) else None)
    return formatting.count(value)


def _figure(usage: Usage, measure: Measure) -> tuple[str, str]:
    """Return the text of a bar's figure in a long and a short form.

    The long form also has the number of runs.
    """
    brief = amount(usage.value(measure), measure)
    calls = f"{usage.calls:,} {'run ' if usage.calls == 1 else 'runs'}"
    return (calls, brief) if measure is Measure.CALLS else (f"{brief}  {calls}", brief)


def _label_and_detail(dimension: Dimension, key: str | None, names: Names) -> tuple[str, str]:
    """Return the label of an owner; runs without an owner have a detail in its place."""
    return ("", f"no {dimension.title}") if key is None else (dimension.label_of(key, names), "")


def bars_of(
    dimension: Dimension, usages: Mapping[str | None, Usage], measure: Measure, names: Names
) -> list[Bar]:
    """Return a bar for each owner of a dimension, the greatest amount first.

    Owners with an unknown amount come last.
    """

    def rank(item: tuple[str | None, Usage]) -> tuple[Decimal, int]:
        value = item[1].value(measure)
        return (Decimal(-1) if value is None else Decimal(value), item[1].calls)

    bars = []
    for key, usage in sorted(usages.items(), key=rank, reverse=True)[:MAX_BARS]:
        value, (text, brief) = usage.value(measure), _figure(usage, measure)
        label, detail = _label_and_detail(dimension, key, names)
        length = None if value is None else float(value)
        bars.append(Bar(label, length, text, brief=brief, key=key or "", detail=detail))
    return bars


def failure_bars(
    dimension: Dimension,
    breakdown: Breakdown,
    span: tuple[datetime, datetime],
    names: Names,
    *,
    ascii_mode: bool = False,
) -> list[Bar]:
    """Return a bar for each owner that has failed runs, the most failures first.

    A bar's figure has the number of failed runs, the number of all runs and the trend over `span`, the
    start and end of the time range. In the dimension "automation", runs without an automation are
    left out.
    """
    failing = [
        (key, usage)
        for key, usage in breakdown.by.get(dimension.name, {}).items()
        if usage.failed and (key or dimension.name != "automation")
    ]
    failing.sort(key=lambda item: (-len(item[1].failed), item[1].calls))
    bars = []
    for key, usage in failing[:MAX_BARS]:
        line = sparkline(trend(usage.failed, *span, breakdown.complete_since), ascii_mode=ascii_mode)
        # All runs of a class have failed.
        of = "" if dimension is FAILURE_CLASS else f" of {usage.calls:,}"
        number = f"{len(usage.failed):,}"
        label, detail = _label_and_detail(dimension, key, names)
        bars.append(
            Bar(
                label,
                float(len(usage.failed)),
                f"{number}{of}  {line}",
                Tone.ERROR,
                brief=f"{number}  {line}",
                key=key or "",
                detail=detail,
            )
        )
    return bars


def stats_usages(stats: Stats, dimension: str, measure: Measure) -> Mapping[str | None, Usage] | None:
    """Return the usage by owner from the service's statistics.

    None if the service does not count this measure by this dimension.
    """
    if dimension == "model" and measure is not Measure.COST:
        return {use.model: Usage(use.count or 0, use.tokens) for use in stats.by_model}
    if dimension == "type" and measure is Measure.CALLS:
        return {use.type: Usage(use.count or 0) for use in stats.by_type}
    return None


def top_runs(rows: Iterable[RunRow], since: datetime, measure: Measure) -> list[Bar]:
    """Return bars of the calls with the highest cost, or with the most tokens.

    Tokens are compared if `measure` is tokens, otherwise costs. Calls before `since` and calls without
    a figure are left out.
    """
    tokens = measure is Measure.TOKENS
    runs = [
        (value, row)
        for row in rows
        if row.source is RunSource.CALL and row.began is not None and row.began >= since
        if (value := row.tokens if tokens else row.cost) is not None
    ]
    runs.sort(key=lambda pair: (pair[0], pair[1].key), reverse=True)
    return [
        Bar(
            run_facts.about(row) or row.who or row.kind or "run",
            float(value),
            formatting.count(row.tokens) if tokens else formatting.money(row.cost, row.cost_source),
            key=row.key,
            detail=_repo_name(row),
        )
        for value, row in runs[:MAX_BARS]
    ]


def _repo_name(row: RunRow) -> str:
    """Return the name of a run's repository without its owner."""
    if row.repo:
        return row.repo.rpartition("/")[2]
    return formatting.short_id(row.repo_id) if row.repo_id else "no repository"


def since_text(complete_since: datetime | None, since: datetime, nouns: str, *, is_reading: bool) -> str:
    """Return a text that says since when figures are complete.

    It also says if older records are still being read. It is empty if the figures are complete since
    `since`, the start of the time range. `nouns` is the plural noun for the counted records.
    """
    if complete_since is not None and complete_since <= since:
        return ""
    at = "" if complete_since is None else f"since {complete_since.astimezone():%a %H:%M}"
    rest = f"older {nouns} are still being read" if is_reading else ""
    return "; ".join(filter(None, (at, rest)))


def coverage_text(
    loaded: int,
    total: int | None,
    complete_since: datetime | None,
    since: datetime,
    *,
    is_reading: bool = False,
) -> str:
    """Return which runs the figures cover: `from 214 of 430 runs, since Wed 09:40`.

    `since` is the start of the time range. `is_reading` is True while older runs are being read.
    """
    if complete_since is not None and complete_since <= since:
        return f"from all {formatting.plural(loaded, 'run')}"
    of = f"{loaded:,}" if total is None or total < loaded else f"{loaded:,} of {total:,}"
    rest = since_text(complete_since, since, "runs", is_reading=is_reading)
    return f"from {of} runs{', ' if rest else ''}{rest}"


def bucket_label(bucket: Bucket, chosen: TimeRange) -> str:
    """Return the label of a bucket on the time axis: its start time or day."""
    start = bucket.start.astimezone()
    return f"{start:%a %d}" if chosen is TimeRange.WEEK else f"{start:%H:%M}"


def bucket_text(bucket: Bucket, chosen: TimeRange, measure: Measure) -> str:
    """Return the time, figure and number of runs of a bucket as a sentence part."""
    start, end = bucket.start.astimezone(), bucket.end.astimezone()
    when = f"{start:%a %d %b}" if chosen is TimeRange.WEEK else f"{start:%a %H:%M}–{end:%H:%M}"
    if bucket.read == 0:
        return f"{when}   not read yet"
    parts = [when]
    if measure is not Measure.CALLS or bucket.calls is None:
        unit = "" if measure is Measure.COST else f" {'failed' if measure is Measure.FAILURES else measure}"
        parts.append(f"{amount(bucket.value, measure)}{unit}")
    if bucket.calls is not None:
        parts.append(formatting.plural(bucket.calls, "run"))
    if bucket.read < bucket.steps:
        parts.append(f"{bucket.read} of {bucket.steps} hours read")
    return "   ".join(parts)


def read_text(buckets: Sequence[Bucket]) -> str:
    """Return how many hours of the chart have been read, such as "3 of 24 hours read".

    Empty if all of them have been read.
    """
    read, steps = sum(bucket.read for bucket in buckets), sum(bucket.steps for bucket in buckets)
    if read == steps:
        return ""
    is_hours = bool(buckets) and buckets[0].end - buckets[0].start >= _HOUR
    return f"{read} of {steps} {'hours' if is_hours else 'intervals'} read"
