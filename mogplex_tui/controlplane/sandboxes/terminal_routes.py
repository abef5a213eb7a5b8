"""Terminal routes; this server offers no terminals (sandboxes.md §4.16, §4.17)."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from ..http import params
from ..http.endpoints import ApiRequest, json_response, refusal
from .sandbox_endpoint import BASH, own_sandbox, require_capability, require_created

_DEFAULT_KEY = "default"
_LONGEST_KEY = 128


async def _fields(request: ApiRequest) -> dict[str, Any]:
    try:
        value = await params.json_body(request)
    except params.NotJsonError:
        raise refusal(400, "Invalid JSON body") from None
    return value if isinstance(value, dict) else {}


async def connect(request: ApiRequest) -> Response:
    """Respond that terminals are not available, whatever the sandbox id."""
    require_capability(request, BASH)
    if request.http.method == "POST" and await request.http.body():
        await _fields(request)
    return json_response({"available": False, "reason": "pty_disabled"})


async def session(request: ApiRequest) -> Response:
    """Respond that a terminal session was ended, although there are no sessions."""
    require_capability(request, BASH)
    body = await _fields(request)
    if body.get("action") != "kill":
        raise refusal(400, "Unsupported action")
    given = body.get("terminalSessionKey")
    key = params.trim(given)[:_LONGEST_KEY] if isinstance(given, str) else ""
    row = own_sandbox(request)
    require_created(row)
    return json_response({"ok": True, "terminalSessionKey": key or _DEFAULT_KEY})
