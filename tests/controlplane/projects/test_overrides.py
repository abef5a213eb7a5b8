"""Connections, models, rules and skills of one repository.

See projects.md §4.1 to §4.3.
"""

from __future__ import annotations

import httpx
import pytest

from tests.controlplane.projects.project_rows import (
    UNKNOWN_ID,
    ProjectRows,
    insert_connection,
    insert_rule,
    insert_skill,
)
from tests.controlplane.realtime_reader import RealtimeReader
from tests.controlplane.row_factory import RowFactory


@pytest.mark.parametrize(
    "path", ["connections", "models", "rules", "skills", "launch-presets", "monorepo", "snapshot"]
)
async def test_foreign_repo_is_not_found(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, factory: RowFactory, path: str
) -> None:
    repo = factory.repo()
    for answer in (
        await client.get(f"/api/repos/{UNKNOWN_ID}/{path}"),
        await stranger.get(f"/api/repos/{repo}/{path}"),
    ):
        assert (answer.status_code, answer.json()) == (404, {"error": "Repo not found"})


async def test_non_uuid_repo_id(client: httpx.AsyncClient) -> None:
    for path in ("connections", "models", "rules", "skills", "snapshot"):
        assert (await client.get(f"/api/repos/seven/{path}")).status_code == 404
    answer = await client.get("/api/repos/seven/launch-presets")
    assert (answer.status_code, answer.json()) == (500, {"error": "Failed to load launch presets"})


async def test_a_global_connection_is_excluded_and_taken_back(
    client: httpx.AsyncClient, factory: RowFactory, projects: ProjectRows
) -> None:
    repo = factory.repo()
    path = f"/api/repos/{repo}/connections"
    first, off = (
        insert_connection(projects, "Linear", 1),
        insert_connection(projects, "Sentry", 2, is_enabled=0),
    )
    rest = insert_connection(projects, "Mail", 3, type="rest_api")
    own = insert_connection(projects, "Own", 0, scope="project", repo_id=repo)
    insert_connection(projects, "Elsewhere", 0, scope="project", repo_id=factory.repo("acme/other"))
    body = (await client.get(path)).json()
    assert [row["id"] for row in body["connections"]] == [first, off, rest, own]
    assert (body["overrides"], body["resolved_mcp_count"]) == ([], 2)
    assert "credentials" not in body["connections"][0]

    choice = {"connection_id": first, "excluded": True}
    assert (await client.post(path, json=choice)).json() == {"ok": True}
    assert (await client.post(path, json=choice)).json() == {"ok": True}
    body = (await client.get(path)).json()
    (override,) = body["overrides"]
    assert override == {
        "id": override["id"],
        "repo_id": repo,
        "connection_id": first,
        "excluded": True,
        "created_at": "2026-08-05T10:00:00+00:00",
    }
    assert (len(body["connections"]), body["resolved_mcp_count"]) == (4, 1)
    assert (await client.delete(f"{path}?overrideId={override['id']}")).json() == {"ok": True}
    assert (await client.get(path)).json()["resolved_mcp_count"] == 2
    await client.post(path, json=choice)
    await client.post(path, json=choice | {"excluded": False})
    assert (await client.get(path)).json()["overrides"] == []


async def test_at_most_five_mcp_servers_run(
    client: httpx.AsyncClient, factory: RowFactory, projects: ProjectRows
) -> None:
    for number in range(7):
        insert_connection(projects, f"c{number}", number)
    body = (await client.get(f"/api/repos/{factory.repo()}/connections")).json()
    assert (len(body["connections"]), body["resolved_mcp_count"]) == (7, 5)


async def test_connection_choices_that_are_refused(
    client: httpx.AsyncClient, factory: RowFactory, projects: ProjectRows
) -> None:
    repo = factory.repo()
    path = f"/api/repos/{repo}/connections"
    own = insert_connection(projects, "Own", 0, scope="project", repo_id=repo)
    foreign = insert_connection(projects, "Theirs", 0, user_id=factory.profile("other"))
    for body in ({}, {"connection_id": own}, {"connection_id": own, "excluded": "yes"}):
        answer = await client.post(path, json=body)
        assert (answer.status_code, answer.json()) == (400, {"error": "connection_id + excluded required"})
    for wanted in (own, foreign, UNKNOWN_ID):
        answer = await client.post(path, json={"connection_id": wanted, "excluded": True})
        assert (answer.status_code, answer.json()) == (404, {"error": "Global connection not found"})
    answer = await client.delete(path)
    assert (answer.status_code, answer.json()) == (400, {"error": "overrideId required"})


async def test_override_change_is_broadcast_to_all_accounts(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, factory: RowFactory, projects: ProjectRows
) -> None:
    path, linear = f"/api/repos/{factory.repo()}/connections", insert_connection(projects, "Linear", 1)
    tables = "/api/realtime/events?tables=repo_connection_overrides,end_of_test"
    async with stranger.stream("GET", tables) as response:
        stream = RealtimeReader(response, factory.plane)
        assert await stream.line() == ": connected"
        for excluded in (False, True, True, False):
            await client.post(path, json={"connection_id": linear, "excluded": excluded})
        table = "repo_connection_overrides"
        assert await stream.frames() == [(table, "INSERT"), (table, "UPDATE"), (table, "DELETE")]


