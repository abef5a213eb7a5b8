"""The membership check of every team route (identity.md §8)."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..db.database import Row, Tx
from ..http.endpoints import Ask, refusal
from . import audit_log
from .team_roles import MANAGERS


class TeamMembership(NamedTuple):
    """The caller's membership in a team, with the request's time in microseconds."""

    team: Row
    user_id: str
    role: str
    source: str
    now: int

    @property
    def team_id(self) -> str:
        """The team."""
        return str(self.team["id"])

    @property
    def can_manage(self) -> bool:
        """Return whether the caller is an owner or an admin of the team."""
        return self.role in MANAGERS

    def viewer(self) -> dict[str, Any]:
        """Return the `viewer` object of a response: the caller's role and rights."""
        return {"role": self.role, "canManage": self.can_manage}

    def note(
        self,
        tx: Tx,
        action: str,
        target: tuple[str, str] | None = None,
        payload: dict[str, Any] | None = None,
    ) -> None:
        """Write an audit event of a member; without a target it concerns the team."""
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


def auth_source(ask: Ask) -> str:
    """Return how the caller signed in, for the audit log: `session` or `api_key`."""
    return "session" if ask.known_caller.key_id is None else "api_key"


def seat(ask: Ask) -> TeamMembership:
    """Return the caller's membership in the path's team. Raises 404 and 403."""
    db = ask.plane.db
    team = db.one("SELECT * FROM teams WHERE id = ?", (ask.path_id("team_id"),))
    if team is None:
        raise refusal(404, "Team not found")
    role = db.value(
        "SELECT role FROM team_members WHERE team_id = ? AND user_id = ?", (team["id"], ask.user_id)
    )
    if role is None:
        raise refusal(403, "Forbidden")
    return TeamMembership(team, ask.user_id, role, auth_source(ask), ask.plane.clock.now_us())


def manager(ask: Ask) -> TeamMembership:
    """Return the membership of an owner or admin; raises 403 for other roles.

    Raises the errors of `seat` too.
    """
    found = seat(ask)
    if not found.can_manage:
        raise refusal(403, "Forbidden")
    return found


def may_give(role: str, given: str) -> bool:
    """Return whether a member of `role` may grant or remove the role `given`.

    Never owner, and admin only as an owner.
    """
    if role == "owner":
        return given != "owner"
    return role == "admin" and given in ("developer", "viewer")
