"""The active team of a request and what its roles may do (identity.md §1.5, auth.md §10)."""

from __future__ import annotations

from typing import NamedTuple

from . import params
from .web import Ask, refusal

HEADER = "x-mogplex-team-id"
FORBIDDEN = "Forbidden"

# What each role may do; "*" is everything and "a.*" covers a, a.b and a.b.c.
ROLE_CAPABILITIES: dict[str, tuple[str, ...]] = {
    "owner": ("*",),
    "admin": ("*",),
    "developer": (
        "models.*",
        "tools.bash",
        "tools.write_file",
        "tools.web_search",
        "tools.web_fetch",
        "tools.virtual_exec",
        "tools.github_api",
        "tools.memories",
        "connections.create",
        "projects.write",
    ),
    "viewer": ("models.*", "tools.web_search", "tools.web_fetch", "tools.virtual_exec"),
}
MANAGERS = ("owner", "admin")


class ActiveTeam(NamedTuple):
    """The team that a request names, and the caller's role in it, or None for somebody who is no member."""

    id: str
    role: str | None


def may(role: str | None, capability: str) -> bool:
    """Whether a role holds a capability: exactly, by "*", or by a prefix that ends at a dot."""
    for held in ROLE_CAPABILITIES.get(role or "", ()):
        if held in ("*", capability):
            return True
        stem = held.removesuffix(".*")
        if stem != held and (capability == stem or capability.startswith(stem + ".")):
            return True
    return False


def active_team(ask: Ask) -> ActiveTeam | None:
    """The team of the header with the caller's role; None, the personal scope, without a UUID there.

    Refuses nothing: for the routes that answer differently instead (models, agents).
    """
    team_id = params.trim(ask.request.headers.get(HEADER, "")).lower()
    if not params.is_uuid(team_id):
        return None
    role = ask.plane.db.value(
        "SELECT role FROM team_members WHERE team_id = ? AND user_id = ?", (team_id, ask.user_id)
    )
    return ActiveTeam(team_id, role)


def team_scope(ask: Ask, capability: str | None = None, denied: str = FORBIDDEN) -> str | None:
    """The id of the active team, or None for the personal scope, in which everything is allowed.

    Raises RefusedError, 403 with the text `denied`, when the caller is no member or the role lacks `capability`.
    """
    team = active_team(ask)
    if team is None:
        return None
    if team.role is None or (capability is not None and not may(team.role, capability)):
        raise refusal(403, denied)
    return team.id
