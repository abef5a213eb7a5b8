"""Requests to every route with an observed schema, by route family."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from mogplex_tui.controlplane.sandboxes.states import STATUSES
from tests.contract.checker import Checker
from tests.controlplane.api_paths import V1
from tests.controlplane.automation.automation_rows import control_approval
from tests.controlplane.row_factory import RowFactory

BOX = "/api/sandbox"
O11Y = "/api/observability"
SERVERS = "/api/mcp-servers"
OWNER = {"login", "kind", "github_installation_id", "scope_label", "source"}
PRESET_KEYS = {
    "id",
    "user_id",
    "repo_id",
    "name",
    "root_directory",
    "base_branch",
    "working_branch",
    "create_branch",
    "created_at",
    "updated_at",
}


def some(rows: list[dict[str, Any]], *keys: str) -> list[dict[str, Any]]:
    """Return two rows of each combination of these keys.

    That is enough to meet every shape.
    """
    kinds: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        kinds[tuple(str(row.get(key)) for key in keys)].append(row)
    return [row for kind in kinds.values() for row in kind[:2]]


async def read_everything(check: Checker) -> None:
    """Read every route, and rows of every kind that its lists name."""
    await check("GET_api.auth.user_200", "GET", "/api/auth/user")
    await check("GET_api.settings_200", "GET", "/api/settings")
    await check("GET_api.models_200", "GET", "/api/models")
    await check("GET_api.models~cli_200", "GET", "/api/models?format=cli")
    for family in ("repos", "agents", "models"):
        await check(f"GET_api.v1.mogplex.{family}_200", "GET", f"{V1}/{family}")
    boxes = await check("GET_api.v1.mogplex.sandboxes_200", "GET", f"{V1}/sandboxes")
    for box in some(boxes["data"]["sandboxes"], "status"):
        await check("GET_api.v1.mogplex.sandboxes.-.logs_200", "GET", f"{V1}/sandboxes/{box['id']}/logs")
    flows = await check("GET_api.v1.mogplex.automations_200", "GET", f"{V1}/automations?limit=1")
    flows = await check("GET_api.v1.mogplex.automations_200", "GET", f"{V1}/automations")
    for flow in flows["data"]["automations"]:
        path = f"{V1}/automations/{flow['id']}"
        await check("GET_api.v1.mogplex.automations.-_200", "GET", path)
        runs = await check("GET_api.v1.mogplex.automations.-.runs_200", "GET", f"{path}/runs?limit=50")
        for run in some(runs["data"]["runs"], "status"):
            name = "GET_api.v1.mogplex.automations.-.runs.-_200"
            await check(name, "GET", f"{path}/runs/{run['id']}")
    await check("GET_api.observability.stats_200", "GET", f"{O11Y}/stats")
    await check("GET_api.observability.tool-calls_200", "GET", f"{O11Y}/tool-calls")
    for page in (1, 2, 3):
        found = await check("GET_api.observability.calls_200", "GET", f"{O11Y}/calls?limit=100&page={page}")
        for call in some(found["calls"], "type", "status", "cost_source"):
            path = f"{O11Y}/call-events?ai_call_id={call['id']}"
            await check("GET_api.observability.call-events_200", "GET", path)
    found = await check("GET_api.observability.jobs_200", "GET", f"{O11Y}/jobs?limit=100")
    for job in some(found["jobs"], "status", "source_type"):
        await check("GET_api.observability.jobs.-_200", "GET", f"{O11Y}/jobs/{job['id']}")


async def read_runs(check: Checker, plane: Any) -> None:
    """Read runs of every kind that the account has; no route lists them."""
    rows = plane.db.all(
        "SELECT id, harness, status, create_branch, error IS NULL AS well FROM external_agent_runs WHERE user_id = ?",
        (plane.user_id,),
    )
    for row in some([dict(row) for row in rows], "harness", "status", "create_branch", "well"):
        path = f"{V1}/runs/{row['id']}"
        await check("GET_api.v1.mogplex.runs.-_200", "GET", path)
        await check("GET_api.v1.mogplex.runs.-.events_200", "GET", f"{path}/events?limit=200")


async def change_everything(check: Checker, factory: RowFactory) -> None:
    """Request every route that changes something."""
    await check("PATCH_api.settings_200", "PATCH", "/api/settings", json={"theme": "light"})
    model = factory.plane.db.value("SELECT id FROM models ORDER BY id LIMIT 1")
    choice = {"model_id": model, "is_enabled": True}
    await check("PATCH_api.models_200", "PATCH", "/api/models", json=choice)
    repo = factory.plane.db.value(
        "SELECT id FROM repos WHERE user_id = ? AND is_hidden = 0 ORDER BY full_name LIMIT 1", (factory.user,)
    )
    body = {"repoId": repo, "prompt": "Fix the flaky test", "createBranch": True}
    headers = {"Idempotency-Key": "shapes"}
    started = await check("POST_api.v1.mogplex.runs_202", "POST", f"{V1}/runs", json=body, headers=headers)
    await check("POST_api.v1.mogplex.runs_202", "POST", f"{V1}/runs", json=body, headers=headers)
    for _ in range(2):
        await check("POST_api.v1.mogplex.runs.-.cancel_200", "POST", started["data"]["cancelUrl"])
    call = factory.call()
    await check("POST_api.observability.calls.-.cancel_200", "POST", f"{O11Y}/calls/{call}/cancel")
    job = factory.plane.db.value(
        "SELECT j.id FROM job_runs j JOIN flows f ON f.id = j.flow_id"
        " WHERE f.user_id = ? AND j.status IN ('pending', 'running') LIMIT 1",
        (factory.user,),
    )
    await check("POST_api.observability.jobs.-.cancel_200", "POST", f"{O11Y}/jobs/{job}/cancel")


async def read_identity(check: Checker) -> int:
    """Read every list of identity; returns the number of teams."""
    for path in (
        "billing",
        "models.new-arrivals",
        "models.provider-icons",
        "settings.api-keys",
        "settings.keys",
    ):
        await check(f"GET_api.{path}_200", "GET", f"/api/{path.replace('.', '/')}")
    teams = (await check("GET_api.memberships_200", "GET", "/api/memberships"))["teams"]
    for team in teams:
        for part in ("members", "models"):
            await check(f"GET_api.teams.-.{part}_200", "GET", f"/api/teams/{team['id']}/{part}")
    return len(teams)


async def read_library(check: Checker) -> None:
    """Read every list of the library, with its parameters."""
    for path in ("agents", "agent-categories", "commands", "rules", "skills"):
        await check(f"GET_api.{path}_200", "GET", f"/api/{path}")
    await check("GET_api.rules_200", "GET", "/api/rules?table=agent_skills")
    await check("GET_api.agents.roster_200", "GET", "/api/agents/roster")
    await check("GET_api.agents.roster.summary_200", "GET", "/api/agents/roster/summary")
    for query in ("", "?lane=session", "?q=the"):
        await check("GET_api.memories_200", "GET", f"/api/memories{query}")
    rows = await check("GET_api.conversations_200", "GET", "/api/conversations")
    for row in rows:
        await check("GET_api.conversations_200", "GET", f"/api/conversations?id={row['id']}")


async def read_projects(check: Checker, **headers: str) -> dict[str, list[Any]]:
    """Read every list of projects, for every repository.

    What the schemas leave open is checked by its keys.
    """
    await check("GET_api.github.installations_200", "GET", "/api/github/installations")
    owners = await check("GET_api.github.owners_200", "GET", "/api/github/owners")
    await check("GET_api.workspaces_200", "GET", "/api/workspaces", headers=headers)
    await check("GET_api.github.repos_200", "GET", "/api/github/repos", headers=headers)
    found: dict[str, list[Any]] = {"owners": owners, "presets": [], "overrides": [], "without": []}
    repos = await check("GET_api.repos_200", "GET", "/api/repos?show_hidden=true", headers=headers)
    for repo in repos:
        path = f"/api/repos/{repo['id']}"
        presets = await check("GET_api.repos.-.launch-presets_200", "GET", f"{path}/launch-presets")
        found["presets"] += presets["presets"]
        models = await check("GET_api.repos.-.models_200", "GET", f"{path}/models")
        found["overrides"] += models["overrides"]
        await check("GET_api.repos.-.connections_200", "GET", f"{path}/connections")
        for word in ("rules", "skills"):
            listed = await check(f"GET_api.repos.-.{word}_200", "GET", f"{path}/{word}")
            found["without"] += listed["excluded_inherited"]
    assert all(set(owner) == OWNER for owner in found["owners"])
    assert all(set(preset) == PRESET_KEYS for preset in found["presets"])
    assert all(set(override) == {"model_id", "excluded"} for override in found["overrides"])
    return found


async def read_routing(check: Checker) -> dict[str, Any]:
    """Read every list of automations; returns the lists by name.

    Also a flow with its runs of each status.
    """
    found: dict[str, Any] = {}
    for path in (
        "assignments",
        "triggers",
        "automations/harnesses",
        "control/approvals",
        "flows",
        "flows/approvals",
        "flows/templates",
        "observability/automation-events",
        "observability/automation-failures",
    ):
        name = path.replace("/", ".")
        found[path] = await check(f"GET_api.{name}_200", "GET", f"/api/{path}")
    for flow in found["flows"]:
        path = f"/api/flows/{flow['id']}"
        await check("GET_api.flows.-_200", "GET", path)
        runs = await check("GET_api.flows.-.runs_200", "GET", f"{path}/runs?limit=50")
        for run in some(runs["runs"], "status", "active_wait_count"):
            await check("GET_api.flows.-.runs.-_200", "GET", f"{path}/runs/{run['id']}")
    return found


async def read_tools(check: Checker) -> dict[str, Any]:
    """Read every list of integrations; returns the lists by name.

    Also each server alone, and two answers of the MCP endpoint.
    """
    connections = await check("GET_api.connections_200", "GET", "/api/connections")
    servers = await check("GET_api.mcp-servers_200", "GET", SERVERS)
    for server in servers["servers"]:
        await check("GET_api.mcp-servers.-_200", "GET", f"{SERVERS}/{server['id']}")
    slack = "GET_api.integrations.slack.installations_200"
    await check(slack, "GET", "/api/integrations/slack/installations")
    for method in ("initialize", "tools/list"):
        message = {"jsonrpc": "2.0", "id": 1, "method": method}
        await check("POST_api.v1.mogplex.mcp_200", "POST", f"{V1}/mcp", json=message)
    return {**connections, **servers}


async def read_exports(check: Checker) -> Any:
    """Read both exports of the MCP servers; returns the command line tool's."""
    await check("GET_api.v1.mogplex.mcp.servers_200", "GET", f"{V1}/mcp/servers")
    return await check("GET_api.mcp-servers~cli_200", "GET", f"{SERVERS}?format=cli")


