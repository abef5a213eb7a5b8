"""Routes for sign-out, memberships and billing, and routes that are switched off.

identity.md §2, §7, §9, §10, §11.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from ..http import params
from ..http.authentication import SESSION_COOKIE, digest
from ..http.endpoints import (
    ApiRequest,
    MethodHandler,
    OpenEndpoint,
    PlainEndpoint,
    Service,
    json_response,
    refusal,
    route,
)
from .session_required import trimmed
from .team_icon_routes import icon_url

INSTALL_SCREEN = "https://github.com/apps/mogplex/installations/new"
_INSTALL_SCRIPT = "https://install.mogplex.com/install.sh"
_FORGET = "=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"


async def sign_out(request: ApiRequest) -> Response:
    """End the session of the request's cookie and clear the session cookies.

    A request without a session succeeds, too.
    """
    cookie = request.http.cookies.get(SESSION_COOKIE)
    if cookie:
        with request.plane.db.transaction() as tx:
            tx.execute("DELETE FROM sessions WHERE token_hash = ?", (digest(cookie),))
    response = json_response({"ok": True})
    for name in (SESSION_COOKIE, "better-auth.session_data"):
        response.headers.append("Set-Cookie", name + _FORGET)
    return response


async def sign_out_page(request: ApiRequest) -> Response:
    """Redirect a browser that followed a sign-out link to the login page.

    The session does not end: only a POST request ends it.
    """
    return RedirectResponse(request.service.origin + "/login", 307)


async def install_app(_: ApiRequest) -> Response:
    """Redirect to GitHub's page that installs the GitHub App.

    A cookie marks the installation as pending for ten minutes.
    """
    response = RedirectResponse(INSTALL_SCREEN, 307)
    pending = "github_app_install_pending=1; Path=/; HttpOnly; SameSite=Lax; Max-Age=600"
    response.headers.append("Set-Cookie", pending)
    return response


async def list_memberships(request: ApiRequest) -> Response:
    """Return the caller's personal scope and the caller's teams, sorted by name."""
    db = request.plane.db
    profile = db.one("SELECT slug, name, avatar_url FROM profiles WHERE id = ?", (request.user_id,))
    if profile is None:
        raise refusal(500, "Failed to load profile")
    rows = db.all(
        "SELECT t.id, t.slug, t.name, t.icon_path, m.role FROM team_members m JOIN teams t ON t.id = m.team_id"
        " WHERE m.user_id = ? ORDER BY t.name, t.id",
        (request.user_id,),
    )
    teams = [
        {
            "id": row["id"],
            "slug": row["slug"],
            "name": row["name"],
            "iconUrl": icon_url(request.service, row["icon_path"]),
            "role": row["role"],
        }
        for row in rows
    ]
    personal = {"slug": profile["slug"], "name": profile["name"], "avatarUrl": profile["avatar_url"]}
    return json_response({"personal": personal, "teams": teams})


async def read_billing(_: ApiRequest) -> Response:
    """Return `{"enabled": false}`; the route accepts requests without credentials."""
    return json_response({"enabled": False})


async def refuse_checkout(_: ApiRequest) -> Response:
    """Refuse every purchase with 503, because billing is not enabled."""
    raise refusal(503, "Billing is not enabled")


async def patch_vercel_billing(request: ApiRequest) -> Response:
    """Clear the account's Vercel project; setting a project is refused with 501 (§10)."""
    try:
        body: Any = await params.json_body(request)
    except params.NotJsonError:
        raise refusal(400, "Invalid JSON body") from None
    if not isinstance(body, dict):
        raise refusal(400, "Body must be a JSON object")
    if "projectId" not in body:
        raise refusal(400, "projectId is required; null clears the project")
    project = body["projectId"]
    if project is not None and not isinstance(project, str):
        raise refusal(400, "projectId must be a string or null")
    if project is not None and not trimmed(project):
        raise refusal(400, "projectId must be a non-empty string or null")
    if project is not None:
        raise _no_vercel()
    with request.plane.db.transaction() as tx:
        tx.update("profiles", request.user_id, vercel_project_id=None, vercel_team_id=None)
    return json_response({"projectId": None, "teamId": None, "projectName": None})


def _no_vercel() -> Exception:
    message = "Projects of a Vercel account cannot be linked here."
    return refusal(501, "VERCEL_INTEGRATION_REQUIRED", message=message)


async def refuse_vercel_token(_: ApiRequest) -> Response:
    """Respond 501: Vercel accounts cannot be linked or unlinked.

    errors.md §2, shape E2.
    """
    raise _no_vercel()


async def latest_cli(_: ApiRequest) -> Response:
    """Respond 503, because the plane knows no release of the command line tool."""
    body = {"error": "CLI release manifest is unavailable", "installScriptUrl": _INSTALL_SCRIPT}
    return json_response(body, 503, {"Cache-Control": "no-store"})


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this module.

    The billing and checkout routes accept requests without credentials.
    """
    vercel = {"POST": MethodHandler(refuse_vercel_token), "DELETE": MethodHandler(refuse_vercel_token)}
    return [
        route(
            "/api/auth/logout",
            OpenEndpoint(service, {"POST": MethodHandler(sign_out), "GET": MethodHandler(sign_out_page)}),
        ),
        route("/api/auth/github", OpenEndpoint(service, {"GET": MethodHandler(install_app)})),
        route("/api/auth/vercel/token", PlainEndpoint(service, vercel)),
        route("/api/memberships", PlainEndpoint(service, {"GET": MethodHandler(list_memberships)})),
        route("/api/billing", OpenEndpoint(service, {"GET": MethodHandler(read_billing)})),
        route("/api/stripe/checkout", OpenEndpoint(service, {"POST": MethodHandler(refuse_checkout)})),
        route("/api/stripe/portal", OpenEndpoint(service, {"POST": MethodHandler(refuse_checkout)})),
        route(
            "/api/profile/vercel-billing",
            PlainEndpoint(service, {"PATCH": MethodHandler(patch_vercel_billing)}),
        ),
        route("/api/cli/latest", OpenEndpoint(service, {"GET": MethodHandler(latest_cli)})),
    ]
