"""Which routes read the active team, so that its header goes nowhere else (auth.md §10)."""

from __future__ import annotations

TEAM_HEADER = "x-mogplex-team-id"

# Read with everything below; memories read it for the resource scope `team` only (identity.md §1.5).
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
    """Return whether a route looks at the team header; `path` may carry a query."""
    route = path.partition("?")[0].rstrip("/")
    return route in _EXACT or any(route == prefix or route.startswith(prefix + "/") for prefix in _BELOW)