async def read_sandboxes(check: Checker) -> list[str]:
    """Read sandbox lists and a sandbox of each status; returns their ids."""
    rows = (await check("GET_api.sandbox_200", "GET", BOX))["sandboxes"]
    await check("GET_api.sandbox~cli_200", "GET", f"{BOX}?format=cli")
    kinds = {row["runtime_summary"]["status"]: row["id"] for row in rows}
    assert set(kinds) == set(STATUSES)
    for record_id in kinds.values():
        await check("GET_api.sandbox.-_200", "GET", f"{BOX}/{record_id}")
        await check("GET_api.sandbox.-.health_200", "GET", f"{BOX}/{record_id}/health")
        await check("POST_api.sandbox.-.reconcile_200", "POST", f"{BOX}/{record_id}/reconcile")
    return list(kinds.values())


async def end_sandboxes(check: Checker, record_ids: list[str]) -> None:
    """Stop and delete the sandboxes."""
    for record_id in record_ids:
        await check("POST_api.sandbox.-.stop_200", "POST", f"{BOX}/{record_id}/stop")
        await check("DELETE_api.sandbox.-_200", "DELETE", f"{BOX}/{record_id}")


async def change_routing(check: Checker, factory: RowFactory) -> None:
    """Request every observed route that changes automations."""
    approval = control_approval(factory)
    repo = factory.plane.db.only(
        "SELECT * FROM repos WHERE user_id = ? AND is_hidden = 0 AND github_installation_id IS NOT NULL"
        " ORDER BY full_name LIMIT 1",
        (factory.user,),
    )
    models = (await check.client.get(f"{V1}/models")).json()["data"]["models"]
    path = f"/api/control/approvals/{approval}"
    await check("POST_api.control.approvals.-_200", "POST", path, json={"decision": "approve"})
    made = {"installationId": repo["github_installation_id"]}
    created = await check("POST_api.v1.mogplex.automations_201", "POST", f"{V1}/automations", json=made)
    automation = created["data"]["automation"]
    one = f"{V1}/automations/{automation['id']}"
    await check("PUT_api.v1.mogplex.automations.-_200", "PUT", one, json={"description": "D", "notes": "N"})
    body = {"nodeId": "agent-1", "modelId": models[0]["id"]}
    await check("PUT_api.v1.mogplex.automations.-.model_200", "PUT", f"{one}/model", json=body)
    await check("POST_api.v1.mogplex.automations.-.publish_200", "POST", f"{one}/publish")
    await check(
        "POST_api.v1.mogplex.automations.-.trigger_202",
        "POST",
        f"{one}/trigger",
        json={"repoId": repo["id"]},
        headers={"Idempotency-Key": "shapes"},
    )
    await check.client.post("/api/flows/templates", json={"flow_id": automation["id"], "name": "Kept"})
