"""GET /api/auth/user and /api/settings (identity.md §2 and §3)."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from ..db.database import Row
from ..http import params
from ..http.endpoints import (
    ApiRequest,
    MethodHandler,
    OpenEndpoint,
    PlainEndpoint,
    Service,
    empty_500,
    json_response,
    refusal,
    route,
)
from . import model_catalogue

_THEMES = ("dark", "light", "system")

_VERCEL = {
    "platformState": "ready",
    "personalState": "not_linked",
    "linkedProjectState": "none",
    "canUsePlatformOps": True,
    "canLinkUserBillingProject": False,
    "canUseUserBilling": False,
    "statusLabel": "Platform ready",
    "statusDetail": "Sandboxes run on the platform's own project.",
}
_INSTALL = {"kind": "install", "label": "Install GitHub App", "href": "/api/auth/github"}
_COMPLETE = {
    "kind": "complete_install",
    "label": "Complete GitHub App install",
    "href": "/api/auth/github",
}
_OPEN_SPACES = {"kind": "open_spaces", "label": "Open Projects", "href": "/projects/repositories"}


def _profile(request: ApiRequest) -> Row | None:
    return request.plane.db.one("SELECT * FROM profiles WHERE id = ?", (request.user_id,))


async def read_user(request: ApiRequest) -> Response:
    """Return the profile of the caller, or `{"user": null}` without credentials."""
    profile = _profile(request)
    if profile is None:
        return json_response({"user": None})
    count = request.plane.db.value
    mine = (profile["id"],)
    installations = count("SELECT COUNT(*) FROM github_installations WHERE user_id = ?", mine)
    synced = count("SELECT COUNT(*) FROM repos WHERE user_id = ?", mine)
    covered = count(
        "SELECT COUNT(*) FROM repos WHERE user_id = ? AND github_installation_id IS NOT NULL", mine
    )
    app = installations > 0 or covered > 0
    user: dict[str, Any] = {
        name: profile[name] for name in ("id", "email", "username", "name", "avatar_url", "github_username")
    }
    pending = not app and request.http.cookies.get("github_app_install_pending") == "1"
    user |= _github(profile, app, covered, pending)
    project = profile["vercel_project_id"]
    user |= {
        "github_app_available": True,
        "github_install_pending": pending,
        "github_installation_count": installations,
        "github_synced_repo_count": synced,
        "github_covered_repo_count": covered,
        "platform_access": {
            "allowPlatformAi": bool(profile["allow_platform_ai"]),
            "allowPlatformSandbox": bool(profile["allow_platform_sandbox"]),
        },
        "vercel": _VERCEL | {"linkedProjectState": "none" if project is None else "account"},
        "account_vercel_project_id": project,
        "account_vercel_team_id": profile["vercel_team_id"],
    }
    return json_response({"user": user})


def _github(profile: Row, app: bool, covered: int, pending: bool) -> dict[str, Any]:
    """Return the fields of a profile about its connection to GitHub (identity.md §2).

    `app` says whether the GitHub App is installed, `covered` is the number of repositories that it can
    access, and `pending` says whether an installation has begun but not finished.
    """
    oauth = bool(profile["github_oauth"])
    if app and covered:
        state, label, detail, action = (
            "app_installed_with_synced_repos",
            "Ready",
            "The GitHub App covers your repositories.",
            None,
        )
    elif app:
        state, label, detail, action = (
            "app_installed",
            "App installed",
            "The GitHub App is installed and covers no repository yet.",
            _OPEN_SPACES,
        )
    elif pending:
        state, label, detail, action = (
            "app_install_pending",
            "Install pending",
            "The installation of the GitHub App was begun and not finished.",
            _COMPLETE,
        )
    elif oauth:
        state, label, detail, action = (
            "oauth_connected",
            "OAuth only",
            "GitHub is connected without the App.",
            _INSTALL,
        )
    else:
        state, label, detail, action = (
            "disconnected",
            "Not connected",
            "GitHub is not connected.",
            _INSTALL,
        )
    return {
        "github_state": state,
        "github_connected": oauth or app,
        "github_app_connected": app,
        "github_connection_mode": "app" if app else "oauth" if oauth else None,
        "github_status_label": label,
        "github_status_detail": detail,
        "github_primary_action": action,
    }


async def read_settings(request: ApiRequest) -> Response:
    """Return the default model and the theme, and set the theme cookie.

    The cookie is set only if the stored theme is a valid one.
    """
    profile = _profile(request)
    if profile is None:
        raise refusal(404, "Profile not found")
    theme = profile["theme"]
    body = {"default_model": model_catalogue.settings_default(request.plane.db, profile), "theme": theme}
    return json_response(body, headers=_theme_cookie(theme))


def _theme_cookie(theme: str | None) -> dict[str, str]:
    if theme not in _THEMES:
        return {}
    return {"Set-Cookie": f"mogplex-theme={theme}; Path=/; SameSite=Lax; Max-Age=31536000"}


async def patch_settings(request: ApiRequest) -> Response:
    """Change the default model, the theme or both.

    A `default_model` that is no text and an unknown theme are ignored. Raises 400 if the body has no
    valid field, or if the model is not enabled and available.
    """
    try:
        body = await params.json_body(request)
    except params.NotJsonError:
        raise refusal(400, "Invalid JSON body") from None
    if body is None:
        raise empty_500()
    profile = _profile(request)
    if profile is None:
        raise refusal(404, "Profile not found")
    fields = body if isinstance(body, dict) else {}
    changes: dict[str, str] = {}
    model, theme = fields.get("default_model"), fields.get("theme")
    if isinstance(model, str):
        if model not in {row["id"] for row in model_catalogue.usable(request.plane.db, profile)}:
            raise refusal(400, "default_model must be enabled and available")
        changes["default_model"] = model
    if theme in _THEMES:
        changes["theme"] = theme
    if not changes:
        raise refusal(400, "No valid fields")
    with request.plane.db.transaction() as tx:
        tx.update("profiles", profile["id"], **changes)
    return json_response({"ok": True}, headers=_theme_cookie(changes.get("theme")))


def routes(service: Service) -> list[Route]:
    """Return the routes of this module."""
    return [
        route("/api/auth/user", OpenEndpoint(service, {"GET": MethodHandler(read_user)})),
        route(
            "/api/settings",
            PlainEndpoint(
                service, {"GET": MethodHandler(read_settings), "PATCH": MethodHandler(patch_settings)}
            ),
        ),
    ]
