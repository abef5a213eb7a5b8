"""Triggers: list, create, edit, delete, and slugs of agents (routing.md §2)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.controlplane.automation.automation_rows import (
    INSTALLATION,
    installation,
    job_of,
    ledger_row,
    trigger,
)
from tests.controlplane.row_factory import RowFactory

PATH = "/api/triggers"


async def test_triggers_come_newest_first_with_their_agent(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    agent = factory.agent("Sweeper")
    older = trigger(factory, agent, created_at=factory.clock.us - 5)
    newer = trigger(factory, agent, event="mention", is_default=1, enabled=0)
    ledger_row(factory, "start_failed", trigger_id=newer, event_kind="start", reason="no queue")
    found = (await client.get(PATH)).json()
    assert [row["id"] for row in found] == [newer, older]
    first = found[0]
    assert first["agents"] == {"id": agent, "name": "Sweeper", "slug": "sweeper", "model": "acme/nova-1"}
    assert (first["is_default"], first["enabled"], first["user_id"]) == (True, False, factory.user)
    assert (first["start_failed_24h"], first["last_pressure_reason"]) == (1, "no queue")


async def test_a_trigger_is_made_and_its_agent_gets_a_slug(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    installation(factory)
    agent = factory.agent("- Docs & Keeper! -")
    with factory.plane.db.transaction() as tx:
        tx.update("agents", agent, slug=None)
    body = {"installation_id": INSTALLATION, "agent_id": agent, "event": "push"}
    answer = await client.post(PATH, json=body)
    assert answer.status_code == 201
    made = answer.json()
    assert (made["event"], made["is_default"], made["enabled"]) == ("push", False, True)
    assert made["agents"]["slug"] == "docs-keeper"
    assert "last_job_run_id" not in made
    assert (await client.get(PATH)).json()[0]["id"] == made["id"]


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"event": ""}, 400, "Missing required fields"),
        ({"installation_id": 0}, 400, "Missing required fields"),
        ({"installation_id": 4711}, 404, "Installation not found"),
        ({"agent_id": 5}, 400, "agent_id is required"),
        ({"agent_id": " "}, 400, "agent_id is required"),
        ({"agent_id": "unknown"}, 404, "Agent not found"),
        (
            {"event": "labeled"},
            500,
            'new row for relation "triggers" violates check constraint "triggers_event_check"',
        ),
    ],
)
async def test_invalid_trigger_is_refused(
    client: httpx.AsyncClient, factory: RowFactory, change: dict[str, Any], status: int, error: str
) -> None:
    installation(factory)
    body = {"installation_id": INSTALLATION, "agent_id": factory.agent(), "event": "push"} | change
    answer = await client.post(PATH, json=body)
    assert (answer.status_code, answer.json()) == (status, {"error": error})
    assert factory.plane.db.value("SELECT COUNT(*) FROM triggers") == 0


async def test_a_trigger_is_edited(client: httpx.AsyncClient, factory: RowFactory) -> None:
    row, other = trigger(factory, factory.agent()), factory.agent("Other")
    answer = await client.put(
        PATH, json={"id": row, "enabled": False, "event": "mention", "is_default": True, "agent_id": other}
    )
    assert answer.status_code == 200
    changed = answer.json()
    assert (changed["enabled"], changed["event"], changed["is_default"]) == (False, "mention", True)
    assert changed["agents"]["name"] == "Other"


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"enabled": True}, 400, "Missing trigger id"),
        ({"id": "x", "agent_id": None}, 400, "agent_id is required"),
        ({"id": "x", "agent_id": "y"}, 404, "Agent not found"),
        ({"id": "x", "enabled": True}, 500, "Cannot coerce the result to a single JSON object"),
    ],
)
async def test_bad_edits(client: httpx.AsyncClient, body: dict[str, Any], status: int, error: str) -> None:
    answer = await client.put(PATH, json=body)
    assert (answer.status_code, answer.json()) == (status, {"error": error})


async def test_another_accounts_trigger_is_out_of_reach(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    row = trigger(factory, factory.agent(), user_id=factory.profile("eve"))
    assert (await client.get(PATH)).json() == []
    assert (await client.put(PATH, json={"id": row, "enabled": False})).status_code == 500
    assert (await client.delete(PATH, params={"id": row})).json() == {"ok": True}
    assert factory.row("triggers", row)["enabled"] == 1


async def test_runs_outlive_their_trigger(client: httpx.AsyncClient, factory: RowFactory) -> None:
    row = trigger(factory, factory.agent())
    job = job_of(factory, "trigger_id", row)
    assert (await client.delete(PATH)).json() == {"error": "Missing id"}
    assert (await client.delete(PATH, params={"id": row})).json() == {"ok": True}
    assert factory.row("job_runs", job)["trigger_id"] is None
