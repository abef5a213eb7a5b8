"""Send requests to the plane's own v1 routes with the caller's bearer token.

mcp.md §2, §3.
"""

from __future__ import annotations

import json
import logging
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Scope

from ..http.endpoints import encode
from .operation import Operation, V1Call

log = logging.getLogger("mogplex.controlplane")

_PREFIX = "/api/v1/mogplex"
_SUGGESTIONS = {
    "UNAUTHORIZED": "Check the Mogplex API token used for this MCP server.",
    "NOT_FOUND": "List repos or runs again and pass an id owned by this token.",
    "BAD_REQUEST": "Check the tool arguments and retry.",
    "CONFLICT": "Refresh the run state; it may no longer be active.",
    "IDEMPOTENCY_CONFLICT": "Retry with a new idempotency key or reuse the original request.",
}
_OTHERWISE = "Retry later or inspect Mogplex API logs for this request."
_INTERNAL = {"code": "INTERNAL_ERROR", "message": "The operation failed inside the MCP server"}


class CutError(Exception):
    """A v1 route ended its response early, as if the connection were lost."""


class Reply(NamedTuple):
    """The response of a route: status and raw body."""

    status: int
    body: bytes


def _scope(request: Request, call: V1Call, body: bytes) -> Scope:
    """Return the ASGI scope of a request to a v1 route.

    It has the host and the bearer token of the MCP request, but none of its other headers.
    """
    path, _, query = call.path.partition("?")
    headers = {
        "host": request.headers.get("host", ""),
        "authorization": request.headers.get("authorization", ""),
        "content-length": str(len(body)),
        **call.headers,
    }
    if body:
        headers["content-type"] = "application/json"
    full = _PREFIX + path
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": call.method,
        "scheme": request.url.scheme,
        # Left encoded: an id with a slash names nothing, and must not become another path.
        "path": full,
        "raw_path": full.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": request.scope.get("client"),
        "server": request.scope.get("server"),
        "state": {},
        "router": request.scope["router"],
    }


async def ask_v1(app: ASGIApp, request: Request, call: V1Call) -> Reply:
    """Send a request to a v1 route within the application and return the response.

    Raises CutError if the response ends early.
    """
    body = b"" if call.body is None else encode(call.body)
    incoming: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    status, parts, more = 500, [], False

    async def receive() -> Message:
        return incoming.pop(0) if incoming else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        nonlocal status, more
        if message["type"] == "http.response.start":
            status = message["status"]
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)

    await app(_scope(request, call, body), receive, send)
    if more:
        raise CutError
    return Reply(status, b"".join(parts))


async def perform(app: ASGIApp, request: Request, operation: Operation, given: dict[str, Any]) -> Any:
    """Call a tool and return the MCP result.

    If the v1 request fails, no exception is raised: the result describes the error.
    """
    try:
        reply = await ask_v1(app, request, operation.call(given))
    except CutError:
        return _refused(_INTERNAL)
    except Exception:
        log.exception("%s", operation.name)
        return _refused(_INTERNAL)
    return _result(operation, given, reply)


def _result(operation: Operation, given: dict[str, Any], reply: Reply) -> dict[str, Any]:
    try:
        envelope = json.loads(reply.body)
    except ValueError:
        envelope = None
    if not isinstance(envelope, dict):
        envelope = {}
    well = 200 <= reply.status < 300
    if well and isinstance(envelope.get("data"), dict):
        data: dict[str, Any] = envelope["data"]
        if operation.wrap is not None:
            data = {operation.wrap: data}
        text = operation.say(given, data)
        return {"content": [_text(text)], "structuredContent": data, "isError": False}
    error = envelope.get("error")
    if not well and isinstance(error, dict) and "code" in error:
        return _refused(_suggested(error["code"], reply.status, error.get("message") or ""))
    if well:
        return _refused(_suggested("INVALID_RESPONSE", reply.status, "The API answered without JSON data"))
    return _refused(_suggested("HTTP_ERROR", reply.status, f"The API answered HTTP {reply.status}"))


def _suggested(code: str, status: int, message: str) -> dict[str, Any]:
    suggestion = _SUGGESTIONS.get(code, _OTHERWISE)
    return {"code": code, "status": status, "message": message, "suggestion": suggestion}


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def _refused(error: dict[str, Any]) -> dict[str, Any]:
    sentence = f"{error['message'].rstrip('.')}. {error.get('suggestion', '')}".rstrip()
    return {"content": [_text(sentence)], "structuredContent": {"error": error}, "isError": True}
