"""Track which route families the credentials open, according to the responses.

Contract: auth.md §4.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from mogplex_tui.api import errors
from mogplex_tui.api.clock import Clock
from mogplex_tui.api.observable import Observable

V1 = "/api/v1/mogplex"
# JSON-RPC under the same prefix, with an envelope of its own. It checks no scope (mcp.md §3).
MCP_ENDPOINT = V1 + "/mcp"


class Family(StrEnum):
    """A group of routes; a credential opens either all routes of a group or none."""

    V1 = "v1"
    MCP_ENDPOINT = "mcp-endpoint"
    ACCOUNT = "account"
    SETTINGS = "settings"
    KEYS = "keys"
    MODELS = "models"
    NEW_MODELS = "new-models"
    TEAMS = "teams"
    BILLING = "billing"
    REPOS = "repos"
    WORKSPACES = "workspaces"
    GITHUB = "github"
    AGENTS = "agents"
    SKILLS = "skills"
    RULES = "rules"
    CONNECTIONS = "connections"
    MCP = "mcp-servers"
    MCP_RECORDS = "mcp-server-records"
    MEMORIES = "memories"
    COMMANDS = "commands"
    CONVERSATIONS = "conversations"
    CHAT = "chat"
    SLACK = "slack"
    ASSIGNMENTS = "assignments"
    TRIGGERS = "triggers"
    FLOWS = "flows"
    APPROVALS = "approvals"
    SANDBOX = "sandbox"
    OBSERVABILITY = "observability"
    REALTIME = "realtime"
    OTHER = "other"


# Longest prefix first. To add a family, add one name above and one line here. Some routes below another family's prefix
# are a family of their own, because the hosted service accepts tokens on the exact path of that family only (auth.md
# §4).
_PREFIXES: tuple[tuple[str, Family], ...] = (
    ("/api/settings/api-keys", Family.KEYS),
    ("/api/settings/keys", Family.KEYS),
    ("/api/models/new-arrivals", Family.NEW_MODELS),
    ("/api/models/provider-icons", Family.NEW_MODELS),
    (V1, Family.V1),
    ("/api/observability", Family.OBSERVABILITY),
    ("/api/realtime", Family.REALTIME),
    ("/api/sandbox", Family.SANDBOX),
    ("/api/auth", Family.ACCOUNT),
    ("/api/memberships", Family.TEAMS),
    ("/api/teams", Family.TEAMS),
    ("/api/invites", Family.TEAMS),
    ("/api/billing", Family.BILLING),
    ("/api/stripe", Family.BILLING),
    ("/api/profile", Family.BILLING),
    ("/api/repos", Family.REPOS),
    ("/api/workspaces", Family.WORKSPACES),
    ("/api/github", Family.GITHUB),
    ("/api/agents", Family.AGENTS),
    ("/api/agent-categories", Family.AGENTS),
    ("/api/skills", Family.SKILLS),
    ("/api/rules", Family.RULES),
    ("/api/connections", Family.CONNECTIONS),
    ("/api/memories", Family.MEMORIES),
    ("/api/commands", Family.COMMANDS),
    ("/api/conversations", Family.CONVERSATIONS),
    ("/api/chat", Family.CHAT),
    ("/api/integrations/slack", Family.SLACK),
    ("/api/assignments", Family.ASSIGNMENTS),
    ("/api/triggers", Family.TRIGGERS),
    ("/api/flows", Family.FLOWS),
    ("/api/automations", Family.FLOWS),
    ("/api/control", Family.APPROVALS),
)
# Families whose exact path alone accepts tokens (auth.md §4).
_EXACT = {
    MCP_ENDPOINT: Family.MCP_ENDPOINT,
    "/api/settings": Family.SETTINGS,
    "/api/models": Family.MODELS,
    "/api/mcp-servers": Family.MCP,
}


# Families without a list route, and the family whose need for a session they share (auth.md §4).
_SAME_REACH_AS = {Family.MCP_RECORDS: Family.OBSERVABILITY, Family.NEW_MODELS: Family.OBSERVABILITY}


def family_of(path: str) -> Family:
    """Return the route family of a path.

    `path` may have a query.
    """
    route = path.partition("?")[0].rstrip("/")
    if route in _EXACT:
        return _EXACT[route]
    if route.startswith("/api/mcp-servers/"):
        return Family.MCP_RECORDS
    for prefix, family in _PREFIXES:
        if route == prefix or route.startswith(prefix + "/"):
            return family
    return Family.OTHER


class Reach(StrEnum):
    """The access that the credentials give to a route family."""

    UNKNOWN = "unknown"
    OPEN = "open"
    NEEDS_SESSION = "needs-session"
    NEEDS_SCOPE = "needs-scope"
    NOT_SIGNED_IN = "not-signed-in"
    ABSENT = "absent"
    BROKEN = "broken"


class FamilyAccess(NamedTuple):
    """The access to one route family, the reason for it and the time it was learned.

    `reach` is the access and `sentences` are the reason. `at` is None if no response has shown
    the access yet. `resource` describes the data that was requested when the service refused the
    family; it may be empty.
    """

    reach: Reach
    sentences: tuple[str, ...]
    at: datetime | None
    resource: str = ""

    @property
    def reason(self) -> str:
        """The sentences of the reason, joined to one text."""
        return " ".join(self.sentences)


_UNKNOWN = FamilyAccess(Reach.UNKNOWN, ("Nothing has been asked yet.",), None)
# The number of failures in a row after which a family counts as broken.
_FAILURES_UNTIL_BROKEN = 3

# Errors by which the service shows that it knows the route: the family is open.
_ANSWERED = (errors.NotFound, errors.Conflict, errors.BadRequest, errors.Throttled, errors.FeatureOff)
# v1 checks the scope before headers, body and record, so these errors show that the token has the scope (v1.md §0).
_AFTER_SCOPE_CHECK = (errors.NotFound, errors.Conflict, errors.BadRequest)
_FAILED = (
    errors.Unreachable,
    errors.Unavailable,
    errors.ServiceFailed,
    errors.InvalidResponse,
    errors.Redirected,
)
_REFUSED: tuple[tuple[type[errors.MogplexError], Reach], ...] = (
    (errors.LoginRequired, Reach.NEEDS_SESSION),
    (errors.NotSignedIn, Reach.NOT_SIGNED_IN),
    (errors.NotAllowed, Reach.NEEDS_SCOPE),
    (errors.RealtimeOff, Reach.ABSENT),
    (errors.Absent, Reach.ABSENT),
)


# Refusals that may be temporary in a family that answered before: a service whose database is down refuses valid
# credentials, and one that is being deployed redirects all requests to its sign-in page (docs/contract/README.md).
_TEMPORARY_REFUSALS = (Reach.NEEDS_SESSION, Reach.NOT_SIGNED_IN)
# Families that a session cookie never opens (auth.md §4).
_TOKEN_ONLY = (Family.V1, Family.MCP_ENDPOINT)


def _passed_scope_check(error: errors.MogplexError) -> bool:
    return isinstance(error, _AFTER_SCOPE_CHECK) and not isinstance(error, errors.InvalidInput)


class CookieState(Observable):
    """Whether the service has stopped accepting the session cookie.

    A session opens either all unversioned routes or none, so there is one state for all families.
    Contract: auth.md §4.
    """

    def __init__(self) -> None:
        super().__init__()
        self.expired = False

    def learn(self, *, accepted: bool) -> None:
        """Record whether the service accepted the cookie."""
        if self.expired is accepted:
            self.expired = not accepted
            self._changed()


class AccessMap(Observable):
    """Records the access to each route family, and whether the token may write.

    The map learns from each response. A family becomes BROKEN after three failures in a row, and
    OPEN again with the first success. As long as the access does not change, the first reason for
    it is kept. A family that is OPEN stays OPEN if a single route is absent or forbidden. A family
    that has answered before and now refuses the credential may be asked once more after
    `allow_retry`.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._known: dict[Family, FamilyAccess] = {}
        self._failures: dict[Family, int] = {}
        # Families that have answered, and closed families that may be asked once more.
        self._answered: set[Family] = set()
        self._retry_allowed: set[Family] = set()
        self.can_write: bool | None = None
        self.cookie = CookieState()
        self.cookie.subscribe(self._cookie_changed)

    def reach(self, family: Family) -> FamilyAccess:
        """Return the known access to a family.

        For some families another, related family shows whether a session is needed. If nothing was
        requested from such a family and the related family needs a session, the access to the related
        family is returned.
        """
        known = self._known.get(family, _UNKNOWN)
        if known.reach is Reach.UNKNOWN and family in _SAME_REACH_AS:
            neighbour = self.reach(_SAME_REACH_AS[family])
            return neighbour if neighbour.reach is Reach.NEEDS_SESSION else known
        return known

    def may_ask(self, family: Family) -> bool:
        """Return whether a request to this family should be sent.

        The result is False if the service is known to refuse the family, unless `allow_retry` has
        allowed one more request.
        """
        reach = self.reach(family).reach
        return reach in (Reach.OPEN, Reach.UNKNOWN, Reach.BROKEN) or family in self._retry_allowed

    def allow_retry(self, *, token_serves: bool = True) -> frozenset[Family]:
        """Allow one more request to each family that answered before but now refuses.

        Returns the set of these families. While the service refuses the session cookie, families that
        would be asked with the cookie are left out, because one request that tests the cookie is enough
        for all of them. `token_serves` says whether the token can open unversioned routes.
        """
        lost = frozenset(
            family
            for family in self._answered
            if self.reach(family).reach in _TEMPORARY_REFUSALS
            and not self._waits_for_cookie(family, token_serves)
        )
        if lost - self._retry_allowed:
            self._retry_allowed |= lost
            self._changed()
        return lost

    def learn(self, family: Family, error: errors.MogplexError | None = None, *, method: str = "GET") -> None:
        """Record the outcome of a request to a family; `error` is None for a success."""
        before = self._state(family)
        self._learn_scope(family, error, method)
        if error is None or (isinstance(error, _ANSWERED) and not isinstance(error, errors.RealtimeOff)):
            # A request that this client refused says nothing about the service.
            if not isinstance(error, errors.InvalidInput):
                self._failures[family] = 0
                self._answered.add(family)
                self._set_reach(family, Reach.OPEN)
        elif isinstance(error, _FAILED):
            self._failures[family] = self._failures.get(family, 0) + 1
            if self._failures[family] >= _FAILURES_UNTIL_BROKEN:
                self._set_reach(family, Reach.BROKEN, (error.message,))
        else:
            self._learn_refusal(family, error, reads=method in ("GET", "HEAD"))
        if before != self._state(family):
            self._changed()

    def _waits_for_cookie(self, family: Family, token_serves: bool) -> bool:
        if not self.cookie.expired or family in _TOKEN_ONLY:
            return False
        return not token_serves or self.reach(family).reach is Reach.NEEDS_SESSION

    def _cookie_changed(self) -> None:
        if not self.cookie.expired:
            # While the cookie was refused, these refusals were of the token, or of a cookie that is accepted now.
            refused = (*_TEMPORARY_REFUSALS, Reach.NEEDS_SCOPE)
            self._retry_allowed |= {
                family
                for family, known in self._known.items()
                if known.reach in refused and family not in _TOKEN_ONLY
            }
        self._changed()

    def _state(self, family: Family) -> tuple[object, ...]:
        return (self._known.get(family), family in self._retry_allowed, self.can_write)

    def _learn_refusal(self, family: Family, error: errors.MogplexError, *, reads: bool) -> None:
        for kind, reach in _REFUSED:
            if not isinstance(error, kind):
                continue
            self._failures[family] = 0
            closes_one_route = reach in (Reach.NEEDS_SCOPE, Reach.ABSENT) and not isinstance(
                error, errors.RealtimeOff
            )
            # A forbidden change says something about its record, not about the family, even if nothing of the family
            # was read.
            if not (closes_one_route and (self.reach(family).reach is Reach.OPEN or not reads)):
                self._set_reach(family, reach, error.sentences, error.resource)
            return

    def _learn_scope(self, family: Family, error: errors.MogplexError | None, method: str) -> None:
        # Only v1 checks scopes, and its message names the missing one (auth.md §5.2).
        if family is not Family.V1:
            return
        if method not in ("GET", "HEAD") and (error is None or _passed_scope_check(error)):
            self.can_write = True
        elif isinstance(error, errors.NotAllowed) and error.missing_scope == "write":
            self.can_write = False

    def _set_reach(
        self, family: Family, reach: Reach, sentences: tuple[str, ...] = (), resource: str = ""
    ) -> None:
        self._retry_allowed.discard(family)
        known = self._known.get(family)
        # Keep the first reason: other routes would give the same one in other words, and screens would flicker.
        if known is not None and known.reach is reach:
            return
        self._known[family] = FamilyAccess(reach, sentences, self._clock.now(), resource)
