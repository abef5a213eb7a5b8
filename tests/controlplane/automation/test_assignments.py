"""Assignments: the list with its summaries, create, edit, delete (routing.md §1)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.db.clock import DAY_US, MINUTE_US
from tests.controlplane.automation.automation_rows import assignment, job_of, ledger_row
from tests.controlplane.row_factory import RowFactory

PATH = "/api/assignments"


async def test_new_assignment_has_empty_summary(client: httpx.AsyncClient, factory: RowFactory) -> None:
    repo, agent = factory.repo(), factory.agent()
    row = assignment(factory, repo, agent)
    assert (await client.get(PATH)).json() == [
        {
            "id": row,
            "repo_id": repo,
            "agent_id": agent,
            "type": "cron",
            "cron_schedule": "0 6 * * 1",
            "skill_id": None,
            "enabled": True,
            "created_at": "2026-08-05T10:00:00+00:00",
            "last_job_run_id": None,
            "last_run_status": None,
            "last_run_started_at": None,
            "last_run_error": None,
            "running_count": 0,
            "pending_count": 0,
            "failed_24h": 0,
            "last_run_repairable": False,
            "last_run_requeueable": False,
            "last_run_cancelable": False,
            "suppressed_24h": 0,
            "deferred_24h": 0,
            "start_failed_24h": 0,
            "last_pressure_reason": None,
            "last_pressure_at": None,
        }
    ]


async def test_a_summary_counts_runs_and_pressure(client: httpx.AsyncClient, factory: RowFactory) -> None:
    row = assignment(factory, factory.repo(), factory.agent())
    now = factory.clock.us
    old = now - 2 * DAY_US
    job_of(factory, "assignment_id", row, status="failed", created_at=old, started_at=old, error="boom")
    job_of(
        factory,
        "assignment_id",
        row,
        status="failed",
        created_at=now - 9,
        started_at=now - 8,
        error="raw text",
    )
    newest = job_of(factory, "assignment_id", row, created_at=now - 3 * MINUTE_US, started_at=now)
    ledger_row(
        factory, "suppressed", assignment_id=row, reason="ACTIVE_DUPLICATE", created_at=now - DAY_US - 1
    )
    ledger_row(factory, "suppressed", assignment_id=row, reason="REPO_PENDING_LIMIT", created_at=now - 5)
    ledger_row(factory, "completed", assignment_id=row, reason="AUTOMATION_COMPLETED", created_at=now - 3)
    ledger_row(factory, "deferred", assignment_id=row, created_at=now - 1)
    (found,) = (await client.get(PATH)).json()
    assert found["last_job_run_id"] == newest
    assert (found["last_run_status"], found["pending_count"], found["running_count"]) == ("pending", 1, 0)
    assert (found["failed_24h"], found["suppressed_24h"], found["deferred_24h"]) == (1, 1, 1)
    assert found["last_pressure_reason"] == "AUTOMATION_COMPLETED"
    assert found["last_run_repairable"] is found["last_run_cancelable"] is True
    assert found["last_run_requeueable"] is False


async def test_foreign_rows_are_not_listed(client: httpx.AsyncClient, factory: RowFactory) -> None:
    other = factory.profile("eve")
    row = assignment(factory, factory.repo(user_id=other), factory.agent())
    assert (await client.get(PATH)).json() == []
    changed = await client.put(PATH, json={"id": row, "enabled": False})
    gone = await client.delete(PATH, params={"id": row})
    for answer in (changed, gone):
        assert (answer.status_code, answer.json()) == (404, {"error": "Not found"})
    assert factory.row("assignments", row)["enabled"] == 1


async def test_assignment_of_preset_creates_agent(client: httpx.AsyncClient, factory: RowFactory) -> None:
    repo = factory.repo()
    heard = factory.plane.hub.subscribe(factory.user, ("agents", "assignments"))
    body = {"repo_id": repo, "agent_id": "preset:PR-REVIEWER", "type": "pr_review"}
    answer = await client.post(PATH, json=body)
    assert answer.status_code == 201
    made = answer.json()
    agent = factory.row("agents", made["agent_id"])
    assert (agent["source_template"], agent["user_id"]) == ("PR-REVIEWER", factory.user)
    assert made["enabled"] is True
    assert [(frame.table, frame.user_id) for frame in heard.drain()] == [
        ("agents", factory.user),
        ("assignments", None),
    ]
    again = await client.post(PATH, json=body)
    assert again.json()["agent_id"] == agent["id"]


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"repo_id": None}, 400, "Missing required fields"),
        ({"type": ""}, 400, "Missing required fields"),
        ({"type": "push"}, 400, "Invalid type"),
        ({"repo_id": "00000000-0000-4000-8000-000000000000"}, 404, "Repo not found"),
        ({"agent_id": "preset:NOBODY"}, 404, "Agent not found"),
        ({"agent_id": "00000000-0000-4000-8000-000000000000"}, 404, "Agent not found"),
    ],
)
async def test_invalid_assignment_is_refused(
    client: httpx.AsyncClient, factory: RowFactory, change: dict[str, Any], status: int, error: str
) -> None:
    body = {"repo_id": factory.repo(), "agent_id": factory.agent(), "type": "cron"} | change
    answer = await client.post(PATH, json=body)
    assert (answer.status_code, answer.json()) == (status, {"error": error})


async def test_edit_ignores_fields_of_wrong_type(client: httpx.AsyncClient, factory: RowFactory) -> None:
    row = assignment(factory, factory.repo(), factory.agent())
    body = {"id": row, "enabled": False, "cron_schedule": None, "type": "mention", "skill_id": "anything"}
    answer = await client.put(PATH, json=body)
    assert answer.status_code == 200
    changed = answer.json()
    assert (changed["enabled"], changed["cron_schedule"], changed["type"]) == (False, "0 6 * * 1", "cron")
    assert changed["skill_id"] == "anything"
    assert "last_job_run_id" not in changed
    cleared = await client.put(PATH, json={"id": row, "skill_id": None})
    assert cleared.json()["skill_id"] is None


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"enabled": True}, "Missing id"),
        ({"id": "unknown"}, "No valid fields to update"),
        ({"id": "unknown", "enabled": "yes"}, "No valid fields to update"),
    ],
)
async def test_bad_edits(client: httpx.AsyncClient, body: dict[str, Any], error: str) -> None:
    answer = await client.put(PATH, json=body)
    assert (answer.status_code, answer.json()) == (400, {"error": error})


async def test_invalid_json_is_refused_and_null_is_500(client: httpx.AsyncClient) -> None:
    answer = await client.put(PATH, content="{")
    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid JSON body"})
    answer = await client.put(PATH, content="null")
    assert (answer.status_code, answer.content) == (500, b"")


async def test_delete_removes_jobs_of_row(client: httpx.AsyncClient, factory: RowFactory) -> None:
    row = assignment(factory, factory.repo(), factory.agent())
    job = job_of(factory, "assignment_id", row)
    event = ledger_row(factory, "queued", assignment_id=row, job_run_id=job)
    assert (await client.delete(PATH)).json() == {"error": "Missing id"}
    assert (await client.delete(PATH, params={"id": row})).json() == {"ok": True}
    assert factory.plane.db.value("SELECT COUNT(*) FROM job_runs") == 0
    kept = factory.row("automation_dispatch_events", event)
    assert (kept["assignment_id"], kept["job_run_id"]) == (None, None)


async def test_anonymous_request_is_unauthorized(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.get(PATH)
    assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized"})
