"""The event tail: its lines do not depend on how events arrive (v1.md §8.5)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mogplex_tui.api.models.base import BadRow, parse_rows
from mogplex_tui.api.models.events import Event
from mogplex_tui.live.run_event_tail import BatchResult, EventLine, EventTail
from tests.unit.fakes import event, stamp, tool


def seen(line: EventLine) -> tuple[Any, ...]:
    return (
        line.id,
        line.at,
        line.type,
        line.message,
        line.body,
        line.finish,
        line.took_ms,
        line.ok,
        line.preview,
    )


def lines(tail: EventTail) -> list[tuple[Any, ...]]:
    return [seen(line) for line in tail.lines]


def ids(tail: EventTail) -> list[str]:
    return [line.id for line in tail.lines]


STORY = [
    event(0, "started"),
    event(1, "status_changed", payload={"from": "pending", "to": "streaming"}),
    tool(2, "t1", done=False, input={"command": "ls"}),
    tool(3, "t2", done=False, input={"path": "a.py"}),
    tool(4, "t2", done=True, success=True, duration_ms=85),
    event(5),
    tool(6, "t1", done=True, success=False, duration_ms=1200, error="exit 1"),
    tool(7, "t3", done=True, success=True, input_preview="orphan"),
    tool(8, "t4", done=False, input={"query": "never finished"}),
    event(9, "finished"),
]


@given(
    st.permutations(STORY), st.lists(st.integers(0, len(STORY)), max_size=4), st.lists(st.sampled_from(STORY))
)
def test_lines_do_not_depend_on_order_repeats_or_batches(
    events: list[Event], cuts: list[int], again: list[Event]
) -> None:
    straight = EventTail()
    straight.add(STORY)
    tail = EventTail()
    start = 0
    for cut in [*sorted(cuts), len(events)]:
        tail.add([*again[:2], *events[start:cut], *events[max(0, start - 2) : start]])
        start = cut
    assert lines(tail) == lines(straight)
    assert tail.events == len(STORY)
    assert [tail.index_of(line.id) for line in tail.lines] == list(range(len(tail)))


@given(st.permutations(range(200)), st.integers(1, 200))
def test_late_events_are_inserted_in_order(order: list[int], size: int) -> None:
    tail = EventTail()
    for start in range(0, 200, size):
        tail.add(event(number) for number in order[start : start + size])
    assert ids(tail) == [f"e{number}" for number in range(200)]


@given(st.lists(st.booleans(), min_size=1, max_size=30))
def test_batch_results_add_up_to_the_line_count(forward: list[bool]) -> None:
    """A view can follow the line count from `appended` and `reordered` alone."""
    tail, known = EventTail(), 0
    for number, ahead in enumerate(forward, 1):
        batch = [tool(number * 2, f"t{number}", done=False), tool(number * 2 + 1, f"t{number}", done=True)]
        added = tail.add(batch if ahead else reversed(batch))
        known = len(tail) if added.reordered else known + added.appended
        assert known == len(tail) == number


def test_repeated_events_change_nothing() -> None:
    tail = EventTail()
    assert tail.add(STORY)
    assert not tail.add(STORY)
    assert not BatchResult()


def test_events_of_one_instant_keep_arrival_order() -> None:
    tail = EventTail()
    tail.add([event(3, at=5), event(1, at=5)])
    tail.add([event(2, at=5), event(9, at=4), event(3, at=5)])
    assert ids(tail) == ["e9", "e3", "e1", "e2"]


def test_tool_start_and_finish_are_one_line() -> None:
    tail = EventTail()
    tail.add([tool(1, "t1", done=False, input={"command": "pytest -q"}), event(2)])
    (running, _) = tail.lines
    assert (running.ok, running.took_ms, running.preview) == (None, None, "pytest -q")
    added = tail.add([tool(3, "t1", done=True, success=False, duration_ms=1500.5, error="exit 2")])
    assert (added.appended, added.changed, added.reordered) == (0, ["e1"], False)
    assert ids(tail) == ["e1", "e2"]
    assert (running.ok, running.took_ms, running.trouble, running.version) == (False, 1500.5, "exit 2", 1)
    whole: dict[str, Any] = running.as_json()
    assert whole["payload"]["input"] == {"command": "pytest -q"}
    assert whole["finish"]["id"] == "e3"
    assert whole["finish"]["payload"]["error"] == "exit 2"


def test_late_tool_start_takes_over_the_line_of_its_finish() -> None:
    tail = EventTail()
    tail.add([event(1), tool(5, "t1", done=True, success=True, duration_ms=7, input_preview="ls")])
    assert ids(tail) == ["e1", "e5"]
    assert (tail.lines[1].ok, tail.lines[1].preview) == (True, "ls")
    added = tail.add([tool(3, "t1", done=False)])
    assert added.reordered
    assert added.appended == 0
    assert ids(tail) == ["e1", "e3"]
    assert tail.get("e5") is None
    assert tail.index_of("e5") is None
    assert (tail.lines[1].ok, tail.lines[1].took_ms, tail.lines[1].preview) == (True, 7.0, "ls")


def test_tool_id_can_be_reused() -> None:
    tail = EventTail()
    for number in (0, 2):
        tail.add([tool(number, "t", done=False), tool(number + 1, "t", done=True, duration_ms=number)])
    assert [(line.id, line.took_ms) for line in tail.lines] == [("e0", 0.0), ("e2", 2.0)]


def test_tools_without_an_id_are_separate_lines() -> None:
    tail = EventTail()
    for call_id in ("", 7, None, ["x"]):
        start = event(len(tail) * 2, "tool_started", payload={"tool_call_id": call_id})
        finish = event(len(tail) * 2 + 1, "tool_finished", payload={"tool_call_id": call_id, "success": True})
        tail.add([start, finish])
    assert len(tail) == 8


@pytest.mark.parametrize(
    ("number", "backwards", "in_one"),
    [(20_000, False, False), (20_000, True, True), (10_000, True, False)],
    ids=["in order", "backwards at once", "backwards in batches"],
)
def test_adding_many_events_takes_linear_work(
    number: int, backwards: bool, in_one: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Line accesses are counted; a search line by line would need billions."""
    base, step = event(0).created_at, event(1).created_at - event(0).created_at
    story = [
        Event.model_construct(
            id=f"e{i}",
            type="tool_finished" if i % 2 else "tool_started",
            created_at=base + step * i,
            tool_name="bash",
            message="",
            payload={"tool_call_id": f"t{i // 2}", "success": True},
        )
        for i in range(number)
    ]
    looks = 0
    plain: Any = EventLine.__dict__["sort"].fget

    def counting(line: EventLine) -> Any:
        nonlocal looks
        looks += 1
        return plain(line)

    monkeypatch.setattr(EventLine, "sort", property(counting))
    if backwards:
        story.reverse()
    tail = EventTail()
    size = number if in_one else 500
    for start in range(0, number, size):
        tail.add(story[start : start + size])
    assert len(tail) == number // 2
    assert ids(tail) == [f"e{i}" for i in range(0, number, 2)]
    assert all(line.ok for line in tail.lines)
    # In order: two accesses an event. Backwards in batches: one sort of all lines for each batch.
    assert looks <= number * (80 if backwards and not in_one else 6)


