"""/api/agent-categories (library.md §4)."""

from __future__ import annotations

import httpx
import pytest

from tests.controlplane.library.library_rows import AGENT, UNKNOWN_ID, stranger
from tests.controlplane.row_factory import RowFactory

CATEGORIES = "/api/agent-categories"


async def add(client: httpx.AsyncClient, label: object) -> httpx.Response:
    return await client.post(CATEGORIES, json={"label": label})


async def test_category_label_becomes_slug_and_sorts_list(client: httpx.AsyncClient) -> None:
    assert (await client.get(CATEGORIES)).json() == []
    made = (await add(client, "  Docs  &  Guides ")).json()
    assert made == {
        "id": made["id"],
        "slug": "docs-guides",
        "label": "Docs & Guides",
        "created_at": "2026-08-05T10:00:00+00:00",
    }
    other = (await add(client, "Ärger im Büro")).json()
    assert other["slug"] == "arger-im-buro"
    third = (await add(client, "Chores")).json()
    assert (await client.get(CATEGORIES)).json() == [third, made, other]


@pytest.mark.parametrize(
    ("label", "text"),
    [
        (None, "Category name is required"),
        (" \n ", "Category name is required"),
        (9, "Category name is required"),
        ("x" * 41, "Category name must be 40 characters or less"),
        ("日本 ✨", "Category name must include letters or numbers"),
    ],
)
async def test_labels_that_cannot_be_used(client: httpx.AsyncClient, label: object, text: str) -> None:
    answer = await add(client, label)
    assert (answer.status_code, answer.json()) == (400, {"error": text})


async def test_invalid_json_is_missing_label(client: httpx.AsyncClient) -> None:
    answer = await client.post(CATEGORIES, content=b"nope")
    assert (answer.status_code, answer.json()) == (400, {"error": "Category name is required"})


async def test_a_clash_is_numbered_up_to_twenty(client: httpx.AsyncClient) -> None:
    slugs = [(await add(client, "Security")).json()["slug"] for _ in range(19)]
    assert slugs == [f"security-{number}" for number in range(2, 21)]
    answer = await add(client, "SECURITY")
    assert answer.status_code == 409
    assert answer.json() == {"error": "Could not generate a unique category slug"}


async def test_a_long_slug_keeps_room_for_its_number(client: httpx.AsyncClient) -> None:
    await add(client, "y" * 40)
    assert (await add(client, "y" * 40)).json()["slug"] == "y" * 38 + "-2"


async def test_category_limit_is_fifty(client: httpx.AsyncClient, factory: RowFactory) -> None:
    with factory.plane.db.transaction() as tx:
        for number in range(50):
            slug = f"c{number}"
            tx.insert(
                "agent_categories", id=tx.new_id(), user_id=factory.user, slug=slug, label=slug, created_at=1
            )
    answer = await add(client, "One more")
    assert (answer.status_code, answer.json()) == (400, {"error": "You can have at most 50 categories"})


async def test_a_deleted_category_lets_its_agents_go(client: httpx.AsyncClient, factory: RowFactory) -> None:
    category = (await add(client, "Chores")).json()
    agent = (await client.post("/api/agents", json={**AGENT, "category": "chores"})).json()
    factory.agent("Other", category="seo")
    answer = await client.delete(f"{CATEGORIES}?id={category['id']}")
    assert answer.json() == {"ok": True, "cleared": 1}
    assert factory.row("agents", agent["id"])["category"] is None
    again = await client.delete(f"{CATEGORIES}?id={category['id']}")
    assert (again.status_code, again.json()) == (404, {"error": "Category not found"})


async def test_deletions_that_are_refused(client: httpx.AsyncClient, factory: RowFactory) -> None:
    mine = (await add(client, "Chores")).json()
    for path, status, text in (
        (CATEGORIES, 400, "Missing id"),
        (f"{CATEGORIES}?id=chores", 400, "Invalid id"),
        (f"{CATEGORIES}?id={UNKNOWN_ID}", 404, "Category not found"),
    ):
        answer = await client.delete(path)
        assert (answer.status_code, answer.json()) == (status, {"error": text})
    async with stranger(factory, client) as other:
        assert (await other.delete(f"{CATEGORIES}?id={mine['id']}")).status_code == 404
        assert (await other.get(CATEGORIES)).json() == []
        refused = await other.post("/api/agents", json={**AGENT, "category": "chores"})
        assert refused.json() == {"error": "Invalid category"}
    assert (await client.get(CATEGORIES)).json() == [mine]
