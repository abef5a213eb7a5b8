"""The checks of `doctor`: one read-only request for each route family.

auth.md §4, §5.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mogplex_tui.api.errors import MogplexError
    from mogplex_tui.cli.command_session import CommandSession
    from mogplex_tui.live.token_session_match import AccountComparison

# Seconds after which a realtime connection without a message counts as broken.
REALTIME_TIMEOUT = 10.0
OPEN, NEEDS_SESSION, NEEDS_SCOPE = "open", "needs-session", "needs-scope"
THROTTLED, ABSENT, BROKEN, UNREACHABLE = "throttled", "absent", "broken", "unreachable"
_CHECK_BASE_URL = "Check that the base URL is a Mogplex service."


@dataclass(slots=True)
class CheckResult:
    """The result of checking one route family, printed as a line of the report.

    `reach` is one of the seven words that tell scripts whether the family can be used. `status` is
    the HTTP status and `ms` the response time in milliseconds. `description` and `advice` are for
    people. `is_anonymous` marks a response that the service also gives to an anonymous visitor; the
    check of the token API then tells why the credential was not used.
    """

    family: str
    reach: str
    status: int | None = None
    ms: int | None = None
    description: str = ""
    advice: str = ""
    error: MogplexError | None = None
    is_anonymous: bool = False

    def fields(self) -> dict[str, object]:
        """Return the result as JSON fields."""
        return {
            "family": self.family,
            "reach": self.reach,
            "status": self.status,
            "ms": self.ms,
            "advice": " ".join(filter(None, (self.description, self.advice))) or None,
        }

    def add_error(self, error: MogplexError) -> None:
        """Store an error in the result, with its message and its advice."""
        from mogplex_tui.api.errors import with_full_stop

        self.error = error
        self.description = f"{self.description} {with_full_stop(error.message)}".strip()
        self.advice = with_full_stop(error.advice)


class ResponseLog(logging.Handler):
    """A log handler that counts requests and keeps a check's first response.

    It reads the status and time of responses from log records of the API client. Further requests
    within a check only find out why the first one was refused.
    """

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.count = 0
        self._first: tuple[int | None, int | None] | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Store the status and time of a response from a record of the API client's log.

        The record's arguments are method, path, result, milliseconds and request id.
        """
        if not isinstance(record.args, tuple) or len(record.args) != 5:
            return
        result, milliseconds = str(record.args[2]), record.args[3]
        status = int(result) if result.isdigit() else None
        # A request that was refused before it was sent does not count.
        if status is None and result == "NotSignedIn":
            return
        self.count += 1
        if self._first is None:
            self._first = (status, round(milliseconds) if isinstance(milliseconds, int | float) else None)

    def take_first(self) -> tuple[int | None, int | None]:
        """Return the status and milliseconds of the first response, and forget them."""
        first, self._first = self._first, None
        return first or (None, None)


