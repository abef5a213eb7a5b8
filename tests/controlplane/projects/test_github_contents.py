"""Packages, sub-projects and secrets of a repository on GitHub.

See projects.md §4.5 to §4.7.
"""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.controlplane.projects.project_rows import MONOREPO, UNKNOWN_ID, ProjectRows
from tests.controlplane.row_factory import RowFactory


def package(path: str, name: str, framework: str | None, has_space: bool = False) -> dict[str, Any]:
    return {
        "path": path,
        "name": name,
        "hasPackageJson": True,
        "framework": framework,
        "has_space": has_space,
    }


async def test_monorepo_packages(
    client: httpx.AsyncClient, factory: RowFactory, projects: ProjectRows
) -> None:
    repo = factory.repo()
    projects.remote(files=json.dumps(MONOREPO))
    factory.repo("acme/api", root_directory="apps/web", parent_repo_id=repo)
    assert (await client.get(f"/api/repos/{repo}/monorepo")).json() == {
        "is_monorepo": True,
        "marker": "pnpm-workspace.yaml",
        "workspaces": [
            package("apps/api", "api", "hono"),
            package("apps/web", "web", "next", has_space=True),
            package("packages/ui/button", "@acme/button", None),
        ],
    }
    (row,) = (await client.get(f"/api/repos?id={repo}")).json()
    assert row["is_monorepo"] is True


@pytest.mark.parametrize(
    ("files", "paths"),
    [
        ({"pnpm-workspace.yaml": "packages:\n  - 'tools/*'\n"}, ["tools/lint"]),
        ({"nx.json": "{}"}, ["apps/web", "tools/lint"]),
        ({"lerna.json": "{}", "package.json": '{"workspaces": {"packages": ["apps/web"]}}'}, ["apps/web"]),
        ({"rush.json": "{}", "package.json": "broken"}, ["apps/web", "tools/lint"]),
    ],
)
async def test_monorepo_package_paths(
    client: httpx.AsyncClient,
    factory: RowFactory,
    projects: ProjectRows,
    files: dict[str, str],
    paths: list[str],
) -> None:
    named = {"apps/web/package.json": "{}", "tools/lint/package.json": "{}", "other/x/package.json": "{}"}
    projects.remote(files=json.dumps(named | files))
    body = (await client.get(f"/api/repos/{factory.repo()}/monorepo")).json()
    assert [entry["path"] for entry in body["workspaces"]] == paths


async def test_repo_without_packages_is_not_monorepo(
    client: httpx.AsyncClient, factory: RowFactory, projects: ProjectRows
) -> None:
    repo = factory.repo()
    plain = {"is_monorepo": False, "workspaces": []}
    assert (await client.get(f"/api/repos/{repo}/monorepo")).json() == plain
    projects.remote(files=json.dumps({"package.json": "{}", "apps/web/package.json": "{}"}))
    assert (await client.get(f"/api/repos/{repo}/monorepo")).json() == plain
    projects.no_github()
    answer = await client.get(f"/api/repos/{repo}/monorepo")
    assert (answer.status_code, answer.json()) == (400, {"error": "GitHub token required"})


async def test_sub_project_has_parent_workspace_and_own_settings(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    repo = factory.repo(
        github_id=4711, dev_command="make dev", dev_port=99, sandbox_env_vars='{"A":"1"}', is_favorite=1
    )
    path = f"/api/repos/{repo}/subproject"
    made = (await client.post(path, json={"root_directory": "./apps/web/"})).json()
    parent = (await client.get(f"/api/repos?id={repo}")).json()[0]
    same = ("workspace_id", "github_id", "github_installation_id", "full_name", "owner_user_id")
    assert {name: made[name] for name in same} == {name: parent[name] for name in same}
    assert (made["root_directory"], made["parent_repo_id"]) == ("apps/web", repo)
    assert (made["dev_command"], made["dev_port"], made["sandbox_env_vars"], made["is_favorite"]) == (
        None,
        3000,
        {},
        False,
    )
    assert made["created_by_user_id"] == factory.user
    assert "workspace" not in made
    taken = await client.post(path, json={"root_directory": "apps/web"})
    assert (taken.status_code, taken.json()) == (409, {"error": "Space already exists for this path"})


async def test_a_sub_project_needs_a_path_before_a_repo(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, factory: RowFactory
) -> None:
    for body in ({}, {"root_directory": "./"}, {"root_directory": 7}):
        answer = await client.post(f"/api/repos/{UNKNOWN_ID}/subproject", json=body)
        assert (answer.status_code, answer.json()) == (400, {"error": "root_directory is required"})
    answer = await stranger.post(f"/api/repos/{factory.repo()}/subproject", json={"root_directory": "a"})
    assert (answer.status_code, answer.json()) == (404, {"error": "Repo not found"})


async def test_secrets_are_written_listed_and_deleted(
    client: httpx.AsyncClient, factory: RowFactory, projects: ProjectRows, clock: Any
) -> None:
    path = f"/api/repos/{factory.repo()}/secrets"
    projects.remote()
    put = await client.put(path, json={"name": " npm token ", "value": "hush"})
    assert put.json() == {"ok": True, "name": "NPM_TOKEN"}
    clock.advance(60)
    await client.put(path, json={"name": "npm-token", "value": "hush again"})
    listed = await client.get(path)
    assert listed.json() == [
        {"name": "NPM_TOKEN", "created_at": "2026-08-05T10:00:00Z", "updated_at": "2026-08-05T10:01:00Z"}
    ]
    (kept,) = projects.db.all("SELECT * FROM github_secrets")
    assert "hush" not in str(dict(kept))
    for name, left in (("npm token", 1), ("NPM_TOKEN", 0), ("NPM_TOKEN", 0)):
        assert (await client.request("DELETE", path, json={"name": name})).json() == {"ok": True}
        assert len((await client.get(path)).json()) == left


async def test_secrets_that_are_refused(
    client: httpx.AsyncClient, factory: RowFactory, projects: ProjectRows
) -> None:
    path = f"/api/repos/{factory.repo(github_installation_id=None)}/secrets"
    projects.remote()
    projects.member()
    for body in ({}, {"name": "A", "value": ""}, {"name": " ", "value": "x"}, {"name": "A", "value": 1}):
        answer = await client.put(path, json=body)
        assert (answer.status_code, answer.json()) == (400, {"error": "name and value are required"})
    answer = await client.request("DELETE", path, json={})
    assert (answer.status_code, answer.json()) == (400, {"error": "name is required"})
    projects.no_github()
    for content in (b"{", b"{}"):
        answer = await client.put(path, content=content)
        assert (answer.status_code, answer.json()) == (400, {"error": "NO_GITHUB_TOKEN"})


async def test_secrets_of_missing_repo(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, factory: RowFactory
) -> None:
    repo = factory.repo()
    for answer in (
        await client.put(f"/api/repos/{UNKNOWN_ID}/secrets", content=b"{"),
        await stranger.get(f"/api/repos/{repo}/secrets"),
    ):
        assert (answer.status_code, answer.json()) == (404, {"error": "NOT_FOUND"})
    answer = await client.get(f"/api/repos/{repo}/secrets")
    assert (answer.status_code, answer.json()) == (
        502,
        {"error": "GITHUB_API_ERROR", "detail": "Not Found"},
    )
