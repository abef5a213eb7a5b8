"""Refusals and oddities of the contract: responses and the expected errors.

Tried on the client (tests/api/test_oddities.py) and on the commands (tests/cli/test_odd_responses.py).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from mogplex_tui.api import errors as e

HTML = b"<!DOCTYPE html><title>x</title>"
V1_READ, O11Y_READ = "runs.get", "observability.stats"
"""The two reads whose answers a command shows: one on v1, one off it."""


@dataclass(frozen=True)
class Oddity:
    """A response to one method, and the expected error with message, code and wait."""

    name: str
    asked: str
    status: int
    body: Any
    kind: type[e.MogplexError]
    says: str = ""
    code: str | None = None
    wait: float | None = None
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        """The body as it is sent."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


def _v1(status: int, code: str, message: str, kind: type[e.MogplexError], **more: Any) -> Oddity:
    asked = more.pop("asked", V1_READ)
    body = {"ok": False, "error": {"code": code, "message": message}}
    return Oddity(
        f"{asked} {status} {code} {message}", asked, status, body, kind, message.rstrip("."), code, **more
    )


def _off(status: int, body: Any, kind: type[e.MogplexError], says: str = "", **more: Any) -> Oddity:
    asked = more.pop("asked", O11Y_READ)
    shown = more.pop("name", "") or (
        json.dumps(body)[:60] if not isinstance(body, bytes) else f"{body[:20]!r}"
    )
    return Oddity(f"{asked} {status} {shown}", asked, status, body, kind, says, **more)


_MINUTE = {"Retry-After": "60"}
_BEARER = {"WWW-Authenticate": 'Bearer realm="mogplex"'}

# errors.md §1: the code first, whatever the status.
ENVELOPE = [
    _v1(400, "BAD_REQUEST", "Invalid JSON body", e.BadRequest),
    _v1(403, "BAD_REQUEST", "Hosted compute is not enabled", e.NotAllowed, asked="sandboxes.launch_and_wait"),
    _v1(404, "BAD_REQUEST", "Repo not found", e.NotFound, asked="sandboxes.launch_and_wait"),
    _v1(429, "BAD_REQUEST", "Sandbox boot limit exceeded", e.Throttled, asked="sandboxes.launch_and_wait"),
    _v1(409, "BAD_REQUEST", "Activation in progress", e.BadRequest),
    _v1(403, "FORBIDDEN", "Missing required scope: read.", e.NotAllowed),
    _v1(404, "NOT_FOUND", "Run not found", e.NotFound),
    *(
        _v1(status, "CONFLICT", "Run is no longer active", e.Conflict, asked="runs.cancel")
        for status in (409, 400, 401, 403, 404, 500)
    ),
    _v1(409, "IDEMPOTENCY_CONFLICT", "Key already used", e.IdempotencyConflict, asked="runs.start"),
    _v1(429, "RATE_LIMITED", "Rate limit exceeded. Retry after 60s.", e.Throttled, wait=60.0, headers=_MINUTE),
    _v1(429, "RATE_LIMITED", "Daily external Mogplex run quota exceeded", e.Throttled, asked="runs.start", wait=7.0,
        headers={"Retry-After": "7"}),
    _v1(503, "SERVICE_UNAVAILABLE", "External Mogplex run rate limit unavailable", e.Unavailable, wait=60.0,
        headers=_MINUTE, asked="runs.start"),
    *(
        _v1(status, "SERVICE_UNAVAILABLE", "Failed to launch", e.Unavailable, asked="sandboxes.launch_and_wait")
        for status in (500, 502, 503, 504, 599)
    ),
    *(
        _v1(501, "SERVICE_UNAVAILABLE", "Not available", e.FeatureOff, asked=asked)
        for asked in ("repos.env_vars", "repos.put_env_var", "repos.delete_env_var")
    ),
    _v1(418, "SOMETHING_NEW", "A code of tomorrow", e.BadRequest),
    _v1(500, "SOMETHING_NEW", "A code of tomorrow", e.ServiceFailed),
]  # fmt: skip

