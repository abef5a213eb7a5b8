"""Mogplex as an MCP server (mcp.md, errors.md §3)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api.client import MogplexClient
from mogplex_tui.api.models.mcp_endpoint import ToolCall, ToolResult
from mogplex_tui.api.resources.mcp_endpoint import PROTOCOL
from mogplex_tui.api.route_access import Family, Reach, family_of
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from tests.api.families.minimal_plane import NOBODY, Call, MinimalPlane, assert_not_sent
from tests.api.support import http, serving


async def test_mcp_initialize_returns_server_and_capabilities(minimal_plane: MinimalPlane) -> None:
    said = await minimal_plane.client.mcp.initialize()
    assert (said.protocol_version, said.server_info.name) == (PROTOCOL, "mogplex") and said.instructions
    await minimal_plane.client.mcp.ping()
    tools = await minimal_plane.client.mcp.tools()
    assert len(tools) == 22 and not tools.bad
    assert tools[0].name == "mogplex_list_repos" and tools[0].annotations.read_only is True
    cancel = next(tool for tool in tools if tool.name == "mogplex_cancel_run")
    assert (cancel.annotations.destructive, cancel.annotations.idempotent) == (True, True)
    assert cancel.input_schema["required"] == ["runId"]


async def test_operation_returns_data_or_raises_refusal(minimal_plane: MinimalPlane) -> None:
    repo = minimal_plane.world.repo("acme/api")
    found = await minimal_plane.client.mcp.call(ToolCall(name="mogplex_list_repos", arguments={"limit": 5}))
    assert found.refusal is None and found.text
    assert [row["id"] for row in found.structured_content["repos"]] == [repo]
    refused = await minimal_plane.client.mcp.call(
        ToolCall(name="mogplex_get_run", arguments={"runId": NOBODY})
    )
    assert refused.is_error and refused.refusal is not None
    assert (refused.refusal.code, refused.refusal.status) == ("NOT_FOUND", 404)
    assert refused.refusal.suggestion.startswith("List repos or runs again")


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (ToolCall(name="mogplex_get_run", arguments={}), "runId: Required"),
        (ToolCall(name="mogplex_nothing"), "Unknown tool: mogplex_nothing"),
        (ToolCall(name="mogplex_list_models", arguments={"zz": 1}), "Unrecognized key"),
    ],
)
async def test_arguments_that_do_not_fit_are_a_bad_request(
    minimal_plane: MinimalPlane, call: ToolCall, says: str
) -> None:
    with pytest.raises(e.BadRequest, match=says) as caught:
        await minimal_plane.client.mcp.call(call)
    assert caught.value.extra == {"rpc_code": -32602}


async def test_a_batch_answers_call_by_call_in_order(minimal_plane: MinimalPlane) -> None:
    minimal_plane.world.repo()
    calls = [
        ToolCall(name="mogplex_list_repos"),
        ToolCall(name="mogplex_nothing"),
        ToolCall(name="mogplex_get_run", arguments={"runId": NOBODY}),
    ]
    good, bad, refused = await minimal_plane.client.mcp.batch(calls)
    assert isinstance(good, ToolResult) and len(good.structured_content["repos"]) == 1
    assert isinstance(bad, e.BadRequest)
    assert isinstance(refused, ToolResult) and refused.refusal is not None


async def test_call_costs_two_budget_slots_and_invalid_call_one(minimal_plane: MinimalPlane) -> None:
    async with MogplexClient(
        Target("t", minimal_plane.server.base_url, Secret(minimal_plane.server.token))
    ) as client:
        await client.mcp.ping()
        assert client.budget.used() == 1
        await client.mcp.call(ToolCall(name="mogplex_list_repos"))
        assert client.budget.used() == 3
        await client.mcp.batch([ToolCall(name="mogplex_list_repos")] * 2 + [ToolCall(name="x")])
        assert client.budget.used() == 6


async def test_mcp_reach_does_not_prove_write_scope(
    minimal_plane: MinimalPlane,
) -> None:
    token = minimal_plane.world.token(scopes=("read",))
    async with MogplexClient(Target("t", minimal_plane.server.base_url, Secret(token))) as client:
        await client.mcp.ping()
        assert client.access.can_write is None
        assert client.access.reach(Family.V1).reach is Reach.UNKNOWN
        assert client.access.reach(Family.MCP_ENDPOINT).reach is Reach.OPEN
        refused = await client.mcp.call(ToolCall(name="mogplex_cancel_run", arguments={"runId": NOBODY}))
        assert refused.refusal is not None and refused.refusal.code == "FORBIDDEN"
    assert family_of("/api/v1/mogplex/mcp/servers") is Family.V1


async def test_unknown_token_raises_not_signed_in(minimal_plane: MinimalPlane) -> None:
    wrong = Target("t", minimal_plane.server.base_url, Secret("mog_" + "x" * 24))
    async with MogplexClient(wrong) as client:
        with pytest.raises(e.NotSignedIn):
            await client.mcp.ping()


async def test_exhausted_token_raises_throttled() -> None:
    async with PlaneServer(Settings(speed=0, seeded=False, rate_limit=1)) as server:
        client = MogplexClient(Target("t", server.base_url, Secret(server.token)))
        async with client:
            await client.mcp.ping()
            with pytest.raises(e.Throttled) as caught:
                await client.mcp.ping()
            assert caught.value.of_requests and caught.value.retry_after == 60
            assert client.budget.used() == 1 and client.budget.blocked_until is not None


def rpc(**body: Any) -> bytes:
    return http(200, {"jsonrpc": "2.0", "id": 1, **body})


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (-32700, e.BadRequest),
        (-32600, e.BadRequest),
        (-32601, e.Absent),
        (-32602, e.BadRequest),
        (-32603, e.ServiceFailed),
        (-32001, e.NotSignedIn),
        (-32002, e.Throttled),
        (-32003, e.NotAllowed),
        (-1, e.ServiceFailed),
        ("odd", e.ServiceFailed),
    ],
)
async def test_protocol_errors_map_to_error_classes(number: Any, kind: type[Any]) -> None:
    told_error = {"code": number, "message": "No.", "data": {"code": "WORD", "suggestion": "Do this"}}
    async with serving(rpc(error=told_error)) as service, service.client() as client:
        with pytest.raises(kind) as caught:
            await client.mcp.ping()
        error = caught.value
        assert type(error) is kind and str(error) == "The MCP endpoint refused the request: No. Do this."
        assert (error.code, error.extra) == ("WORD", {"rpc_code": number})
        assert json.loads(service.seen[0].body) == {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        assert service.seen[0].headers["mcp-protocol-version"] == PROTOCOL


@pytest.mark.parametrize(
    "answer",
    [
        http(200, []),
        http(200, {"ok": True, "data": {}}),
        rpc(),
        rpc(result={"tools": "many"}),
        http(202, b"", ""),
    ],
)
async def test_message_without_result_is_invalid_response(answer: bytes) -> None:
    async with serving(answer) as service, service.client() as client:
        with pytest.raises(e.InvalidResponse):
            await client.mcp.tools()


@pytest.mark.parametrize("odd", [[], {}, None, True, 1.0, "1"])
async def test_batch_answer_with_wrong_id_is_invalid_response(odd: Any) -> None:
    mine = {"jsonrpc": "2.0", "id": 1, "result": {"content": [], "structuredContent": {"n": 1}}}
    body = json.dumps([{**mine, "id": odd}]).encode()
    async with serving(http(200, body)) as service, service.client() as client:
        (found,) = await client.mcp.batch([ToolCall(name="mogplex.repos.list")])
    assert isinstance(found, e.InvalidResponse) and "lacks one of the results" in found.message


async def test_refused_batch_raises_and_missing_answer_is_error() -> None:
    calls = [ToolCall(name="a"), ToolCall(name="b")]
    refused = rpc(error={"code": -32600, "message": "Invalid Request"})
    async with serving(refused) as service, service.client() as client:
        with pytest.raises(e.BadRequest):
            await client.mcp.batch(calls)
    only = [{"jsonrpc": "2.0", "id": 2, "result": {"content": None, "isError": None}}]
    async with serving(http(200, only)) as service, service.client() as client:
        first, second = await client.mcp.batch(calls)
    assert isinstance(first, e.InvalidResponse) and isinstance(second, ToolResult)
    assert second.text == "" and second.refusal is None


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda c: c.mcp.call(ToolCall(name=" ")), "requires params.name"),
        (lambda c: c.mcp.call(ToolCall(name="a", arguments={"x": {1}})), "cannot be written as JSON"),
        (lambda c: c.mcp.batch([]), "at least one call"),
    ],
)
async def test_invalid_input_is_not_sent(call: Call, says: str) -> None:
    async def attempt(client: MogplexClient) -> Any:
        return await call(client)

    await assert_not_sent(attempt, says)
