"""The rows of a waterfall: bars on one scale, durations and costs as text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from typing import NamedTuple

from mogplex_tui.live.timeline import Span, SpanKind, Timeline, critical_path, time_by_kind
from mogplex_tui.operate import formatting

# Bars of spans on the critical path, and of other spans.
SOLID, LIGHT = "█", "▒"
# Marks for spans too short for a bar, for events without duration, and for bars beyond the window.
_SHORT, _MOMENT, _BEFORE, _AFTER = "▌", "·", "‹", "›"
# Steps of the time axis in seconds.
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
# The least number of cells between two times of the axis.
_LEAST_STEP = 10
# The shortest window, in seconds.
_SHORTEST_WINDOW = 1.0

_TONES = {
    SpanKind.RUN: "dim",
    SpanKind.JOB: "dim",
    SpanKind.TOOL: "accent",
    SpanKind.MODEL: "ok",
    SpanKind.QUEUED: "dim",
    SpanKind.STARTING: "dim",
    SpanKind.SILENT: "dim",
    SpanKind.WAIT: "warn",
    SpanKind.CANCELLING: "warn",
    SpanKind.MOMENT: "dim",
}
_QUIET = frozenset({SpanKind.QUEUED, SpanKind.STARTING, SpanKind.MODEL, SpanKind.SILENT, SpanKind.MOMENT})
_WORDS = {
    SpanKind.RUN: "other",
    SpanKind.JOB: "other",
    SpanKind.STEP: "steps",
    SpanKind.CALL: "calls",
    SpanKind.TOOL: "tools",
    SpanKind.WAIT: "waiting",
    SpanKind.SILENT: "no events",
}

NO_TIMES = "The events have no times that differ: bars show their order only."
SILENT = "The coding CLI reports milestones only: its tools, model and cost are not visible here."


class Window(NamedTuple):
    """The part of a timeline that the bars show, in seconds from the timeline's start."""

    since: float
    length: float

    def zoomed(self, factor: float, around: float, whole: float) -> Window:
        """Return the window with its length multiplied by `factor`, around a point in it.

        It stays inside the `whole` timeline, and is never shorter than a second.
        """
        length = min(whole, max(_SHORTEST_WINDOW, self.length * factor))
        return Window(around - length / 2, length)._within(whole)

    def panned(self, share: float, whole: float) -> Window:
        """Return the window moved by a share of its length, inside the `whole` timeline."""
        return Window(self.since + share * self.length, self.length)._within(whole)

    def _within(self, whole: float) -> Window:
        return Window(max(0.0, min(self.since, whole - self.length)), self.length)


class Place(NamedTuple):
    """The beginning and the end of a bar, in seconds from the timeline's start."""

    since: float
    until: float


class Waterfall:
    """A timeline with its critical path and a place for each span, at a moment.

    `advance` moves the moment of a live timeline. If the times of the spans do not differ, each span
    takes one second of the scale, in order.
    """

    def __init__(self, timeline: Timeline, now: datetime) -> None:
        self.timeline, self.spans = timeline, timeline.spans
        self.now = self._made_at = now
        self.has_times = timeline.has_times(now)
        self.critical = critical_path(self.spans, now) if self.has_times else frozenset[str]()
        self._times = time_by_kind(self.spans, self.critical, now)
        # The kind of span that goes on, to which the time that passes belongs.
        on_path = (span.kind for span in reversed(self.spans) if span.is_open and span.key in self.critical)
        self._growing = next(on_path, None) if timeline.is_live else None
        self._origin = timeline.start or now

    def advance(self, now: datetime) -> None:
        """Move the moment at which open spans are drawn to `now`."""
        self.now = now

    @property
    def whole(self) -> float:
        """The length of the timeline in seconds, at least one."""
        if not self.has_times:
            return float(max(1, len(self.spans)))
        end = self.timeline.end_at(self.now) or self._origin
        return max((end - self._origin).total_seconds(), _SHORTEST_WINDOW)

    def place(self, index: int) -> Place:
        """Return the place of the span at an index."""
        if not self.has_times:
            return Place(float(index), index + 1.0)
        span = self.spans[index]
        since = (span.start - self._origin).total_seconds()
        return Place(since, since + (span.end_at(self.now) - span.start).total_seconds())

    def times(self) -> list[tuple[SpanKind, timedelta]]:
        """Return where the time on the critical path went, the longest time first.

        Times below a second are left out.
        """
        times = dict(self._times)
        if self._growing is not None:
            times[self._growing] += max(timedelta(0), self.now - self._made_at)
        known = [(kind, time) for kind, time in times.items() if time >= timedelta(seconds=1)]
        return sorted(known, key=itemgetter(1), reverse=True)

    def notices(self) -> list[str]:
        """Return sentences that say what the waterfall cannot show."""
        notices = [] if self.has_times or not self.spans else [NO_TIMES]
        return [*notices, *([SILENT] if self.timeline.is_silent else [])]

    def bar(self, index: int, window: Window, cells: int) -> str:
        """Return the bar of the span at an index, at most `cells` wide."""
        span, place = self.spans[index], self.place(index)
        if not span.is_timed:
            return "time unknown"[:cells]
        fill = SOLID if span.key in self.critical else LIGHT
        return bar(place, window, cells, _MOMENT if span.kind is SpanKind.MOMENT else fill)

    def axis(self, window: Window, cells: int) -> str:
        """Return the times above the bars, or a note that there are none."""
        return axis(window, cells) if self.has_times else "order, times unknown"[:cells]

    def time(self, index: int) -> str:
        """Return the duration of the span at an index; empty for an event."""
        span = self.spans[index]
        if span.kind is SpanKind.MOMENT:
            return ""
        return duration(span.duration(self.now) if self.has_times else None)


