"""/api/settings/keys: the caller's own API keys of AI providers (identity.md §5)."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from ..db.clock import iso_db
from ..db.database import Row
from ..http.bodies import body_of
from ..http.endpoints import Ask, Service, Verb, answer, route
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


async def list_keys(ask: Ask) -> Response:
    """List the user's provider keys, sorted by provider, without the secrets."""
    rows = provider_keys.stored(ask.plane.db, provider_keys.of_user(ask.user_id))
    return answer({"keys": [key_object(row) for row in rows]})


async def put_key(ask: Ask) -> Response:
    """Store or replace the key of one provider."""
    body = await body_of(ask)
    provider, key = provider_of(body), key_of(body)
    with ask.plane.db.transaction(ids=ask.service.ids) as tx:
        owner = provider_keys.of_user(ask.user_id)
        provider_keys.put(tx, owner, provider, key, ask.plane.clock.now_us())
    return answer({"ok": True})


async def delete_key(ask: Ask) -> Response:
    """Delete the caller's key of one provider; succeed if there is no such key."""
    provider = provider_of(await body_of(ask))
    with ask.plane.db.transaction() as tx:
        provider_keys.remove(tx, provider_keys.of_user(ask.user_id), provider)
    return answer({"ok": True})


async def verify_key(ask: Ask) -> Response:
    """Return whether the caller has a key of a provider, and whether it looks valid.

    Only the format is checked, no provider is asked. `key_valid` is null if no key is stored.
    """
    provider = provider_of(await body_of(ask))
    rows = provider_keys.stored(ask.plane.db, provider_keys.of_user(ask.user_id))
    found = next((row for row in rows if row["provider"] == provider), None)
    valid = None if found is None else bool(found["is_plausible"])
    body: dict[str, Any] = {"key_stored": found is not None, "key_valid": valid}
    if valid is False:
        body["key_error"] = "Invalid API key"
    return answer(body | _SERVICES[provider])


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this module."""
    verbs = {"GET": Verb(list_keys), "PUT": Verb(put_key), "DELETE": Verb(delete_key)}
    return [
        route("/api/settings/keys/verify", SessionEndpoint(service, {"POST": Verb(verify_key)})),
        route("/api/settings/keys", SessionEndpoint(service, verbs)),
    ]
