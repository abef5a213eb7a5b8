"""/api/skills and what can be installed (library.md §6)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.controlplane.library.library_rows import UNKNOWN_ID, stranger
from tests.controlplane.row_factory import RowFactory

SKILLS = "/api/skills"
SKILL = {"name": "triage-notes", "content": "# Steps"}


async def test_anonymous_request_is_refused(anonymous: httpx.AsyncClient) -> None:
    for path in (SKILLS, f"{SKILLS}/registry", f"{SKILLS}/vercel-docs"):
        assert (await anonymous.get(path)).json() == {"error": "Unauthorized"}


async def test_skill_is_created_with_type_and_listed_without(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    row = (await client.post(SKILLS, json={**SKILL, "user_id": UNKNOWN_ID, "scope": "x"})).json()
    assert row == {
        "id": row["id"],
        "user_id": factory.user,
        "name": "triage-notes",
        "description": None,
        "type": "runbook",
        "content": "# Steps",
        "model": "minimax/minimax-m2.7",
        "is_public": False,
        "tags": [],
        "usage_count": 0,
        "created_at": "2026-08-05T10:00:00+00:00",
        "updated_at": "2026-08-05T10:00:00+00:00",
        "scope": "global",
    }
    listed = {key: value for key, value in row.items() if key not in ("user_id", "type", "model")}
    assert (await client.get(SKILLS)).json() == [listed]


async def test_changed_skill_is_listed_first(client: httpx.AsyncClient, factory: RowFactory) -> None:
    first = (await client.post(SKILLS, json=SKILL)).json()
    factory.clock.advance(1)
    second = (await client.post(SKILLS, json={**SKILL, "name": "other"})).json()
    assert [row["id"] for row in (await client.get(SKILLS)).json()] == [second["id"], first["id"]]
    factory.clock.advance(1)
    body = {"id": first["id"], "tags": ["a", "b"], "type": "tool", "is_public": True, "scope": "global"}
    changed = (await client.put(SKILLS, json=body)).json()
    assert changed == {
        **first,
        "tags": ["a", "b"],
        "type": "tool",
        "is_public": True,
        "updated_at": "2026-08-05T10:00:02+00:00",
    }
    assert [row["id"] for row in (await client.get(SKILLS)).json()] == [first["id"], second["id"]]


async def test_name_search_supports_wildcards(client: httpx.AsyncClient) -> None:
    for name in ("Deploy-Web", "deploy_api", "rollback"):
        await client.post(SKILLS, json={**SKILL, "name": name})

    async def names(q: str) -> set[str]:
        return {row["name"] for row in (await client.get(SKILLS, params={"q": q})).json()}

    assert await names("DEPLOY") == {"Deploy-Web", "deploy_api"}
    assert await names("deploy_a") == {"deploy_api"}
    assert await names("y_w") == {"Deploy-Web"}
    assert await names("r%back") == {"rollback"}
    assert await names("nothing") == set()


@pytest.mark.parametrize(
    "change",
    [
        {"name": None},
        {"name": ""},
        {"content": None},
        {"content": 4},
        {"type": "recipe"},
        {"type": None},
        {"tags": "a"},
        {"tags": [1]},
        {"is_public": "yes"},
        {"description": 1},
        {"model": []},
    ],
)
async def test_values_refused_by_database(client: httpx.AsyncClient, change: dict[str, Any]) -> None:
    row = (await client.post(SKILLS, json=SKILL)).json()
    for answer in (
        await client.post(SKILLS, json={**SKILL, **change}),
        await client.put(SKILLS, json={"id": row["id"], **change}),
    ):
        assert answer.status_code == 400
        assert set(answer.json()) == {"error"}
    assert len((await client.get(SKILLS)).json()) == 1


@pytest.mark.parametrize("skill_id", [None, "junk", UNKNOWN_ID])
async def test_change_of_missing_skill(client: httpx.AsyncClient, skill_id: str | None) -> None:
    answer = await client.put(SKILLS, json={"id": skill_id, "name": "x"})
    assert (answer.status_code, answer.json()) == (404, {"error": "Skill not found"})


async def test_bodies_that_are_not_json(client: httpx.AsyncClient) -> None:
    for method in ("POST", "PUT"):
        answer = await client.request(method, SKILLS, content=b"{")
        assert (answer.status_code, answer.json()) == (400, {"error": "Invalid JSON body"})


async def test_deleting(client: httpx.AsyncClient) -> None:
    row = (await client.post(SKILLS, json=SKILL)).json()
    missing = await client.delete(SKILLS)
    assert (missing.status_code, missing.json()) == (400, {"error": "Missing id"})
    assert (await client.delete(f"{SKILLS}?id=junk")).status_code == 404
    for _ in range(2):
        assert (await client.delete(f"{SKILLS}?id={row['id']}")).json() == {"ok": True}
    assert (await client.get(SKILLS)).json() == []


async def test_foreign_skills_are_like_missing(client: httpx.AsyncClient, factory: RowFactory) -> None:
    row = (await client.post(SKILLS, json={**SKILL, "is_public": True})).json()
    async with stranger(factory, client) as other:
        assert (await other.get(SKILLS)).json() == []
        assert (await other.put(SKILLS, json={"id": row["id"], "name": "x"})).status_code == 404
        assert (await other.delete(f"{SKILLS}?id={row['id']}")).json() == {"ok": True}
    assert [found["name"] for found in (await client.get(SKILLS)).json()] == ["triage-notes"]


async def test_registry_skills_can_be_read_and_installed(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{SKILLS}/registry")
    cache = "public, s-maxage=300, stale-while-revalidate=600"
    assert answer.headers["cache-control"] == cache
    shelf = answer.json()["skills"]
    assert [skill["installs"] for skill in shelf] == sorted((s["installs"] for s in shelf), reverse=True)
    for skill in shelf:
        assert skill["id"] == f"{skill['source']}/{skill['skillId']}"
        detail = (await client.get(f"{SKILLS}/registry/{skill['id']}")).json()
        assert detail["installCommand"] == f"npx skills add {skill['source']} --skill {skill['skillId']}"
        assert {"name", "description", "installs", "source", "content", "audited"} < set(detail)
        body = {key: detail[key] for key in ("name", "content", "description")}
        assert (await client.post(SKILLS, json={**body, "is_public": False})).status_code == 200
    assert len((await client.get(SKILLS)).json()) == len(shelf)


async def test_registry_search_and_missing_skill(client: httpx.AsyncClient) -> None:
    found = (await client.get(f"{SKILLS}/registry?q=FLAKY")).json()["skills"]
    assert [skill["id"] for skill in found] == ["opal-tools/testing/flaky-hunt"]
    assert (await client.get(f"{SKILLS}/registry?q=zzz")).json() == {"skills": []}
    missing = await client.get(f"{SKILLS}/registry/acme/kit/none")
    assert (missing.status_code, missing.json()) == (404, {"error": "Skill not found: acme/kit/none"})


async def test_documentation_pages_are_not_available(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"{SKILLS}/vercel-docs?q=cache")).json() == {"docs": []}
    assert (await client.get(f"{SKILLS}/vercel-docs/functions/limits")).status_code == 404
