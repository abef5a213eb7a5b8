"""POST /api/agents/generate (library.md §2)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.library import preset_agents
from tests.controlplane.library.library_rows import in_team, team
from tests.controlplane.row_factory import RowFactory

GENERATE = "/api/agents/generate"
STATIC = "minimax/minimax-m2.7"


async def drafted(client: httpx.AsyncClient, **body: Any) -> dict[str, str]:
    answer = await client.post(GENERATE, json=body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    found: dict[str, str] = answer.json()
    return found


async def test_anonymous_request_is_refused(anonymous: httpx.AsyncClient) -> None:
    assert (await anonymous.post(GENERATE, json={"description": "x"})).status_code == 401


@pytest.mark.parametrize(
    ("wish", "category"),
    [
        ("Find flaky tests and tell why they are flaky.", "code-quality"),
        ("Looks for leaked secrets and tokens in every push", "security"),
        ("Review slow SQL queries and missing indexes in the database", "data"),
        ("Räum auf", "code-quality"),
    ],
)
async def test_generated_draft_can_be_saved(
    client: httpx.AsyncClient, factory: RowFactory, wish: str, category: str
) -> None:
    factory.model(STATIC)
    draft = await drafted(client, description=wish)
    assert set(draft) == {"name", "description", "category", "system_prompt"}
    assert draft["category"] == category
    assert 0 < len(draft["name"]) <= 30
    assert draft["name"] == draft["name"].upper()
    assert " " not in draft["name"]
    assert len(draft["description"]) <= 80
    assert wish in draft["system_prompt"]
    saved = await client.post("/api/agents", json={**draft, "model": STATIC})
    assert saved.status_code == 200
    assert len((await client.get("/api/agents")).json()) == 42


async def test_generated_draft_uses_nearest_preset(client: httpx.AsyncClient, factory: RowFactory) -> None:
    factory.model(STATIC)
    near = await drafted(client, description="Find missing database indexes and slow queries")
    postgres = preset_agents.by_name("POSTGRES-OPT")
    assert postgres is not None
    line = "- Filters and joins without a fitting index"
    assert line in preset_agents.prompt(postgres)
    assert line in near["system_prompt"]
    far = await drafted(client, description="Find flaky tests")
    assert "- What the task names" in far["system_prompt"]


async def test_long_prompt_stays_within_the_limits(client: httpx.AsyncClient, factory: RowFactory) -> None:
    factory.model(STATIC)
    for wish in ("word " * 399, "x" * 2_000):
        draft = await drafted(client, description=wish)
        assert len(draft["name"]) <= 30
        assert len(draft["description"]) <= 80


async def test_improved_agent_keeps_name_and_headings(client: httpx.AsyncClient, factory: RowFactory) -> None:
    factory.model(STATIC)
    prompt = "Intro\n" + "".join(f"## Part {number}\ntext\n" for number in range(8))
    existing = {"name": "MY-AGENT", "category": "seo", "system_prompt": prompt}
    draft = await drafted(client, description="Check the tests", existingAgent=existing)
    assert (draft["name"], draft["category"]) == ("MY-AGENT", "seo")
    assert "## Part 5\n" in draft["system_prompt"]
    assert "## Part 6\n" not in draft["system_prompt"]
    own = await drafted(client, description="Check the tests", existingAgent={**existing, "category": "mine"})
    assert own["category"] in preset_agents.CATEGORIES


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "description is required"),
        ({"description": " "}, "description is required"),
        ({"description": 3}, "description is required"),
        ({"description": "x" * 2_001}, "Description too long (max 2000)"),
        ({"description": "x", "generatorModel": "acme/none"}, "generatorModel must be enabled and available"),
        ({"description": "x", "generatorModel": "acme/off"}, "generatorModel must be enabled and available"),
    ],
)
async def test_refused_prompts(
    client: httpx.AsyncClient, factory: RowFactory, body: dict[str, Any], text: str
) -> None:
    factory.model("acme/off", is_available=0)
    answer = await client.post(GENERATE, json=body)
    assert (answer.status_code, answer.json()) == (400, {"error": text})


async def test_invalid_json_body(client: httpx.AsyncClient) -> None:
    answer = await client.post(GENERATE, content=b"{")
    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid JSON body"})


async def test_a_model_out_of_reach_is_forbidden(client: httpx.AsyncClient, factory: RowFactory) -> None:
    body = {"description": "x"}
    nothing = await client.post(GENERATE, json=body)
    assert (nothing.status_code, set(nothing.json())) == (403, {"error"})
    factory.model("openrouter/acme/far")
    named = await client.post(GENERATE, json={**body, "generatorModel": "openrouter/acme/far"})
    assert named.status_code == 403
    factory.model(STATIC)
    assert (await client.post(GENERATE, json=body)).status_code == 200
    outside = in_team(team(factory, role=None))
    assert (await client.post(GENERATE, json=body, headers=outside)).status_code == 403