def bar(place: Place, window: Window, cells: int, fill: str) -> str:
    """Return a bar in a window of a number of cells, or a mark if it is short."""
    scale = cells / window.length
    left, right = (place.since - window.since) * scale, (place.until - window.since) * scale
    if right < 0:
        return _BEFORE
    if left > cells:
        return f"{'':{max(0, cells - 1)}}{_AFTER}"
    first = min(cells - 1, max(0, math.floor(left + 1e-9)))
    last = min(cells, max(0, round(right)))
    if fill == _MOMENT or right - left < 0.5:
        return " " * first + (_MOMENT if fill == _MOMENT else _SHORT)
    return " " * first + fill * max(1, last - first)


def axis(window: Window, cells: int) -> str:
    """Return the times of a window, each beginning at its place."""
    per_cell = window.length / max(1, cells)
    step = next((step for step in _STEPS if step / per_cell >= _LEAST_STEP), None)
    if step is None:
        step = _STEPS[-1] * math.ceil(_LEAST_STEP * per_cell / _STEPS[-1])
    line, number = "", math.ceil(window.since / step - 1e-9)
    while (at := math.floor((number * step - window.since) / per_cell + 1e-9)) < cells:
        text = formatting.seconds(number * step)
        if at + len(text) <= cells:
            line = f"{line:<{at}}{text}"
        number += 1
    return line


def duration(time: timedelta | None) -> str:
    """Return a duration as text, a dash if it is unknown."""
    return formatting.DASH if time is None else formatting.millis(time.total_seconds() * 1000)


def cost(span: Span) -> str:
    """Return the cost of a span; empty for spans that never have one of their own."""
    if span.kind in (SpanKind.RUN, SpanKind.JOB, SpanKind.STEP, SpanKind.CALL):
        return formatting.money(span.cost)
    return ""


def title(span: Span) -> str:
    """Return the title of a span, indented, with a mark if it has failed or goes on."""
    mark = "✗ " if span.succeeded is False else "◐ " if span.is_open else ""
    return f"{'  ' * span.depth}{mark}{span.title}"


def tone(span: Span) -> str:
    """Return the tone of a span's bar."""
    return "error" if span.succeeded is False else _TONES.get(span.kind, "plain")


def title_tone(span: Span) -> str:
    """Return the tone of a span's title: gaps are quiet, failures are not."""
    if span.succeeded is False:
        return "error"
    return "dim" if span.kind in _QUIET else "warn" if span.kind is SpanKind.WAIT else "plain"


def times_text(times: Iterable[tuple[SpanKind, timedelta]]) -> str:
    """Return where the time went as one line, such as "model 20m04s · tools 12m31s"."""
    return " · ".join(
        f"{_WORDS.get(kind, kind.value)} {formatting.seconds(time.total_seconds())}" for kind, time in times
    )


def record(waterfall: Waterfall, index: int) -> dict[str, object]:
    """Return the span at an index as JSON fields; durations are in milliseconds."""
    span = waterfall.spans[index]
    took = span.duration(waterfall.now)
    return {
        "kind": span.kind.value,
        "title": span.title,
        "depth": span.depth,
        "start": span.start if span.is_timed and waterfall.has_times else None,
        "end": span.end if waterfall.has_times else None,
        "duration_ms": None
        if took is None or not waterfall.has_times
        else round(took.total_seconds() * 1000),
        "open": span.is_open,
        "critical": span.key in waterfall.critical,
        "succeeded": span.succeeded,
        "cost_usd": span.cost,
        "tokens": span.tokens,
        "event_id": span.event_id,
        "call_id": span.call_id,
        "job_id": span.job_id,
        "record_id": span.record_id,
    }


def indexes(spans: Sequence[Span]) -> dict[str, int]:
    """Return the index of each span by its key."""
    return {span.key: index for index, span in enumerate(spans)}
