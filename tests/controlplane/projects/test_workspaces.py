"""/api/workspaces and what it makes on GitHub (projects.md §5)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.controlplane.projects.project_rows import TEAM_HEADER, UNKNOWN_ID, ProjectRows
from tests.controlplane.row_factory import RowFactory

WORKSPACES = "/api/workspaces"


async def make(client: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await client.post(WORKSPACES, json={"name": "Shop"} | body)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (3_600_000.9, 3_600_000),
        ("3600000", 3_600_000),
        (None, 600_000),
        ("", 600_000),
        (1, 600_000),
        (10**12, 18_000_000),
        ("long", 18_000_000),
        ([], 18_000_000),
    ],
)
async def test_sandbox_lifetime_is_ten_minutes_to_five_hours(
    client: httpx.AsyncClient, sent: Any, stored: int
) -> None:
    assert (await make(client, sandbox_timeout_ms=sent))["sandbox_timeout_ms"] == stored


async def test_a_new_workspace_is_empty_and_platform_billed(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    made = await make(client, name=" Shop ", description="  ")
    assert made == {
        "id": made["id"],
        "user_id": factory.user,
        "owner_type": "user",
        "owner_user_id": factory.user,
        "product_team_id": None,
        "created_by_user_id": factory.user,
        "name": "Shop",
        "description": None,
        "is_default": False,
        "sandbox_billing_mode": "platform",
        "sandbox_timeout_ms": 18_000_000,
        "sandbox_idle_timeout_ms": None,
        "sandbox_vercel_team_id": None,
        "sandbox_vercel_project_id": None,
        "vercel_link_status": "unknown",
        "vercel_link_checked_at": None,
        "vercel_link_error_code": None,
        "vercel_link_message": None,
        "created_at": "2026-08-05T10:00:00+00:00",
        "updated_at": "2026-08-05T10:00:00+00:00",
        "repo_count": 0,
    }


async def test_names_are_unique_without_regard_to_case(client: httpx.AsyncClient) -> None:
    await make(client)
    other = await make(client, name="Other")
    taken = {"error": "A project with that name already exists"}
    for answer in (
        await client.post(WORKSPACES, json={"name": "shop"}),
        await client.patch(f"{WORKSPACES}/{other['id']}", json={"name": "SHOP"}),
    ):
        assert (answer.status_code, answer.json()) == (409, taken)
    for answer in (
        await client.post(WORKSPACES, json={"name": "  "}),
        await client.post(WORKSPACES, json=[]),
        await client.patch(f"{WORKSPACES}/{other['id']}", json={"name": None}),
    ):
        assert (answer.status_code, answer.json()) == (400, {"error": "Workspace name is required"})
    same = await client.patch(f"{WORKSPACES}/{other['id']}", json={"name": "OTHER"})
    assert same.json()["name"] == "OTHER"


async def test_default_workspace_is_first_then_by_age(
    client: httpx.AsyncClient, factory: RowFactory, clock: Any
) -> None:
    await make(client, name="B")
    clock.advance(1)
    await make(client, name="A")
    repo = factory.repo()
    factory.repo("acme/hidden", is_hidden=1)
    assert factory.row("repos", repo)["workspace_id"] is not None
    rows = (await client.get(WORKSPACES)).json()
    assert [(row["name"], row["repo_count"]) for row in rows] == [("Imported Repos", 2), ("B", 0), ("A", 0)]


async def test_empty_change_updates_updated_at(client: httpx.AsyncClient, clock: Any) -> None:
    made = await make(client, description="Old")
    clock.advance(2.5)
    path = f"{WORKSPACES}/{made['id']}"
    assert (await client.patch(path, json={})).json() == made | {"updated_at": "2026-08-05T10:00:02.5+00:00"}
    changed = (await client.patch(path, json={"description": " New ", "sandbox_timeout_ms": 700_000})).json()
    assert (changed["description"], changed["sandbox_timeout_ms"], changed["name"]) == (
        "New",
        700_000,
        "Shop",
    )


async def test_billing_change_resets_link(client: httpx.AsyncClient, projects: ProjectRows) -> None:
    made = await make(client)
    with projects.db.transaction() as tx:
        tx.update("workspaces", made["id"], vercel_link_status="valid", sandbox_vercel_team_id="team_1")
    path = f"{WORKSPACES}/{made['id']}"
    assert (await client.patch(path, json={"name": "Shop"})).json()["vercel_link_status"] == "valid"
    changed = (await client.patch(path, json={"sandbox_billing_mode": "user_vercel_project"})).json()
    assert (
        changed["vercel_link_status"],
        changed["sandbox_billing_mode"],
        changed["sandbox_vercel_team_id"],
    ) == (
        "unknown",
        "platform",
        None,
    )


async def test_undeletable_workspaces(client: httpx.AsyncClient, factory: RowFactory) -> None:
    made = await make(client)
    repo = factory.repo(workspace_id=made["id"])
    other = factory.repo("acme/other")
    default = factory.row("repos", other)["workspace_id"]
    for workspace in (made["id"], default):
        answer = await client.delete(f"{WORKSPACES}/{workspace}")
        assert answer.status_code == 409
        assert answer.json()["error"]
    await client.delete(f"/api/repos?id={repo}")
    assert (await client.delete(f"{WORKSPACES}/{made['id']}")).json() == {"ok": True}
    assert [row["id"] for row in (await client.get(WORKSPACES)).json()] == [default]


async def test_missing_workspace(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, projects: ProjectRows
) -> None:
    made = await make(client)
    missing = {"error": "Workspace not found"}
    path = f"{WORKSPACES}/{made['id']}"
    for answer in (
        await client.patch(f"{WORKSPACES}/{UNKNOWN_ID}", json={"name": "x"}),
        await client.delete(f"{WORKSPACES}/{UNKNOWN_ID}"),
        await client.post(f"{WORKSPACES}/{UNKNOWN_ID}/repos", json={"name": "x"}),
        await stranger.patch(path, json={"name": "x"}),
        await stranger.delete(path),
        await client.patch(path, json={}, headers={TEAM_HEADER: projects.team()}),
    ):
        assert (answer.status_code, answer.json()) == (404, missing)
    broken = await client.patch(f"{WORKSPACES}/seven", json={"name": "x"})
    assert (broken.status_code, broken.content) == (500, b"")
    assert (await client.get(path)).status_code == 405
    assert (await client.patch(path, content=b"{")).json() == {"error": "Invalid JSON body"}
    assert (await stranger.get(WORKSPACES)).json() == []


async def test_a_teams_workspace_is_shared_by_its_members(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, projects: ProjectRows
) -> None:
    headers = {TEAM_HEADER: projects.team()}
    made = (await client.post(WORKSPACES, json={"name": "Ours"}, headers=headers)).json()
    assert (made["owner_type"], made["owner_user_id"]) == ("team", None)
    assert (await client.get(WORKSPACES)).json() == []
    assert (await client.get(WORKSPACES, headers=headers)).json() == [made]
    answer = await stranger.get(WORKSPACES, headers=headers)
    assert (answer.status_code, answer.json()) == (403, {"error": "Forbidden"})


async def test_team_delete_removes_projects(client: httpx.AsyncClient, projects: ProjectRows) -> None:
    headers = {TEAM_HEADER: projects.team()}
    await client.post("/api/repos", json={"full_name": "acme/api"}, headers=headers)
    mine = (await client.post("/api/repos", json={"full_name": "acme/mine"})).json()
    with projects.db.transaction() as tx:
        tx.execute("DELETE FROM teams WHERE id = ?", (headers[TEAM_HEADER],))
    assert projects.db.all("SELECT name FROM workspaces WHERE owner_type = 'team'") == []
    assert [row["id"] for row in projects.db.all("SELECT id FROM repos")] == [mine["id"]]


async def test_a_repository_is_made_on_github_and_imported(
    client: httpx.AsyncClient, projects: ProjectRows
) -> None:
    projects.installation(51, "ada-okafor", account_type="User")
    made = await make(client)
    path = f"{WORKSPACES}/{made['id']}/repos"
    repo = (await client.post(path, json={"name": "my notes", "visibility": "public"})).json()
    assert (repo["full_name"], repo["owner"], repo["name"], repo["workspace_id"]) == (
        "ada-okafor/my-notes",
        "ada-okafor",
        "my-notes",
        made["id"],
    )
    assert (repo["github_installation_id"], repo["default_branch"]) == (51, "main")
    assert "workspace" not in repo
    assert projects.db.value("SELECT is_private FROM github_remote_repos") == 0
    again = await client.post(path, json={"name": "MY notes"})
    assert again.status_code == 409
    assert "already exists" in again.json()["error"]


async def test_repo_creation_refusals(client: httpx.AsyncClient, projects: ProjectRows) -> None:
    path = f"{WORKSPACES}/{(await make(client))['id']}/repos"
    projects.insert("github_accounts", login="acme", type="Organization", members_may_create=0)
    projects.insert("github_org_members", org_login="acme", login="ada-okafor")

    async def refused(**body: Any) -> tuple[int, str]:
        answer = await client.post(path, json=body)
        return answer.status_code, answer.json()["error"]

    assert await refused(name=" ") == (400, "Repository name is required")
    assert await refused(name="a/b") == (400, "Repository name is required")
    assert await refused(name="x", owner_login="nobody") == (400, "Selected GitHub account is unavailable")
    assert (await refused(name="x", owner_login="ACME"))[0] == 403
    projects.no_github(github_username=None, github_oauth=1)
    assert await refused(name="x") == (400, "GitHub account details unavailable")
    projects.no_github()
    assert await refused(name="x") == (400, "Connect GitHub account first")
    assert (await client.get("/api/repos")).json() == []
