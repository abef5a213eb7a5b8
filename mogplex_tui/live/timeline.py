"""The time of a run, a job or an automation, divided into spans on one clock.

Spans are computed from events, steps and waits that were read; nothing is estimated. A span whose
end is not known has none. Gaps between the calls of tools are spans of their own, so that all of
a run's time has a name (v1.md §8, runtime-model.md §4).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import chain, groupby
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from mogplex_tui.live.run_row import LIVE_STATES

if TYPE_CHECKING:
    from mogplex_tui.api.models.automations import NodeRun, Wait
    from mogplex_tui.api.models.calls import Call
    from mogplex_tui.api.models.jobs import Job
    from mogplex_tui.live.run_event_tail import EventLine
    from mogplex_tui.live.run_row import RunRow

# Shorter gaps have no span of their own.
SHORTEST_GAP = timedelta(seconds=1)
_TERMINAL_EVENTS = frozenset({"finished", "failed", "cancelled"})
# The stages of log events that are worth a line (v1.md §8.1).
_STAGES = frozenset({"git_sync", "mcp_config", "install", "git_delivery"})


class SpanKind(StrEnum):
    """What happened during a span; each has its own colour."""

    RUN = "run"
    JOB = "job"
    STEP = "step"
    CALL = "call"
    QUEUED = "queued"
    STARTING = "starting"
    TOOL = "tool"
    # A model writes or thinks: the time between two calls of tools.
    MODEL = "model"
    # A coding CLI works, and the service says nothing about it.
    SILENT = "silent"
    WAIT = "wait"
    CANCELLING = "cancelling"
    # An event that takes no time.
    MOMENT = "moment"


# The kinds of spans in which nothing that the service reports happens.
GAPS = frozenset({SpanKind.QUEUED, SpanKind.MODEL, SpanKind.SILENT, SpanKind.WAIT})


class Span(NamedTuple):
    """One bar of a timeline.

    `depth` is 0 for the outermost spans; a span belongs to the nearest one before it with a smaller
    depth. `end` is None while it goes on, or if it was never reported. `succeeded` is None if
    unknown. `event_id`, `call_id` and `job_id` name the record to open; `cost` is in US dollars.
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
    cost: Decimal | None = None
    tokens: int | None = None

    def end_at(self, now: datetime) -> datetime:
        """Return the end of the span: `now` while it is open, its start if its end is unknown."""
        if self.end is not None:
            return max(self.start, self.end)
        return max(self.start, now) if self.is_open else self.start

    def duration(self, now: datetime) -> timedelta | None:
        """Return how long the span took, so far if it is open; None if its end is unknown."""
        if self.end is None and not self.is_open:
            return None
        return self.end_at(now) - self.start


class Timeline(NamedTuple):
    """Spans in the order of their start, each before the spans that belong to it.

    If `has_times` is false, the events have no times that differ, and only their order is known.
    If `is_silent` is true, the run has milestones only: its tools and its model are not reported.
    """

    spans: tuple[Span, ...] = ()
    has_times: bool = False
    is_silent: bool = False

    @property
    def start(self) -> datetime | None:
        """The start of the first span, or None without spans."""
        return min((span.start for span in self.spans), default=None)

    def end_at(self, now: datetime) -> datetime | None:
        """Return the end of the last span, or None without spans."""
        return max((span.end_at(now) for span in self.spans), default=None)


# A run -----------------------------------------------------------------------------------------------------------


def run_timeline(row: RunRow, lines: Sequence[EventLine], waits: Iterable[Wait] = ()) -> Timeline:
    """Return the spans of a run's events: queueing, start, tools, and the time between them.

    `lines` are in the order of time. `waits` are the waits of the run's job for a person or an event.
    """
    begin = row.created_at or row.began or (lines[0].at if lines else None)
    if begin is None:
        return Timeline()
    if lines:
        begin = min(begin, lines[0].at)
    is_live = row.state in LIVE_STATES
    ended = next((line for line in reversed(lines) if line.type in _TERMINAL_EVENTS), None)
    last = lines[-1].ended_at or lines[-1].at if lines else begin
    end = None if is_live else row.ended_at or (ended.at if ended else last)
    if end is not None:
        end = max(end, last)
    title = row.title or row.prompt or row.kind or "run"
    root = Span(
        "run",
        SpanKind.RUN,
        title.split("\n", 1)[0],
        0,
        begin,
        end,
        is_open=is_live,
        succeeded=_succeeded(row.state),
        event_id=None,
        call_id=row.call_id,
        job_id=row.job_id,
        cost=row.cost,
        tokens=row.tokens,
    )
    has_tools = any(line.tool is not None for line in lines)
    spans = [root, *_phases(lines, begin, root, list(waits), has_tools=has_tools)]
    has_times = end is None or end > begin
    return Timeline(tuple(spans), has_times, is_silent=not has_tools and bool(row.harness))


