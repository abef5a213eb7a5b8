"""/api/teams/{id}/invites: invite people to a team and revoke invites.

identity.md §8.
"""

from __future__ import annotations

import logging
import re
import secrets
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from ..db.clock import DAY_US, iso_db
from ..db.database import Row, Tx
from ..http.bodies import body_of
from ..http.endpoints import ApiRequest, MethodHandler, PlainEndpoint, Service, json_response, refusal, route
from .session_required import trimmed
from .team_access import TeamMembership, may_give, require_manager, require_member

log = logging.getLogger("mogplex.controlplane")

LIFE_US = 7 * DAY_US
INVITED_ROLES = ("admin", "developer", "viewer")
MOST_AT_ONCE = 100
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")


def invite_object(row: Row) -> dict[str, Any]:
    """Return the JSON object of an invite, without the invite's token."""
    return {
        "id": row["id"],
        "email": row["email"],
        "role": row["role"],
        "expiresAt": iso_db(row["expires_at"]),
    }


def _email(value: Any) -> str | None:
    email = trimmed(value).lower()
    return email if _EMAIL.fullmatch(email) else None


def _role(body: dict[str, Any]) -> str:
    role = body.get("role")
    if not isinstance(role, str) or role not in INVITED_ROLES:
        raise refusal(422, "Role must be admin, developer, or viewer")
    return role


def _deliver(request: ApiRequest, invite: Row) -> str:
    """Write an invite's link to the log, and return "log" as the kind of delivery.

    The plane sends no mail.
    """
    log.info("invitation of %s: %s/invite/%s", invite["email"], request.service.origin, invite["token"])
    return "log"


def _is_member(request: ApiRequest, here: TeamMembership, email: str) -> bool:
    found = request.plane.db.one(
        "SELECT 1 FROM team_members m JOIN profiles p ON p.id = m.user_id WHERE m.team_id = ? AND lower(p.email) = ?",
        (here.team_id, email),
    )
    return found is not None


def _insert(tx: Tx, here: TeamMembership, email: str, role: str) -> Row:
    invite_id = tx.new_id()
    tx.insert(
        "team_invites",
        id=invite_id,
        team_id=here.team_id,
        email=email,
        role=role,
        token=secrets.token_urlsafe(24),
        invited_by_user_id=here.user_id,
        created_at=here.now,
        expires_at=here.now + LIFE_US,
    )
    return tx.all("SELECT * FROM team_invites WHERE id = ?", (invite_id,))[0]


async def invite(request: ApiRequest) -> Response:
    """Invite one e-mail address to the team.

    The body is validated before the caller's membership is checked.
    """
    body = await body_of(request)
    email = _email(body.get("email"))
    if email is None:
        raise refusal(422, "Valid email required")
    role = _role(body)
    here = require_member(request)
    if not may_give(here.role, role):
        raise refusal(403, "Forbidden")
    if _is_member(request, here, email):
        raise refusal(409, "This person is a member already")
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        row = _insert(tx, here, email, role)
        here.note(tx, "invite.created", ("invite", row["id"]), {"email": email, "role": role})
    return json_response({"invite": invite_object(row), "delivery": _deliver(request, row)}, 201)


def _addresses(body: dict[str, Any]) -> list[Any]:
    emails = body.get("emails")
    if not isinstance(emails, list):
        raise refusal(422, "emails must be an array")
    if not emails:
        raise refusal(422, "emails must include at least one address")
    if len(emails) > MOST_AT_ONCE:
        raise refusal(422, f"emails may include at most {MOST_AT_ONCE} addresses")
    return emails


async def invite_many(request: ApiRequest) -> Response:
    """Invite up to 100 e-mail addresses to the team, and return a status for each.

    Invalid addresses, repeated addresses and addresses of members are skipped.
    """
    here = require_manager(request)
    body = await body_of(request)
    role = _role(body)
    emails = _addresses(body)
    if not may_give(here.role, role):
        raise refusal(403, "Forbidden")
    results: list[dict[str, Any]] = []
    sent: list[Row] = []
    met: set[str] = set()
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        for value in emails:
            email = _email(value)
            if email is None:
                shown = value if isinstance(value, str) else ""
                results.append({"email": shown, "status": "skipped_invalid"})
            elif email in met:
                results.append({"email": email, "status": "skipped_duplicate"})
            elif _is_member(request, here, email):
                results.append({"email": email, "status": "skipped_member"})
            else:
                sent.append(_insert(tx, here, email, role))
                results.append({"email": email, "status": "invited", "invite_id": sent[-1]["id"]})
            met.add(email or "")
        summary = _summary(results)
        here.note(tx, "invite.bulk_created", payload={"role": role, **summary})
    for row in sent:
        _deliver(request, row)
    return json_response({"results": results, "summary": summary})


def _summary(results: list[dict[str, Any]]) -> dict[str, int]:
    counted = (
        "invited",
        "skipped_member",
        "skipped_invalid",
        "skipped_duplicate",
        "delivery_failed",
        "insert_failed",
    )
    statuses = [result["status"] for result in results]
    return {"total_requested": len(results)} | {name: statuses.count(name) for name in counted}


def _open_invite(request: ApiRequest) -> tuple[TeamMembership, Row]:
    """Return the caller's membership and the invite that the path names.

    Raises RefusedError: 404 for an unknown or accepted invite, 403 if the caller may not grant the
    invite's role, and the errors of `require_manager`.
    """
    here = require_manager(request)
    row = request.plane.db.one(
        "SELECT * FROM team_invites WHERE id = ? AND team_id = ? AND accepted_at IS NULL",
        (request.path_id("invite_id"), here.team_id),
    )
    if row is None:
        raise refusal(404, "Invite not found")
    if not may_give(here.role, row["role"]):
        raise refusal(403, "Forbidden")
    return here, row


async def revoke(request: ApiRequest) -> Response:
    """Delete an invite that has not been accepted."""
    here, row = _open_invite(request)
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        tx.execute("DELETE FROM team_invites WHERE id = ?", (row["id"],))
        about = {"email": row["email"], "role": row["role"]}
        here.note(tx, "invite.revoked", ("invite", row["id"]), about)
    return json_response({"ok": True})


async def resend(request: ApiRequest) -> Response:
    """Renew an invite that has not been accepted, with a new link and for seven days."""
    here, row = _open_invite(request)
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        token, expires_at = secrets.token_urlsafe(24), here.now + LIFE_US
        tx.update("team_invites", row["id"], token=token, expires_at=expires_at)
        here.note(tx, "invite.resent", ("invite", row["id"]), {"email": row["email"]})
        renewed = tx.all("SELECT * FROM team_invites WHERE id = ?", (row["id"],))[0]
    return json_response({"invite": invite_object(renewed), "delivery": _deliver(request, renewed)})


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this module."""
    invites = "/api/teams/{team_id}/invites"
    return [
        route(invites, PlainEndpoint(service, {"POST": MethodHandler(invite)})),
        route(invites + "/bulk", PlainEndpoint(service, {"POST": MethodHandler(invite_many)})),
        route(
            invites + "/{invite_id}",
            PlainEndpoint(service, {"DELETE": MethodHandler(revoke), "POST": MethodHandler(resend)}),
        ),
    ]
