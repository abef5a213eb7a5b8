"""Check that the caller is a member of the team in the path (identity.md §8)."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..db.database import Row, Tx
from ..http.endpoints import ApiRequest, refusal
from . import audit_log
from .team_roles import MANAGERS


class TeamMembership(NamedTuple):
    """The caller's membership in a team.

    `source` is how the caller signed in, `now` is the time of the request in µs.
    """

    team: Row
    user_id: str
    role: str
    source: str
    now: int

    @property
    def team_id(self) -> str:
        """The id of the team."""
        return str(self.team["id"])

    @property
    def can_manage(self) -> bool:
        """Whether the caller is an owner or an admin of the team."""
        return self.role in MANAGERS

    def viewer(self) -> dict[str, Any]:
        """Return the `viewer` object of a response: the caller's role and `canManage`."""
        return {"role": self.role, "canManage": self.can_manage}

    def note(
        self,
        tx: Tx,
        action: str,
        target: tuple[str, str] | None = None,
        payload: dict[str, Any] | None = None,
    ) -> None:
        """Record an action of the caller in the team's audit log.

        The default `target` is the team.
        """
        audit_log.record(
            tx,
            self.team_id,
            action,
            self.now,
            target=target or ("team", self.team_id),
            payload=payload,
            actor_user_id=self.user_id,
            auth_source=self.source,
        )


def auth_source(request: ApiRequest) -> str:
    """Return how the caller signed in, for the audit log: `session` or `api_key`."""
    return "session" if request.known_caller.key_id is None else "api_key"


def require_member(request: ApiRequest) -> TeamMembership:
    """Return the caller's membership in the team that the path names.

    Raises RefusedError: 404 for an unknown team, 403 if the caller is not a member.
    """
    db = request.plane.db
    team = db.one("SELECT * FROM teams WHERE id = ?", (request.path_id("team_id"),))
    if team is None:
        raise refusal(404, "Team not found")
    role = db.value(
        "SELECT role FROM team_members WHERE team_id = ? AND user_id = ?", (team["id"], request.user_id)
    )
    if role is None:
        raise refusal(403, "Forbidden")
    return TeamMembership(team, request.user_id, role, auth_source(request), request.plane.clock.now_us())


def require_manager(request: ApiRequest) -> TeamMembership:
    """Return the membership of a caller who is an owner or admin of the path's team.

    Raises RefusedError: 404 for an unknown team, 403 if the caller is not a member or has another
    role.
    """
    membership = require_member(request)
    if not membership.can_manage:
        raise refusal(403, "Forbidden")
    return membership


def may_give(role: str, given: str) -> bool:
    """Return whether a member with `role` may grant or remove the role `given`.

    Nobody may grant or remove `owner`; only an owner may grant or remove `admin`.
    """
    if role == "owner":
        return given != "owner"
    return role == "admin" and given in ("developer", "viewer")
