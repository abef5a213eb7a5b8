"""POST, OPTIONS and GET /api/v1/mogplex/mcp: JSON-RPC without sessions.

mcp.md §1, §2.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ..http import params
from ..http.endpoints import ApiRequest, RefusedError, Service, V1Endpoint, encode
from .operations import OPERATIONS
from .v1_requests import perform

log = logging.getLogger("mogplex.controlplane")

PROTOCOL = "2025-11-25"

_ALLOW = "POST, OPTIONS"
_NO_STORE = {"Cache-Control": "no-store"}
_PREFLIGHT = {
    "Allow": _ALLOW,
    "Access-Control-Allow-Methods": _ALLOW,
    "Access-Control-Allow-Headers": "authorization, content-type, mcp-protocol-version, mcp-session-id",
    "Access-Control-Max-Age": "86400",
    "Vary": "origin",
}
_INSTRUCTIONS = (
    "Operates a Mogplex account. List repositories first: most operations take a repository id. Starting a run or"
    " triggering an automation is work that costs money; give an idempotency key when you may have to repeat it."
)
_SERVER = {
    "protocolVersion": PROTOCOL,
    "capabilities": {"tools": {"listChanged": False}},
    "serverInfo": {"name": "mogplex", "version": "0.1.0"},
    "instructions": _INSTRUCTIONS,
}
_UNAUTHORIZED = {
    "code": "UNAUTHORIZED",
    "suggestion": "Sign in with OAuth or configure a Mogplex API token.",
}
_RATE_LIMITED = {"code": "RATE_LIMITED", "suggestion": "Retry after the rate-limit window resets."}


class RpcError(Exception):
    """A JSON-RPC error to send as the response to one message (errors.md §3)."""

    def __init__(self, code: int, message: str, data: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.body: dict[str, Any] = {"code": code, "message": message}
        if data is not None:
            self.body["data"] = data


def _error(error: RpcError, request_id: Any = None) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, "error": error.body}


def _has_id(message: Any) -> bool:
    """Return whether a message is an object with a valid id: text, number or null."""
    if not isinstance(message, dict) or "id" not in message:
        return False
    given = message["id"]
    return given is None or (isinstance(given, str | int | float) and not isinstance(given, bool))


class McpEndpoint(V1Endpoint):
    """The MCP endpoint, with v1's authentication and errors in JSON-RPC format."""

    def __init__(self, service: Service) -> None:
        super().__init__(service, {})
        listed = service.plane.settings.mcp_origins.split(",")
        self._origins = {origin.strip() for origin in listed} - {""}

    @property
    def methods(self) -> tuple[str, ...]:
        """The HTTP methods that this path handles itself.

        GET is among them because its 405 response has headers that those of other methods lack.
        """
        return ("POST", "OPTIONS", "GET")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        request = Request(scope, receive)
        if request.method == "POST":
            response = await self._post(request)
        elif request.method == "OPTIONS":
            response = self._preflight(request)
        elif request.method in ("GET", "HEAD"):
            response = Response(status_code=405, headers={"Allow": _ALLOW, **_NO_STORE})
        else:
            response = Response(status_code=405)
        await response(scope, receive, send)

    def _allowed(self, request: Request) -> bool:
        """Return whether a request's origin may use the endpoint.

        The Origin header must be missing, name this server, or be in the list of allowed origins.
        """
        origin = request.headers.get("origin")
        own = f"{request.url.scheme}://{request.headers.get('host', '')}"
        return origin is None or origin == own or origin in self._origins

    def _cors(self, request: Request) -> dict[str, str]:
        origin = request.headers.get("origin")
        if origin is None:
            return {}
        allowed = {"Access-Control-Allow-Origin": origin} if self._allowed(request) else {}
        return {"Vary": "origin", **allowed}

    def _preflight(self, request: Request) -> Response:
        if not self._allowed(request):
            return Response(status_code=403, headers={"Vary": "origin", **_NO_STORE})
        return Response(status_code=204, headers={**_PREFLIGHT, **self._cors(request)})

    def _reply(
        self, request: Request, value: Any, status: int = 200, more: Mapping[str, str] | None = None
    ) -> Response:
        headers = {**_NO_STORE, "Mcp-Protocol-Version": PROTOCOL, **self._cors(request), **(more or {})}
        if value is None:
            return Response(status_code=status, headers=headers)
        return Response(encode(value), status, headers, media_type="application/json")

    async def _post(self, request: Request) -> Response:
        """Answer a POST whose body is one JSON-RPC message or an array of messages.

        The origin is checked first, then the JSON, the bearer token and the messages.
        """
        if not self._allowed(request):
            error = _error(RpcError(-32003, "Forbidden origin", {"code": "FORBIDDEN_ORIGIN"}))
            del error["id"]
            return self._reply(request, error, 403)
        try:
            message = await params.json_body(ApiRequest(self.service, request, None))
        except params.NotJsonError:
            return self._reply(request, _error(RpcError(-32700, "Parse error: invalid JSON")), 400)
        try:
            self.authenticate(request)
        except RefusedError as refused:
            return self._refuse(request, message, refused.response)
        if not isinstance(message, list):
            answered = await self._answer(request, message)
            return self._reply(request, answered, 202 if answered is None else 200)
        if not message:
            return self._reply(request, _error(RpcError(-32600, "Invalid Request")))
        answers = await asyncio.gather(*(self._answer(request, one) for one in message))
        replies = [answered for answered in answers if answered is not None]
        return self._reply(request, replies or None, 200 if replies else 202)

    def _refuse(self, request: Request, message: Any, refused: Response) -> Response:
        """Return the JSON-RPC form of a response that refuses the bearer token.

        `refused` is a 401 or 429 response. Its status and its headers WWW-Authenticate and Retry-After
        are kept.
        """
        request_id = message["id"] if _has_id(message) else None
        if refused.status_code == 429:
            error = RpcError(-32002, "Rate limit exceeded", _RATE_LIMITED)
        else:
            error = RpcError(-32001, "Unauthorized", _UNAUTHORIZED)
        kept = {
            name: refused.headers[name]
            for name in ("WWW-Authenticate", "Retry-After")
            if name in refused.headers
        }
        return self._reply(request, _error(error, request_id), refused.status_code, kept)

    async def _answer(self, request: Request, message: Any) -> dict[str, Any] | None:
        """Return the response to one JSON-RPC message, or None for a notification."""
        invalid = RpcError(-32600, "Invalid Request")
        if not isinstance(message, dict) or ("id" in message and not _has_id(message)):
            return _error(invalid)
        request_id, method = message.get("id"), message.get("method")
        if message.get("jsonrpc") != "2.0" or not isinstance(method, str) or "error" in message:
            return _error(invalid, request_id)
        if "id" not in message:
            return None
        try:
            result = await self._result(request, method, message.get("params"))
        except RpcError as error:
            return _error(error, request_id)
        except Exception:
            log.exception("mcp %s", method)
            failed = RpcError(-32603, "Mogplex MCP request failed", {"code": "INTERNAL_ERROR"})
            return _error(failed, request_id)
        return {"jsonrpc": "2.0", "id": request_id, "result": result}

    async def _result(self, request: Request, method: str, given: Any) -> Any:
        if method == "initialize":
            return _SERVER
        if method == "ping":
            return {}
        if method == "tools/list":
            return {"tools": [operation.published() for operation in OPERATIONS.values()]}
        if method == "tools/call":
            return await self._call(request, given)
        raise RpcError(-32601, f"Method not found: {method}")

    async def _call(self, request: Request, given: Any) -> Any:
        envelope = given if isinstance(given, dict) else {}
        name, arguments = envelope.get("name"), envelope.get("arguments")
        if not isinstance(name, str) or not name:
            raise RpcError(-32602, "tools/call requires params.name")
        if arguments is not None and not isinstance(arguments, dict):
            raise RpcError(-32602, "tools/call params.arguments must be an object")
        operation = OPERATIONS.get(name)
        if operation is None:
            raise RpcError(-32602, f"Unknown tool: {name}")
        issues: list[str] = []
        checked = operation.arguments.check(arguments or {}, (), issues)
        if issues:
            raise RpcError(-32602, "; ".join(issues))
        return await perform(request.scope["router"], request, operation, checked)