async def test_a_model_is_excluded_and_taken_back(client: httpx.AsyncClient, factory: RowFactory) -> None:
    repo = factory.repo()
    path = f"/api/repos/{repo}/models"
    factory.model("zeta/z", capabilities='["vision"]', context_length=1000)
    factory.model("acme/a")
    factory.model("acme/hidden", is_hidden=1)
    factory.model("acme/off")
    await client.patch("/api/models", json={"model_id": "acme/off", "is_enabled": False})
    body = (await client.get(path)).json()
    assert [model["id"] for model in body["models"]] == ["acme/a", "zeta/z"]
    assert body["models"][1] == {
        "id": "zeta/z",
        "provider": "zeta",
        "name": "z",
        "context_length": 1000,
        "capabilities": ["vision"],
        "is_available": True,
        "is_hidden": False,
        "is_enabled": True,
    }
    for _ in range(2):
        answer = await client.post(path, json={"model_id": "acme/a", "excluded": True})
        assert answer.json() == {"ok": True}
    body = (await client.get(path)).json()
    assert [model["id"] for model in body["models"]] == ["zeta/z"]
    assert body["overrides"] == [{"model_id": "acme/a", "excluded": True}]
    await client.post(path, json={"model_id": "acme/a", "excluded": False})
    assert (await client.get(path)).json()["overrides"] == []
    for bad in ({}, {"model_id": "acme/a"}, {"model_id": 1, "excluded": True}):
        answer = await client.post(path, json=bad)
        assert (answer.status_code, answer.json()) == (400, {"error": "model_id and excluded required"})
    assert (await client.post(path, json={"model_id": "no/ne", "excluded": True})).status_code == 500


async def test_rules_are_excluded_brought_back_and_added(
    client: httpx.AsyncClient, factory: RowFactory, projects: ProjectRows
) -> None:
    path = f"/api/repos/{factory.repo()}/rules"
    style, legal = (
        insert_rule(projects, "style.md", "x" * 100),
        insert_rule(projects, "legal.md", created_at=2),
    )
    insert_rule(projects, "theirs.md", user_id=factory.profile("other"))
    for excluded in (True, True):
        answer = await client.post(path, json={"rule_id": legal, "excluded": excluded})
        assert answer.json() == {"ok": True}
    assert (await client.post(path, json={"name": " api.md ", "content": "# API"})).json() == {"ok": True}
    body = (await client.get(path)).json()
    own = body["rules"][1]
    assert body == {
        "rules": [
            {"id": style, "name": "style.md", "content_preview": "x" * 80, "source": "global"},
            {"id": own["id"], "name": "api.md", "content_preview": "# API", "source": "repo"},
        ],
        "excluded_inherited": [{"id": legal, "name": "legal.md", "content_preview": ""}],
    }
    await client.post(path, json={"rule_id": legal, "excluded": False})
    body = (await client.get(path)).json()
    assert [entry["name"] for entry in body["rules"]] == ["style.md", "legal.md", "api.md"]
    assert body["excluded_inherited"] == []
    assert (await client.delete(f"{path}?overrideId={own['id']}")).json() == {"ok": True}
    assert len((await client.get(path)).json()["rules"]) == 2


async def test_skills_are_excluded_and_added(
    client: httpx.AsyncClient, factory: RowFactory, projects: ProjectRows
) -> None:
    path, lint = f"/api/repos/{factory.repo()}/skills", insert_skill(projects, "lint", "Runs the linter")
    await client.post(path, json={"skill_id": lint, "excluded": True})
    await client.post(path, json={"name": "seed", "description": "Fills the database", "content": "# Seed"})
    body = (await client.get(path)).json()
    assert body == {
        "skills": [
            {
                "id": body["skills"][0]["id"],
                "name": "seed",
                "description": "Fills the database",
                "source": "repo",
            }
        ],
        "excluded_inherited": [{"id": lint, "name": "lint", "description": "Runs the linter"}],
    }


@pytest.mark.parametrize(("word", "key"), [("rules", "rule_id"), ("skills", "skill_id")])
async def test_library_choices_that_are_refused(
    client: httpx.AsyncClient, factory: RowFactory, word: str, key: str
) -> None:
    path = f"/api/repos/{factory.repo()}/{word}"
    for body in ({}, {"name": " "}, {key: UNKNOWN_ID}, {key: UNKNOWN_ID, "excluded": 1}):
        answer = await client.post(path, json=body)
        assert (answer.status_code, answer.json()) == (400, {"error": f"{key}+excluded or name required"})
    assert (await client.post(path, json={key: UNKNOWN_ID, "excluded": True})).status_code == 500
    answer = await client.delete(path)
    assert (answer.status_code, answer.json()) == (400, {"error": "overrideId required"})


async def test_a_deleted_rule_takes_its_override_along(
    client: httpx.AsyncClient, factory: RowFactory, projects: ProjectRows
) -> None:
    path, legal = f"/api/repos/{factory.repo()}/rules", insert_rule(projects, "legal.md")
    await client.post(path, json={"rule_id": legal, "excluded": True})
    with projects.db.transaction() as tx:
        tx.execute("DELETE FROM agent_rules WHERE id = ?", (legal,))
    assert (await client.get(path)).json() == {"rules": [], "excluded_inherited": []}
