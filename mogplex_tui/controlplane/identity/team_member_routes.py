"""/api/teams/{id}/members: list, change and remove members (identity.md §8)."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import BaseRoute

from ..db.clock import iso_db
from ..db.database import Row
from ..http.bodies import body_of
from ..http.endpoints import ApiRequest, MethodHandler, PlainEndpoint, Service, json_response, refusal, route
from .team_access import TeamMembership, may_give, require_member
from .team_icon_routes import icon_url
from .team_invite_routes import invite_object
from .team_roles import ROLES

_MEMBERS = (
    "SELECT m.user_id, m.role, m.joined_at, p.name, COALESCE(p.username, p.github_username) AS username, p.email,"
    " p.avatar_url FROM team_members m JOIN profiles p ON p.id = m.user_id"
    " WHERE m.team_id = ? ORDER BY m.joined_at, m.rowid"
)


async def list_members(request: ApiRequest) -> Response:
    """Return the team, its members and the invites that are not accepted yet.

    Members are sorted by join time, invites newest first; expired invites are included.
    """
    here, db = require_member(request), request.plane.db
    members = [
        {
            "userId": row["user_id"],
            "name": row["name"],
            "username": row["username"],
            "email": row["email"],
            "avatarUrl": row["avatar_url"],
            "role": row["role"],
            "joinedAt": iso_db(row["joined_at"]),
            "isCurrentUser": row["user_id"] == here.user_id,
        }
        for row in db.all(_MEMBERS, (here.team_id,))
    ]
    invites = db.all(
        "SELECT * FROM team_invites WHERE team_id = ? AND accepted_at IS NULL ORDER BY created_at DESC, rowid DESC",
        (here.team_id,),
    )
    team = {name: here.team[name] for name in ("id", "name", "slug")}
    return json_response(
        {
            "team": {**team, "iconUrl": icon_url(request.service, here.team["icon_path"])},
            "viewer": here.viewer(),
            "members": members,
            "invites": [{**invite_object(row), "createdAt": iso_db(row["created_at"])} for row in invites],
        }
    )


def _other(request: ApiRequest, here: TeamMembership, refused: str) -> Row:
    """Return the member that the path names.

    Raises RefusedError: 403 with the text `refused` if it is the caller, 404 for an unknown member.
    """
    user_id = request.path_id("user_id")
    if user_id == here.user_id:
        raise refusal(403, refused)
    row = request.plane.db.one(
        "SELECT * FROM team_members WHERE team_id = ? AND user_id = ?", (here.team_id, user_id)
    )
    if row is None:
        raise refusal(404, "Member not found")
    return row


async def change_role(request: ApiRequest) -> Response:
    """Change the role of another member."""
    here = require_member(request)
    role = (await body_of(request)).get("role")
    if not isinstance(role, str) or role not in ROLES:
        raise refusal(422, "Invalid role")
    member = _other(request, here, "You cannot change your own role")
    if not may_give(here.role, member["role"]) or not may_give(here.role, role):
        raise refusal(403, "Forbidden")
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        tx.execute("UPDATE team_members SET role = ? WHERE id = ?", (role, member["id"]))
        change = {"previous_role": member["role"], "next_role": role}
        here.note(tx, "member.role_changed", ("user", member["user_id"]), change)
    return json_response({"ok": True})


async def remove_member(request: ApiRequest) -> Response:
    """Remove another member from the team."""
    here = require_member(request)
    member = _other(request, here, "You cannot remove yourself")
    if not may_give(here.role, member["role"]):
        raise refusal(403, "Forbidden")
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        tx.execute("DELETE FROM team_members WHERE id = ?", (member["id"],))
        here.note(tx, "member.removed", ("user", member["user_id"]), {"role": member["role"]})
    return json_response({"ok": True})


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this module."""
    members = "/api/teams/{team_id}/members"
    handlers = {"PATCH": MethodHandler(change_role), "DELETE": MethodHandler(remove_member)}
    return [
        route(members, PlainEndpoint(service, {"GET": MethodHandler(list_members)})),
        route(members + "/{user_id}", PlainEndpoint(service, handlers)),
    ]
