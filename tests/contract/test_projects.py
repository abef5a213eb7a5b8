"""Lists of projects against the schemas of the real service."""

from __future__ import annotations

import httpx

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from tests.contract.checker import Checker
from tests.contract.route_requests import read_projects
from tests.contract.schemas import shapes_of
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.projects.project_rows import TEAM_HEADER, ProjectRows
from tests.controlplane.row_factory import RowFactory

PRESET = {"name": "p", "baseBranch": "main", "workingBranch": "next", "createBranch": True}


async def create_project_rows(client: httpx.AsyncClient, factory: RowFactory) -> str:
    """Create a row of everything that changes a shape; returns a team."""
    projects = ProjectRows(factory)
    projects.installation(88, "acme", target_type="Organization")
    projects.installation(91, None, account_type=None)
    projects.remote()
    factory.model("acme/nova-1", context_length=200_000)
    factory.model("acme/bare")
    repo = {"full_name": "acme/api", "github_id": 4711, "owner": "acme", "name": "api"}
    made = (await client.post("/api/repos", json={**repo, "sandbox_env_vars": {"A": "1"}})).json()
    path = f"/api/repos/{made['id']}"
    await client.patch("/api/repos", json={"id": made["id"], "sandbox_timeout_ms": 1, "runtime": "node24"})
    await client.post(f"{path}/subproject", json={"root_directory": "apps/web"})
    await client.post(f"{path}/snapshot")
    await client.post(f"{path}/launch-presets", json=PRESET)
    await client.post(f"{path}/models", json={"model_id": "acme/bare", "excluded": True})
    await client.post("/api/workspaces", json={"name": "Shop", "description": "Everything sold"})
    body = {"name": "Mail", "type": "rest_api", "base_url": "https://mail.example.com", "auth_type": "none"}
    mail = (await client.post("/api/connections", json=body)).json()["connection"]
    await client.post("/api/connections", json={"source_preset": "linear", "credentials": "lin_api_1"})
    await client.post(f"{path}/connections", json={"connection_id": mail["id"], "excluded": True})
    for name in ("style.md", "legal.md"):
        rule = (await client.post("/api/rules", json={"name": name, "content": "# Rule"})).json()
    skill = (await client.post("/api/skills", json={"name": "lint", "content": "# Lint"})).json()
    await client.post(f"{path}/rules", json={"rule_id": rule["id"], "excluded": True})
    await client.post(f"{path}/skills", json={"skill_id": skill["id"], "excluded": True})
    for word in ("rules", "skills"):
        await client.post(f"{path}/{word}", json={"name": "own", "description": "d"})
    return projects.team()


async def test_responses_match_contract_schemas() -> None:
    clock = ManualClock()
    async with PlaneServer(Settings(speed=0, seeded=False, rate_limit=None), clock=clock) as server:
        headers = {"Authorization": f"Bearer {server.token}"}
        async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as client:
            check = Checker(client)
            team = await create_project_rows(client, RowFactory(server.plane, clock))
            found = await read_projects(check)
            team_repo = {"full_name": "acme/team", "github_id": 9, "owner": "acme", "name": "team"}
            await client.post("/api/repos", json=team_repo, headers={TEAM_HEADER: team})
            await read_projects(check, **{TEAM_HEADER: team})
    assert {name: len(rows) for name, rows in found.items()} == {
        "owners": 2,
        "presets": 1,
        "overrides": 1,
        "without": 2,
    }
    # Every schema that was copied in is met: a route that goes missing is a fault of this test.
    assert check.met == shapes_of("projects")


async def test_seeded_account_matches_contract_schemas() -> None:
    async with PlaneServer(Settings(speed=0, rate_limit=None), clock=ManualClock()) as server:
        headers = {"Authorization": f"Bearer {server.token}"}
        async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as client:
            before = len((await client.get("/api/repos")).json())
            found = await read_projects(Checker(client))
            after = (await client.get("/api/repos")).json()
            pulls = [(await client.get(f"/api/github/pulls?repo_id={repo['id']}")).json() for repo in after]
    assert all(found[name] for name in ("owners", "presets", "overrides"))
    # GitHub has repositories that nobody had imported yet.
    assert len(after) == before + 3
    assert sum(len(answer["pulls"]) for answer in pulls) > 12
    assert all(answer["diff"].startswith("diff --git") for answer in pulls if answer["pulls"])