# errors.md §1.3: by the method that asks the route.
FIXED = [
    _v1(500, "INTERNAL_ERROR", message, e.ServiceFailed, asked=asked)
    for asked, message in (
        ("repos.list", "Failed to list repos"),
        ("agents.list", "Failed to list agents"),
        ("models.available", "Failed to list models"),
        ("sandboxes.list", "Failed to list sandboxes"),
        ("sandboxes.logs", "Failed to load sandbox logs"),
        ("automations.list", "Failed to list automations"),
        ("automations.create", "Failed to create automation"),
        ("automations.get", "Failed to load automation"),
        ("automations.update", "Failed to update automation"),
        ("automations.publish", "Failed to publish automation"),
        ("automations.set_model", "Failed to update automation model"),
        ("automations.trigger", "Failed to trigger automation"),
        ("automations.runs", "Failed to list automation runs"),
        ("automations.run", "Failed to load automation run logs"),
        ("runs.start", "Failed to start run"),
        ("runs.get", "Failed to load run"),
        ("runs.events", "Failed to list events"),
        ("runs.cancel", "Failed to cancel run"),
        ("mcp_servers.configured_by_token", "Failed to list MCP servers"),
        ("repos.env_vars", "Failed to list env vars"),
        ("repos.put_env_var", "Failed to set env var"),
        ("repos.delete_env_var", "Failed to delete env var"),
    )
]

_LOGIN = {"Location": "/login?next=%2Fapi"}

# errors.md §1.5 and the client rule after it; system.md and docs/contract/README.md for what stands before the service.
OUTSIDE = [
    Oddity(f"{asked} {name}", asked, status, body, kind, says, None, None, content_type, headers)
    for asked in (V1_READ, O11Y_READ)
    for name, status, body, content_type, headers, kind, says in (
        ("405 without anything", 405, b"", "", {}, e.Absent, "no route"),
        ("308 for a slash", 308, b"", "", {"Location": "/api/x"}, e.Redirected, "redirects"),
        ("308 elsewhere", 308, b"", "", {"Location": "https://b.example/x"}, e.Redirected, "b.example"),
        ("307 to the login", 307, b"", "", _LOGIN, e.LoginRequired, "sign in"),
        ("302 to a login elsewhere", 302, b"", "", {"Location": "https://b.example/login"}, e.LoginRequired, "sign in"),
        ("404 page", 404, HTML, "text/html", {}, e.Absent, "no route"),
        ("404 without anything", 404, b"", "", {}, e.Absent, "no route"),
        ("500 without anything", 500, b"", "", {}, e.ServiceFailed, "HTTP 500"),
        ("500 raw text", 500, b"upstream exploded", "text/plain", {}, e.ServiceFailed, "HTTP 500"),
        ("502 page", 502, HTML, "text/html", {}, e.Unavailable, "HTTP 502"),
        ("503 page", 503, HTML, "text/html", {}, e.Unavailable, "HTTP 503"),
        ("504 page", 504, HTML, "text/html", {}, e.Unavailable, "HTTP 504"),
        ("429 text", 429, b"slow down", "text/plain", {"Retry-After": "9"}, e.Throttled, "Too many"),
        ("413 page", 413, HTML, "text/html", {}, e.BadRequest, "HTTP 413"),
        ("200 page", 200, HTML, "text/html; charset=utf-8", {}, e.LoginRequired, "web page"),
        ("200 without anything", 200, b"", "", {}, e.InvalidResponse, "JSON"),
        ("200 text", 200, b"OK", "text/plain", {}, e.InvalidResponse, "JSON"),
        ("200 cut JSON", 200, b'{"ok":true,"data":{"run":', "application/json", {}, e.InvalidResponse, "cut off"),
        ("200 null", 200, b"null", "application/json", {}, e.InvalidResponse, ""),
        ("200 array", 200, b"[]", "application/json", {}, e.InvalidResponse, ""),
    )
]  # fmt: skip

