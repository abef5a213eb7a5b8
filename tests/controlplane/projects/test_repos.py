"""/api/repos: list, import, change and delete (projects.md §3)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.projects.project_rows import TEAM_HEADER, UNKNOWN_ID, ProjectRows
from tests.controlplane.realtime_reader import RealtimeReader
from tests.controlplane.row_factory import RowFactory

NEW = {"full_name": "acme/api", "github_id": 4711, "owner": "acme", "name": "api"}


async def names(client: httpx.AsyncClient, query: str = "", **headers: str) -> list[str]:
    return [repo["full_name"] for repo in (await client.get(f"/api/repos{query}", headers=headers)).json()]


async def test_anonymous_request_is_unauthorized(anonymous: httpx.AsyncClient) -> None:
    for path in ("/api/repos", "/api/workspaces", "/api/github/repos", f"/api/repos/{UNKNOWN_ID}/models"):
        answer = await anonymous.get(path)
        assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized"})


async def test_new_repo_creates_default_workspace(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/workspaces")).json() == []
    answer = await client.post("/api/repos", json=NEW)
    assert answer.status_code == 200
    repo = answer.json()
    assert {name: repo[name] for name in NEW} == NEW
    assert (repo["default_branch"], repo["dev_port"], repo["dev_port_auto"], repo["runtime"]) == (
        "main",
        3000,
        True,
        None,
    )
    assert (repo["owner_type"], repo["owner_user_id"], repo["product_team_id"]) == (
        "user",
        repo["user_id"],
        None,
    )
    workspace = repo["workspace"]
    assert (workspace["name"], workspace["is_default"], workspace["sandbox_timeout_ms"]) == (
        "Imported Repos",
        True,
        18_000_000,
    )
    assert "sandbox_idle_timeout_ms" not in workspace
    assert "repo_count" not in workspace
    (listed,) = (await client.get("/api/workspaces")).json()
    assert (listed["id"], listed["repo_count"], listed["sandbox_idle_timeout_ms"]) == (
        repo["workspace_id"],
        1,
        1_800_000,
    )
    assert (await client.get("/api/repos")).json() == [repo]


async def test_favourites_are_first_and_hidden_repos_optional(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    factory.repo("acme/b")
    factory.repo("acme/a")
    factory.repo("acme/c", is_favorite=1)
    factory.repo("acme/d", is_hidden=1)
    assert await names(client) == ["acme/c", "acme/a", "acme/b"]
    assert await names(client, "?show_hidden=true") == ["acme/c", "acme/a", "acme/b", "acme/d"]
    assert await names(client, "?show_hidden=1") == ["acme/c", "acme/a", "acme/b"]


async def test_hidden_repo_is_found_by_id(client: httpx.AsyncClient, factory: RowFactory) -> None:
    hidden = factory.repo("acme/d", is_hidden=1)
    assert await names(client, f"?id={hidden.upper()}") == ["acme/d"]
    assert await names(client, f"?id={UNKNOWN_ID}") == []
    broken = await client.get("/api/repos?id=seven")
    assert broken.status_code == 500
    assert "seven" in broken.json()["error"]


async def test_repos_outside_installation_are_omitted(
    client: httpx.AsyncClient, factory: RowFactory, projects: ProjectRows
) -> None:
    factory.repo("acme/covered")
    factory.repo("acme/loose", github_installation_id=None)
    assert await names(client) == ["acme/covered", "acme/loose"]
    projects.installation()
    assert await names(client) == ["acme/covered"]
    rows = (await client.get("/api/repos?show_hidden=true")).json()
    assert [(row["github_app_covered"], row["github_coverage_label"]) for row in rows] == [
        (True, "Trigger-ready"),
        (False, "Not covered"),
    ]
    assert {row["github_has_app_installation"] for row in rows} == {True}


async def test_repo_without_installation_is_synced_only(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    factory.repo("acme/loose", github_installation_id=None)
    (repo,) = (await client.get("/api/repos")).json()
    assert (repo["github_access_state"], repo["github_coverage_label"], repo["github_triggerable"]) == (
        "synced_only",
        "Synced only",
        False,
    )


async def test_another_accounts_repos_are_not_there(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, factory: RowFactory
) -> None:
    mine = factory.repo()
    assert await names(stranger) == []
    assert await names(stranger, f"?id={mine}") == []
    answer = await stranger.patch("/api/repos", json={"id": mine, "is_hidden": True})
    assert (answer.status_code, answer.json()) == (404, {"error": "Repo not found"})
    assert (await stranger.delete(f"/api/repos?id={mine}")).json() == {"ok": True}
    assert await names(client) == ["acme/api"]


@pytest.mark.parametrize(
    ("field", "sent", "stored"),
    [
        ("default_branch", "  ", "main"),
        ("default_branch", " dev ", "dev"),
        ("default_branch", 7, "main"),
        ("root_directory", ".//apps//web/", "apps/web"),
        ("root_directory", ".", None),
        ("root_directory", "../up", "../up"),
        ("install_command", " make ", "make"),
        ("dev_command", "", None),
        ("dev_port", "8080.9", 8080),
        ("dev_port", 0, 3000),
        ("dev_port", "eight", 3000),
        ("dev_port", None, 3000),
        ("dev_port_auto", "false", False),
        ("dev_port_auto", False, False),
        ("dev_port_auto", 0, True),
        ("sandbox_timeout_ms", None, None),
        ("sandbox_timeout_ms", " ", None),
        ("sandbox_timeout_ms", "soon", 18_000_000),
        ("sandbox_timeout_ms", 1, 600_000),
        ("sandbox_timeout_ms", 10**9, 18_000_000),
        ("runtime", "node24", "node24"),
        ("runtime", "node8", None),
        ("env_sync_mode", "sandbox-and-preview", "sandbox-and-preview"),
        ("env_sync_mode", "vercel-project", "sandbox-only"),
        ("sandbox_billing_mode_override", "platform", "platform"),
        ("sandbox_billing_mode_override", "user_vercel_project", None),
        ("sandbox_billing_target", "team", "personal"),
        ("vercel_project_id", "prj_1", None),
        ("is_favorite", "yes", True),
        ("is_hidden", [], True),
        ("sandbox_env_vars", [1], {}),
        (
            "sandbox_env_vars",
            {" A ": '"x\\n\\"y\\""', " ": "gone", "B": " 'it\\'s' ", "C": " raw ", "D": 4, "E": "'"},
            {"A": 'x\n"y"', "B": "it's", "C": " raw ", "D": "4", "E": "'"},
        ),
    ],
)
async def test_a_change_is_brought_into_its_stored_form(
    client: httpx.AsyncClient, factory: RowFactory, field: str, sent: Any, stored: Any
) -> None:
    repo = factory.repo()
    answer = await client.patch("/api/repos", json={"id": repo, field: sent})
    assert (answer.status_code, answer.json()[field]) == (200, stored)
    (listed,) = (await client.get(f"/api/repos?id={repo}")).json()
    assert listed == answer.json()


async def test_only_keys_that_are_present_change(client: httpx.AsyncClient, factory: RowFactory) -> None:
    repo = factory.repo(dev_command="make dev", vercel_link_status="valid", is_favorite=1)
    changed = (await client.patch("/api/repos", json={"id": repo, "install_command": "make"})).json()
    assert (changed["dev_command"], changed["vercel_link_status"], changed["is_favorite"]) == (
        "make dev",
        "valid",
        True,
    )
    changed = (await client.patch("/api/repos", json={"id": repo, "vercel_team_id": None})).json()
    assert changed["vercel_link_status"] == "unknown"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"{}", "Missing id"),
        (b"[1]", "Missing id"),
        (b'{"id": "x", "workspace_id": "y"}', "No repo updates provided"),
        (b"{", "Invalid JSON body"),
    ],
)
async def test_empty_change_is_refused(client: httpx.AsyncClient, body: bytes, text: str) -> None:
    answer = await client.patch("/api/repos", content=body)
    assert (answer.status_code, answer.json()) == (400, {"error": text})


async def test_a_body_of_null_crashes_without_a_body(client: httpx.AsyncClient) -> None:
    answer = await client.patch("/api/repos", content=b"null")
    assert (answer.status_code, answer.content) == (500, b"")


async def test_new_repo_stores_only_known_fields(client: httpx.AsyncClient, factory: RowFactory) -> None:
    workspace = (await client.post("/api/workspaces", json={"name": "Shop"})).json()
    body = NEW | {
        "workspace_id": workspace["id"],
        "vercel_project_id": " prj_1 ",
        "sandbox_billing_target": "team",
        "is_hidden": True,
        "github_installation_id": 88,
        "parent_repo_id": factory.repo("acme/other"),
    }
    repo = (await client.post("/api/repos", json=body)).json()
    assert repo["workspace"]["name"] == "Shop"
    assert (repo["vercel_project_id"], repo["sandbox_billing_target"]) == ("prj_1", "team")
    assert (repo["is_hidden"], repo["github_installation_id"], repo["parent_repo_id"]) == (False, None, None)


async def test_imports_refused_by_database(client: httpx.AsyncClient) -> None:
    missing = await client.post("/api/repos", json=NEW | {"workspace_id": UNKNOWN_ID})
    assert (missing.status_code, missing.json()) == (404, {"error": "Workspace not found"})
    nameless = await client.post("/api/repos", json={"github_id": 1})
    assert nameless.status_code == 500
    assert "full_name" in nameless.json()["error"]
    assert (await client.post("/api/repos", json=NEW)).status_code == 200
    again = await client.post("/api/repos", json=NEW)
    assert again.status_code == 500
    assert "unique" in again.json()["error"]
    other_root = await client.post("/api/repos", json=NEW | {"root_directory": "apps/web"})
    assert other_root.status_code == 200
    assert (await client.post("/api/repos", json={"full_name": "a/b", "github_id": "no"})).status_code == 500
    for field in ("dev_port", "github_id"):
        answer = await client.post("/api/repos", json=NEW | {field: 10**20})
        assert answer.status_code == 500
        assert "out of range" in answer.json()["error"]
    assert len((await client.get("/api/repos")).json()) == 2


async def test_repo_delete_removes_settings_and_keeps_history(
    client: httpx.AsyncClient, factory: RowFactory, projects: ProjectRows
) -> None:
    repo = factory.repo()
    child = factory.repo("acme/api", root_directory="apps/web", parent_repo_id=repo)
    box, call = factory.sandbox(repo), factory.call(repo_id=repo)
    event, run = factory.event(call), factory.run(repo)
    await client.post(
        f"/api/repos/{repo}/launch-presets",
        json={"name": "p", "baseBranch": "main", "workingBranch": "main"},
    )
    assert (await client.delete("/api/repos")).json() == {"error": "Missing id"}
    assert (await client.delete(f"/api/repos?id={repo}")).json() == {"ok": True}
    assert (await client.delete(f"/api/repos?id={repo}")).json() == {"ok": True}
    for table, row_id in (("sandboxes", box), ("external_agent_runs", run)):
        assert projects.db.one(f"SELECT 1 FROM {table} WHERE id = ?", (row_id,)) is None
    assert projects.db.value("SELECT COUNT(*) FROM sandbox_launch_presets") == 0
    assert factory.row("ai_calls", call)["repo_id"] is None
    assert factory.row("ai_call_events", event)["repo_id"] is None
    assert factory.row("repos", child)["parent_repo_id"] is None


async def test_changes_are_announced(client: httpx.AsyncClient, factory: RowFactory) -> None:
    tables = "/api/realtime/events?tables=repos,sandboxes,ai_calls,workspaces,end_of_test"
    async with client.stream("GET", tables) as response:
        stream = RealtimeReader(response, factory.plane)
        assert await stream.line() == ": connected"
        repo = (await client.post("/api/repos", json=NEW)).json()["id"]
        assert await stream.frames() == [("repos", "INSERT")]
        await client.patch("/api/repos", json={"id": repo, "is_favorite": True})
        assert await stream.frames() == [("repos", "UPDATE")]
        factory.sandbox(repo)
        factory.call(repo_id=repo)
        await stream.frames()
        await client.delete(f"/api/repos?id={repo}")
        frames = await stream.frames()
        assert sorted(set(frames)) == [("ai_calls", "UPDATE"), ("repos", "DELETE"), ("sandboxes", "DELETE")]


async def test_team_has_own_repos(
    client: httpx.AsyncClient, server: PlaneServer, factory: RowFactory, projects: ProjectRows
) -> None:
    factory.repo("acme/mine")
    team = projects.team()
    headers = {TEAM_HEADER: team}
    made = (await client.post("/api/repos", json=NEW, headers=headers)).json()
    assert (made["owner_type"], made["owner_user_id"], made["product_team_id"]) == ("team", None, team)
    assert made["workspace"]["product_team_id"] == team
    assert await names(client, **headers) == ["acme/api"]
    assert await names(client) == ["acme/mine"]
    assert (await client.patch("/api/repos", json={"id": made["id"], "is_hidden": True})).status_code == 404
    # v1 filters by the importer alone.
    v1 = (await client.get("/api/v1/mogplex/repos")).json()["data"]["repos"]
    assert [repo["full_name"] for repo in v1] == ["acme/api", "acme/mine"]


async def test_a_viewer_reads_a_teams_repos_and_changes_none(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, projects: ProjectRows
) -> None:
    headers = {TEAM_HEADER: projects.team("viewer")}
    assert await names(client, **headers) == []
    for answer in (
        await client.post("/api/repos", json=NEW, headers=headers),
        await client.get("/api/github/repos", headers=headers),
        await client.post("/api/workspaces", json={"name": "x"}, headers=headers),
        await stranger.get("/api/repos", headers=headers),
    ):
        assert (answer.status_code, answer.json()) == (403, {"error": "Forbidden"})


async def test_single_repo_route_is_missing(client: httpx.AsyncClient, factory: RowFactory) -> None:
    answer = await client.get(f"/api/repos/{factory.repo()}")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert (await client.put("/api/repos")).status_code == 405
