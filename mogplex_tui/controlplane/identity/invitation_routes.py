"""/api/invites/{token}: read or accept an invite to a team (identity.md §8)."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import BaseRoute

from ..db.clock import iso_db
from ..db.database import Row
from ..http import params
from ..http.endpoints import ApiRequest, MethodHandler, PlainEndpoint, Service, json_response, refusal, route
from . import audit_log
from .team_access import auth_source

_INVITE = (
    "SELECT i.*, t.name AS team_name, t.slug AS team_slug, COALESCE(p.name, p.username) AS inviter"
    " FROM team_invites i JOIN teams t ON t.id = i.team_id LEFT JOIN profiles p ON p.id = i.invited_by_user_id"
    " WHERE i.token = ?"
)


def _invite(request: ApiRequest) -> Row:
    row = request.plane.db.one(_INVITE, (request.http.path_params["token"],))
    if row is None:
        raise refusal(404, "Invite not found")
    return row


def _own_email(request: ApiRequest) -> str | None:
    email: str | None = request.plane.db.value("SELECT email FROM profiles WHERE id = ?", (request.user_id,))
    return email


def _matches(row: Row, email: str | None) -> bool:
    return email is not None and email.lower() == row["email"].lower()


async def read_invite(request: ApiRequest) -> Response:
    """Return the invite, and whether its e-mail address is the caller's."""
    row, email = _invite(request), _own_email(request)
    invite = {
        "teamName": row["team_name"],
        "teamSlug": row["team_slug"],
        "inviterName": row["inviter"],
        "role": row["role"],
        "expiresAt": iso_db(row["expires_at"]),
        "expired": row["expires_at"] < request.plane.clock.now_us(),
        "alreadyAccepted": row["accepted_at"] is not None,
    }
    return json_response(
        {
            "invite": invite,
            "emailMatch": _matches(row, email),
            "inviteEmail": row["email"],
            "currentEmail": email,
        }
    )


async def accept_invite(request: ApiRequest) -> Response:
    """Add the caller to the team of an invite.

    If the invite's e-mail address is not the caller's, the body must confirm the mismatch. A caller
    who is already a member keeps the present role.
    """
    try:
        confirmed = (await params.json_object(request)).get("confirmMismatch") is True
    except params.NotJsonError:
        confirmed = False
    row, now = _invite(request), request.plane.clock.now_us()
    if row["accepted_at"] is not None:
        raise refusal(410, "already_accepted")
    if row["expires_at"] < now:
        raise refusal(410, "expired")
    match = _matches(row, _own_email(request))
    if not match and not confirmed:
        raise refusal(409, "mismatch_unconfirmed")
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        tx.execute(
            "INSERT INTO team_members (id, team_id, user_id, role, invited_by_user_id, joined_at)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (team_id, user_id) DO NOTHING",
            (tx.new_id(), row["team_id"], request.user_id, row["role"], row["invited_by_user_id"], now),
        )
        tx.update("team_invites", row["id"], accepted_at=now)
        audit_log.record(
            tx,
            row["team_id"],
            "invite.accepted",
            now,
            target=("invite", row["id"]),
            payload={"email": row["email"], "role": row["role"], "email_match": match},
            actor_user_id=request.user_id,
            auth_source=auth_source(request),
        )
    return json_response({"team": {"id": row["team_id"], "slug": row["team_slug"]}})


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this module."""
    handlers = {"GET": MethodHandler(read_invite), "POST": MethodHandler(accept_invite)}
    return [route("/api/invites/{token}", PlainEndpoint(service, handlers))]