# errors.md §2: the shapes off v1.
SHAPES = [
    *(
        _off(status, {"error": "A sentence"}, kind, "A sentence")
        for status, kind in (
            (400, e.BadRequest),
            (403, e.NotAllowed),
            (404, e.NotFound),
            (409, e.Conflict),
            (410, e.Absent),
            (413, e.BadRequest),
            (415, e.BadRequest),
            (422, e.BadRequest),
            (429, e.Throttled),
            (500, e.ServiceFailed),
            (501, e.FeatureOff),
            (502, e.Unavailable),
            (503, e.Unavailable),
        )
    ),
    _off(500, {"error": 'invalid input syntax for type uuid: "x"'}, e.ServiceFailed, "invalid input syntax"),
    _off(501, {"error": "VERCEL_INTEGRATION_REQUIRED", "message": "Use another"}, e.FeatureOff, "Use another",
         code="VERCEL_INTEGRATION_REQUIRED", asked="vercel_variables.list"),
    _off(503, {"error": "No list", "allowlistUnavailable": True}, e.Unavailable, "No list", asked="models.list",
         extra={"allowlistUnavailable": True}),
    _off(409, {"error": "CONFLICT", "conversation": {"id": "c"}}, e.Conflict, code="CONFLICT",
         asked="conversations.save"),
    _off(409, {"error": "Job is no longer active", "status": "completed", "cancelRequestedAt": None}, e.Conflict,
         "no longer active", asked="observability.cancel_job",
         extra={"status": "completed", "cancelRequestedAt": None}),
    _off(400, {"error": "Name is taken", "field": "name"}, e.BadRequest, "Name is taken", asked="launch_presets.save",
         extra={"field": "name"}),
    _off(502, {"error": "GITHUB_API_ERROR", "detail": "Bad credentials"}, e.Unavailable, "Bad credentials",
         code="GITHUB_API_ERROR", asked="repo_secrets.list", extra={"detail": "Bad credentials"}),
    _off(409, {"error": "Connected already", "code": "PRESET_ALREADY_CONNECTED", "connection": {}}, e.Conflict,
         "Connected already", code="PRESET_ALREADY_CONNECTED", asked="connections.create", extra={"connection": {}}),
    _off(400, {"error": {"message": "Inner sentence"}}, e.BadRequest, "Inner sentence"),
    _off(400, {"message": "Bad redirect", "code": "INVALID"}, e.BadRequest, "Bad redirect", code="INVALID"),
    _off(400, {"error": None}, e.BadRequest, "HTTP 400"),
    _off(400, {"error": ["x"]}, e.BadRequest, "HTTP 400"),
    _off(500, [1, 2], e.ServiceFailed, "HTTP 500"),
]  # fmt: skip

# errors.md §2.1, §2.2 and §2.3.
FLOW_CODES = [
    _off(
        status,
        {"error": "A sentence", "code": code},
        kind,
        "A sentence",
        code=code,
        asked="flows.publish",
        name=code,
    )
    for status, kind, codes in (
        (404, e.NotFound, ("FLOW_NOT_FOUND", "FLOW_RUN_NOT_FOUND", "FLOW_INSTALLATION_NOT_FOUND")),
        (
            400,
            e.BadRequest,
            (
                *("FLOW_INVALID_INSTALLATION_ID", "FLOW_AGENT_FORBIDDEN", "FLOW_GRAPH_INVALID"),
                *("FLOW_UNPUBLISHED_ACTIVATION", "FLOW_ASSISTANT_INVALID_GRAPH"),
            ),
        ),
        (409, e.Conflict, ("FLOW_ACTIVATION_IN_PROGRESS",)),
        (
            500,
            e.ServiceFailed,
            (
                *("FLOW_STORAGE_FAILED", "FLOW_ACTIVATION_ROLLBACK_FAILED"),
                *("FLOW_PUBLISH_SYNC_FAILED", "FLOW_DELETE_SYNC_FAILED"),
            ),
        ),
    )
    for code in codes
]
MACHINE_CODES = [
    _off(status, {"error": "A sentence", "code": code}, kind, "A sentence", code=code, asked=asked, name=code)
    for status, kind, asked, codes in (
        (
            400,
            e.BadRequest,
            "mcp_servers.create",
            (
                *("INVALID_MCP_SERVER", "INVALID_NAME", "INVALID_TRANSPORT", "INVALID_TRANSPORT_FIELDS"),
                *("INVALID_EXTRA", "INVALID_DUPLICATE_KEY"),
            ),
        ),
        (409, e.Conflict, "mcp_servers.create", ("DUPLICATE_NAME",)),
        (503, e.Unavailable, "sandboxes.launch", ("SANDBOX_SERVICE_UNAVAILABLE",)),
        (400, e.BadRequest, "sandboxes.launch", ("VERCEL_LINKED_PROJECT_INVALID",)),
        (503, e.Unavailable, "chat.ask", ("chat_limit_check_failed",)),
        (503, e.Unavailable, "billing.subscribe", ("checkout_session_unavailable",)),
    )
    for code in codes
]
VERCEL_CODES = [
    _off(
        status, {"error": code, "message": "A sentence"}, kind, says, code=code, asked="vercel_variables.list"
    )
    for status, kind, code, says in (
        (401, e.Conflict, "VERCEL_AUTH_INVALID", "Connect Vercel again"),
        (404, e.NotFound, "VERCEL_PROJECT_NOT_FOUND", "A sentence"),
        (403, e.NotAllowed, "VERCEL_PROJECT_FORBIDDEN", "A sentence"),
        (429, e.Throttled, "VERCEL_RATE_LIMITED", "A sentence"),
        (400, e.BadRequest, "PLATFORM_VERCEL_NOT_CONFIGURED", "A sentence"),
        (400, e.BadRequest, "VERCEL_NOT_CONNECTED", "A sentence"),
    )
]
LIMITS = [
    _off(
        429,
        {
            "error": "Limit exceeded",
            "code": code,
            "retryAfterSeconds": 12,
            "limit": {"name": "n", "value": 20, "windowSeconds": window},
        },
        e.Throttled,
        "Limit exceeded",
        code=code,
        wait=12.0,
        asked=asked,
        name=code,
    )
    for asked, code, window in (
        ("chat.ask", "chat_rate_limited", 60),
        ("sandboxes.launch", "sandbox_boot_rate_limited", 3600),
        ("sandboxes.exec", "sandbox_exec_rate_limited", 60),
        ("sandboxes.exec", "sandbox_exec_concurrency_limited", 0),
        ("imported_repos.build_snapshot", "snapshot_rate_limited", 3600),
    )
]


