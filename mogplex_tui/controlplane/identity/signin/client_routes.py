"""POST /api/auth/mcp/register: registration of OAuth clients (auth.md §8)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from starlette.responses import Response
from starlette.routing import BaseRoute

from ...http import params
from ...http.endpoints import (
    ApiRequest,
    MethodHandler,
    RefusedError,
    Service,
    empty_500,
    json_response,
    route,
)
from . import signin_records
from .discovery_routes import BASE
from .forms import PageEndpoint

AUTH_METHODS = ("none", "client_secret_basic", "client_secret_post")
# A browser would run these instead of going there.
_NOWHERE = ("javascript", "data", "vbscript", "blob", "file")


def _invalid(field: str, what: str) -> RefusedError:
    body = {"message": f"[body.{field}] Invalid input: {what}", "code": "VALIDATION_ERROR"}
    return RefusedError(json_response(body, 400))


def _texts(body: dict[str, Any], field: str, fallback: list[str] | None = None) -> list[str]:
    value = body.get(field, fallback)
    if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
        raise _invalid(field, "expected an array of strings")
    return value


def _redirects(body: dict[str, Any]) -> list[str]:
    found = _texts(body, "redirect_uris")
    for uri in found:
        try:
            scheme = urlsplit(uri).scheme.lower()
        except ValueError:
            scheme = ""
        if not scheme or scheme in _NOWHERE or any(c.isspace() for c in uri):
            raise _invalid("redirect_uris", "expected absolute addresses")
    return found


async def register(request: ApiRequest) -> Response:
    """Register an OAuth client; the request needs no credentials.

    The hosted service accepts only clients without a secret.
    """
    try:
        body = await params.json_object(request)
    except params.NotJsonError:
        body = {}
    name, method = body.get("client_name"), body.get("token_endpoint_auth_method", "client_secret_basic")
    redirects = _redirects(body)
    if method not in AUTH_METHODS:
        raise _invalid("token_endpoint_auth_method", "expected one of " + ", ".join(AUTH_METHODS))
    if name is not None and not isinstance(name, str):
        raise _invalid("client_name", "expected a string")
    if method != "none" and request.plane.is_hosted:
        raise empty_500()
    client = signin_records.Registration(
        name,
        redirects,
        method,
        _texts(body, "grant_types", ["authorization_code"]),
        _texts(body, "response_types", ["code"]),
    )
    now = request.plane.clock.now_us()
    with request.plane.db.transaction() as tx:
        client_id, secret = signin_records.register(tx, client, now)
    registration = {
        "client_id": client_id,
        "client_id_issued_at": now // 1_000_000,
        "redirect_uris": redirects,
        "token_endpoint_auth_method": method,
        "grant_types": client.grant_types,
        "response_types": client.response_types,
        "client_name": name,
    }
    if secret is not None:
        registration |= {"client_secret": secret, "client_secret_expires_at": 0}
    return json_response(registration, 201, {"Cache-Control": "no-store"})


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this module."""
    return [route(BASE + "/register", PageEndpoint(service, {"POST": MethodHandler(register)}))]
