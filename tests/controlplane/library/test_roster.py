"""/api/agents/roster and its summary (library.md §3)."""

from __future__ import annotations

import httpx
import pytest

from mogplex_tui.controlplane.calls.pricing import Tokens
from mogplex_tui.controlplane.db.clock import DAY_US, SECOND_US
from tests.controlplane.library.library_rows import assignment, job_of, stranger, trigger
from tests.controlplane.row_factory import RowFactory

ROSTER = "/api/agents/roster"
SUMMARY = f"{ROSTER}/summary"


async def test_agent_state_is_state_of_newest_call(client: httpx.AsyncClient, factory: RowFactory) -> None:
    agent, idle = factory.agent(), factory.agent("Idle", description="Waits")
    now = factory.clock.us
    for age, status in ((3, "failed"), (1, "streaming"), (2, "success")):
        factory.call(status=status, started_at=now - age * SECOND_US, metadata={"agent_id": agent})
    rows = (await client.get(ROSTER)).json()
    assert len(rows) == 43
    assert rows[0]["id"] == "preset:NEXTJS-REVIEWER"
    found = {row["id"]: row for row in rows}
    assert found[agent] == {
        "id": agent,
        "name": "Reviewer",
        "description": "",
        "status": "running",
        "cycleCount": 3,
        "lastActivity": "2026-08-05T09:59:59+00:00",
    }
    assert found[idle] == {
        "id": idle,
        "name": "Idle",
        "description": "Waits",
        "status": "idle",
        "cycleCount": 0,
        "lastActivity": None,
    }


@pytest.mark.parametrize(
    ("newest", "status"),
    [("failed", "error"), ("success", "idle"), ("pending", "idle"), ("cancelled", "idle")],
)
async def test_roster_status_of_ended_or_pending_call(
    client: httpx.AsyncClient, factory: RowFactory, newest: str, status: str
) -> None:
    agent = factory.agent()
    factory.call(status=newest, metadata={"agent_id": agent})
    assert (await client.get(ROSTER)).json()[-1]["status"] == status


async def test_forked_preset_is_not_in_roster(client: httpx.AsyncClient, factory: RowFactory) -> None:
    factory.agent(source_template="PR-REVIEWER")
    names = [row["name"] for row in (await client.get(ROSTER)).json()]
    assert len(names) == 41
    assert "PR-REVIEWER" not in names


async def test_roster_counts_latest_500_calls(client: httpx.AsyncClient, factory: RowFactory) -> None:
    agent = factory.agent()
    factory.call(status="failed", metadata={"agent_id": agent}, started_at=factory.clock.us - DAY_US)
    assert (await client.get(ROSTER)).json()[-1]["cycleCount"] == 1
    for _ in range(500):
        factory.call(status="success")
    assert (await client.get(ROSTER)).json()[-1]["cycleCount"] == 0


async def test_activity_without_calls_is_empty_object(client: httpx.AsyncClient, factory: RowFactory) -> None:
    factory.agent()
    assert (await client.get(SUMMARY)).json() == {}


async def test_runs_count_for_agent_of_their_source(client: httpx.AsyncClient, factory: RowFactory) -> None:
    repo = factory.repo()
    cron, hook = factory.agent("Cron"), factory.agent("Hook")
    standing, trig = assignment(factory, cron, repo), trigger(factory, hook)
    ok = job_of(factory, "success", assignment_id=standing)
    for status in ("failed", "running", "cancelled"):
        job_of(factory, status, assignment_id=standing)
    old = job_of(factory, "success", assignment_id=standing, created_at=factory.clock.us - DAY_US - 1)
    hooked = job_of(factory, "success", trigger_id=trig)
    # A run of an automation belongs to no agent.
    factory.call(status="success", tokens=Tokens(1_000, 0), job_run_id=factory.job(factory.flow(cron), repo))
    for job, tokens in ((ok, Tokens(100, 20)), (old, Tokens(5, 0)), (hooked, Tokens(7, 1))):
        factory.call(status="success", job_run_id=job, tokens=tokens)
    long_ago = factory.clock.us - DAY_US - 1
    factory.call(status="success", job_run_id=ok, tokens=Tokens(9_000, 0), started_at=long_ago)
    empty = {"runs24h": 0, "succeeded": 0, "failed": 0, "suppressed": 0, "tokens24h": 0}
    assert (await client.get(SUMMARY)).json() == {
        cron: {**empty, "agentId": cron, "runs24h": 4, "succeeded": 1, "failed": 1, "tokens24h": 125},
        hook: {**empty, "agentId": hook, "runs24h": 1, "succeeded": 1, "tokens24h": 8},
    }
    async with stranger(factory, client) as other:
        assert (await other.get(SUMMARY)).json() == {}
        assert all(row["cycleCount"] == 0 for row in (await other.get(ROSTER)).json())
