"""Terminal routes; this server offers no terminals (sandboxes.md §4.16, §4.17)."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from ..http import params
from ..http.endpoints import Ask, answer, refusal
from .sandbox_endpoint import BASH, own_sandbox, require_capability, require_created

_DEFAULT_KEY = "default"
_LONGEST_KEY = 128


async def _fields(ask: Ask) -> dict[str, Any]:
    try:
        value = await params.json_body(ask)
    except params.NotJsonError:
        raise refusal(400, "Invalid JSON body") from None
    return value if isinstance(value, dict) else {}


async def connect(ask: Ask) -> Response:
    """Respond that terminals are not available, for any sandbox id."""
    require_capability(ask, BASH)
    if ask.request.method == "POST" and await ask.request.body():
        await _fields(ask)
    return answer({"available": False, "reason": "pty_disabled"})


async def session(ask: Ask) -> Response:
    """Report that a terminal session was ended; there are no sessions to end."""
    require_capability(ask, BASH)
    body = await _fields(ask)
    if body.get("action") != "kill":
        raise refusal(400, "Unsupported action")
    given = body.get("terminalSessionKey")
    key = params.trim(given)[:_LONGEST_KEY] if isinstance(given, str) else ""
    row = own_sandbox(ask)
    require_created(row)
    return answer({"ok": True, "terminalSessionKey": key or _DEFAULT_KEY})
