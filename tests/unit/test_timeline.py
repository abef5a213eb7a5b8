"""Spans fill the time of a run, and the critical path is found."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mogplex_tui.api.models.automations import AutomationRunDetail
from mogplex_tui.live import run_row as make
from mogplex_tui.live.job_timeline import job_spans
from mogplex_tui.live.run_event_tail import EventTail
from mogplex_tui.live.run_row import RunRow
from mogplex_tui.live.run_timeline import run_timeline
from mogplex_tui.live.timeline import Span, SpanKind, Timeline, critical_path, time_by_kind
from tests.unit.fakes import START, call, event, stamp, tool

STREAMING = {"from": "pending", "to": "streaming"}


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def run_row(**fields: Any) -> RunRow:
    ended = {"status": "success", "started_at": stamp(0), "completed_at": stamp(100)}
    return make.from_call(call(1, **(ended | fields)))


def tail(*events: Any) -> EventTail:
    lines = EventTail()
    lines.add(events)
    return lines


def shown(timeline: Timeline) -> list[tuple[str, float, float | None]]:
    """Return kind, start and end in seconds of the spans inside the run."""
    return [
        (
            span.kind.value,
            (span.start - START).total_seconds(),
            None if span.end is None else (span.end - START).total_seconds(),
        )
        for span in timeline.spans[1:]
    ]


def test_time_of_a_run_is_divided_into_phases_tools_and_gaps() -> None:
    lines = tail(
        event(0, "started", 1, payload={"external_run_id": "r"}),
        event(1, "started", 20, payload={"harness_id": "codex"}),
        event(2, "status_changed", 25, payload=STREAMING),
        tool(3, "a", done=False, at=30),
        # Two tools at the same time.
        tool(4, "b", done=False, at=32),
        tool(5, "a", done=True, at=50, success=True),
        tool(6, "b", done=True, at=40, success=True),
        tool(7, "c", done=False, at=50.5),
        tool(8, "c", done=True, at=60, success=False, error="exit 1"),
        event(9, "finished", 98, payload={"exit_code": 0}),
    )
    timeline = run_timeline(run_row(metadata={"harness_id": "codex"}), lines.lines)
    assert shown(timeline) == [
        ("queued", 0, 20),
        ("starting", 20, 25),
        ("model", 25, 30),
        ("tool", 30, 50),
        ("tool", 32, 40),
        ("tool", 50.5, 60),
        ("model", 60, 98),
        ("moment", 98, 98),
        ("model", 98, 100),
    ]
    assert timeline.spans[6].succeeded is False
    assert not timeline.is_silent
    now = START + seconds(500)
    path = critical_path(timeline.spans, now)
    assert timeline.spans[5].key not in path
    assert {kind.value: time.total_seconds() for kind, time in time_by_kind(timeline.spans, path, now).items()} == {
        "run": 0.5, "queued": 20, "starting": 5, "model": 45, "tool": 29.5,
    }  # fmt: skip


def test_open_spans_end_now_and_an_unknown_end_is_no_gap() -> None:
    events = [
        event(0, "started", 0, payload={"model": "m"}),
        event(1, "status_changed", 1, payload=STREAMING),
        tool(2, "a", done=False, at=10),
    ]
    live = run_row(status="streaming", completed_at=None)
    timeline = run_timeline(live, tail(*events).lines)
    assert shown(timeline) == [("starting", 0, 1), ("model", 1, 10), ("tool", 10, None)]
    assert timeline.spans[-1].duration(START + seconds(15)) == seconds(5)
    # The run was cancelled while the tool worked: nothing says when it stopped.
    cancelled = [*events, event(3, "cancel_requested", 20), event(4, "cancelled", 25)]
    over = run_timeline(run_row(status="cancelled", completed_at=stamp(25)), tail(*cancelled).lines)
    assert shown(over)[2:] == [("tool", 10, None), ("cancelling", 20, 25), ("moment", 25, 25)]
    assert over.spans[3].duration(START + seconds(30)) is None


def test_run_without_tools_names_silence_of_a_coding_cli_and_work_of_a_model() -> None:
    harness = run_timeline(
        run_row(metadata={"harness_id": "codex"}),
        tail(
            event(0, "started", 2, payload={"harness_id": "codex"}),
            event(1, "status_changed", 2, payload=STREAMING),
            event(2, "log", 80, message="Pull request ready", payload={"stage": "git_delivery"}),
        ).lines,
    )
    assert harness.is_silent
    assert shown(harness) == [("queued", 0, 2), ("silent", 2, 80), ("moment", 80, 80), ("silent", 80, 100)]
    # Calls of the service's own runtime have no events at all.
    assert shown(run_timeline(run_row(), [])) == [("model", 0, 100)]
    assert not run_timeline(run_row(), []).is_silent
    pending = run_timeline(run_row(status="pending", completed_at=None), [])
    assert shown(pending) == [("queued", 0, None)]


def span(key: str, depth: int, start: float, end: float) -> Span:
    return Span(key, SpanKind.STEP, key, depth, START + seconds(start), START + seconds(end))


def test_critical_path_goes_through_the_branch_that_ended_last() -> None:
    spans = [
        span("job", 0, 0, 100),
        span("fetch", 1, 0, 10),
        span("lint", 1, 10, 30),
        span("lint call", 2, 12, 30),
        span("test", 1, 10, 60),
        span("unit", 2, 10, 40),
        span("slow", 2, 12, 58),
        span("review", 1, 60, 100),
    ]
    path = critical_path(spans, START)
    assert path == {"job", "fetch", "test", "slow", "review"}


@given(
    st.lists(st.tuples(st.integers(0, 500), st.integers(0, 80)), max_size=25),
    st.integers(0, 600),
    st.booleans(),
)
def test_spans_fill_the_run_in_order_and_the_path_never_overlaps(
    tools: list[tuple[int, int]], length: int, live: bool
) -> None:
    events = [event(0, "started", 0), event(1, "status_changed", 0, payload=STREAMING)]
    for number, (start, took) in enumerate(tools):
        events.append(tool(10 + 2 * number, f"t{number}", done=False, at=start))
        events.append(tool(11 + 2 * number, f"t{number}", done=True, at=start + took, success=True))
    row = run_row(status="streaming" if live else "success", completed_at=None if live else stamp(length))
    timeline = run_timeline(row, tail(*events).lines)
    now = START + seconds(700)
    root, *inside = timeline.spans
    starts = [each.start for each in inside]
    assert starts == sorted(starts)
    assert len({each.key for each in timeline.spans}) == len(timeline.spans)
    assert all(root.start <= each.start <= each.end_at(now) <= root.end_at(now) for each in inside)
    # Every moment of the run has a span; gaps below a second have none.
    covered = root.start
    for each in inside:
        assert each.start - covered < seconds(1)
        covered = max(covered, each.end_at(now))
    assert root.end_at(now) - covered < seconds(1)
    path = critical_path(timeline.spans, now)
    on_path = sorted((each.start, each.end_at(now)) for each in inside if each.key in path)
    assert all(before[1] <= after[0] for before, after in pairwise(on_path))
    assert sum(time_by_kind(timeline.spans, path, now).values(), seconds(0)) == root.end_at(now) - root.start


def test_time_of_a_job_goes_into_queue_steps_waits_and_calls() -> None:
    job = AutomationRunDetail.model_validate(
        {
            "id": "j", "status": "success", "created_at": stamp(0), "started_at": stamp(10), "completed_at": stamp(200),
            "node_runs": [
                # Routes may return steps in any order.
                {"id": "s2", "node_id": "fix", "node_label": "Fix", "status": "success",
                 "started_at": stamp(61), "completed_at": stamp(200)},
                {"id": "s1", "node_id": "ask", "node_label": "Ask", "status": "success",
                 "started_at": stamp(10), "completed_at": stamp(61)},
                {"id": "s3", "node_id": "note", "node_label": "Note", "status": "skipped"},
            ],
            "waits": [{"id": "w", "node_id": "ask", "wait_kind": "tool_approval", "status": "resumed",
                       "created_at": stamp(12), "resumed_at": stamp(60)}],
            "ai_calls": [
                {"id": "c1", "type": "agent", "model": "acme/nova", "status": "success", "cost_usd": "0.40",
                 "started_at": stamp(70), "completed_at": stamp(190), "metadata": {"flow_node_id": "fix"},
                 "events": [
                     {"id": "e1", "event_type": "status_changed", "created_at": stamp(70)},
                     {"id": "e2", "event_type": "tool_started", "tool_name": "bash", "created_at": stamp(100),
                      "payload": {"tool_call_id": "t", "input": {"command": "make"}}},
                     {"id": "e3", "event_type": "tool_finished", "tool_name": "bash", "created_at": stamp(180),
                      "payload": {"tool_call_id": "t", "success": True}},
                 ]},
            ],
            "dispatch_events": [
                {"id": "d", "event_kind": "start", "outcome": "deferred", "reason": "FULL", "created_at": stamp(4)},
            ],
        }
    )  # fmt: skip
    spans = list(job_spans(job, "Deploy", lambda code: f"<{code}>"))
    assert [(each.depth, each.kind.value, each.title) for each in spans] == [
        (0, "job", "Deploy"),
        (1, "queued", "queued"),
        (1, "moment", "deferred: <FULL>"),
        (1, "step", "Ask"),
        (2, "wait", "waiting for approval"),
        (1, "step", "Fix"),
        (2, "call", "nova  agent"),
        (3, "model", "model"),
        (3, "tool", "bash  make"),
        (3, "model", "model"),
        (1, "step", "Note (skipped)"),
    ]
    assert spans[0].cost == spans[5].cost == spans[6].cost
    assert not spans[-1].is_timed
    assert spans[8].event_id == "e2" and spans[8].call_id == "c1"
    path = critical_path(spans, START)
    assert {kind.value: time.total_seconds() for kind, time in time_by_kind(spans, path, START).items() if time} == {
        "queued": 10, "step": 3 + 19, "wait": 48, "model": 40, "tool": 80,
    }  # fmt: skip