def test_unknown_event_type_keeps_its_name() -> None:
    tail = EventTail()
    tail.add([event(1, "plan_made", payload={"steps": 3})])
    assert tail.lines[0].type == "plan_made"
    assert tail.lines[0].as_json()["payload"] == {"steps": 3}


@pytest.mark.parametrize(
    "payload",
    [
        {"text": "\ud800 half a pair"},
        {"\udfff": "in a key"},
        {"duration_ms": 10**400, "success": True},
        {"duration_ms": float("nan"), "success": "yes"},
        {"duration_ms": float("inf"), "error": {"not": "a text"}},
        {"duration_ms": True, "success": 1},
        {"duration_ms": -5},
        {"input": "[" * 3000},
        {"input": {"command": ["not", "a", "text"]}, "input_preview": {"a": 1}},
        {"tool_call_id": {"a": 1}},
        {"text": "\x1b[2J\x00 [bold]markup[/]"},
        {"truncated": True, "payloadPreview": "{" * 20_000},
        {"env": "[redacted]", "input": "[truncated]"},
    ],
)
@pytest.mark.parametrize("type", ["tool_started", "tool_finished", "log"])
def test_any_payload_is_accepted(payload: dict[str, Any], type: str) -> None:
    tail = EventTail()
    tail.add([event(1, type, payload={"tool_call_id": "t1", **payload}), event(2)])
    assert ids(tail) == ["e1", "e2"]
    line = tail.lines[0]
    assert line.took_ms is None or line.took_ms >= 0
    assert isinstance(line.preview, str)
    whole: dict[str, Any] = line.as_json()
    assert set(whole["payload"]) == {"tool_call_id", *payload}


