"""Spans of time on one clock, gaps between them, and the critical path.

Spans are made from events, steps and waits that were read; nothing is estimated. A span whose end
is not known has none. `run_timeline` and `job_timeline` make the spans of records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

# Shorter gaps have no span of their own; a silence is worth a line only if it is longer.
SHORTEST_GAP = timedelta(seconds=1)
_SHORTEST_SILENCE = timedelta(seconds=5)


class SpanKind(StrEnum):
    """What happens during a span."""

    RUN = "run"
    JOB = "job"
    STEP = "step"
    CALL = "call"
    QUEUED = "queued"
    STARTING = "starting"
    TOOL = "tool"
    # A model writes or thinks: the time between two calls of tools.
    MODEL = "model"
    # Something works, and the service says nothing about it.
    SILENT = "silent"
    WAIT = "wait"
    CANCELLING = "cancelling"
    # An event that takes no time.
    MOMENT = "moment"


class Span(NamedTuple):
    """One bar of a timeline.

    `depth` is 0 for the outermost spans; a span belongs to the nearest one before it with a smaller
    depth. `end` is None while it goes on, or if it was never reported. `succeeded` is None if
    unknown. `event_id`, `call_id` and `job_id` name the record to open, and `record_id` a step, a wait
    or an entry of the dispatch log. `cost` is in US dollars. If `is_timed` is false, its times are
    unknown, and `start` only says where it belongs.
    """

    key: str
    kind: SpanKind
    title: str
    depth: int
    start: datetime
    end: datetime | None = None
    is_open: bool = False
    succeeded: bool | None = None
    event_id: str | None = None
    call_id: str | None = None
    job_id: str | None = None
    record_id: str | None = None
    cost: Decimal | None = None
    tokens: int | None = None
    is_timed: bool = True

    def end_at(self, now: datetime) -> datetime:
        """Return the end: `now` while it is open, the start if the end is unknown."""
        if self.end is not None:
            return max(self.start, self.end)
        return max(self.start, now) if self.is_open else self.start

    def duration(self, now: datetime) -> timedelta | None:
        """Return how long the span took, so far if it is open; None if this is unknown."""
        if not self.is_timed or (self.end is None and not self.is_open):
            return None
        return self.end_at(now) - self.start


class Timeline(NamedTuple):
    """Spans in the order of their start, each before the spans that belong to it.

    `last_end` is the latest known end or start of a span. If `is_silent` is true, the spans are from
    the milestones of a coding CLI: its tools and its model were not reported.
    """

    spans: tuple[Span, ...] = ()
    last_end: datetime | None = None
    is_live: bool = False
    is_silent: bool = False

    @classmethod
    def of(cls, spans: Iterable[Span], *, is_silent: bool = False) -> Timeline:
        """Return the timeline of spans that are already in their order."""
        spans = tuple(spans)
        last = max((span.end or span.start for span in spans), default=None)
        return cls(spans, last, any(span.is_open for span in spans), is_silent)

    @property
    def start(self) -> datetime | None:
        """The start of the first span, or None without spans."""
        return self.spans[0].start if self.spans else None

    def end_at(self, now: datetime) -> datetime | None:
        """Return the end of the last span, `now` while one goes on, or None without spans."""
        if self.last_end is None or not self.is_live:
            return self.last_end
        return max(self.last_end, now)

    def has_times(self, now: datetime) -> bool:
        """Return whether more than the order of the spans is known."""
        return self.start != self.end_at(now)


def with_gaps(
    spans: Iterable[Span],
    since: datetime,
    until: datetime | None,
    gap: Span,
) -> Iterator[Span]:
    """Yield spans in the order of their start, with spans for the gaps.

    `gap` has the kind, the title, the depth and the beginning of the keys of gaps. `until` is the end
    of the time to fill, None if it goes on; then the last gap is open, unless a span is.
    """
    key, kind, title, depth = gap[:4]
    shortest = _SHORTEST_SILENCE if kind is SpanKind.SILENT else SHORTEST_GAP
    covered: datetime | None = since
    latest, number, goes_on = since, 0, False
    for span in spans:
        start = span.start
        if not goes_on and covered is not None and start - covered >= shortest:
            yield Span(f"{key}-{number}", kind, title, depth, covered, start)
            number += 1
        yield span
        goes_on = goes_on or span.is_open
        if span.end is None:
            # Its end was not reported, so it is unknown when the gap after it begins.
            covered = None
        elif span.end >= latest:
            covered = latest = span.end
    if goes_on or covered is None:
        return
    if until is None:
        yield Span(f"{key}-{number}", kind, title, depth, covered, is_open=True)
    elif until - covered >= shortest:
        yield Span(f"{key}-{number}", kind, title, depth, covered, until)


# The critical path -----------------------------------------------------------------------------------------------


def critical_path(spans: Sequence[Span], now: datetime) -> frozenset[str]:
    """Return the keys of the spans that determine when the work ended.

    Every outermost span is on the path. Among spans of the same parent, the path is followed backwards
    from the end: the span that ended last is on it, then the one that ended last before that span
    began. The spans inside a span on the path are judged in the same way.
    """
    path = {span.key for span in spans if not span.depth}
    levels: list[list[tuple[datetime, datetime, str]]] = []
    for span in (*spans, None):
        depth = -1 if span is None else span.depth
        # The spans below the span before end here.
        while len(levels) > depth + 1 and len(levels) > 1:
            path.update(_last_to_end(levels.pop()))
        if span is None:
            break
        while len(levels) <= depth:
            levels.append([])
        levels[depth].append((span.end_at(now), span.start, span.key))
    return frozenset(_below(spans, path))


def _last_to_end(siblings: list[tuple[datetime, datetime, str]]) -> Iterator[str]:
    """Yield the keys of the spans on the path through spans of the same parent.

    Of several spans with the same end, the longest one is on the path.
    """
    at: datetime | None = None
    siblings.sort(key=_end_then_length, reverse=True)
    for end, start, key in siblings:
        if end > start and (at is None or end <= at):
            yield key
            at = start


def _end_then_length(times: tuple[datetime, datetime, str]) -> tuple[datetime, timedelta]:
    end, start, _ = times
    return end, end - start


def _below(spans: Sequence[Span], path: set[str]) -> Iterator[str]:
    """Yield the keys in `path` of the spans whose parents are in `path`, too."""
    left_out: int | None = None
    for span in spans:
        if left_out is not None and span.depth > left_out:
            continue
        left_out = None if span.key in path else span.depth
        if left_out is None:
            yield span.key


def time_by_kind(spans: Sequence[Span], path: frozenset[str], now: datetime) -> dict[SpanKind, timedelta]:
    """Return where the time went: the time on the critical path by kind of span.

    A span counts with its time that the spans on the path below it do not fill.
    """
    times: dict[SpanKind, timedelta] = {}
    parents: list[Span] = []
    for span in spans:
        if span.key not in path:
            continue
        end = span.end_at(now)
        del parents[span.depth :]
        if parents:
            parent = parents[-1]
            inside = min(end, parent.end_at(now)) - max(span.start, parent.start)
            times[parent.kind] -= max(timedelta(0), inside)
        parents.append(span)
        times[span.kind] = times.get(span.kind, timedelta(0)) + (end - span.start)
    return times
