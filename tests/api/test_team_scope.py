"""The active team travels where it is read, and nowhere else (auth.md §10)."""

from __future__ import annotations

import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api.budget import Budget, Priority
from mogplex_tui.api.route_access import AccessMap
from mogplex_tui.api.target import Target
from mogplex_tui.api.transport import Request, Transport
from mogplex_tui.config.secret import Secret
from tests.api.support import COOKIE, TOKEN, FakeClock, ok, serving

TEAM = "4f0b0000-0000-4000-8000-000000000003"


@pytest.mark.parametrize(
    ("path", "reads"),
    [
        ("/api/repos", True),
        ("/api/repos/x/rules", False),
        ("/api/workspaces/x/repos", True),
        ("/api/agents", True),
        ("/api/agents/roster", False),
        ("/api/models", True),
        ("/api/flows/x/publish", True),
        ("/api/sandbox/x/exec", True),
        ("/api/sandboxes", False),
        ("/api/billing", True),
        ("/api/settings", False),
        ("/api/observability/stats", False),
        ("/api/assignments", False),
        ("/api/v1/mogplex/repos", False),
    ],
)
async def test_team_is_sent_only_on_team_routes(path: str, reads: bool) -> None:
    async with serving(ok({})) as service:
        clock = FakeClock()
        target = Target("t", service.base_url, Secret(TOKEN), Secret(COOKIE), TEAM)
        transport = Transport(target, clock=clock, budget=Budget(clock), access=AccessMap(clock))
        await transport.request(Request("GET", path, "it"), Priority.ACTION)
        await transport.aclose()
    assert [each.headers.get("x-mogplex-team-id") for each in service.seen] == [TEAM if reads else None]


def test_team_name_is_refused_as_team_id() -> None:
    with pytest.raises(e.InvalidTarget, match="not the id of a team"):
        Target("t", "http://127.0.0.1:1", team="night-shift")
