"""The v1 call of each MCP operation, and odd v1 answers (mcp.md §3 and §4)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Router
from starlette.types import Receive, Scope, Send

from mogplex_tui.controlplane.app import service_of
from mogplex_tui.controlplane.mcp import routes as mcp_routes
from mogplex_tui.controlplane.mcp.operations import OPERATIONS
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.mcp.mcp_messages import MCP, tool_call


class Recorder:
    """Replaces the v1 routes, records requests and gives prepared answers."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, Any]] = []
        self.headers: dict[str, str] = {}
        self.answer = Response(b'{"ok":true,"data":{}}')

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        path = request.url.path.removeprefix("/api/v1/mogplex")
        query = f"?{request.url.query}" if request.url.query else ""
        self.seen.append((request.method, path + query, json.loads(body) if body else None))
        self.headers = dict(request.headers)
        await self.answer(scope, receive, send)


@pytest.fixture
async def recorded(server: PlaneServer) -> AsyncIterator[tuple[httpx.AsyncClient, Recorder]]:
    """A client of the MCP endpoint with a recorder in place of the v1 routes."""
    recorder = Recorder()
    app = Router(list(mcp_routes.routes(service_of(server.plane))), default=recorder)
    headers = {"Authorization": f"Bearer {server.token}", "Cookie": "a=b"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://plane", headers=headers) as client:
        yield client, recorder


A, B = "a-1", "b 2"
GRAPH: dict[str, Any] = {
    "nodes": [
        {"id": " s ", "type": "start", "position": {"x": 0, "y": 1.5}, "data": {"label": "S"}, "more": 1}
    ],
    "edges": [{"id": "e", "source": "s", "target": " t", "sourceHandle": None, "more": 2}],
    "viewport": {"x": 0, "y": 0, "zoom": 1},
}
TRIMMED = {
    **GRAPH,
    "nodes": [GRAPH["nodes"][0] | {"id": "s"}],
    "edges": [GRAPH["edges"][0] | {"target": "t"}],
}
RUN = {
    "repoId": A,
    "prompt": "Fix",
    "harness": "codex",
    "baseBranch": "main",
    "workingBranch": "fix",
    "createBranch": True,
    "rootDirectory": None,
}
BOX = {key: value for key, value in RUN.items() if key not in ("prompt", "harness")}
FLOW = {"installationId": 5, "name": "N", "description": "", "notes": None, "graph": GRAPH}
CALLS: list[tuple[str, dict[str, Any], str, str, Any]] = [
    ("list_repos", {"query": "a b", "limit": 7}, "GET", "/repos?q=a+b&limit=7", None),
    ("list_env_vars", {"repoId": B}, "GET", "/repos/b%202/env-vars", None),
    (
        "set_env_var",
        {"repoId": A, "key": " K ", "value": " v ", "target": ["preview"], "type": "plain"},
        "POST",
        "/repos/a-1/env-vars",
        {"key": "K", "value": " v ", "target": ["preview"], "type": "plain"},
    ),
    ("delete_env_var", {"repoId": A, "key": "K"}, "DELETE", "/repos/a-1/env-vars", {"key": "K"}),
    ("list_agents", {}, "GET", "/agents", None),
    ("list_models", {}, "GET", "/models", None),
    (
        "list_sandboxes",
        {"repoId": A, "status": "running", "limit": 1},
        "GET",
        "/sandboxes?repo_id=a-1&status=running&limit=1",
        None,
    ),
    ("create_sandbox", BOX, "POST", "/sandboxes", BOX),
    ("get_sandbox_logs", {"sandboxId": A}, "GET", "/sandboxes/a-1/logs", None),
    ("list_automations", {"limit": 100, "cursor": "c"}, "GET", "/automations?limit=100&cursor=c", None),
    ("get_automation", {"automationId": A}, "GET", "/automations/a-1", None),
    (
        "create_automation",
        {**FLOW, "publish": True},
        "POST",
        "/automations",
        {**FLOW, "graph": TRIMMED, "publish": True},
    ),
    ("update_automation", {"automationId": A, **FLOW}, "PUT", "/automations/a-1", {**FLOW, "graph": TRIMMED}),
    ("publish_automation", {"automationId": A}, "POST", "/automations/a-1/publish", None),
    (
        "set_automation_model",
        {"automationId": A, "nodeId": "n", "modelId": None, "publish": False},
        "PUT",
        "/automations/a-1/model",
        {"nodeId": "n", "modelId": None, "publish": False},
    ),
    (
        "trigger_automation",
        {"automationId": A, "repoId": B, "input": {"x": 1}, "idempotencyKey": "k"},
        "POST",
        "/automations/a-1/trigger",
        {"repoId": B, "input": {"x": 1}},
    ),
    ("list_automation_runs", {"automationId": A, "limit": 50}, "GET", "/automations/a-1/runs?limit=50", None),
    ("get_automation_run_logs", {"automationId": A, "runId": B}, "GET", "/automations/a-1/runs/b%202", None),
    ("start_agent_run", {**RUN, "idempotencyKey": "k"}, "POST", "/runs", RUN),
    ("get_run", {"runId": A}, "GET", "/runs/a-1", None),
    ("get_run_events", {"runId": A, "limit": 200}, "GET", "/runs/a-1/events?limit=200", None),
    ("cancel_run", {"runId": A}, "POST", "/runs/a-1/cancel", None),
]


@pytest.mark.parametrize(("name", "given", "method", "path", "body"), CALLS, ids=[call[0] for call in CALLS])
async def test_operation_sends_bearer_of_caller(
    recorded: tuple[httpx.AsyncClient, Recorder],
    name: str,
    given: dict[str, Any],
    method: str,
    path: str,
    body: Any,
) -> None:
    client, recorder = recorded
    answer = (await client.post(MCP, json=tool_call(name, given))).json()
    assert answer["result"]["isError"] is False
    ((seen_method, seen_path, seen_body),) = recorder.seen
    assert (seen_method, seen_path, seen_body) == (method, path, body)
    assert recorder.headers["authorization"] == client.headers["authorization"]
    assert "cookie" not in recorder.headers
    keyed = name in ("start_agent_run", "trigger_automation")
    assert recorder.headers.get("idempotency-key") == ("k" if keyed else None)


def test_every_operation_is_tried() -> None:
    assert [f"mogplex_{call[0]}" for call in CALLS] == list(OPERATIONS)


@pytest.mark.parametrize(
    ("answered", "code", "status"),
    [
        (Response(b"<html>", 404), "HTTP_ERROR", 404),
        (Response(b"", 405), "HTTP_ERROR", 405),
        (Response(b'{"error":"Unauthorized"}', 401), "HTTP_ERROR", 401),
        (Response(b"<html>", 200), "INVALID_RESPONSE", 200),
        (Response(b"[]", 202), "INVALID_RESPONSE", 202),
        (
            Response(b'{"ok":false,"error":{"code":"CONFLICT","message":"Run is no longer active"}}', 409),
            "CONFLICT",
            409,
        ),
    ],
)
async def test_answers_that_are_no_data_have_a_code(
    recorded: tuple[httpx.AsyncClient, Recorder], answered: Response, code: str, status: int
) -> None:
    client, recorder = recorded
    recorder.answer = answered
    result = (await client.post(MCP, json=tool_call("list_repos"))).json()["result"]
    error = result["structuredContent"]["error"]
    assert (result["isError"], error["code"], error["status"]) == (True, code, status)
    assert error["suggestion"]


async def test_a_fault_inside_is_a_result_without_a_status(
    recorded: tuple[httpx.AsyncClient, Recorder],
) -> None:
    client, recorder = recorded

    async def breaks(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("broken on purpose")

    recorder.answer = breaks  # type: ignore[assignment]
    result = (await client.post(MCP, json=tool_call("list_repos"))).json()["result"]
    error = result["structuredContent"]["error"]
    assert (result["isError"], error["code"], set(error)) == (True, "INTERNAL_ERROR", {"code", "message"})
