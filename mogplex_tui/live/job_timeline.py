"""The time of jobs, divided into spans by their steps, waits and calls.

runtime-model.md §4, v1.md §5.4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from mogplex_tui.live.run_event_tail import EventTail
from mogplex_tui.live.run_row import LIVE_STATES, from_call
from mogplex_tui.live.run_timeline import first_line, is_silent, spans_of_events, succeeded
from mogplex_tui.live.timeline import SHORTEST_GAP, Span, SpanKind, with_gaps
from mogplex_tui.live.v1_jobs import cost_of

if TYPE_CHECKING:
    from mogplex_tui.api.models.automations import NodeRun, Wait
    from mogplex_tui.api.models.calls import CallWithEvents
    from mogplex_tui.api.models.jobs import DispatchEvent, Job, JobDetail

# Outcomes of the dispatch log that delay a job (runtime-model.md §4).
_DELAYS = frozenset({"deferred", "start_failed", "cancel_failed", "reconciled"})
# Steps that have not run have these statuses, and no times.
_NOT_RUN = frozenset({"pending", "skipped"})


def steps_of(job: Job) -> Sequence[NodeRun]:
    """Return the steps of a job, empty if its route returns none."""
    from mogplex_tui.api.models.automations import AutomationRun

    return job.node_runs if isinstance(job, AutomationRun) else ()


def waits_of(job: Job) -> Sequence[Wait]:
    """Return the waits of a job, empty if its route returns none."""
    from mogplex_tui.api.models.automations import AutomationRunDetail

    return job.waits if isinstance(job, AutomationRunDetail) else ()


def is_silent_job(job: JobDetail) -> bool:
    """Return whether a coding CLI worked for the job and its tools are not reported."""
    return any(
        is_silent(from_call(call), ()) and not any(event.tool_name for event in call.events)
        for call in job.ai_calls
    )


def job_spans(job: JobDetail, title: str, reason_text: Callable[[str], str]) -> Iterator[Span]:
    """Yield the spans of a job: queueing, its steps, their calls and waits.

    Calls of no known step follow directly below the job. `reason_text` returns the words for the
    reason of a delay.
    """
    root = _root(job, title, cost_of(job))
    if root is None:
        return
    yield root
    spans: list[list[Span]] = []
    calls = [call for call in job.ai_calls if call.started_at is not None]
    waits = [wait for wait in waits_of(job) if wait.created_at is not None]
    for step, own_calls, own_waits in _divided(_started(steps_of(job), root.start), calls, waits):
        spans.append(list(_step_with_parts(root, step, own_calls, own_waits)))
    known = {step.node_id for step in steps_of(job)}
    loose_calls = [call for call in calls if call.meta("flow_node_id") not in known]
    loose_waits = [wait for wait in waits if wait.node_id not in known]
    spans += [list(_call_with_events(root, call, 1)) for call in loose_calls]
    spans += [[_wait(root, wait, 1)] for wait in loose_waits]
    spans += [
        [_delay(event, event.created_at, reason_text(event.reason or ""))]
        for event in job.dispatch_events
        if event.outcome in _DELAYS and event.created_at is not None
    ]
    yield from _filled(root, job, spans)


def jobs_spans(jobs: Iterable[Job]) -> Iterator[Span]:
    """Yield the spans of several jobs, oldest first, each with its steps.

    A job's title is the type of the event that started it.
    """
    titled = ((job, f"{job.source_type or 'job'} {job.id[:8]}") for job in jobs)
    roots = [(root, job) for job, title in titled if (root := _root(job, title, job.cost_usd)) is not None]
    for root, job in sorted(roots, key=lambda pair: pair[0].start):
        yield root
        steps = [
            [_step(root, step, None)._replace(job_id=job.id)] for step in _started(steps_of(job), root.start)
        ]
        yield from _filled(root, job, steps)


def _root(job: Job, title: str, cost: Decimal | None) -> Span | None:
    begin = job.created_at or job.started_at
    if begin is None:
        return None
    end = job.completed_at or job.cancelled_at
    if end is None and job.duration_ms is not None and job.started_at is not None:
        end = job.started_at + timedelta(milliseconds=max(0, job.duration_ms))
    is_live = job.status in LIVE_STATES
    return Span(
        f"job-{job.id}",
        SpanKind.JOB,
        first_line(title) or "job",
        0,
        min(begin, job.started_at or begin),
        None if is_live else end,
        is_live,
        succeeded(job.status),
        job_id=job.id,
        cost=cost,
        tokens=job.tokens,
    )


def _filled(root: Span, job: Job, groups: list[list[Span]]) -> Iterator[Span]:
    """Yield the spans below a job in order, with queueing and gaps.

    Each group is a span below the job and the spans inside it. Those without times come last.
    """
    queued = Span(f"{root.key}-queued", SpanKind.QUEUED, "queued", 1, root.start)
    begun = job.started_at if job.status != "pending" else None
    if begun is None and root.is_open and not groups:
        yield queued._replace(is_open=True)
        return
    if begun is not None and begun - root.start >= SHORTEST_GAP:
        groups.append([queued._replace(end=begun)])
    timed = sorted((group for group in groups if group[0].is_timed), key=lambda group: group[0].start)
    inside = {group[0].key: group[1:] for group in timed}
    # Without steps and calls nothing is known of the time of a job.
    gap = Span(f"{root.key}-gap", SpanKind.SILENT, "no events", 1, root.start)
    firsts = (group[0] for group in timed)
    for span in with_gaps(firsts, begun or root.start, root.end, gap):
        yield span
        yield from inside.get(span.key, ())
    for group in groups:
        if not group[0].is_timed:
            yield from group


# Steps -----------------------------------------------------------------------------------------------------------


def _started(steps: Iterable[NodeRun], begin: datetime) -> list[NodeRun]:
    """Return steps in the order of their start; those without any time come last."""
    far = begin + timedelta(days=36_500)
    return sorted(steps, key=lambda step: step.started_at or step.created_at or far)


def _divided(
    steps: Sequence[NodeRun], calls: Sequence[CallWithEvents], waits: Sequence[Wait]
) -> Iterator[tuple[NodeRun, list[CallWithEvents], list[Wait]]]:
    """Yield each step with its calls and waits.

    If a step ran several times, a call belongs to the last execution that had begun before it.
    """
    of_node: dict[str, list[NodeRun]] = {}
    for step in steps:
        of_node.setdefault(step.node_id, []).append(step)

    def execution(node_id: str, at: datetime | None) -> str | None:
        executions = of_node.get(node_id, [])
        begun = [step for step in executions if at and step.started_at and step.started_at <= at]
        return begun[-1].id if begun else executions[0].id if executions else None

    call_steps = [execution(call.meta("flow_node_id") or "", call.started_at) for call in calls]
    wait_steps = [execution(wait.node_id, wait.created_at) for wait in waits]
    for step in steps:
        yield (
            step,
            [call for call, step_id in zip(calls, call_steps, strict=True) if step_id == step.id],
            [wait for wait, step_id in zip(waits, wait_steps, strict=True) if step_id == step.id],
        )


def _step_with_parts(
    root: Span, step: NodeRun, calls: Sequence[CallWithEvents], waits: Sequence[Wait]
) -> Iterator[Span]:
    costs = [call.cost_usd for call in calls]
    known = [cost for cost in costs if cost is not None]
    yield _step(root, step, sum(known, Decimal(0)) if known and len(known) == len(costs) else None)
    parts = [list(_call_with_events(root, call, 2)) for call in calls]
    parts += [[_wait(root, wait, 2)] for wait in waits]
    for part in sorted(parts, key=lambda part: part[0].start):
        yield from part


def _step(root: Span, step: NodeRun, cost: Decimal | None) -> Span:
    start = step.started_at or step.created_at
    end = step.completed_at
    if end is None and step.duration_ms is not None and start is not None:
        end = start + timedelta(milliseconds=max(0, step.duration_ms))
    has_run = start is not None and step.status not in _NOT_RUN
    name = step.node_label or step.node_id
    return Span(
        f"step-{step.id}",
        SpanKind.STEP,
        name if has_run else f"{name} ({step.status or 'not run'})",
        1,
        start or root.start,
        end if has_run else start or root.start,
        has_run and end is None and root.is_open,
        succeeded(step.status),
        record_id=step.id,
        cost=cost,
        is_timed=has_run,
    )


# Calls, waits and the dispatch log -------------------------------------------------------------------------------


def _call_with_events(root: Span, call: CallWithEvents, depth: int) -> Iterator[Span]:
    row = from_call(call)
    begin = call.started_at or root.start
    end = call.completed_at
    if end is None and call.duration_ms is not None and not call.is_live:
        end = begin + timedelta(milliseconds=max(0, call.duration_ms))
    label = call.meta("flow_node_label") if depth == 1 else None
    names = (label, row.harness or call.model.rpartition("/")[2], call.type)
    span = Span(
        f"call-{call.id}",
        SpanKind.CALL,
        first_line("  ".join(name for name in names if name)),
        depth,
        begin,
        end,
        call.is_live,
        succeeded(call.status),
        call_id=call.id,
        cost=call.cost_usd,
        tokens=call.tokens,
    )
    yield span
    if not call.events:
        return
    tail = EventTail()
    tail.add(call.events)
    yield from spans_of_events(span, tail.lines, silent=is_silent(row, tail.lines))


def _wait(root: Span, wait: Wait, depth: int) -> Span:
    is_open = root.is_open and wait.status == "waiting"
    end = wait.resumed_at or (wait.expires_at if wait.status == "expired" else None)
    title = "waiting for approval" if wait.wait_kind == "tool_approval" else "waiting for an event"
    return Span(
        f"wait-{wait.id}",
        SpanKind.WAIT,
        title,
        depth,
        wait.created_at or root.start,
        None if is_open else end or (root.end if wait.status == "cancelled" else None),
        is_open,
        record_id=wait.id,
    )


def _delay(event: DispatchEvent, at: datetime, reason: str) -> Span:
    outcome = event.outcome.replace("_", " ")
    title = first_line(f"{outcome}: {reason}" if reason else outcome)
    return Span(f"dispatch-{event.id}", SpanKind.MOMENT, title, 1, at, at, record_id=event.id)
