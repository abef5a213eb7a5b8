"""Mogplex's own MCP server, called over JSON-RPC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mogplex_tui.api import errors
from mogplex_tui.api.budget import Priority, RequestOutcome, Slot
from mogplex_tui.api.models.base import Rows, parse_rows, validation_message
from mogplex_tui.api.models.mcp_endpoint import McpTool, ServerInfo, ToolCall, ToolResult
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.response import JsonResponse
from mogplex_tui.api.response_errors import ResponseInfo, invalid_response
from mogplex_tui.api.route_access import MCP_ENDPOINT
from mogplex_tui.api.safe_text import shown_path, visible

M = TypeVar("M", bound=BaseModel)

PROTOCOL = "2025-11-25"
"""The protocol version that the service uses, whatever version a client requests."""

# Seconds. An operation may launch a sandbox and wait for it.
_EXTRA_WAIT = 600.0
_ERROR_TYPES: dict[int, type[errors.MogplexError]] = {
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
    """Mogplex's own MCP server, at `/api/v1/mogplex/mcp`.

    These methods are for trying out the server. For normal use, the other resources have a method
    for each operation of the server. A JSON-RPC error is raised as the corresponding error of
    `api.errors`, with its number in `extra["rpc_code"]`. A call counts twice against the token's
    limit: once for this endpoint and once for the route that the server calls.

    Contract: mcp.md §3, errors.md §3.
    """

    async def initialize(self) -> ServerInfo:
        """Return the server's name, protocol version, capabilities and instructions.

        The request opens no MCP session; the other methods can be called without it.
        """
        client = {"name": "mogplex-tui", "version": "1"}
        params = {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": client}
        result, info = await self._call_method("initialize", params)
        return _parsed(ServerInfo, result, info)

    async def ping(self) -> None:
        """Check that the server responds."""
        await self._call_method("ping")

    async def tools(self) -> Rows[McpTool]:
        """Return all operations of the server.

        Contract: mcp.md §4.
        """
        result, info = await self._call_method("tools/list")
        listed = result.get("tools") if isinstance(result, dict) else None
        if not isinstance(listed, list):
            raise invalid_response(info, "has no list of operations")
        return parse_rows(McpTool, listed)

    async def call(self, call: ToolCall) -> ToolResult:
        """Call one operation and return its result.

        If the token API refuses the operation, no error is raised, but the `refusal` of the result says
        why. Raises BadRequest for an unknown operation and for invalid arguments.
        """
        result, info = await self._call_method("tools/call", call.body(), _EXTRA_WAIT)
        tool_result = _parsed(ToolResult, result, info)
        self._count([tool_result])
        return tool_result

    async def batch(self, calls: Sequence[ToolCall]) -> list[ToolResult | errors.MogplexError]:
        """Call several operations in one request; return a result or an error for each.

        The results are in the order of `calls`.
        """
        if not calls:
            raise errors.InvalidInput("A batch needs at least one call")
        messages = [_message(number, "tools/call", call.body()) for number, call in enumerate(calls, 1)]
        response = await self._send(messages, _EXTRA_WAIT)
        if not isinstance(response.data, list):
            _result(response.data, response.info)
            raise invalid_response(response.info, "is not a list of results")
        # The service sends the id, so it may be of any type.
        by_id = {
            item["id"]: item
            for item in response.data
            if isinstance(item, dict) and type(item.get("id")) is int
        }
        results = [_outcome(by_id.get(number), response.info) for number in range(1, len(calls) + 1)]
        self._count(results)
        return results

    async def _call_method(
        self, method: str, params: Any = None, extra_wait: float = 0.0
    ) -> tuple[Any, ResponseInfo]:
        response = await self._send(_message(1, method, params), extra_wait)
        return _result(response.data, response.info), response.info

    async def _send(self, message: Any, extra_wait: float) -> JsonResponse:
        headers = {"Accept": "application/json, text/event-stream", "Mcp-Protocol-Version": PROTOCOL}
        return await self._change(
            "POST", MCP_ENDPOINT, "the MCP endpoint", body=message, headers=headers, extra_wait=extra_wait
        )

    def _count(self, results: Sequence[ToolResult | errors.MogplexError]) -> None:
        """Count the requests that the server sent for some calls in the token's budget.

        Calls that failed, and calls that the token API refused with 429, are not counted.

        Contract: mcp.md §3.
        """
        if not self._transport.spends_budget(MCP_ENDPOINT):
            return
        for result in results:
            refusal = result.refusal if isinstance(result, ToolResult) else None
            if isinstance(result, errors.MogplexError) or (refusal is not None and refusal.status == 429):
                continue
            slot = self._transport.budget.acquire(Priority.ACTION)
            if isinstance(slot, Slot):
                self._transport.budget.record_outcome(slot, RequestOutcome.COUNTED)


def _message(number: int, method: str, params: Any) -> dict[str, Any]:
    message = {"jsonrpc": "2.0", "id": number, "method": method}
    return message if params is None else {**message, "params": params}


def _result(data: Any, info: ResponseInfo) -> Any:
    """Return the result in a JSON-RPC response, or raise the error in it."""
    if not isinstance(data, dict) or data.get("jsonrpc") != "2.0":
        raise invalid_response(info, "is not a JSON-RPC response")
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
            info, f"does not have the expected shape ({validation_message(error)})"
        ) from None


def _outcome(data: Any, info: ResponseInfo) -> ToolResult | errors.MogplexError:
    try:
        if data is None:
            raise invalid_response(info, "lacks one of the results")
        return _parsed(ToolResult, _result(data, info), info)
    except errors.MogplexError as error:
        return error


def _error(rpc_error: Any, info: ResponseInfo) -> errors.MogplexError:
    """Return the error of `api.errors` that corresponds to a JSON-RPC error.

    Contract: errors.md §3.
    """
    rpc_error = rpc_error if isinstance(rpc_error, dict) else {}
    number, rpc_data = rpc_error.get("code"), rpc_error.get("data")
    details = rpc_data if isinstance(rpc_data, dict) else {}
    error_type = (
        _ERROR_TYPES.get(number, errors.ServiceFailed) if isinstance(number, int) else errors.ServiceFailed
    )
    text = visible(info.scrub(str(rpc_error.get("message") or "no reason given"))).rstrip(".")
    code, advice = details.get("code"), details.get("suggestion")
    error = error_type(
        f"The MCP endpoint refused the request: {text}",
        advice=visible(info.scrub(advice)) if isinstance(advice, str) else None,
        resource=info.resource,
        method=info.method,
        path=shown_path(info.path),
        status=info.status,
        code=code if isinstance(code, str) else None,
        request_id=info.request_id,
    )
    error.extra = {"rpc_code": number}
    return error