def _phases(
    lines: Sequence[EventLine], begin: datetime, root: Span, waits: Sequence[Wait], *, has_tools: bool
) -> Iterator[Span]:
    """Yield the spans below the run, in the order of their start."""
    starts = [line for line in lines if line.type == "started"]
    # The first of two starts says that the run was accepted, the second that its CLI begins (v1.md §8.1).
    accepted = next((line for line in starts if "external_run_id" in line.payload()), None)
    first = next((line for line in starts if line is not accepted), None)
    streaming = next((line for line in lines if line.type == "status_changed"), None)
    cancelled = next((line for line in lines if line.type == "cancel_requested"), None)
    begun = first or streaming
    works_from = streaming or first
    if begun is None:
        yield _phase("queued", SpanKind.QUEUED, "queued", begin, None, root)
    elif begun.at - begin >= SHORTEST_GAP:
        title = "queued, sandbox starts" if accepted else "queued"
        yield _phase("queued", SpanKind.QUEUED, title, begin, begun.at, root)
    if first is not None and streaming is not None and streaming.at - first.at >= SHORTEST_GAP:
        yield _phase("starting", SpanKind.STARTING, "starting", first.at, streaming.at, root)
    if works_from is not None:
        until = cancelled.at if cancelled is not None and cancelled.at > works_from.at else root.end
        yield from _work(lines, works_from.at, until, root, waits, has_tools=has_tools)
    if cancelled is not None:
        yield _phase("cancelling", SpanKind.CANCELLING, "cancelling", cancelled.at, root.end, root)


def _phase(key: str, kind: SpanKind, title: str, start: datetime, end: datetime | None, root: Span) -> Span:
    return Span(key, kind, title, 1, start, end, is_open=end is None and root.is_open)


def _work(
    lines: Sequence[EventLine],
    since: datetime,
    until: datetime | None,
    root: Span,
    waits: Sequence[Wait],
    *,
    has_tools: bool,
) -> Iterator[Span]:
    """Yield the tools, the moments and the waits of the work, and gaps in which nothing is reported."""
    gap, title = (SpanKind.MODEL, "model") if has_tools else (SpanKind.SILENT, "no events")
    pending = sorted(_timed(waits), key=itemgetter(0))
    covered, number = since, 0
    for line in lines:
        if line.at < since or line.type in ("started", "status_changed"):
            continue
        if line.tool is None and not _is_moment(line):
            continue
        while pending and pending[0][0] <= line.at:
            at, wait = pending.pop(0)
            yield from _gap_before(at, covered, gap, title, number)
            number += 1
            yield _wait_span(at, wait, 1, is_live=root.is_open)
            covered = max(covered, wait.resumed_at or at)
        yield from _gap_before(line.at, covered, gap, title, number)
        number += 1
        span = _event_span(line, is_live=root.is_open)
        yield span
        covered = max(covered, span.end or span.start)
        if span.is_open:
            covered = datetime.max.replace(tzinfo=covered.tzinfo)
    for at, wait in pending:
        yield from _gap_before(at, covered, gap, title, number)
        number += 1
        yield _wait_span(at, wait, 1, is_live=root.is_open)
        open_wait = wait.resumed_at is None and root.is_open
        covered = datetime.max.replace(tzinfo=covered.tzinfo) if open_wait else wait.resumed_at or covered
    if until is None:
        if root.is_open and covered < datetime.max.replace(tzinfo=covered.tzinfo):
            yield Span(f"gap-{number}", gap, title, 1, covered, is_open=True)
    else:
        yield from _gap_before(until, covered, gap, title, number)


def _gap_before(at: datetime, covered: datetime, kind: SpanKind, title: str, number: int) -> Iterator[Span]:
    if at - SHORTEST_GAP >= covered:
        yield Span(f"gap-{number}", kind, title, 1, covered, at)


def _is_moment(line: EventLine) -> bool:
    """Return whether an event that takes no time has a line in the timeline."""
    return line.type in _TERMINAL_EVENTS or (line.type == "log" and line.payload().get("stage") in _STAGES)


def _event_span(line: EventLine, *, is_live: bool) -> Span:
    if line.tool is None:
        succeeded = False if line.type == "failed" else None
        title = line.message or line.type.replace("_", " ")
        return Span(line.id, SpanKind.MOMENT, title, 1, line.at, line.at, False, succeeded, line.id)
    title = f"{line.tool} {line.preview}".rstrip()
    start, end = line.at, line.ended_at
    if line.type == "tool_finished":
        # Its start was not read.
        end = line.at
        start = line.at - timedelta(milliseconds=line.took_ms or 0)
    is_open = is_live and line.ok is None
    return Span(line.id, SpanKind.TOOL, title, 1, start, end, is_open, line.ok, line.id)


def _succeeded(state: str) -> bool | None:
    return {"success": True, "failed": False}.get(state)


def _timed(waits: Iterable[Wait]) -> list[tuple[datetime, Wait]]:
    """Return the waits that have a start time, each with this time."""
    return [(wait.created_at, wait) for wait in waits if wait.created_at is not None]


