"""/api/settings/api-keys: personal access tokens (identity.md §4, auth.md §2.1)."""

from __future__ import annotations

import json
import math
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from ..db.clock import DAY_US, iso_app, iso_db, iso_db_or_none
from ..http import params
from ..http.bodies import body_of
from ..http.endpoints import ApiRequest, MethodHandler, Service, empty_500, json_response, refusal, route
from . import api_keys
from .session_required import SessionEndpoint, trimmed

# The last instant that the service's dates can hold: 8.64e15 ms after the epoch.
_LAST_US = 8_640_000_000_000_000_000


async def list_keys(request: ApiRequest) -> Response:
    """Return the caller's keys except revoked ones, newest first.

    Expired keys are included.
    """
    request.service.auth.uses.write()
    rows = request.plane.db.all(
        "SELECT * FROM user_api_keys WHERE user_id = ? AND revoked_at IS NULL"
        " ORDER BY created_at DESC, rowid DESC",
        (request.user_id,),
    )
    keys = [
        {
            "id": row["id"],
            "name": row["name"],
            "prefix": row["token_prefix"],
            "scopes": json.loads(row["scopes"]),
            "createdAt": iso_db(row["created_at"]),
            "lastUsedAt": iso_db_or_none(row["last_used_at"]),
            "expiresAt": iso_db_or_none(row["expires_at"]),
        }
        for row in rows
    ]
    return json_response({"keys": keys})


def _scopes(value: Any) -> list[str]:
    if value is None:
        return list(api_keys.SCOPES)
    if not isinstance(value, list):
        raise refusal(400, "scopes must be an array of strings")
    if not value:
        raise refusal(400, "scopes must include at least one entry")
    if any(scope not in api_keys.SCOPES for scope in value):
        raise refusal(400, "Invalid scope value. Allowed: read, write.")
    return list(dict.fromkeys(value))


def _expiry(days: Any, now_us: int) -> int | None:
    """Return the time (µs) at which a key of `days` days expires, or None for never.

    Fractions of a day are dropped, and the time is cut to milliseconds. A value that is not a
    positive number means never. Raises a 500 without a body if a date cannot hold the time.
    """
    if isinstance(days, bool) or not isinstance(days, int | float) or days <= 0:
        return None
    if not math.isfinite(days) or now_us + days * DAY_US > _LAST_US:
        raise empty_500()
    return (now_us + int(days) * DAY_US) // 1000 * 1000


async def mint_key(request: ApiRequest) -> Response:
    """Create a key and return it with its token, which no other response contains."""
    body = await body_of(request)
    name = trimmed(body.get("name"))
    if not 1 <= len(name) <= 100:
        raise refusal(400, "Name is required (1-100 characters)")
    scopes = _scopes(body.get("scopes"))
    now = request.plane.clock.now_us()
    expires_at = _expiry(body.get("expiresInDays"), now)
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        key = api_keys.mint(tx, request.user_id, name, scopes, now, expires_at)
    return json_response(
        {
            "id": key.id,
            "token": key.token,
            "prefix": key.prefix,
            "scopes": scopes,
            "expiresAt": None if expires_at is None else iso_app(expires_at),
        }
    )


async def revoke_key(request: ApiRequest) -> Response:
    """Revoke one of the caller's keys.

    The response is a success even if the caller has no active key with this id.
    """
    key_id = request.path_id("key_id")
    if not params.is_uuid(key_id):
        raise refusal(400, "Invalid key ID")
    with request.plane.db.transaction() as tx:
        api_keys.revoke(tx, request.user_id, key_id, request.plane.clock.now_us())
    return json_response({"ok": True})


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this module."""
    base = "/api/settings/api-keys"
    return [
        route(
            base, SessionEndpoint(service, {"GET": MethodHandler(list_keys), "POST": MethodHandler(mint_key)})
        ),
        route(base + "/{key_id}", SessionEndpoint(service, {"DELETE": MethodHandler(revoke_key)})),
    ]
