"""Compare optimized queries with simple ones on all calls of a seeded database."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mogplex_tui.controlplane.calls import call_serializers
from mogplex_tui.controlplane.observability.call_queries import find_calls
from mogplex_tui.controlplane.observability.error_sanitizer import clean_event
from mogplex_tui.controlplane.observability.event_json import events_body
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.row_factory import RowFactory
from tests.controlplane.simulated_plane import SEEDED_AT, SimulatedPlane

EVENTS = f"SELECT {call_serializers.EVENT_COLUMNS} FROM ai_call_events WHERE ai_call_id = ? ORDER BY created_at, seq"


@pytest.fixture
def simulated(tmp_path: Path) -> Iterator[SimulatedPlane]:
    made = SimulatedPlane(tmp_path / "plane.db")
    yield made
    made.close()


def _assert_as_the_long_way(simulated: SimulatedPlane) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for row in simulated.db.all("SELECT id FROM ai_calls"):
        events = simulated.db.all(EVENTS, (row["id"],))
        long_way = [clean_event(call_serializers.event(event)) for event in events]
        assert "".join(events_body(simulated.db, row["id"])) == json.dumps(
            {"events": long_way}, separators=(",", ":"), ensure_ascii=False
        )
        found += long_way
    return found


def test_events_as_text_are_the_cleaned_events(simulated: SimulatedPlane) -> None:
    events = _assert_as_the_long_way(simulated)
    assert len(events) > 2_000
    assert any("MOG-EVENT-" in str(event["message"]) for event in events)


@pytest.mark.parametrize(
    ("kind", "message", "payload"),
    [
        ("log", 'quotes " and \\ and \n and \u00e9\u2028\U0001f600', {"k": 'a "b" \\ \n\t'}),
        ("log", None, {}),
        ("failed", "Harness run failed", {"exit_code": 1}),
        ("log", "done", {"nested": [{"status": "errored", "text": "boom"}]}),
        ("log", "done", {"outcome": ["failed"]}),
        ("log", "done", {"last_start_error": "boom"}),
        ("log", "done", {"stderr": "boom", "exception": "x"}),
        ("log", "connect ECONNREFUSED", {}),
        ("log", "see http://localhost:3000", {}),
        ("log", "OPENAI_API_KEY is missing", {}),
        ("log", "Traceback (most recent call last)", {}),
        ("tool_finished", "Tool failed: bash", {"success": False, "error": 'relation "x" does not exist'}),
        ("log", "ok", {"id": "another", "failure_code": "RATE_LIMITED", "stack": "a\n  at b"}),
    ],
)
def test_odd_events_as_text(
    simulated: SimulatedPlane, kind: str, message: str | None, payload: dict[str, Any]
) -> None:
    simulated.db.all("DELETE FROM ai_call_events")
    RowFactory(simulated.plane, ManualClock(SEEDED_AT)).event(
        simulated.db.value("SELECT id FROM ai_calls"), kind, message=message, payload=payload, tool_name=None
    )
    assert len(_assert_as_the_long_way(simulated)) == 1


def _surface(call: dict[str, Any]) -> str:
    """Return where a call is shown besides Live (observability.md §2.2)."""
    if call["job_run_id"] is not None:
        return "automation"
    if call["runtime_command_id"] is not None or call["metadata"].get("source") == "cli":
        return "cli"
    return "live" if call["status"] in ("pending", "streaming") else "cloud"


def _searched(call: dict[str, Any]) -> str:
    return f"{call['metadata'].get('pr_number')} {call['model']} {call['conversation_id']}"


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({}, lambda call: True),
        ({"type": "chat"}, lambda call: call["type"] == "chat"),
        ({"model": "harness:codex"}, lambda call: call["model"] == "harness:codex"),
        ({"model": "nobody/nothing"}, lambda call: False),
        (
            {"type": "agent", "model": "harness:codex"},
            lambda call: call["type"] == "agent" and call["model"] == "harness:codex",
        ),
        ({"type": "agent", "status": "failed"}, lambda c: c["type"] == "agent" and c["status"] == "failed"),
        ({"surface": "automation"}, lambda call: _surface(call) == "automation"),
        ({"surface": "cli"}, lambda call: _surface(call) == "cli"),
        ({"surface": "cloud"}, lambda call: _surface(call) == "cloud"),
        (
            {"surface": "cli", "type": "agent", "status": "success"},
            lambda call: _surface(call) == "cli" and call["status"] == "success",
        ),
        ({"q": "sonnet"}, lambda call: "sonnet" in call["model"]),
        ({"q": "71"}, lambda call: "71" in _searched(call)),
    ],
    ids=lambda value: " ".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else "",
)
def test_totals_and_pages_count_matching_rows(
    simulated: SimulatedPlane, query: dict[str, str], wanted: Callable[[dict[str, Any]], bool]
) -> None:
    own = [
        call_serializers.call(row)
        for row in simulated.db.all(
            f"SELECT {call_serializers.CALL_COLUMNS} FROM ai_calls WHERE user_id = ? ORDER BY started_at DESC",
            (simulated.plane.user_id,),
        )
    ]
    matching = [call["id"] for call in own if wanted(call)]
    found = find_calls(simulated.plane, simulated.plane.user_id, lambda name: query.get(name, ""), 1, 20)
    assert found.total == len(matching)
    assert {row["id"] for row in found.rows} == set(matching[:20])


def test_calls_of_agent(simulated: SimulatedPlane) -> None:
    agent = "json_extract(metadata, '$.agent_id')"
    rows = simulated.db.all(f"SELECT {agent}, COUNT(*) FROM ai_calls WHERE {agent} NOTNULL AND user_id = ? GROUP BY 1",
                        (simulated.plane.user_id,))  # fmt: skip
    assert len(rows) > 3
    for agent_id, count in rows:
        query = {"agent_id": agent_id}
        found = find_calls(simulated.plane, simulated.plane.user_id, lambda name: query.get(name, ""), 1, 5)
        assert found.total == count
