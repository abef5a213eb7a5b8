"""GET, POST, PUT and DELETE /api/agents (library.md §1)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.library import agent_writes as writes
from mogplex_tui.controlplane.library import preset_agents
from tests.controlplane.api_paths import V1
from tests.controlplane.library.library_rows import (
    AGENT,
    UNKNOWN_ID,
    assignment,
    in_team,
    job_of,
    stranger,
    team,
    trigger,
)
from tests.controlplane.realtime_reader import RealtimeReader
from tests.controlplane.row_factory import RowFactory

AGENTS = "/api/agents"


async def test_anonymous_request_is_refused(anonymous: httpx.AsyncClient) -> None:
    for method in ("GET", "POST", "PUT", "DELETE"):
        answer = await anonymous.request(method, AGENTS)
        assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized"})


async def test_all_presets_come_before_own_agents_even_forked_ones(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    factory.model("acme/nova-1")
    fork = (await client.post(AGENTS, json={**AGENT, "source_template": "PR-REVIEWER"})).json()
    rows = (await client.get(AGENTS)).json()
    assert len(rows) == 42
    assert [row["name"] for row in rows[:3]] == ["NEXTJS-REVIEWER", "APP-ROUTER-PATTERNS", "NEXT-CACHING"]
    assert rows[-1] == fork
    assert "is_preset" not in fork
    assert "has_fork" not in fork
    assert [row["name"] for row in rows[:-1] if row["has_fork"]] == ["PR-REVIEWER"]
    first = rows[0]
    assert first["system_prompt"].startswith("You review changes to a Next.js application")
    assert {**first, "system_prompt": "", "description": ""} == {
        "id": "preset:NEXTJS-REVIEWER",
        "user_id": factory.user,
        "name": "NEXTJS-REVIEWER",
        "model": "acme/nova-1",
        "system_prompt": "",
        "description": "",
        "category": "nextjs",
        "source_template": "NEXTJS-REVIEWER",
        "created_at": "1970-01-01T00:00:00.000Z",
        "is_preset": True,
        "has_fork": False,
    }


async def test_presets_show_static_model_to_non_members(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    factory.model("acme/nova-1")
    outside = await client.get(AGENTS, headers=in_team(team(factory, role=None)))
    assert outside.status_code == 200
    assert outside.json()[0]["model"] == "minimax/minimax-m2.7"


def test_presets_have_distinct_prompts() -> None:
    prompts = [preset_agents.prompt(preset) for preset in preset_agents.PRESETS]
    assert len(set(prompts)) == 41
    assert all("## Look for\n- " in text and "## Report\n" in text for text in prompts)
    assert {preset.category for preset in preset_agents.PRESETS} == preset_agents.CATEGORIES.keys()


async def test_a_new_agent_is_trimmed_announced_and_stored(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    body = {
        "name": "  Release notes ",
        "model": " acme/nova-1 ",
        "category": " seo ",
        "system_prompt": " keep ",
        "description": 5,
        "slug": "chosen",
        "user_id": UNKNOWN_ID,
    }
    async with client.stream("GET", "/api/realtime/events?tables=agents,end_of_test") as response:
        stream = RealtimeReader(response, factory.plane)
        assert await stream.line() == ": connected"
        made = (await client.post(AGENTS, json=body)).json()
        assert await stream.frames() == [("agents", "INSERT")]
    assert made == {
        "id": made["id"],
        "user_id": factory.user,
        "name": "Release notes",
        "slug": None,
        "model": "acme/nova-1",
        "system_prompt": " keep ",
        "description": "5",
        "category": "seo",
        "source_template": None,
        "created_at": "2026-08-05T10:00:00+00:00",
    }
    assert (await client.get(AGENTS)).json()[-1] == made


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"name": None}, "Name is required"),
        ({"name": "  "}, "Name is required"),
        ({"name": 7}, "Name is required"),
        ({"name": "n" * 61, "description": "d" * 201}, "Name must be 60 characters or less"),
        ({"description": "d" * 201, "category": ""}, "Description must be 200 characters or less"),
        ({"category": None, "model": ""}, "Category is required"),
        ({"category": "Docs!", "model": ""}, "Invalid category"),
        ({"category": "-docs"}, "Invalid category"),
        ({"system_prompt": "p" * 50_001, "model": ""}, "System prompt is too long"),
        ({"model": "", "category": "nobody-has-it"}, "Model is required"),
        ({"model": 3}, "Model is required"),
        ({"category": "nobody-has-it"}, "Invalid category"),
    ],
)
async def test_bad_fields_are_refused_in_order_by_both_verbs(
    client: httpx.AsyncClient, factory: RowFactory, change: dict[str, Any], text: str
) -> None:
    agent = factory.agent()
    for answer in (
        await client.post(AGENTS, json={**AGENT, **change}),
        await client.put(AGENTS, json={"id": agent, **change}),
    ):
        assert (answer.status_code, answer.json()) == (400, {"error": text})
    assert factory.row("agents", agent)["name"] == "Reviewer"


async def test_invalid_json_counts_as_empty_body(client: httpx.AsyncClient) -> None:
    made = await client.post(AGENTS, content=b"{nope")
    assert (made.status_code, made.json()) == (400, {"error": "Name is required"})
    changed = await client.put(AGENTS, content=b"{nope")
    assert (changed.status_code, changed.json()) == (400, {"error": "Invalid agent id"})
    blank = await client.put(AGENTS, json={"id": "  ", "name": "x"})
    assert (blank.status_code, blank.json()) == (400, {"error": "Invalid agent id"})


async def test_values_at_limits_are_accepted(client: httpx.AsyncClient) -> None:
    body = {**AGENT, "name": "n" * 60, "description": "d" * 200, "system_prompt": "p" * 50_000}
    assert (await client.post(AGENTS, json=body)).status_code == 200


async def test_change_updates_only_given_keys(client: httpx.AsyncClient, factory: RowFactory) -> None:
    agent = factory.agent(description="old", category="seo", source_template="PR-REVIEWER")
    body = {"id": agent, "description": None, "source_template": "SEO-AUDIT", "slug": "mine"}
    async with client.stream("GET", "/api/realtime/events?tables=agents,end_of_test") as response:
        stream = RealtimeReader(response, factory.plane)
        assert await stream.line() == ": connected"
        changed = (await client.put(AGENTS, json=body)).json()
        assert await stream.frames() == [("agents", "UPDATE")]
    assert (changed["description"], changed["category"], changed["name"]) == (None, "seo", "Reviewer")
    assert (changed["source_template"], changed["slug"]) == ("PR-REVIEWER", "reviewer")
    assert (await client.put(AGENTS, json={"id": agent})).json() == changed


@pytest.mark.parametrize("agent_id", [UNKNOWN_ID, "preset:PR-REVIEWER"])
async def test_presets_and_unknown_agents_cannot_be_changed(client: httpx.AsyncClient, agent_id: str) -> None:
    answer = await client.put(AGENTS, json={"id": agent_id, "name": "x"})
    assert (answer.status_code, answer.json()) == (404, {"error": "Agent not found"})


async def test_foreign_agent_is_like_missing(client: httpx.AsyncClient, factory: RowFactory) -> None:
    agent = factory.agent()
    async with stranger(factory, client) as other:
        assert len((await other.get(AGENTS)).json()) == 41
        assert (await other.put(AGENTS, json={"id": agent, "name": "x"})).status_code == 404
        assert (await other.delete(f"{AGENTS}?id={agent}")).json() == {"ok": True}
    assert factory.row("agents", agent)["name"] == "Reviewer"


async def test_agent_delete_removes_assignments_and_triggers(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    agent, repo = factory.agent(), factory.repo()
    standing, hook = assignment(factory, agent, repo), trigger(factory, agent)
    run = job_of(factory, "success", assignment_id=standing)
    tables = "agents,assignments,triggers,job_runs,end_of_test"
    async with client.stream("GET", f"/api/realtime/events?tables={tables}") as response:
        stream = RealtimeReader(response, factory.plane)
        assert await stream.line() == ": connected"
        assert (await client.delete(f"{AGENTS}?id={agent}")).json() == {"ok": True}
        assert sorted(await stream.frames()) == [
            ("agents", "DELETE"),
            ("assignments", "DELETE"),
            ("job_runs", "DELETE"),
            ("triggers", "DELETE"),
        ]
    for table, row_id in (("assignments", standing), ("triggers", hook), ("job_runs", run)):
        assert factory.plane.db.one(f"SELECT 1 FROM {table} WHERE id = ?", (row_id,)) is None


async def test_delete_needs_id_and_accepts_unknown_id(client: httpx.AsyncClient) -> None:
    missing = await client.delete(AGENTS)
    assert (missing.status_code, missing.json()) == (400, {"error": "Missing id"})
    assert (await client.delete(f"{AGENTS}?id={UNKNOWN_ID}")).json() == {"ok": True}
    assert (await client.delete(f"{AGENTS}?id=preset:PR-REVIEWER")).status_code == 404


async def test_preset_fork_is_created_once_and_oldest_is_reused(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    def fork(name: str) -> str | None:
        with factory.plane.db.transaction() as tx:
            return writes.fork_preset(
                tx, user_id=factory.user, name=name, model="acme/nova-1", at=factory.clock.us
            )

    first = fork("SEO-AUDIT")
    assert first is not None
    factory.clock.advance(1)
    await client.post(AGENTS, json={**AGENT, "source_template": "SEO-AUDIT"})
    assert fork("SEO-AUDIT") == first
    assert fork("NO-SUCH-PRESET") is None
    row = factory.row("agents", first)
    assert (row["model"], row["category"], row["slug"]) == ("acme/nova-1", "seo", None)
    listed = (await client.get(f"{V1}/agents")).json()["data"]["agents"]
    assert "preset:SEO-AUDIT" not in {agent["id"] for agent in listed}