def test_deeply_nested_payload_is_accepted() -> None:
    deep: Any = "end"
    for _ in range(900):
        deep = [deep]
    tail = EventTail()
    tail.add([event(1, payload={"input": deep}), event(2)])
    assert ids(tail) == ["e1", "e2"]


def test_secrets_are_redacted_in_lines() -> None:
    tail = EventTail()
    secret = "ghp_abcdefghijklmnop"
    started = tool(1, "t1", done=False, input={"command": f"git push https://{secret}@x"}, token="hunter2")
    preview = tool(2, "t2", done=False, input_preview=json.dumps({"password": "hunter2"}))
    done = tool(3, "t1", done=True, success=False, error=f"refused {secret}", output={"cookie": "hunter2"})
    tail.add([started, preview, done, event(4, message=f"used {secret}")])
    text = "".join(repr(line) + json.dumps(line.as_json()) for line in tail.lines)
    assert secret not in text
    assert "hunter2" not in text
    assert "[redacted]" in text


def test_unreadable_event_is_a_marked_line_with_its_json() -> None:
    rows = parse_rows(
        Event,
        [
            {"id": "good", "type": "log", "createdAt": stamp(1)},
            {"id": "bad", "type": ["?"], "createdAt": stamp(2), "payload": {"token": "hunter2", "n": 1}},
            {"id": "later", "type": "log", "createdAt": stamp(3)},
            "not even an object",
        ],
    )
    tail = EventTail()
    tail.add(rows)
    added = tail.add_bad(rows.bad)
    assert added
    assert tail.bad == 2
    assert [line.type for line in tail.lines] == ["log", "unreadable", "log", "unreadable"]
    marked = tail.lines[1]
    assert "could not be read" in marked.message
    assert marked.payload()["payload"] == {"token": "[redacted]", "n": 1}
    assert tail.lines[3].payload() == {"value": "not even an object"}
    # Every read returns them again.
    assert not tail.add_bad(rows.bad)
    assert (tail.bad, len(tail)) == (2, 4)


@pytest.mark.parametrize("raw", [None, 7, {"id": 7, "created_at": "yesterday"}, {"createdAt": None}])
def test_unreadable_event_needs_no_time_or_id(raw: Any) -> None:
    tail = EventTail()
    tail.add_bad([BadRow(raw, "type: missing")])
    assert len(tail) == 1
    assert tail.lines[0].at.tzinfo is not None


def test_tool_preview_joins_a_list_of_words() -> None:
    tail = EventTail()
    given = {"tool_call_id": "t", "input": {"steps": ["Reproduce", "fix"]}, "input_preview": '{"steps":["Rep'}
    started = Event.model_validate(
        {
            "id": "e1",
            "type": "tool_started",
            "toolName": "updatePlan",
            "payload": given,
            "createdAt": "2026-08-05T10:00:00Z",
        }
    )
    tail.add([started])
    assert tail.lines[0].preview == "Reproduce; fix"
