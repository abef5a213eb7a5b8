"""/api/teams/{id}/installations: a team's GitHub installations (identity.md §8)."""

from __future__ import annotations

import re
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from ..db.database import Row
from ..http.bodies import body_of
from ..http.endpoints import ApiRequest, MethodHandler, PlainEndpoint, Service, json_response, refusal, route
from .team_access import require_manager

_COLUMNS = (
    "id, installation_id, account_login, account_type, target_type, product_team_id, attached_by_user_id"
)
_DIGITS = re.compile(r"[0-9]{1,18}", re.ASCII)


def _number(value: Any) -> int | None:
    """Return an integer, also from a text of digits; None for any other value."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value)
    return int(text) if _DIGITS.fullmatch(text) else None


def _row(request: ApiRequest, row_id: str) -> Row:
    return request.plane.db.only(f"SELECT {_COLUMNS} FROM github_installations WHERE id = ?", (row_id,))


async def list_installations(request: ApiRequest) -> Response:
    """Return the installations attached to the team, sorted by account."""
    here = require_manager(request)
    rows = request.plane.db.all(
        f"SELECT {_COLUMNS} FROM github_installations WHERE product_team_id = ? ORDER BY account_login, id",
        (here.team_id,),
    )
    return json_response({"installations": [dict(row) for row in rows]})


async def attach(request: ApiRequest) -> Response:
    """Attach one of the caller's GitHub installations to the team.

    The status is 201, or 200 if the installation is already attached to the team.
    """
    here, db = require_manager(request), request.plane.db
    number = _number((await body_of(request)).get("installation_id"))
    if number is None:
        raise refusal(422, "installation_id must be a whole number")
    own = db.one(
        "SELECT id FROM github_installations WHERE user_id = ? AND installation_id = ?",
        (here.user_id, number),
    )
    if own is None:
        raise refusal(404, "Installation not found for this user")
    holders = db.all(
        "SELECT product_team_id FROM github_installations"
        " WHERE installation_id = ? AND product_team_id IS NOT NULL",
        (number,),
    )
    if any(row["product_team_id"] != here.team_id for row in holders):
        raise refusal(409, "Installation is attached to another team")
    before = _row(request, own["id"])
    if before["product_team_id"] is not None:
        return json_response({"attached": dict(before)})
    with db.transaction(ids=request.service.ids) as tx:
        tx.update(
            "github_installations",
            own["id"],
            product_team_id=here.team_id,
            attached_by_user_id=here.user_id,
        )
        tx.record_change("github_installations", "UPDATE", here.user_id, own["id"])
        payload = {"installation_id": number, "account_login": before["account_login"]}
        here.note(tx, "team.installation.attached", ("github_installation", own["id"]), payload)
    return json_response({"attached": dict(_row(request, own["id"]))}, 201)


async def detach(request: ApiRequest) -> Response:
    """Detach an installation from the team, no matter which member attached it."""
    here, db = require_manager(request), request.plane.db
    number = _number(request.http.path_params["number"])
    if number is None:
        raise refusal(422, "installationId must be numeric")
    rows = db.all(
        "SELECT id, user_id, account_login FROM github_installations"
        " WHERE installation_id = ? AND product_team_id = ?",
        (number, here.team_id),
    )
    if not rows:
        raise refusal(404, "Installation not found")
    with db.transaction(ids=request.service.ids) as tx:
        for row in rows:
            tx.update("github_installations", row["id"], product_team_id=None, attached_by_user_id=None)
            tx.record_change("github_installations", "UPDATE", row["user_id"], row["id"])
            payload = {"installation_id": number, "account_login": row["account_login"]}
            here.note(tx, "team.installation.detached", ("github_installation", row["id"]), payload)
    return json_response({"detached": True})


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this module."""
    base = "/api/teams/{team_id}/installations"
    return [
        route(
            base,
            PlainEndpoint(service, {"GET": MethodHandler(list_installations), "POST": MethodHandler(attach)}),
        ),
        route(base + "/{number}", PlainEndpoint(service, {"DELETE": MethodHandler(detach)})),
    ]
