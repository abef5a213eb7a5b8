"""Decide which requests carry the header of the active team.

The header is sent only to routes that read it. Contract: auth.md §10.
"""

from __future__ import annotations

TEAM_HEADER = "x-mogplex-team-id"

# With all routes below. Memories read it for the resource scope `team` only (identity.md §1.5).
_BELOW = (
    "/api/workspaces",
    "/api/flows",
    "/api/sandbox",
    "/api/stripe",
    "/api/memories",
)
_EXACT = frozenset(
    (
        "/api/agents",
        "/api/agents/generate",
        "/api/repos",
        "/api/github/repos",
        "/api/models",
        "/api/chat",
        "/api/billing",
        "/api/automations/sandbox-test",
    )
)


def reads_team(path: str) -> bool:
    """Return whether the route of a path reads the team header.

    `path` may have a query.
    """
    route = path.partition("?")[0].rstrip("/")
    return route in _EXACT or any(route == prefix or route.startswith(prefix + "/") for prefix in _BELOW)
