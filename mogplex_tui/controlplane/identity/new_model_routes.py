"""/api/models/new-arrivals and /api/models/provider-icons.

identity.md §6.8, §6.9.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.responses import Response
from starlette.routing import BaseRoute

from ..db.database import Row, Tx
from ..http.bodies import body_of
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
from . import model_catalogue


def _profile(request: ApiRequest) -> Row:
    profile = request.plane.db.one("SELECT * FROM profiles WHERE id = ?", (request.user_id,))
    if profile is None:
        raise refusal(404, "Profile not found")
    return profile


def _disable(tx: Tx, user_id: str, rows: Iterable[Row]) -> None:
    for row in rows:
        tx.execute(
            "INSERT INTO model_preferences (user_id, model_id, is_enabled) VALUES (?, ?, 0)"
            " ON CONFLICT (user_id, model_id) DO UPDATE SET is_enabled = 0",
            (user_id, row["id"]),
        )


def _look_past(tx: Tx, user_id: str, rows: Iterable[Row]) -> None:
    """Advance the profile's `models_seen_at` to the newest of the given models.

    `models_seen_at` never moves back.
    """
    newest = max((row["created_at"] for row in rows), default=0)
    tx.execute("UPDATE profiles SET models_seen_at = MAX(models_seen_at, ?) WHERE id = ?", (newest, user_id))


async def read_arrivals(request: ApiRequest) -> Response:
    """Return the models that are new to the caller.

    If new models are not enabled automatically, disable them and return no models.
    """
    if request.caller is None:
        return json_response({"models": [], "autoEnable": True})
    profile, db = _profile(request), request.plane.db
    rows = model_catalogue.arrivals(db, profile)
    if not profile["auto_enable_models"]:
        with db.transaction() as tx:
            _disable(tx, request.user_id, rows)
            _look_past(tx, request.user_id, rows)
        return json_response({"models": [], "autoEnable": False})
    shown = model_catalogue.usable_somewhere(db, profile, rows)
    models = [{name: row[name] for name in ("id", "name", "provider")} for row in shown]
    return json_response({"models": models, "autoEnable": True})


async def settle_arrivals(request: ApiRequest) -> Response:
    """Dismiss the notice about new models, or disable those models.

    The field `action` of the request is `dismiss` or `disable`. `disable` also switches off the
    automatic enabling of later models.
    """
    action = (await body_of(request)).get("action")
    if action not in ("dismiss", "disable"):
        raise refusal(400, "action must be 'dismiss' or 'disable'")
    profile, db = _profile(request), request.plane.db
    rows = model_catalogue.arrivals(db, profile)
    seen = model_catalogue.usable_somewhere(db, profile, rows)
    with db.transaction() as tx:
        if action == "disable":
            tx.update("profiles", request.user_id, auto_enable_models=0)
            _disable(tx, request.user_id, rows)
            seen = rows
        _look_past(tx, request.user_id, seen)
    return json_response({"ok": True})


async def switch_auto_enable(request: ApiRequest) -> Response:
    """Set whether new models are enabled automatically."""
    enabled = (await body_of(request)).get("autoEnable")
    if not isinstance(enabled, bool):
        raise refusal(400, "autoEnable must be a boolean")
    profile = _profile(request)
    with request.plane.db.transaction() as tx:
        tx.update("profiles", profile["id"], auto_enable_models=int(enabled))
    return json_response({"ok": True})


async def list_icons(_: ApiRequest) -> Response:
    """Return the providers that have an icon: none, because the plane has no icons."""
    return json_response({"providers": []}, headers={"Cache-Control": "private, max-age=300"})


class _Arrivals(OpenEndpoint):
    """Endpoint for new models: GET is open to everyone, other methods require a login.

    identity.md §6.8.
    """

    def authorize(self, handler: MethodHandler, caller: object) -> None:
        """Raise 401 if an anonymous caller uses another method than GET.

        This happens before the body is read.
        """
        if caller is None and handler.handle is not read_arrivals:
            raise refusal(401, "Unauthorized")


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this module."""
    handlers = {
        "GET": MethodHandler(read_arrivals),
        "POST": MethodHandler(settle_arrivals),
        "PATCH": MethodHandler(switch_auto_enable),
    }
    return [
        route("/api/models/new-arrivals", _Arrivals(service, handlers)),
        route("/api/models/provider-icons", PlainEndpoint(service, {"GET": MethodHandler(list_icons)})),
    ]
