"""Routes that authorise a connection by OAuth in the browser (library.md §8.5).

The plane is not registered as a client of any real service. For the two presets with
`registers` the plane imitates the service: it redirects the browser back at once with a code.
For an OAuth client that a user entered, the browser is redirected to the entered URL, and the
callback always reports that the code could not be exchanged.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from ..db.clock import HOUR_US
from ..db.database import Row
from ..http.endpoints import ApiRequest, MethodHandler, OpenEndpoint, PlainEndpoint, Service, refusal, route
from . import connection_writes as writes
from .connection_presets import PRESETS
from .connection_routes import own_connection

_STATE_COOKIE = "mogplex-connection-oauth"
_VERIFIER_COOKIE = "mogplex-connection-pkce"
_COOKIE_SECONDS = 600
_CALLBACK = "/api/connections/oauth/callback"
_TOKEN_US = 30 * 24 * HOUR_US


def _settings(word: str) -> Response:
    return RedirectResponse(f"/settings?tab=connections&oauth={word}", 302)


def _wanted(request: ApiRequest) -> Row:
    wanted = request.query("connectionId").strip()
    if not wanted:
        raise refusal(400, "connectionId required")
    row = own_connection(request, wanted)
    if row is None:
        raise refusal(404, "Connection not found")
    return row


def _is_managed(row: Row) -> bool:
    preset = PRESETS.get(row["source_preset"] or "")
    return preset is not None and preset.managed


def _registers(row: Row) -> bool:
    preset = PRESETS.get(row["source_preset"] or "")
    return preset is not None and preset.registers


async def begin_oauth(request: ApiRequest) -> Response:
    """Redirect the browser to the OAuth provider.

    The state and the PKCE verifier are stored in cookies.
    """
    row = _wanted(request)
    if row["auth_type"] != "oauth" or _is_managed(row):
        raise refusal(400, "Connection is not configured for OAuth")
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
    back = request.service.origin + _CALLBACK
    if _registers(row):
        target = f"{back}?{urlencode({'code': secrets.token_urlsafe(24), 'state': state})}"
    elif row["oauth_authorize_url"] and row["oauth_client_id"]:
        target = _provider(row, back, state, verifier)
    else:
        return _settings("setup_error")
    response = RedirectResponse(target, 302)
    for name, value in ((_STATE_COOKIE, f"{state}.{row['id']}"), (_VERIFIER_COOKIE, verifier)):
        response.set_cookie(
            name, value, max_age=_COOKIE_SECONDS, path="/api/connections", httponly=True, samesite="lax"
        )
    return response


def _provider(row: Row, back: str, state: str, verifier: str) -> str:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    query = {
        "response_type": "code",
        "client_id": row["oauth_client_id"],
        "redirect_uri": back,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    if row["oauth_scopes"]:
        query["scope"] = row["oauth_scopes"]
    url: str = row["oauth_authorize_url"]
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


async def end_oauth(request: ApiRequest) -> Response:
    """Handle the OAuth callback: redirect the browser with the result in the URL."""
    if request.caller is None:
        return RedirectResponse("/login?error=unauthorized", 302)
    state, _, connection_id = request.http.cookies.get(_STATE_COOKIE, "").partition(".")
    if not state or not secrets.compare_digest(state.encode(), request.query("state").encode()):
        return _finished("invalid_state")
    row = own_connection(request, connection_id)
    if row is None:
        return _finished("not_found")
    if not request.query("code") or not _registers(row):
        return _finished("token_error")
    _authorise(request, row)
    return _finished("success")


def _finished(word: str) -> Response:
    response = _settings(word)
    for name in (_STATE_COOKIE, _VERIFIER_COOKIE):
        response.delete_cookie(name, path="/api/connections")
    return response


def _authorise(request: ApiRequest, row: Row) -> None:
    now = request.plane.clock.now_us()
    token = request.service.ids.opaque("oat_", 24)
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        writes.authorise(tx, request.user_id, row["id"], token, now, now + _TOKEN_US)


async def managed_auth(request: ApiRequest) -> Response:
    """Authorise a connection through the authentication broker, which is simulated."""
    row = _wanted(request)
    if not _is_managed(row):
        raise refusal(400, "Connection does not use managed auth")
    _authorise(request, row)
    return _settings("success")


def routes(service: Service) -> list[Route]:
    """Return the routes of this module."""
    return [
        route(_CALLBACK, OpenEndpoint(service, {"GET": MethodHandler(end_oauth)})),
        route("/api/connections/oauth", PlainEndpoint(service, {"GET": MethodHandler(begin_oauth)})),
        route("/api/connections/managed-auth", PlainEndpoint(service, {"GET": MethodHandler(managed_auth)})),
    ]
