"""/api/auth/sign-in/email: sign in with e-mail address and password (auth.md §11)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from ...db.clock import SECOND_US, iso_app
from ...db.database import Row
from ...http.authentication import SESSION_COOKIE
from ...http.endpoints import ApiRequest, MethodHandler, RefusedError, Service, encode, json_response, route
from ...http.params import trim
from . import signin_records
from .forms import PageEndpoint, form_or_json, require_own_page

_SNAPSHOT_COOKIE = "better-auth.session_data"
_SNAPSHOT_S = 300


def _refused(status: int, code: str, message: str) -> RefusedError:
    """Return an error in the format of the sign-in library, to be raised.

    Its body has no `error` field (errors.md §2, E12).
    """
    return RefusedError(json_response({"message": message, "code": code}, status))


def _user(profile: Row) -> dict[str, Any]:
    created = iso_app(profile["created_at"])
    return {
        "id": profile["id"],
        "email": profile["email"],
        "name": profile["name"],
        "image": profile["avatar_url"],
        "emailVerified": True,
        "createdAt": created,
        "updatedAt": created,
    }


def _snapshot(session: str, body: dict[str, Any]) -> str:
    """Return the signed value of the cookie that caches session data for five minutes.

    The plane sets the cookie as the service does, but never reads it.
    """
    text = base64.urlsafe_b64encode(encode({"user": body["user"]})).decode().rstrip("=")
    return f"{text}.{hmac.new(session.encode(), text.encode(), hashlib.sha256).hexdigest()}"


async def sign_in(request: ApiRequest) -> Response:
    """Open a session of one week for the account of the plane.

    Every password is accepted unless it is empty: the plane stores no passwords, and anyone who can
    open its login page can sign in there by a click. Raises 403 for a missing or foreign `Origin`,
    400 for an invalid address, and 401 for an address that is not the account's.
    """
    if "origin" not in request.http.headers:
        raise _refused(403, "MISSING_OR_NULL_ORIGIN", "Missing or null Origin")
    require_own_page(request)
    fields = await form_or_json(request)
    email = trim(fields.get("email", "")).lower()
    if "@" not in email:
        raise _refused(400, "INVALID_EMAIL", "Invalid email")
    profile = request.plane.db.only("SELECT * FROM profiles WHERE id = ?", (request.plane.user_id,))
    if email != profile["email"].lower() or not fields.get("password"):
        raise _refused(401, "INVALID_EMAIL_OR_PASSWORD", "Invalid email or password")
    with request.plane.db.transaction() as tx:
        value = signin_records.open_session(tx, profile["id"], request.plane.clock.now_us())
    body = {"redirect": False, "token": value, "user": _user(profile)}
    response = json_response(body, headers={"Cache-Control": "no-store"})
    seconds = signin_records.SESSION_US // SECOND_US
    response.set_cookie(SESSION_COOKIE, value, max_age=seconds, httponly=True, samesite="lax")
    response.set_cookie(
        _SNAPSHOT_COOKIE, _snapshot(value, body), max_age=_SNAPSHOT_S, httponly=True, samesite="lax"
    )
    return response


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this module."""
    return [route("/api/auth/sign-in/email", PageEndpoint(service, {"POST": MethodHandler(sign_in)}))]