def _wait_span(start: datetime, wait: Wait, depth: int, *, is_live: bool) -> Span:
    title = "waiting for approval" if "approval" in wait.wait_kind else "waiting for an event"
    is_open = wait.resumed_at is None and wait.status == "waiting" and is_live
    return Span(f"wait-{wait.id}", SpanKind.WAIT, title, depth, start, wait.resumed_at, is_open)


# A job and an automation -----------------------------------------------------------------------------------------


def job_timeline(
    job: Job, steps: Sequence[NodeRun], waits: Sequence[Wait], calls: Sequence[Call], title: str
) -> Timeline:
    """Return the spans of a job: queueing, its steps, and the calls and waits of each step.

    Calls of no known step, and all calls of jobs without steps, follow directly below the job.
    """
    begin = job.created_at or job.started_at
    if begin is None:
        return Timeline()
    is_live = job.status in LIVE_STATES
    root = Span(
        f"job-{job.id}",
        SpanKind.JOB,
        title,
        0,
        begin,
        job.completed_at or job.cancelled_at,
        is_open=is_live,
        succeeded=_succeeded(job.status),
        job_id=job.id,
        cost=job.cost_usd,
        tokens=job.tokens,
    )
    spans = [root]
    started = job.started_at if job.status != "pending" else None
    if started is None or started - begin >= SHORTEST_GAP:
        spans.append(Span("queued", SpanKind.QUEUED, "queued", 1, begin, started, is_live and not started))
    left_calls = [(call.started_at, call) for call in calls if call.started_at is not None]
    left_waits = _timed(waits)
    below: list[list[Span]] = []
    for step in steps:
        step_start = step.started_at or step.created_at
        if step_start is None:
            continue
        own_calls = [timed for timed in left_calls if timed[1].meta("flow_node_id") == step.node_id]
        own_waits = [timed for timed in left_waits if timed[1].node_id == step.node_id]
        left_calls = [timed for timed in left_calls if timed not in own_calls]
        left_waits = [timed for timed in left_waits if timed not in own_waits]
        children = [*(_call_span(at, call, 2) for at, call in own_calls)]
        children += [_wait_span(at, wait, 2, is_live=is_live) for at, wait in own_waits]
        children.sort(key=lambda span: span.start)
        costs = [call.cost_usd for _, call in own_calls if call.cost_usd is not None]
        below.append([_step_span(step, step_start, costs, is_live=is_live), *children])
    below += [[_call_span(at, call, 1)] for at, call in left_calls]
    below += [[_wait_span(at, wait, 1, is_live=is_live)] for at, wait in left_waits]
    for group in sorted(below, key=lambda group: group[0].start):
        spans += group
    return Timeline(tuple(spans), has_times=is_live or root.end is None or root.end > begin)


def _step_span(step: NodeRun, start: datetime, costs: Sequence[Decimal], *, is_live: bool) -> Span:
    end = step.completed_at
    if end is None and step.duration_ms is not None:
        end = start + timedelta(milliseconds=max(0, step.duration_ms))
    return Span(
        f"step-{step.id}",
        SpanKind.STEP,
        step.node_label or step.node_id,
        1,
        start,
        end,
        is_open=end is None and is_live and step.status == "running",
        succeeded=_succeeded(step.status),
        cost=sum(costs[1:], costs[0]) if costs else None,
    )


def _call_span(start: datetime, call: Call, depth: int) -> Span:
    return Span(
        f"call-{call.id}",
        SpanKind.CALL,
        f"{call.type} {call.model}",
        depth,
        start,
        call.completed_at,
        is_open=call.is_live,
        succeeded=_succeeded(call.status),
        call_id=call.id,
        cost=call.cost_usd,
        tokens=call.tokens,
    )


def jobs_timeline(jobs: Iterable[Job], title: str) -> Timeline:
    """Return the jobs of an automation on one clock, oldest first, each with its queueing."""
    timelines = [job_timeline(job, (), (), (), title) for job in jobs]
    started = sorted((line.spans for line in timelines if line.spans), key=lambda spans: spans[0].start)
    return Timeline(tuple(chain.from_iterable(started)), has_times=bool(started))


# The critical path -----------------------------------------------------------------------------------------------


def critical_path(timeline: Timeline, now: datetime) -> frozenset[str]:
    """Return the keys of the spans that determine when the work ended.

    The path is followed backwards from the end: the span that was under way the longest at a moment
    is on it, then the moment is that span's start. Spans with spans below them are left out.
    """
    leaves = [
        span
        for index, span in enumerate(timeline.spans)
        if index + 1 == len(timeline.spans) or timeline.spans[index + 1].depth <= span.depth
    ]
    timed = sorted(
        ((span.end_at(now), span.start, span.key) for span in leaves if span.end_at(now) > span.start),
        reverse=True,
    )
    path: set[str] = set()
    at: datetime | None = None
    for end, group in groupby(timed, key=itemgetter(0)):
        # What goes on after the moment has not delayed it.
        if at is None or end <= at:
            _, at, key = min(group, key=itemgetter(1))
            path.add(key)
    return frozenset(path)
