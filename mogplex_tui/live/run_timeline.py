"""The time of a run or a call, divided into spans by its events (v1.md §8)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING

from mogplex_tui.live.run_row import LIVE_STATES
from mogplex_tui.live.timeline import SHORTEST_GAP, Span, SpanKind, Timeline, with_gaps

if TYPE_CHECKING:
    from mogplex_tui.live.run_event_tail import EventLine
    from mogplex_tui.live.run_row import RunRow

_TERMINAL_EVENTS = frozenset({"finished", "failed", "cancelled"})
_LONGEST_TITLE = 300
# The stages of log events that are worth a line (v1.md §8.1).
_STAGES = frozenset({"git_sync", "mcp_config", "install", "git_delivery"})


def run_timeline(row: RunRow, lines: Sequence[EventLine], waits: Iterable[Span] = ()) -> Timeline:
    """Return the spans of a run: queueing, start, tools, and the time between them.

    `lines` are in the order of time. `waits` are spans during which the run's job waited.
    """
    return Timeline.of(run_spans(row, lines, waits), is_silent=is_silent(row, lines))


def is_silent(row: RunRow, lines: Sequence[EventLine]) -> bool:
    """Return whether a coding CLI works for the run and its tools are not reported."""
    return bool(row.harness) and not any(line.tool is not None for line in lines)


def run_spans(row: RunRow, lines: Sequence[EventLine], waits: Iterable[Span] = ()) -> Iterator[Span]:
    """Yield the spans of `run_timeline` one by one."""
    root = _root(row, lines)
    if root is None:
        return
    yield root
    yield from spans_of_events(
        root, lines, waits, silent=is_silent(row, lines), pending=row.state == "pending"
    )


def _root(row: RunRow, lines: Sequence[EventLine]) -> Span | None:
    begin = row.created_at or row.began or (lines[0].at if lines else None)
    if begin is None:
        return None
    if lines:
        begin = min(begin, lines[0].at)
    is_live = row.state in LIVE_STATES
    end = None
    if not is_live:
        last = max((line.ended_at or line.at for line in lines), default=None)
        end = max((at for at in (row.ended_at, last) if at is not None), default=None)
    title = row.title or row.prompt or row.who or row.kind or "run"
    return Span(
        row.key,
        SpanKind.RUN,
        first_line(title),
        0,
        begin,
        end,
        is_open=is_live,
        succeeded=succeeded(row.state),
        call_id=row.call_id,
        job_id=row.job_id,
        cost=row.cost,
        tokens=row.tokens,
    )


def spans_of_events(
    root: Span, lines: Sequence[EventLine], waits: Iterable[Span] = (), *, silent: bool, pending: bool = False
) -> Iterator[Span]:
    """Yield the spans inside a run or call, in the order of their start.

    If `silent` is true, the tools of the run are not reported. `pending` is the state of a run that
    has not started.
    """
    moments = _Moments.of(lines)
    events = _Events(root, root.depth + 1)
    gap = events.phase("gap", SpanKind.SILENT if silent else SpanKind.MODEL, root.start)
    gap = gap._replace(title="no events" if silent else "model", is_open=False)
    if not lines:
        # Calls of the service's own runtime have no events.
        waiting = events.phase("queued", SpanKind.QUEUED, root.start) if pending else gap
        yield from with_gaps(waits, root.start, root.end, waiting._replace(is_open=False))
        return
    begun = moments.first or moments.streaming or _first_work(lines)
    if begun is None and not root.is_open:
        begun = lines[-1]
    queued = "queued, sandbox starts" if moments.accepted else "queued"
    if begun is None:
        yield events.phase("queued", SpanKind.QUEUED, root.start)._replace(title=queued)
        return
    if begun.at - root.start >= SHORTEST_GAP:
        yield events.phase("queued", SpanKind.QUEUED, root.start, begun.at)._replace(title=queued)
    works_from = begun.at
    if moments.first is not None and moments.streaming is not None:
        works_from = max(works_from, moments.streaming.at)
        if works_from - begun.at >= SHORTEST_GAP:
            yield events.phase("starting", SpanKind.STARTING, begun.at, works_from)
    cancelled = moments.cancelled
    until = cancelled.at if cancelled is not None and cancelled.at > works_from else root.end
    known = sorted(chain(events.spans(lines), waits), key=attrgetter("start"))
    if cancelled is not None:
        known = sorted(
            (*known, events.phase("cancelling", SpanKind.CANCELLING, cancelled.at, root.end)),
            key=attrgetter("start"),
        )
    yield from with_gaps(known, works_from, until, gap)


def first_line(text: str) -> str:
    """Return the first line of a text that is not blank, cut if it is long."""
    return next(iter(text.lstrip()[:_LONGEST_TITLE].splitlines()), "")


def succeeded(state: str) -> bool | None:
    """Return whether a record in a state has succeeded; None if it did neither."""
    return {"success": True, "failed": False}.get(state)


@dataclass(frozen=True)
class _Moments:
    """The events between the phases of a run.

    The first of two starts says that the run was accepted, the second that its CLI begins (v1.md
    §8.1).
    """

    accepted: EventLine | None
    first: EventLine | None
    streaming: EventLine | None
    cancelled: EventLine | None

    @classmethod
    def of(cls, lines: Sequence[EventLine]) -> _Moments:
        """Find the events in the lines of a run."""
        starts = [line for line in lines if line.type == "started"]
        accepted = next((line for line in starts if "external_run_id" in line.payload()), None)
        return cls(
            accepted,
            next((line for line in starts if line is not accepted), None),
            next((line for line in lines if line.type == "status_changed"), None),
            next((line for line in lines if line.type == "cancel_requested"), None),
        )


def _first_work(lines: Iterable[EventLine]) -> EventLine | None:
    return next((line for line in lines if line.tool is not None), None)


@dataclass(frozen=True)
class _Events:
    """Makes the spans of the events of one run or call."""

    root: Span
    depth: int

    def phase(self, name: str, kind: SpanKind, start: datetime, end: datetime | None = None) -> Span:
        """Return the span of a phase; it is open if it has no end and the run goes on."""
        key = f"{self.root.key}-{name}"
        return Span(key, kind, kind.value, self.depth, start, end, end is None and self.root.is_open)

    def spans(self, lines: Iterable[EventLine]) -> Iterator[Span]:
        """Yield the spans of tools, and of the milestones that take no time."""
        for line in lines:
            if line.tool is not None:
                yield self._tool(line)
            elif line.type == "log" and (stage := line.payload().get("stage")) in _STAGES:
                changed = "failed" if line.payload().get("outcome") == "failed" else None
                yield self._moment(line, str(stage), ok=None if changed is None else False)
            elif line.type in _TERMINAL_EVENTS:
                yield self._moment(line, line.type, ok=False if line.type == "failed" else None)

    def _moment(self, line: EventLine, name: str, *, ok: bool | None) -> Span:
        title = first_line(line.message) or name
        return Span(
            line.id,
            SpanKind.MOMENT,
            title,
            self.depth,
            line.at,
            line.at,
            False,
            ok,
            line.id,
            self.root.call_id,
        )

    def _tool(self, line: EventLine) -> Span:
        start, end = line.at, line.ended_at
        if line.type == "tool_finished":
            # Its start was not read.
            end = line.at
            start = max(self.root.start, line.at - timedelta(milliseconds=line.took_ms or 0))
        is_open = self.root.is_open and line.ok is None
        title = f"{line.tool}  {line.preview}".rstrip()
        return Span(
            line.id,
            SpanKind.TOOL,
            title,
            self.depth,
            start,
            end,
            is_open,
            line.ok,
            line.id,
            self.root.call_id,
        )
