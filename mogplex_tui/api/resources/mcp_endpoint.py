"""Mogplex as an MCP server, asked by JSON-RPC (mcp.md, errors.md §3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mogplex_tui.api import errors
from mogplex_tui.api.access import MCP_ENDPOINT
from mogplex_tui.api.budget import Priority, RequestOutcome, Slot
from mogplex_tui.api.models.base import Rows, parse_rows, validation_message
from mogplex_tui.api.models.mcp_endpoint import McpTool, ServerSays, ToolCall, ToolResult
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.response import JsonResponse
from mogplex_tui.api.response_errors import ResponseInfo, invalid_response
from mogplex_tui.api.safe_text import shown_path, visible

M = TypeVar("M", bound=BaseModel)

PROTOCOL = "2025-11-25"
"""The protocol version that the service speaks, whatever a client asks for."""

# An operation may launch a sandbox and wait for it.
_PATIENCE = 600.0
_KINDS: dict[int, type[errors.MogplexError]] = {
    -32700: errors.BadRequest,
    -32600: errors.BadRequest,
    -32601: errors.Absent,
    -32602: errors.BadRequest,
    -32603: errors.ServiceFailed,
    -32001: errors.NotSignedIn,
    -32002: errors.Throttled,
    -32003: errors.NotAllowed,
}


class McpEndpointResource(Resource):
    """`/api/v1/mogplex/mcp`: enough to try it out; everything that it can do has a method of its own elsewhere.

    A JSON-RPC error is raised as the error of the tree that it means, its number in `extra["rpc_code"]`. A call costs
    the token's budget twice: once for the endpoint, once for the route that it asks (mcp.md §3).
    """

    async def initialize(self) -> ServerSays:
        """Return what the endpoint says of itself; it keeps no session."""
        client = {"name": "mogplex-tui", "version": "1"}
        params = {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": client}
        result, info = await self._ask("initialize", params)
        return _parsed(ServerSays, result, info)

    async def ping(self) -> None:
        """Ask for a sign of life."""
        await self._ask("ping")

    async def tools(self) -> Rows[McpTool]:
        """Return all operations; the list is the truth about what there is (mcp.md §4)."""
        result, info = await self._ask("tools/list")
        listed = result.get("tools") if isinstance(result, dict) else None
        if not isinstance(listed, list):
            raise invalid_response(info, "has no list of operations")
        return parse_rows(McpTool, listed)

    async def call(self, call: ToolCall) -> ToolResult:
        """Call one operation; what the token API refuses is a result with a `refusal`, not an error.

        Raises BadRequest for arguments that do not fit and for an unknown operation.
        """
        result, info = await self._ask("tools/call", call.body(), _PATIENCE)
        found = _parsed(ToolResult, result, info)
        self._count([found])
        return found

    async def batch(self, calls: Sequence[ToolCall]) -> list[ToolResult | errors.MogplexError]:
        """Call several operations at once; return result or error of each, in the order of the calls."""
        if not calls:
            raise errors.InvalidInput("A batch needs at least one call")
        messages = [_message(number, "tools/call", call.body()) for number, call in enumerate(calls, 1)]
        response = await self._send(messages, _PATIENCE)
        if not isinstance(response.data, list):
            _result(response.data, response.info)
            raise invalid_response(response.info, "is no list of results")
        # The id is the service's word, and might be anything.
        by_id = {
            item["id"]: item
            for item in response.data
            if isinstance(item, dict) and type(item.get("id")) is int
        }
        found = [_outcome(by_id.get(number), response.info) for number in range(1, len(calls) + 1)]
        self._count(found)
        return found

    async def _ask(
        self, method: str, params: Any = None, extra_wait: float = 0.0
    ) -> tuple[Any, ResponseInfo]:
        response = await self._send(_message(1, method, params), extra_wait)
        return _result(response.data, response.info), response.info

    async def _send(self, message: Any, extra_wait: float) -> JsonResponse:
        headers = {"Accept": "application/json, text/event-stream", "Mcp-Protocol-Version": PROTOCOL}
        return await self._change(
            "POST", MCP_ENDPOINT, "the MCP endpoint", body=message, headers=headers, extra_wait=extra_wait
        )

    def _count(self, found: Sequence[ToolResult | errors.MogplexError]) -> None:
        """Tell the budget of the requests that the service made with this token (mcp.md §3)."""
        if not self._transport.spends_budget(MCP_ENDPOINT):
            return
        for result in found:
            refusal = result.refusal if isinstance(result, ToolResult) else None
            if isinstance(result, errors.MogplexError) or (refusal is not None and refusal.status == 429):
                continue
            slot = self._transport.budget.acquire(Priority.ACTION)
            if isinstance(slot, Slot):
                self._transport.budget.settle(slot, RequestOutcome.COUNTED)


def _message(number: int, method: str, params: Any) -> dict[str, Any]:
    message = {"jsonrpc": "2.0", "id": number, "method": method}
    return message if params is None else {**message, "params": params}


def _result(data: Any, info: ResponseInfo) -> Any:
    """Return the result inside one response; raises the error that it carries instead."""
    if not isinstance(data, dict) or data.get("jsonrpc") != "2.0":
        raise invalid_response(info, "is no JSON-RPC response")
    if "error" in data:
        raise _error(data["error"], info)
    if "result" not in data:
        raise invalid_response(info, "has neither a result nor an error")
    return data["result"]


def _parsed(model: type[M], result: Any, info: ResponseInfo) -> M:
    try:
        return model.model_validate(result)
    except ValidationError as error:
        raise invalid_response(
            info, f"has another shape than expected ({validation_message(error)})"
        ) from None


def _outcome(data: Any, info: ResponseInfo) -> ToolResult | errors.MogplexError:
    try:
        if data is None:
            raise invalid_response(info, "lacks one of the results")
        found = _parsed(ToolResult, _result(data, info), info)
    except errors.MogplexError as error:
        return error
    return found


def _error(told: Any, info: ResponseInfo) -> errors.MogplexError:
    """Return the error of the tree for a JSON-RPC error (errors.md §3)."""
    told = told if isinstance(told, dict) else {}
    number, data = told.get("code"), told.get("data")
    facts = data if isinstance(data, dict) else {}
    kind = _KINDS.get(number, errors.ServiceFailed) if isinstance(number, int) else errors.ServiceFailed
    text = visible(info.scrub(str(told.get("message") or "no reason given"))).rstrip(".")
    word, hint = facts.get("code"), facts.get("suggestion")
    error = kind(
        f"The MCP endpoint refused the request: {text}",
        advice=visible(info.scrub(hint)) if isinstance(hint, str) else None,
        resource=info.resource,
        method=info.method,
        path=shown_path(info.path),
        status=info.status,
        code=word if isinstance(word, str) else None,
        request_id=info.request_id,
    )
    error.extra = {"rpc_code": number}
    return error
