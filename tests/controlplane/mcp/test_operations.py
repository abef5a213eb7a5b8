"""MCP operations through to the v1 routes behind them (mcp.md §3 and §4)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.api_paths import V1
from tests.controlplane.mcp.mcp_messages import MCP, UNKNOWN_RUN, tool_call
from tests.controlplane.row_factory import RowFactory


async def result(
    client: httpx.AsyncClient, name: str, arguments: Any = None, **headers: str
) -> dict[str, Any]:
    answer = await client.post(MCP, json=tool_call(name, arguments), headers=headers)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()["result"]
    assert set(found) == {"content", "structuredContent", "isError"}
    assert [part["type"] for part in found["content"]] == ["text"]
    return found


async def error(
    client: httpx.AsyncClient, name: str, arguments: Any = None, **headers: str
) -> dict[str, Any]:
    found = await result(client, name, arguments, **headers)
    assert found["isError"] is True
    refused: dict[str, Any] = found["structuredContent"]["error"]
    assert found["content"][0]["text"].startswith(refused["message"].rstrip("."))
    return refused


async def test_read_operations_return_route_data(client: httpx.AsyncClient, factory: RowFactory) -> None:
    repo = factory.repo()
    factory.repo("acme/web")
    factory.model("acme/nova-1")
    run = factory.run(repo)
    box = factory.sandbox(repo)
    flow = factory.flow(factory.agent())
    job = factory.job(flow, repo)
    for name, arguments, path in (
        ("list_repos", {"query": " api ", "limit": 5.0}, "/repos?q=api&limit=5"),
        ("list_agents", None, "/agents"),
        ("list_models", {}, "/models"),
        (
            "list_sandboxes",
            {"repoId": repo, "status": "running"},
            f"/sandboxes?repo_id={repo}&status=running",
        ),
        ("get_sandbox_logs", {"sandboxId": box}, f"/sandboxes/{box}/logs"),
        ("list_automations", {"limit": 1}, "/automations?limit=1"),
        ("get_automation", {"automationId": flow}, f"/automations/{flow}"),
        ("list_automation_runs", {"automationId": flow}, f"/automations/{flow}/runs"),
        ("get_automation_run_logs", {"automationId": flow, "runId": job}, f"/automations/{flow}/runs/{job}"),
        ("get_run", {"runId": run}, f"/runs/{run}"),
        ("get_run_events", {"runId": run, "limit": 1}, f"/runs/{run}/events?limit=1"),
    ):
        expected = (await client.get(V1 + path)).json()["data"]
        found = await result(client, name, arguments)
        assert (found["structuredContent"], found["isError"]) == (expected, False), name
    found = await result(client, "list_repos")
    assert found["content"][0]["text"] == "Found 2 repositories."


async def test_started_run_is_wrapped_and_replayed_by_key(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    given = {"repoId": factory.repo(), "prompt": " Fix it ", "createBranch": True, "rootDirectory": None}
    first = (await result(client, "start_agent_run", given | {"idempotencyKey": "k"}))["structuredContent"]
    assert set(first) == {"run"}
    assert (first["run"]["replayed"], first["run"]["status"]) == (False, "pending")
    again = (await result(client, "start_agent_run", given | {"idempotencyKey": " k"}))["structuredContent"]
    assert (again["run"]["replayed"], again["run"]["runId"]) == (True, first["run"]["runId"])
    for _ in range(2):
        blind = (await result(client, "start_agent_run", given))["structuredContent"]
        assert blind["run"]["replayed"] is False
    keys = factory.plane.db.all("SELECT idempotency_key, prompt FROM external_agent_runs ORDER BY rowid")
    assert [key["idempotency_key"][:4] for key in keys] == ["k", "mcp:", "mcp:"]
    assert keys[0]["prompt"] == "Fix it"
    refused = await error(client, "start_agent_run", given | {"idempotencyKey": "k", "prompt": "Other"})
    assert refused == {
        "code": "IDEMPOTENCY_CONFLICT",
        "status": 409,
        "message": "Idempotency key already used for a different request",
        "suggestion": "Retry with a new idempotency key or reuse the original request.",
    }
    cancelled = (await result(client, "cancel_run", {"runId": first["run"]["runId"]}))["structuredContent"]
    assert (cancelled["status"], cancelled["alreadyTerminal"]) == ("cancelled", False)


async def test_route_refusal_is_a_result(client: httpx.AsyncClient, factory: RowFactory) -> None:
    refused = await error(client, "get_run", {"runId": UNKNOWN_RUN})
    assert refused == {
        "code": "NOT_FOUND",
        "status": 404,
        "message": "Run not found",
        "suggestion": "List repos or runs again and pass an id owned by this token.",
    }
    other = factory.profile("jonas")
    theirs = factory.run(factory.repo(user_id=other), factory.call(user_id=other), user_id=other)
    assert await error(client, "get_run", {"runId": theirs}) == refused
    # An id is one segment of the path, whatever is in it.
    for crooked in ("../repos", "a/b?c", "%2e%2e", "é"):
        assert (await error(client, "get_run", {"runId": crooked}))["code"] == "NOT_FOUND"


async def test_operations_check_scopes(
    client: httpx.AsyncClient, server: PlaneServer, factory: RowFactory
) -> None:
    read_only = {"Authorization": f"Bearer {server.read_only_token}"}
    run = factory.run(factory.repo())
    assert (await result(client, "get_run", {"runId": run}, **read_only))["isError"] is False
    refused = await error(client, "cancel_run", {"runId": run}, **read_only)
    assert (refused["code"], refused["status"]) == ("FORBIDDEN", 403)
    assert refused["suggestion"] == "Retry later or inspect Mogplex API logs for this request."
    assert factory.row("external_agent_runs", run)["status"] == "pending"


async def test_a_session_is_no_credential_here(anonymous: httpx.AsyncClient, server: PlaneServer) -> None:
    answer = await anonymous.post(
        MCP, json=tool_call("list_repos"), headers={"Cookie": server.session_cookie}
    )
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("list_env_vars", {"repoId": "r"}),
        ("set_env_var", {"repoId": "r", "key": "A", "value": "", "target": ["preview"], "type": "plain"}),
        ("delete_env_var", {"repoId": "r", "key": "A"}),
    ],
)
async def test_environment_variables_are_answered_as_their_route_does(
    client: httpx.AsyncClient, name: str, arguments: dict[str, Any]
) -> None:
    refused = await error(client, name, arguments)
    assert (refused["code"], refused["status"]) == ("SERVICE_UNAVAILABLE", 501)


async def test_automation_create_publish_trigger(client: httpx.AsyncClient, factory: RowFactory) -> None:
    factory.model("acme/nova-1")
    factory.agent()
    repo = factory.repo()
    with factory.plane.db.transaction() as tx:
        tx.insert(
            "github_installations",
            id=tx.new_id(),
            user_id=factory.user,
            installation_id=88,
            account_login="acme",
            created_at=1,
        )
    given = {"installationId": 88, "name": " Nightly ", "notes": ""}
    made = (await result(client, "create_automation", given))["structuredContent"]["automation"]
    assert made["name"] == "Nightly"
    one = {"automationId": made["id"]}
    chosen = {**one, "nodeId": "agent-1", "modelId": "acme/nova-1"}
    assert (await result(client, "set_automation_model", chosen))["isError"] is False
    changed = await result(client, "update_automation", {**one, "name": "Weekly"})
    assert changed["structuredContent"]["automation"]["name"] == "Weekly"
    published = (await result(client, "publish_automation", one))["structuredContent"]["automation"]
    assert published["status"] == "active"
    asked = {**one, "repoId": repo, "input": {"why": "test"}, "idempotencyKey": "once"}
    first = (await result(client, "trigger_automation", asked))["structuredContent"]["run"]
    again = (await result(client, "trigger_automation", asked))["structuredContent"]["run"]
    assert (first["outcome"], again["outcome"], again["jobRunId"]) == (
        "queued",
        "suppressed",
        first["jobRunId"],
    )


async def test_a_refused_sandbox_is_a_result(client: httpx.AsyncClient) -> None:
    refused = await error(client, "create_sandbox", {"repoId": UNKNOWN_RUN})
    assert (refused["code"], refused["status"], refused["message"]) == ("BAD_REQUEST", 404, "Repo not found")
