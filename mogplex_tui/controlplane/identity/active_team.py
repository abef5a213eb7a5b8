"""The active team of a request (identity.md §1.5, auth.md §10).

team_roles.py lists what each role may do.
"""

from __future__ import annotations

from ..http import params
from ..http.endpoints import ApiRequest, refusal
from .team_roles import MANAGERS, ROLE_CAPABILITIES, ActiveTeam, may

__all__ = ["MANAGERS", "ROLE_CAPABILITIES", "ActiveTeam", "active_team", "may", "team_scope"]

HEADER = "x-mogplex-team-id"
FORBIDDEN = "Forbidden"


def active_team(request: ApiRequest) -> ActiveTeam | None:
    """Return the team of the request's team header and the caller's role in it.

    Returns None if the header contains no team id. If the caller is not a member of the team, the
    role is None, and the route (models, agents) decides on the response.
    """
    team_id = params.trim(request.http.headers.get(HEADER, "")).lower()
    if not params.is_uuid(team_id):
        return None
    role = request.plane.db.value(
        "SELECT role FROM team_members WHERE team_id = ? AND user_id = ?", (team_id, request.user_id)
    )
    return ActiveTeam(team_id, role)


def team_scope(request: ApiRequest, capability: str | None = None, denied: str = FORBIDDEN) -> str | None:
    """Return the id of the active team, or None if the request has no active team.

    Raises RefusedError, 403 with the text `denied`, if the caller is not a member or the caller's role
    lacks `capability`.
    """
    team = active_team(request)
    if team is None:
        return None
    if team.role is None or (capability is not None and not may(team.role, capability)):
        raise refusal(403, denied)
    return team.id
