"""/login: a page whose button signs in and redirects to where the user came from.

auth.md §8, §11.
"""

from __future__ import annotations

from html import escape
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from ...http.authentication import SESSION_COOKIE
from ...http.endpoints import ApiRequest, MethodHandler, Service, route
from . import signin_records
from .authorize_routes import AUTHORIZE, KEPT, client_of
from .forms import PageEndpoint, form_or_json, require_own_page
from .html_pages import hidden, page

LOGIN = "/login"


def is_local(where: str) -> bool:
    """Return whether a redirect target is a path on this service."""
    return where.startswith("/") and not where.startswith(("//", "/\\")) and where.isprintable()


def _redirect_target(request: ApiRequest) -> str:
    """Return the path to redirect to after the login.

    For an OAuth authorization this is the authorize path with the query parameters in KEPT.
    Otherwise it is the query parameter `next` if that is a local path, or else the login page.
    """
    if request.has_query("client_id") or request.has_query("response_type"):
        kept = {name: request.query(name) for name in KEPT if request.has_query(name)}
        return f"{AUTHORIZE}?{urlencode(kept)}"
    wanted = request.query("next")
    return wanted if is_local(wanted) else LOGIN


def _client_html(request: ApiRequest) -> str:
    """Return HTML that names the OAuth client of the query and the scopes it asks for.

    Returns "" if the query names no known client.
    """
    client = client_of(request, request.query("client_id"))
    if client is None:
        return ""
    name = escape(client["name"] or client["id"])
    scopes = escape(request.query("scope") or "read write")
    return f"<p><strong>{name}</strong> asks to act for you: <code>{scopes}</code></p>"


async def show(request: ApiRequest) -> Response:
    """Show the page with the login button.

    If the user is signed in and there is no page to return to, the page shows the user's name.
    """
    back = _redirect_target(request)
    person = request.plane.db.only("SELECT name FROM profiles WHERE id = ?", (request.plane.user_id,))["name"]
    if request.caller is not None and back == LOGIN:
        return page("Signed in", f"<p>You are signed in as {escape(person)}.</p>")
    button = f'<button type="submit">Sign in as {escape(person)}</button>'
    form = f'<form method="post" action="{LOGIN}">{hidden(back=back)}{button}</form>'
    return page("Sign in", _client_html(request) + form)


async def sign_in(request: ApiRequest) -> Response:
    """Open a session of one week and redirect to the path in the field `back`.

    Raises 403 for a form of another site.
    """
    require_own_page(request)
    back = (await form_or_json(request)).get("back", "")
    with request.plane.db.transaction() as tx:
        value = signin_records.open_session(tx, request.plane.user_id, request.plane.clock.now_us())
    response = RedirectResponse(back if is_local(back) else LOGIN, 303, {"Cache-Control": "no-store"})
    seconds = signin_records.SESSION_US // 1_000_000
    response.set_cookie(SESSION_COOKIE, value, max_age=seconds, httponly=True, samesite="lax")
    return response


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this module."""
    return [route(LOGIN, PageEndpoint(service, {"GET": MethodHandler(show), "POST": MethodHandler(sign_in)}))]