class DoctorChecks:
    """Runs the checks one after the other, so that they do not slow each other down."""

    def __init__(self, command: CommandSession) -> None:
        from mogplex_tui.api.budget import Priority

        self.command, self.session = command, command.session
        self._client = self.session.client.at(Priority.ACTION)
        self.response_log = ResponseLog()
        self.results: list[CheckResult] = []
        self.accounts: AccountComparison | None = None

    async def run(self) -> list[CheckResult]:
        """Check each route family and return the results."""
        checks: tuple[tuple[str, Callable[[], Awaitable[CheckResult]]], ...] = (
            ("account", self._account),
            ("settings", self._settings),
            ("models", self._models),
            ("github", self._github),
            ("mcp", self._mcp),
            ("observability", self._observability),
            ("realtime", self._realtime),
            ("v1", self._v1),
            ("write", self._write),
        )
        log = logging.getLogger("mogplex.http")
        log.setLevel(logging.INFO)
        log.addHandler(self.response_log)
        try:
            for family, check in checks:
                self.results.append(await self._run_check(family, check))
            self.accounts = await self._compare_accounts()
        finally:
            log.removeHandler(self.response_log)
        self._explain_anonymous()
        return self.results

    async def _run_check(self, family: str, check: Callable[[], Awaitable[CheckResult]]) -> CheckResult:
        from mogplex_tui.api.errors import MogplexError

        if len(self.results) >= 2 and all(result.reach == UNREACHABLE for result in self.results):
            # The service does not answer: every further request would wait as long again.
            return CheckResult(family, UNREACHABLE, description="Not checked: the service does not answer.")
        self.response_log.take_first()
        try:
            result = await check()
        except MogplexError as error:
            result = self._result_of_error(family, error)
        result.status, result.ms = self.response_log.take_first()
        return result

    def _result_of_error(self, family: str, error: MogplexError) -> CheckResult:
        from mogplex_tui.api.errors import NotSignedIn

        result = CheckResult(family, reach_of(error))
        result.add_error(error)
        if isinstance(error, NotSignedIn) and self.session.target.token is None and family in ("v1", "write"):
            # There is a session cookie, but it does not open this family.
            result.reach = NEEDS_SCOPE
        elif is_web_page(error):
            result.advice = _CHECK_BASE_URL
        return result

    def _explain_anonymous(self) -> None:
        """Add the reason to results that an anonymous visitor would also get.

        Some routes treat a bad or throttled token as no token (§5.1); the result of v1 tells whether
        the token is bad or throttled.
        """
        from mogplex_tui.api.errors import LoginRequired, NotSignedIn
        from mogplex_tui.api.response_errors import SIGN_IN_AGAIN

        target = self.session.target
        v1 = next(result for result in self.results if result.family == "v1")
        for result in self.results:
            if not result.is_anonymous:
                continue
            if target.session_cookie is not None or target.token is None:
                result.add_error(
                    NotSignedIn(
                        "The service does not accept this session cookie",
                        advice=SIGN_IN_AGAIN,
                    )
                )
                continue
            if v1.reach == THROTTLED:
                result.reach = THROTTLED
            result.add_error(v1.error or LoginRequired("This kind of token opens the token API only"))

    async def _account(self) -> CheckResult:
        user = await self._client.account.user()
        if user is None:
            return CheckResult(
                "account",
                NEEDS_SESSION,
                description="The service does not recognize this credential as a user.",
                is_anonymous=True,
            )
        ready = user.github_status_label or user.github_state
        description = f"Signed in as {user.label}." + (f" GitHub: {ready}." if ready else "")
        return CheckResult("account", OPEN, description=description)

    async def _compare_accounts(self) -> AccountComparison | None:
        """Compare the account of the token with the account of the session cookie.

        Returns None unless both credentials are in use and their accounts can be read.
        """
        from mogplex_tui.api.errors import MogplexError
        from mogplex_tui.api.response_errors import CredentialKind
        from mogplex_tui.live.token_session_match import compare

        if self.session.target.token is None or not self.session.has_session:
            return None
        try:
            user = await self._client.account.user(credential=CredentialKind.COOKIE)
        except MogplexError:
            return None
        return None if user is None else await compare(self._client, user)

    async def _settings(self) -> CheckResult:
        settings = await self._client.settings.get()
        if not settings.default_model:
            # The service always resolves a default model (identity.md §3).
            return CheckResult(
                "settings", BROKEN, description="No default model is set.", advice=_CHECK_BASE_URL
            )
        return CheckResult("settings", OPEN, description=f"Default model {settings.default_model}.")

    async def _models(self) -> CheckResult:
        catalog = await self._client.models.list()
        if catalog.anonymous:
            return CheckResult(
                "models", NEEDS_SESSION, description="Only the public catalogue.", is_anonymous=True
            )
        return CheckResult(
            "models", OPEN, description=f"{catalog.models.total} of {catalog.catalog.total} models usable."
        )

    async def _github(self) -> CheckResult:
        installations = await self._client.github.installations()
        covered = sum(row.repository_count or 0 for row in installations)
        synced = sum(row.synced_repo_count or 0 for row in installations)
        description = (
            f"{installations.total} installations cover {covered} repositories, {synced} of them imported."
        )
        return CheckResult("github", OPEN, description=description)

    async def _mcp(self) -> CheckResult:
        servers = await self._client.mcp_servers.configured()
        return CheckResult("mcp", OPEN, description=f"The export of MCP servers: {servers.total} configured.")

    async def _observability(self) -> CheckResult:
        from datetime import timedelta

        stats = await self._client.observability.stats(since=self.session.clock.now() - timedelta(days=1))
        calls = stats.summary.total_calls
        description = f"Stats, calls, events, jobs and cost; {calls} calls in 24 h."
        return CheckResult("observability", OPEN, description=description)

    async def _realtime(self) -> CheckResult:
        from contextlib import aclosing

        from mogplex_tui.api.errors import TimedOut
        from mogplex_tui.api.realtime_messages import Connected

        try:
            async with (
                asyncio.timeout(REALTIME_TIMEOUT),
                aclosing(self._client.realtime.stream(["ai_calls"])) as stream,
            ):
                async for message in stream:
                    if isinstance(message, Connected):
                        break
        except TimeoutError:
            raise TimedOut("The live connection opened but sent nothing", resource="live updates") from None
        return CheckResult("realtime", OPEN, description="Changes arrive as they happen.")

    async def _v1(self) -> CheckResult:
        repos = await self._client.repos.list(limit=200)
        return CheckResult(
            "v1", OPEN, description=f"The token API: runs by id, automations; {repos.total} repositories."
        )

    async def _write(self) -> CheckResult:
        origin = self.command.settings.read_only
        if origin.value:
            return CheckResult(
                "write", NEEDS_SCOPE, description=f"Not checked: read-only mode is set by {origin.origin}."
            )
        v1 = self.results[-1].reach
        if v1 in (ABSENT, BROKEN):
            # The server may not be Mogplex, so no change is sent to it.
            return CheckResult(
                "write", v1, description="Not checked: the token API returns unexpected responses."
            )
        if await self._client.runs.has_write_scope():
            return CheckResult("write", OPEN, description="The token may start and cancel runs.")
        return CheckResult(
            "write",
            NEEDS_SCOPE,
            description="The token may only read.",
            advice="Starting and cancelling needs a token with the write scope.",
        )

    def budget(self) -> tuple[CheckResult, dict[str, object]]:
        """Return how many requests this process has made, with the token's request limit.

        The service does not report the number of requests that are left.
        """
        budget, limited = self.session.budget, self.session.target.token_is_limited
        facts: dict[str, object] = {
            "requests": self.response_log.count,
            "used": budget.used() if limited else None,
            "limit": budget.limit if limited else None,
            "window_s": budget.window if limited else None,
        }
        if not limited:
            return CheckResult("budget", OPEN, description="This credential has no request limit."), facts
        is_throttled = budget.blocked_until is not None
        description = f"{budget.used()} of {budget.limit} requests in {budget.window:.0f} s, as counted by this command."
        return CheckResult("budget", THROTTLED if is_throttled else OPEN, description=description), facts


def is_web_page(error: MogplexError) -> bool:
    """Return whether an error is due to an HTML page with a success status.

    No route of Mogplex sends HTML pages.
    """
    from mogplex_tui.api.errors import LoginRequired

    return isinstance(error, LoginRequired) and error.status is not None and error.status < 300


def reach_of(error: MogplexError) -> str:
    """Return the report's word for an error: why a route family cannot be used."""
    from mogplex_tui.api import errors

    if is_web_page(error):
        return ABSENT
    reaches: tuple[tuple[tuple[type[MogplexError], ...], str], ...] = (
        # A credential that is not accepted needs a new sign-in, like a missing session.
        ((errors.LoginRequired, errors.NotSignedIn), NEEDS_SESSION),
        ((errors.NotAllowed,), NEEDS_SCOPE),
        ((errors.Throttled, errors.SuspectedThrottle, errors.BudgetBlocked), THROTTLED),
        ((errors.Absent, errors.FeatureOff), ABSENT),
        ((errors.Unreachable,), UNREACHABLE),
    )
    return next((word for kinds, word in reaches if isinstance(error, kinds)), BROKEN)
