from __future__ import annotations

import pytest

from mogplex_tui.api import errors
from mogplex_tui.api.route_access import AccessMap, Family, FamilyAccess, Reach, family_of
from tests.api.support import FakeClock

O = Family.OBSERVABILITY  # noqa: E741


@pytest.mark.parametrize(
    ("path", "family"),
    [
        ("/api/v1/mogplex/runs/x/cancel", Family.V1),
        ("/api/v1/mogplex", Family.V1),
        ("/api/v1/mogplexx", Family.OTHER),
        ("/api/auth/user", Family.ACCOUNT),
        ("/api/settings", Family.SETTINGS),
        ("/api/settings/api-keys", Family.KEYS),
        ("/api/settings/keys/verify", Family.KEYS),
        ("/api/settings/else", Family.OTHER),
        ("/api/models", Family.MODELS),
        ("/api/models?format=cli", Family.MODELS),
        ("/api/models/new-arrivals", Family.NEW_MODELS),
        ("/api/mcp-servers?format=cli", Family.MCP),
        ("/api/mcp-servers/x", Family.MCP_RECORDS),
        ("/api/agent-categories", Family.AGENTS),
        ("/api/agents/roster/summary", Family.AGENTS),
        ("/api/sandbox/x/stop", Family.SANDBOX),
        ("/api/observability/calls", Family.OBSERVABILITY),
        ("/api/realtime/events", Family.REALTIME),
        ("/api/repos", Family.REPOS),
        ("/api/repository", Family.OTHER),
        ("/api/invites/x", Family.TEAMS),
        ("/api/control/approvals/x", Family.APPROVALS),
    ],
)
def test_routes_belong_to_families(path: str, family: Family) -> None:
    assert family_of(path) is family


@pytest.mark.parametrize(
    ("error", "reach"),
    [
        (None, Reach.OPEN),
        (errors.NotFound("x"), Reach.OPEN),
        (errors.Conflict("x"), Reach.OPEN),
        (errors.BadRequest("x"), Reach.OPEN),
        (errors.Throttled("x"), Reach.OPEN),
        (errors.LoginRequired("x"), Reach.NEEDS_SESSION),
        (errors.NotSignedIn("x"), Reach.NOT_SIGNED_IN),
        (errors.NotAllowed("x"), Reach.NEEDS_SCOPE),
        (errors.Absent("x"), Reach.ABSENT),
        (errors.RealtimeOff("x"), Reach.ABSENT),
        (errors.SuspectedThrottle("x"), Reach.UNKNOWN),
        (errors.BudgetBlocked(1.0), Reach.UNKNOWN),
        (errors.InvalidInput("x"), Reach.UNKNOWN),
        (errors.Unavailable("x"), Reach.UNKNOWN),
        (errors.TimedOut("x"), Reach.UNKNOWN),
    ],
)
def test_one_response_sets_family_access(error: errors.MogplexError | None, reach: Reach) -> None:
    access = AccessMap(FakeClock())
    access.learn(O, error)
    assert access.reach(O).reach is reach
    assert access.reach(Family.V1).reach is Reach.UNKNOWN


@pytest.mark.parametrize(
    "error",
    [
        errors.Unavailable("x"),
        errors.ServiceFailed("x"),
        errors.Unreachable("x"),
        errors.TimedOut("x"),
        errors.InvalidResponse("x"),
    ],
)
def test_family_breaks_after_three_failures_and_reopens(
    error: errors.MogplexError,
) -> None:
    access = AccessMap(FakeClock())
    access.learn(O)
    for _ in range(2):
        access.learn(O, error)
        access.learn(O, error)
        assert access.reach(O).reach is Reach.OPEN
        access.learn(O)
    for _ in range(3):
        access.learn(O, error)
    assert access.reach(O).reach is Reach.BROKEN
    access.learn(O)
    assert access.reach(O).reach is Reach.OPEN


@pytest.mark.parametrize("error", [errors.NotAllowed("x"), errors.Absent("x")])
def test_closed_route_leaves_open_family_open(error: errors.MogplexError) -> None:
    access = AccessMap(FakeClock())
    access.learn(O)
    access.learn(O, error)
    assert access.reach(O).reach is Reach.OPEN


def test_expired_session_closes_open_route_family() -> None:
    clock = FakeClock()
    access = AccessMap(clock)
    access.learn(O)
    clock.advance(5)
    access.learn(O, errors.LoginRequired("It wants a browser", advice="Add a cookie"))
    finding = access.reach(O)
    assert (finding.reach, finding.at) == (Reach.NEEDS_SESSION, clock.now())
    assert finding.reason == "It wants a browser. Add a cookie."


def test_whether_a_token_may_write_is_learned_from_v1_alone() -> None:
    access = AccessMap(FakeClock())
    access.learn(Family.V1)
    assert access.can_write is None
    access.learn(O, method="POST")
    assert access.can_write is None
    access.learn(Family.V1, errors.NotAllowed("No", missing_scope="write"), method="POST")
    assert access.can_write is False
    assert access.reach(Family.V1).reach is Reach.OPEN
    access.learn(Family.V1, errors.NotAllowed("No", missing_scope="read"))
    assert access.can_write is False
    access.learn(Family.V1, method="POST")
    assert access.can_write is True


@pytest.mark.parametrize("error", [errors.BadRequest("x"), errors.NotFound("x"), errors.Conflict("x")])
def test_refusal_after_scope_check_proves_scope(error: errors.MogplexError) -> None:
    access = AccessMap(FakeClock())
    access.learn(Family.V1, error)
    assert access.can_write is None
    access.learn(Family.V1, error, method="POST")
    assert access.can_write is True


@pytest.mark.parametrize("error", [errors.Throttled("x"), errors.Unavailable("x"), errors.TimedOut("x")])
def test_other_write_results_leave_scope_unknown(error: errors.MogplexError) -> None:
    access = AccessMap(FakeClock())
    access.learn(Family.V1, error, method="POST")
    assert access.can_write is None


def test_observers_hear_of_changes_only() -> None:
    access = AccessMap(FakeClock())
    heard: list[Reach] = []
    access.subscribe(lambda: heard.append(access.reach(O).reach))
    access.learn(O)
    access.learn(O)
    access.learn(O, errors.ServiceFailed("x"))
    access.learn(O, errors.LoginRequired("x"))
    assert heard == [Reach.OPEN, Reach.NEEDS_SESSION]


def test_closed_family_keeps_first_reason() -> None:
    clock = FakeClock()
    access, changes = AccessMap(clock), list[FamilyAccess]()
    access.learn(O, errors.LoginRequired("No access to the stats"))
    first = access.reach(O)
    access.subscribe(lambda: changes.append(access.reach(O)))
    clock.advance(60)
    access.learn(O, errors.LoginRequired("No access to the calls"))
    assert (access.reach(O), changes) == (first, [])
    access.learn(O, None)
    access.learn(O, errors.LoginRequired("No access to the calls"))
    assert access.reach(O).reason.startswith("No access to the calls")
    assert [each.reach for each in changes] == [Reach.OPEN, Reach.NEEDS_SESSION]
