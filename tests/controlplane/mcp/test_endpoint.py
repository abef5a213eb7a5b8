"""The MCP endpoint: transport, messages and refusals.

See mcp.md §1 and §2, errors.md §3.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.mcp.mcp_messages import MCP, message, tool_call
from tests.controlplane.row_factory import RowFactory

NAMES = [
    "list_repos",
    "list_env_vars",
    "set_env_var",
    "delete_env_var",
    "list_agents",
    "list_models",
    "list_sandboxes",
    "create_sandbox",
    "get_sandbox_logs",
    "list_automations",
    "get_automation",
    "create_automation",
    "update_automation",
    "publish_automation",
    "set_automation_model",
    "trigger_automation",
    "list_automation_runs",
    "get_automation_run_logs",
    "start_agent_run",
    "get_run",
    "get_run_events",
    "cancel_run",
]


def wrong(number: int, text: str, id: Any = None, **data: Any) -> dict[str, Any]:
    error = {"code": number, "message": text} | ({"data": data} if data else {})
    return {"jsonrpc": "2.0", "id": id, "error": error}


INVALID = wrong(-32600, "Invalid Request")


async def test_initialize_always_returns_same_version(client: httpx.AsyncClient) -> None:
    answer = await client.post(MCP, json=message("initialize", "a", protocolVersion="2024-11-05"))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["mcp-protocol-version"] == "2025-11-25"
    assert answer.headers["content-type"] == "application/json"
    assert "vary" not in answer.headers
    body = answer.json()
    assert (body["jsonrpc"], body["id"]) == ("2.0", "a")
    result = body["result"]
    assert result.pop("instructions")
    assert result == {
        "protocolVersion": "2025-11-25",
        "capabilities": {"tools": {"listChanged": False}},
        "serverInfo": {"name": "mogplex", "version": "0.1.0"},
    }


async def test_operations_are_listed_in_order_with_hints_and_schemas(
    client: httpx.AsyncClient,
) -> None:
    tools = (await client.post(MCP, json=message("tools/list"))).json()["result"]["tools"]
    assert [entry["name"] for entry in tools] == [f"mogplex_{name}" for name in NAMES]
    by_name = {entry["name"].removeprefix("mogplex_"): entry for entry in tools}
    for entry in tools:
        assert set(entry) == {"name", "title", "description", "inputSchema", "annotations"}
        assert entry["inputSchema"]["type"] == "object"
        assert entry["inputSchema"]["additionalProperties"] is False
    assert by_name["list_repos"]["annotations"] == {"readOnlyHint": True, "openWorldHint": False}
    assert by_name["cancel_run"]["annotations"] == {
        "readOnlyHint": False,
        "destructiveHint": True,
        "idempotentHint": True,
        "openWorldHint": False,
    }
    assert by_name["publish_automation"]["annotations"]["idempotentHint"] is False
    assert by_name["list_models"]["inputSchema"] == {"type": "object", "additionalProperties": False}
    assert by_name["start_agent_run"]["inputSchema"] == {
        "type": "object",
        "properties": {
            "repoId": {"type": "string"},
            "prompt": {"type": "string"},
            "harness": {"type": "string", "enum": ["codex", "claude-code"]},
            "baseBranch": {"type": "string"},
            "workingBranch": {"type": "string"},
            "createBranch": {"type": "boolean"},
            "rootDirectory": {"type": ["string", "null"]},
            "idempotencyKey": {"type": "string", "maxLength": 200},
        },
        "required": ["repoId", "prompt"],
        "additionalProperties": False,
    }
    create = by_name["create_automation"]["inputSchema"]["properties"]
    assert (create["graph"], create["installationId"]) == (
        {"type": "object"},
        {"type": "integer", "minimum": 1},
    )
    limit = by_name["list_automation_runs"]["inputSchema"]["properties"]["limit"]
    assert limit == {"type": "integer", "minimum": 1, "maximum": 50}


async def test_ping_and_methods_that_are_not_there(client: httpx.AsyncClient) -> None:
    answer = await client.post(MCP, json=message("ping", None))
    assert answer.json() == {"jsonrpc": "2.0", "id": None, "result": {}}
    answer = await client.post(MCP, json=message("resources/list", 7))
    assert (answer.status_code, answer.json()) == (200, wrong(-32601, "Method not found: resources/list", 7))


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        (5, INVALID),
        (None, INVALID),
        ("ping", INVALID),
        ({"jsonrpc": "2.0", "id": 3}, INVALID | {"id": 3}),
        ({"jsonrpc": "1.0", "id": "x", "method": "ping"}, INVALID | {"id": "x"}),
        ({"jsonrpc": "2.0", "id": 4, "method": "ping", "error": {}}, INVALID | {"id": 4}),
        ({"jsonrpc": "2.0", "id": True, "method": "ping"}, INVALID),
        ({"jsonrpc": "2.0", "id": {"a": 1}, "method": "ping"}, INVALID),
        ([], INVALID),
        (
            [message("ping", 1), 5, message("ping", 2)],
            [{"jsonrpc": "2.0", "id": 1, "result": {}}, INVALID, {"jsonrpc": "2.0", "id": 2, "result": {}}],
        ),
        (
            [{"jsonrpc": "2.0", "method": "ping"}, message("ping", 9)],
            [{"jsonrpc": "2.0", "id": 9, "result": {}}],
        ),
    ],
)
async def test_messages_that_are_no_requests_are_answered_in_place(
    client: httpx.AsyncClient, sent: Any, answered: Any
) -> None:
    answer = await client.post(MCP, content=json.dumps(sent))
    assert (answer.status_code, answer.json()) == (200, answered)


async def test_notifications_are_not_executed_and_yield_nothing(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    call = factory.call()
    run = factory.run(factory.repo(), call)
    notice = tool_call("cancel_run", {"runId": run})
    del notice["id"]
    for sent in (notice, [notice, {"jsonrpc": "2.0", "method": "notifications/initialized"}]):
        answer = await client.post(MCP, json=sent)
        assert (answer.status_code, answer.content) == (202, b"")
        assert answer.headers["mcp-protocol-version"] == "2025-11-25"
    assert factory.row("ai_calls", call)["status"] == "pending"


async def test_broken_json_is_reported_before_a_missing_credential(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.post(MCP, content=b"{")
    assert (answer.status_code, answer.json()) == (400, wrong(-32700, "Parse error: invalid JSON"))


@pytest.mark.parametrize(
    ("sent", "id"),
    [(message("ping", 5), 5), ([message("ping", 5)], None), ({"jsonrpc": "2.0", "method": "x"}, None)],
)
async def test_missing_token_is_refused_with_a_challenge(
    anonymous: httpx.AsyncClient, server: PlaneServer, sent: Any, id: Any
) -> None:
    answer = await anonymous.post(MCP, json=sent, headers={"Authorization": "Bearer mog_unknown"})
    suggestion = "Sign in with OAuth or configure a Mogplex API token."
    assert answer.status_code == 401
    assert answer.json() == wrong(-32001, "Unauthorized", id, code="UNAUTHORIZED", suggestion=suggestion)
    metadata = f"{server.base_url}/.well-known/oauth-protected-resource/api/v1/mogplex/mcp"
    assert answer.headers["www-authenticate"] == f'Bearer resource_metadata="{metadata}"'


async def test_other_methods_are_not_allowed(client: httpx.AsyncClient) -> None:
    answer = await client.get(MCP)
    assert (answer.status_code, answer.content, answer.headers["allow"]) == (405, b"", "POST, OPTIONS")
    assert answer.headers["cache-control"] == "no-store"
    answer = await client.put(MCP)
    assert (answer.status_code, answer.content, "allow" in answer.headers) == (405, b"", False)


@pytest.fixture
async def listed(clock: ManualClock) -> AsyncIterator[tuple[PlaneServer, httpx.AsyncClient]]:
    """A plane that accepts two other web origins."""
    settings = Settings(speed=0, seeded=False, mcp_origins="https://a.example.dev, https://b.example.dev")
    async with PlaneServer(settings, clock=clock) as server:
        headers = {"Authorization": f"Bearer {server.token}"}
        async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as client:
            yield server, client


async def test_preflight_lists_allowed_methods(listed: tuple[PlaneServer, httpx.AsyncClient]) -> None:
    _, client = listed
    answer = await client.options(MCP, headers={"Origin": "https://b.example.dev"})
    assert (answer.status_code, answer.content) == (204, b"")
    expected = {
        "allow": "POST, OPTIONS",
        "access-control-allow-origin": "https://b.example.dev",
        "access-control-allow-methods": "POST, OPTIONS",
        "access-control-allow-headers": "authorization, content-type, mcp-protocol-version, mcp-session-id",
        "access-control-max-age": "86400",
        "vary": "origin",
    }
    assert {name: answer.headers.get(name) for name in expected} == expected
    answer = await client.options(MCP, headers={"Origin": "https://evil.example.dev"})
    assert (answer.status_code, answer.content) == (403, b"")
    assert (answer.headers["vary"], answer.headers["cache-control"]) == ("origin", "no-store")
    assert "allow" not in answer.headers


async def test_a_foreign_origin_is_refused_before_anything_is_read(
    listed: tuple[PlaneServer, httpx.AsyncClient],
) -> None:
    server, client = listed
    answer = await client.post(MCP, content=b"{", headers={"Origin": "https://evil.example.dev"})
    assert (answer.status_code, answer.headers["vary"]) == (403, "origin")
    assert answer.json() == {
        "jsonrpc": "2.0",
        "error": {"code": -32003, "message": "Forbidden origin", "data": {"code": "FORBIDDEN_ORIGIN"}},
    }
    for origin in (server.base_url, "https://a.example.dev"):
        answer = await client.post(MCP, json=message("ping"), headers={"Origin": origin})
        assert answer.headers["access-control-allow-origin"] == origin
        assert (answer.status_code, answer.headers["vary"]) == (200, "origin")


@pytest.mark.parametrize(
    ("params", "text"),
    [
        (None, "tools/call requires params.name"),
        ({"name": ""}, "tools/call requires params.name"),
        ({"name": "mogplex_list_repos", "arguments": []}, "tools/call params.arguments must be an object"),
        ({"name": "mogplex_rerun_pr_review"}, "Unknown tool: mogplex_rerun_pr_review"),
        ({"name": "mogplex_get_run"}, "runId: Required"),
        (
            {"name": "mogplex_list_repos", "arguments": {"limit": 201}},
            "limit: Number must be less than or equal to 200",
        ),
        (
            {"name": "mogplex_list_models", "arguments": {"zz": 1}},
            "arguments: Unrecognized key(s) in object: 'zz'",
        ),
        (
            {"name": "mogplex_list_repos", "arguments": {"limit": 1.5}},
            "limit: Expected integer, received float",
        ),
        (
            {
                "name": "mogplex_start_agent_run",
                "arguments": {"repoId": " ", "harness": "cursor", "mode": "YOLO"},
            },
            "repoId: String must contain at least 1 character(s); prompt: Required; harness: Invalid enum value."
            " Expected 'codex' | 'claude-code', received 'cursor'; arguments: Unrecognized key(s) in object: 'mode'",
        ),
        (
            {"name": "mogplex_set_automation_model", "arguments": {"automationId": "a", "nodeId": "n"}},
            "modelId: Required",
        ),
        (
            {
                "name": "mogplex_set_env_var",
                "arguments": {"repoId": "r", "key": "1a", "value": "", "target": []},
            },
            "key: key must contain only letters, digits, and underscores and not start with a digit;"
            " target: Array must contain at least 1 element(s)",
        ),
        (
            {
                "name": "mogplex_create_automation",
                "arguments": {
                    "installationId": 0,
                    "publish": "yes",
                    "graph": {"nodes": [{"id": "a", "type": "action", "position": {"x": 1, "y": 0, "z": 0}}]},
                },
            },
            "installationId: Number must be greater than 0; graph.nodes.0.type: Invalid enum value. Expected"
            " 'start' | 'agent' | 'condition' | 'parallel' | 'join' | 'delay' | 'await_event' | 'set_variable' |"
            " 'transform' | 'end', received 'action'; graph.nodes.0.position: Unrecognized key(s) in object: 'z';"
            " graph.nodes.0.data: Required; graph.edges: Required; publish: Expected boolean, received string",
        ),
    ],
)
async def test_arguments_that_are_not_right_are_listed(
    client: httpx.AsyncClient, params: Any, text: str
) -> None:
    sent = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    answer = await client.post(MCP, json=sent)
    assert (answer.status_code, answer.json()) == (200, wrong(-32602, text, 1))


async def test_batch_counts_one_plus_each_v1_operation(client: httpx.AsyncClient, clock: ManualClock) -> None:
    batch = [tool_call("list_repos", None, number) for number in range(30)]
    free = [message("ping", "p"), message("tools/list", "l"), tool_call("get_run", {}, "bad")]
    assert (await client.post(MCP, json=batch + free)).status_code == 200
    # 31 units are gone; the 29 that are left pay for the POST and 28 of 30 operations.
    results = [entry["result"] for entry in (await client.post(MCP, json=batch)).json()]
    refused = [result["structuredContent"]["error"] for result in results if result["isError"]]
    assert len(refused) == 2
    assert (refused[0]["code"], refused[0]["status"]) == ("RATE_LIMITED", 429)
    answer = await client.post(MCP, json=message("ping", 6))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
    suggestion = "Retry after the rate-limit window resets."
    assert answer.json() == wrong(
        -32002, "Rate limit exceeded", 6, code="RATE_LIMITED", suggestion=suggestion
    )
    clock.advance(60)
    assert (await client.post(MCP, json=message("ping", 6))).status_code == 200
