"""Lists of the library against the schemas of the real service."""

from __future__ import annotations

import httpx

from mogplex_tui.controlplane.calls.pricing import Tokens
from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from tests.contract.checker import Checker
from tests.contract.route_requests import read_library
from tests.contract.schemas import shapes_of
from tests.controlplane.library.library_rows import AGENT, assignment, job_of
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.row_factory import RowFactory


def insert_work(factory: RowFactory, agent: str) -> None:
    """Insert a run of an assignment with a call, for the roster's summary."""
    standing = assignment(factory, agent, factory.repo())
    job = job_of(factory, "success", assignment_id=standing)
    factory.call(status="success", job_run_id=job, tokens=Tokens(10, 5), metadata={"agent_id": agent})


async def test_responses_match_contract_schemas() -> None:
    clock = ManualClock()
    async with PlaneServer(Settings(speed=0, seeded=False, rate_limit=None), clock=clock) as server:
        headers = {"Authorization": f"Bearer {server.token}"}
        async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as client:
            check, factory = Checker(client), RowFactory(server.plane, clock)
            await read_library(check)
            for body in (
                AGENT,
                {**AGENT, "description": "d", "system_prompt": "p", "source_template": "SEO-AUDIT"},
            ):
                agent = (await client.post("/api/agents", json=body)).json()["id"]
            insert_work(factory, agent)
            await client.post("/api/agent-categories", json={"label": "Docs"})
            for table in ("agent_rules", "agent_skills"):
                await client.post("/api/rules", json={"name": "style.md", "table": table})
            await client.post("/api/commands", json={"name": "fix", "template": "Fix $ARGS"})
            await client.post("/api/skills", json={"name": "s", "content": "c", "tags": ["t"]})
            await client.post(
                "/api/memories", json={"lane": "session", "content": "the", "metadata": {"a": 1}}
            )
            parts = [{"type": "text", "text": "hello"}]
            said = [{"id": "m", "role": "user", "parts": parts}]
            await client.put("/api/conversations", json={"id": "a", "messages": said})
            await client.put(
                "/api/conversations", json={"id": "b", "title": "T", "local_msgs": [{"id": "l"}]}
            )
            await read_library(check)
            summary = await check("GET_api.agents.roster.summary_200", "GET", "/api/agents/roster/summary")
    assert summary[agent]["tokens24h"] == 15
    # Every schema that was copied in is met: a route that goes missing is a fault of this test.
    assert check.met == shapes_of("library")


async def test_seeded_account_matches_contract_schemas() -> None:
    async with PlaneServer(Settings(speed=0, rate_limit=None), clock=ManualClock()) as server:
        headers = {"Authorization": f"Bearer {server.token}"}
        async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as client:
            check = Checker(client)
            await read_library(check)
            for path in ("skills", "rules", "commands", "agent-categories", "conversations"):
                assert len((await client.get(f"/api/{path}")).json()) >= 6, path
            lanes = (await client.get("/api/memories")).json()
            assert all(len(rows) >= 5 for rows in lanes.values())
    assert check.met == shapes_of("library")
