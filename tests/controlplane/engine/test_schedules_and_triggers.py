"""Jobs of assignments and triggers, and flows that a schedule starts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from mogplex_tui.controlplane.automation.events import cron
from mogplex_tui.controlplane.automation.events.schedules import tick
from mogplex_tui.controlplane.db.clock import SECOND_US
from tests.controlplane.engine.engine_driver import (
    MODEL,
    EngineDriver,
    insert_assignment,
    insert_trigger,
)


@pytest.mark.parametrize(
    ("kind", "delivery", "call_type"),
    [
        ("pr_review", "pull_request", "pr_review"),
        ("push_review", "push", "push_review"),
        ("issue_triage", "issues", "issue_triage"),
        ("ci_failure", "check_run", "ci_failure"),
    ],
)
async def test_assignment_runs_agent_on_event(
    engine: EngineDriver, kind: str, delivery: str, call_type: str
) -> None:
    repo_id = engine.factory.repo()
    row_id = insert_assignment(engine, repo_id, kind)
    insert_assignment(engine, repo_id, kind, enabled=0)
    assert (await engine.send(delivery, text="quick"))["started"] == 1
    job_id = engine.job()
    row = engine.factory.row("job_runs", job_id)
    assert (row["assignment_id"], row["flow_id"], row["trigger_id"]) == (row_id, None, None)
    assert json.loads(row["metadata"])["source_type"] == kind
    assert engine.finish(job_id)["status"] == "success"
    assert engine.nodes(job_id) == {"start": "success", "agent-1": "success", "end": "success"}
    call = engine.db.only("SELECT type, model, metadata FROM ai_calls WHERE job_run_id = ?", (job_id,))
    assert (call["type"], call["model"]) == (call_type, MODEL)
    assert json.loads(call["metadata"])["agent_id"] == engine.agent()
    ledger = engine.db.all("SELECT source_kind, assignment_id FROM automation_dispatch_events")
    assert {tuple(entry) for entry in ledger} == {("assignment", row_id)}


async def test_a_trigger_runs_its_agent_for_its_installation(engine: EngineDriver) -> None:
    engine.factory.repo()
    row_id = insert_trigger(engine, "issue_opened")
    insert_trigger(engine, "issue_opened", installation_id=99)
    insert_trigger(engine, "issue_opened", enabled=0)
    assert (await engine.send("issues", text="quick"))["queued"] == 1
    job_id = engine.job()
    assert engine.factory.row("job_runs", job_id)["trigger_id"] == row_id
    assert engine.finish(job_id)["status"] == "success"
    kinds = {row[0] for row in engine.db.all("SELECT source_kind FROM automation_dispatch_events")}
    assert kinds == {"trigger"}


async def test_mention_selects_the_named_agent_or_the_default_trigger(
    engine: EngineDriver,
) -> None:
    engine.factory.repo()
    default = insert_trigger(engine, "mention", is_default=1)
    named = insert_trigger(engine, "mention", agent="Fixer")
    for text, expected in (("@mogplex quick", default), ("@mogplex/fixer quick", named)):
        assert (await engine.send("issue_comment", text=text))["queued"] == 1
        assert engine.factory.row("job_runs", engine.job())["trigger_id"] == expected


async def test_schedule_fires_flow_once_per_due_minute(engine: EngineDriver) -> None:
    engine.factory.repo()
    flow_id = engine.flow(
        [("a", "agent", {})],
        [("start", "a"), ("a", "end")],
        event="schedule",
        filter={"repos": ["acme/api"]},
        scheduleCron="2 12 * * *",
        scheduleTimezone="Europe/Oslo",
    )
    assert datetime.fromtimestamp(engine.clock.us // SECOND_US, UTC).strftime("%H:%M") == "10:00"
    engine.go(110)
    assert engine.db.value("SELECT COUNT(*) FROM job_runs") == 0
    engine.go(30)
    job_id = engine.job()
    row = engine.factory.row("job_runs", job_id)
    assert (row["flow_id"], row["last_start_source"]) == (flow_id, "cron")
    assert row["idempotency_key"] == f"schedule:flow:{flow_id}:2026-08-05T10:02:00.000Z"
    about = json.loads(row["metadata"])
    assert about["schedule"]["timezone"] == "Europe/Oslo" and about["source_type"] == "schedule"
    assert engine.ledger(job_id)[:2] == [("enqueue", "queued", None), ("start", "started", None)]
    assert tick(engine.plane, engine.plane.ids, 1_785_924_120 * SECOND_US) == []
    assert engine.db.value("SELECT COUNT(*) FROM job_runs") == 1
    engine.finish(job_id)
    assert engine.db.value("SELECT type FROM ai_calls WHERE job_run_id = ?", (job_id,)) == "cron"


async def test_schedule_ticks_of_flow_may_overlap(engine: EngineDriver) -> None:
    engine.factory.repo()
    nodes: list[tuple[str, str, dict[str, Any]]] = [
        ("nap", "delay", {"duration": 1, "unit": "hours"}),
        ("a", "agent", {}),
    ]
    engine.flow(nodes, [("start", "nap"), ("nap", "a"), ("a", "end")], event="schedule",
              filter={"repos": ["acme/api"]}, scheduleCron="* * * * *", scheduleTimezone="UTC")  # fmt: skip
    engine.go(130)
    assert engine.db.value("SELECT COUNT(*) FROM job_runs WHERE status = 'running'") == 2


async def test_a_clocked_assignment_does_not_overlap_itself(engine: EngineDriver) -> None:
    repo_id = engine.factory.repo()
    insert_assignment(engine, repo_id, "cron_refactor", "* * * * *")
    insert_assignment(engine, repo_id, "cron", "not a cron")
    engine.go(62)
    assert engine.db.value("SELECT COUNT(*) FROM job_runs") == 1
    tick(engine.plane, engine.plane.ids, engine.clock.us + 60 * SECOND_US)
    reasons = engine.db.all("SELECT reason FROM automation_dispatch_events WHERE outcome = 'suppressed'")
    assert [row[0] for row in reasons] == ["ACTIVE_DUPLICATE"]


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND_US


@pytest.mark.parametrize(
    ("expression", "zone", "instant", "due"),
    [
        ("30 2 * * *", "UTC", "2026-08-05T02:30:40", True),
        ("30 2 * * *", "UTC", "2026-08-05T02:31:00", False),
        ("30 2 * * *", "Europe/Oslo", "2026-08-05T00:30:00", True),
        ("30 2 * * *", "Europe/Oslo", "2026-01-05T01:30:00", True),
        ("*/15 9-17/4 * * MON-FRI", "UTC", "2026-08-05T13:45:00", True),
        ("*/15 9-17/4 * * MON-FRI", "UTC", "2026-08-05T14:45:00", False),
        ("0 0 1 * MON", "UTC", "2026-08-03T00:00:00", True),
        ("0 0 1 * MON", "UTC", "2026-08-01T00:00:00", True),
        ("0 0 1 * MON", "UTC", "2026-08-04T00:00:00", False),
        ("0 0 * * 7", "UTC", "2026-08-02T00:00:00", True),
        ("0 0 ? AUG WED#1", "UTC", "2026-08-05T00:00:00", True),
        ("0 0 ? AUG WED#2", "UTC", "2026-08-05T00:00:00", False),
        ("0 0 1,5 */2 *", "UTC", "2026-08-05T00:00:00", False),
        ("0 0 1,5 2/2 *", "UTC", "2026-08-05T00:00:00", True),
        ("61 * * * *", "UTC", "2026-08-05T00:00:00", False),
        ("* * * *", "UTC", "2026-08-05T00:00:00", False),
        ("*/0 * * * *", "UTC", "2026-08-05T00:00:00", False),
        ("* * * * *", "Europe/Nowhere", "2026-08-05T00:00:00", False),
    ],
)
def test_a_cron_text_means_its_minutes(expression: str, zone: str, instant: str, due: bool) -> None:
    assert cron.is_due(expression, zone, at(instant)) is due
