"""/api/settings/keys: the caller's own API keys of AI providers (identity.md §5)."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from ..db.clock import iso_db
from ..db.database import Row
from ..http.bodies import body_of
from ..http.endpoints import ApiRequest, MethodHandler, Service, json_response, route
from . import provider_keys
from .session_required import SessionEndpoint, key_of, provider_of

_SERVICES: dict[str, dict[str, str]] = {
    "ai_gateway": {"service": "Vercel AI Gateway"},
    "anthropic": {
        "service": "Claude Code",
        "harness": "Claude Code",
        "package": "@anthropic-ai/claude-code",
        "binary": "claude",
    },
    "openai": {"service": "Codex", "harness": "Codex", "package": "@openai/codex", "binary": "codex"},
    "openrouter": {"service": "OpenRouter"},
}


def key_object(row: Row) -> dict[str, Any]:
    """Return the JSON object of a stored provider key, without the key itself."""
    return {
        "provider": row["provider"],
        "created_at": iso_db(row["created_at"]),
        "updated_at": iso_db(row["updated_at"]),
    }


async def list_keys(request: ApiRequest) -> Response:
    """List the user's provider keys, sorted by provider, without the secrets."""
    rows = provider_keys.stored(request.plane.db, provider_keys.of_user(request.user_id))
    return json_response({"keys": [key_object(row) for row in rows]})


async def put_key(request: ApiRequest) -> Response:
    """Store or replace the key of one provider."""
    body = await body_of(request)
    provider, key = provider_of(body), key_of(body)
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        owner = provider_keys.of_user(request.user_id)
        provider_keys.put(tx, owner, provider, key, request.plane.clock.now_us())
    return json_response({"ok": True})


async def delete_key(request: ApiRequest) -> Response:
    """Delete the caller's key of one provider; succeed if there is no such key."""
    provider = provider_of(await body_of(request))
    with request.plane.db.transaction() as tx:
        provider_keys.remove(tx, provider_keys.of_user(request.user_id), provider)
    return json_response({"ok": True})


async def verify_key(request: ApiRequest) -> Response:
    """Return whether the caller has a key of a provider, and whether it looks valid.

    Only the format of the key is checked; the provider is not contacted. `key_valid` is null if no
    key is stored.
    """
    provider = provider_of(await body_of(request))
    rows = provider_keys.stored(request.plane.db, provider_keys.of_user(request.user_id))
    found = next((row for row in rows if row["provider"] == provider), None)
    valid = None if found is None else bool(found["is_plausible"])
    body: dict[str, Any] = {"key_stored": found is not None, "key_valid": valid}
    if valid is False:
        body["key_error"] = "Invalid API key"
    return json_response(body | _SERVICES[provider])


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this module."""
    handlers = {
        "GET": MethodHandler(list_keys),
        "PUT": MethodHandler(put_key),
        "DELETE": MethodHandler(delete_key),
    }
    return [
        route("/api/settings/keys/verify", SessionEndpoint(service, {"POST": MethodHandler(verify_key)})),
        route("/api/settings/keys", SessionEndpoint(service, handlers)),
    ]
