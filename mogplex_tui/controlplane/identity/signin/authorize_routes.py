"""GET /api/auth/mcp/authorize: OAuth authorization of a client.

auth.md §8.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import string
from html import escape
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from starlette.responses import Response
from starlette.routing import BaseRoute

from ...db.database import Row
from ...http.endpoints import ApiRequest, MethodHandler, RefusedError, Service, json_response, route
from . import signin_records
from .discovery_routes import BASE, SCOPES
from .forms import PageEndpoint, texts
from .html_pages import page

AUTHORIZE = BASE + "/authorize"
PROMPT_COOKIE = "oidc_login_prompt"
# What of the query survives the way over the login page.
KEPT = (
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "resource",
)
_ERROR_PAGE = "/api/auth/error"


def client_of(request: ApiRequest, client_id: str) -> Row | None:
    """Return the OAuth client with an id, or None if the id is unknown."""
    return request.plane.db.one("SELECT * FROM oauth_clients WHERE id = ?", (client_id,))


def _to(where: str, headers: dict[str, str] | None = None) -> Response:
    # Printable ASCII stays as it is, spaces too; nothing else may stand in a header.
    location = quote(where, safe=string.punctuation + " ")
    return Response(status_code=302, headers={"Location": location, **(headers or {})})


def _error(where: str, error: str, description: str) -> RefusedError:
    """Return a redirect to `where` with an OAuth error in the query, to be raised.

    The description is not URL-encoded, and the client's `state` is left out.
    """
    sign = "&" if "?" in where else "?"
    return RefusedError(_to(f"{where}{sign}error={error}&error_description={description}"))


def _signed_prompt(request: ApiRequest) -> str:
    """Return a Set-Cookie value that keeps the signed authorize query for ten minutes."""
    kept = {name: request.query(name) for name in KEPT if request.has_query(name)}
    value = base64.urlsafe_b64encode(json.dumps(kept).encode()).decode().rstrip("=")
    secret = (request.plane.db.meta("secret") or "").encode()
    signature = hmac.new(secret, value.encode(), hashlib.sha256).hexdigest()
    return f"{PROMPT_COOKIE}={value}.{signature}; Path=/; HttpOnly; SameSite=Lax; Max-Age=600"


def _checked(request: ApiRequest) -> tuple[Row, str]:
    """Validate the authorize query and return the client and the scopes.

    Raises RefusedError for the first invalid parameter.
    """
    errors = request.service.origin + _ERROR_PAGE
    client = client_of(request, request.query("client_id"))
    if not request.query("client_id") or client is None:
        raise _error(errors, "invalid_client", "client_id is required")
    if not request.query("response_type"):
        raise _error(errors, "invalid_request", "response_type is required")
    back = request.query("redirect_uri")
    if back not in texts(client["redirect_uris"]):
        raise RefusedError(json_response({"message": "Invalid redirect URI"}, 400))
    if client["disabled"]:
        raise _error(errors, "invalid_client", "client is disabled")
    if request.query("response_type") != "code":
        raise _error(errors, "unsupported_response_type", "unsupported response type")
    scopes = [scope for scope in request.query("scope").split(" ") if scope] or ["read", "write"]
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown:
        text = f"The following scopes are invalid: {', '.join(unknown)}"
        raise _error(back, "invalid_scope", text)
    if not request.query("code_challenge") or not request.query("code_challenge_method"):
        raise _error(back, "invalid_request", "pkce is required")
    if request.query("code_challenge_method") != "S256":
        raise _error(back, "invalid_request", "invalid code_challenge method")
    return client, " ".join(scopes)


async def authorize(request: ApiRequest) -> Response:
    """Redirect back to the client with an authorization code.

    A browser without a session is redirected to the login page.
    """
    if request.caller is None:
        query = request.http.url.query
        return _to(f"/login?{query}" if query else "/login", {"Set-Cookie": _signed_prompt(request)})
    client, scopes = _checked(request)
    back = request.query("redirect_uri")
    grant = signin_records.Grant(
        client["id"],
        request.user_id,
        back,
        scopes,
        request.query("code_challenge"),
        request.query("nonce") or None,
    )
    with request.plane.db.transaction() as tx:
        code = signin_records.issue_code(tx, grant, request.plane.clock.now_us())
    more = {"code": code} | ({"state": request.query("state")} if request.has_query("state") else {})
    parts = urlsplit(back)
    query = "&".join(part for part in (parts.query, urlencode(more)) if part)
    forget = f"{PROMPT_COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"
    return _to(urlunsplit(parts._replace(query=query)), {"Set-Cookie": forget, "Cache-Control": "no-store"})


async def error_page(request: ApiRequest) -> Response:
    """Show the page for a sign-in error that cannot be sent to a client."""
    error, description = request.query("error") or "unknown", request.query("error_description")
    more = f"<p>{escape(description)}</p>" if description else ""
    return page("Sign-in failed", f"<p><code>{escape(error)}</code></p>{more}")


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this module."""
    return [
        route(AUTHORIZE, PageEndpoint(service, {"GET": MethodHandler(authorize)})),
        route(_ERROR_PAGE, PageEndpoint(service, {"GET": MethodHandler(error_page)})),
    ]