def _rpc(
    status: int,
    number: int,
    message: str,
    kind: type[e.MogplexError],
    data: dict[str, str] | None = None,
    **more: Any,
) -> Oddity:
    error: dict[str, Any] = {"code": number, "message": message}
    if data is not None:
        error["data"] = data
    body = {"jsonrpc": "2.0", "id": 1, "error": error}
    return Oddity(
        f"rpc {number} {message}", "mcp.call", status, body, kind, code=(data or {}).get("code"), **more
    )


# errors.md §3.
JSON_RPC = [
    _rpc(400, -32700, "Parse error: invalid JSON", e.BadRequest, says="Parse error"),
    _rpc(200, -32600, "Invalid Request", e.BadRequest, says="Invalid Request"),
    _rpc(200, -32601, "Method not found: X", e.Absent, says="Method not found"),
    _rpc(200, -32602, "Unknown tool: X", e.BadRequest, says="Unknown tool"),
    _rpc(
        200,
        -32603,
        "Mogplex MCP request failed",
        e.ServiceFailed,
        {"code": "INTERNAL_ERROR"},
        says="request failed",
    ),
    _rpc(401, -32001, "Unauthorized", e.NotSignedIn, {"code": "UNAUTHORIZED"}, headers=_BEARER),
    _rpc(
        429, -32002, "Rate limit exceeded", e.Throttled, {"code": "RATE_LIMITED"}, headers=_MINUTE, wait=60.0
    ),
    _rpc(
        403, -32003, "Forbidden origin", e.NotAllowed, {"code": "FORBIDDEN_ORIGIN"}, says="Forbidden origin"
    ),
    _rpc(200, -31000, "A number of tomorrow", e.ServiceFailed, says="A number of tomorrow"),
]

UNAUTHORIZED = [
    _v1(401, "UNAUTHORIZED", "", e.NotSignedIn, headers=_BEARER),
    _off(401, {"error": "Unauthorized"}, e.NotSignedIn),
]

EVERY = [
    *ENVELOPE,
    *FIXED,
    *OUTSIDE,
    *SHAPES,
    *FLOW_CODES,
    *MACHINE_CODES,
    *VERCEL_CODES,
    *LIMITS,
    *JSON_RPC,
    *UNAUTHORIZED,
]
