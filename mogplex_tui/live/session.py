"""The client, store, scheduler, realtime stream and files of one context."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mogplex_tui.api.budget import Budget, Priority
from mogplex_tui.api.clock import Clock, SystemClock
from mogplex_tui.api.errors import LoginRequired, MogplexError, NotSignedIn
from mogplex_tui.api.failure_throttle import RequestLimiter
from mogplex_tui.api.response_errors import CredentialKind
from mogplex_tui.api.route_access import AccessMap, Family, Reach
from mogplex_tui.api.target import Target
from mogplex_tui.config.state_file import FileErrorReporter
from mogplex_tui.live.change_ledger import Ledger
from mogplex_tui.live.changes_in_flight import InFlight
from mogplex_tui.live.completion_records import KnownRecords
from mogplex_tui.live.cost_windows import Costs
from mogplex_tui.live.freshness import CLOSED
from mogplex_tui.live.known_runs import KnownRuns
from mogplex_tui.live.names import Names, can_list_hidden, read_names
from mogplex_tui.live.realtime import RealtimeState, RealtimeWatch
from mogplex_tui.live.reasons import Closed
from mogplex_tui.live.scheduler import Feed, Scheduler
from mogplex_tui.live.signals import Signal
from mogplex_tui.live.sleep_detection import SleepDetector
from mogplex_tui.live.store import Store
from mogplex_tui.live.token_session_match import AccountComparison, compare

if TYPE_CHECKING:
    from mogplex_tui.api.client import MogplexClient
    from mogplex_tui.config.console_settings import ConsoleSettings
    from mogplex_tui.config.contexts import UnstoredContext
    from mogplex_tui.live.call_history import CallHistory

log = logging.getLogger("mogplex.live")

# Seconds after which a refusal of a route that was open before is tested, and the most seconds between two tests.
RETRY_ACCESS_EVERY, LONGEST_RETRY_PAUSE = 30.0, 300.0
SESSION_EXPIRED = "The browser session has expired."
SIGN_IN_AGAIN = "Sign in again: mogplex-tui login --session."
TOKEN_REPLACES_SESSION = f"The browser session has expired; the token is used in its place. {SIGN_IN_AGAIN}"
# Seconds for which the first reads wait for the realtime stream to be requested, which loads the HTTP library.
STREAM_ASKED = 5.0


class NotAttached(MogplexError):
    """Raised for a request before the service's address and credentials were set."""

    default_advice = "Try again in a moment"
    default_advice_when_retrying = ""


class Session:
    """The client, store, scheduler, realtime stream and files of a context in use.

    The HTTP library, which takes long to import, is not loaded before `client` is first used.
    """

    def __init__(
        self,
        target: Target | None = None,
        *,
        directory: Path | None = None,
        clock: Clock | None = None,
        read_only: bool = False,
    ) -> None:
        self._target = target
        # The name of the service before it is known.
        self.service = "the embedded control plane"
        # The context that the program was started with, if it is not stored.
        self.unstored_context: UnstoredContext | None = None
        # The settings of the console; None in a command.
        self.console_settings: ConsoleSettings | None = None
        self.clock: Clock = clock or SystemClock()
        self.budget = Budget(self.clock)
        self.access = AccessMap(self.clock)
        self.limiter = RequestLimiter()
        self.store = Store()
        self.scheduler = Scheduler(self.clock, self.budget)
        self.file_errors = FileErrorReporter()
        self.history = KnownRuns(directory, self.file_errors)
        self.ledger = Ledger(directory, self.file_errors)
        self.known_records = KnownRecords(directory, self.file_errors)
        self.directory = directory
        self.names = Names()
        self.costs = Costs(self)
        self.realtime = RealtimeWatch(
            lambda: self.client, self.scheduler, on_disturbance=self.limiter.record_disturbance
        )
        self.wake = SleepDetector(self.clock)
        self.read_only = read_only
        self.account: str | None = None
        self.accounts: AccountComparison | None = None
        self.account_known: Signal[[]] = Signal()
        self.in_flight = InFlight()
        self._asking_scope = asyncio.Lock()
        self._client: MogplexClient | None = None
        self._call_history: CallHistory | None = None
        self._retry_feed = self._lost_access_feed()
        self._forget: list[Callable[[], None]] = []

    @property
    def target(self) -> Target:
        """The service's address and credentials. Raises NotAttached before `attach`."""
        if self._target is None:
            raise NotAttached(f"There is no connection to {self.service} yet")
        return self._target

    @property
    def attached(self) -> bool:
        """Whether the service's address and credentials are known.

        For an embedded service, they become known when it has started.
        """
        return self._target is not None

    def attach(self, target: Target) -> None:
        """Set the service's address and credentials."""
        self._target = target

    @property
    def client(self) -> MogplexClient:
        """The HTTP client of this context, created on first use."""
        if self._client is None:
            from mogplex_tui.api.client import MogplexClient

            self._share_budget()
            self._client = MogplexClient(
                self.target,
                clock=self.clock,
                budget=self.budget,
                access=self.access,
                limiter=self.limiter,
            )
        return self._client

    def _share_budget(self) -> None:
        """Count the token's requests together with the user's other consoles and commands."""
        token = self.target.token
        if self.directory is not None and token is not None and self.target.token_is_limited:
            from mogplex_tui.live.shared_requests import SharedRequests, path_for

            self.budget.share(SharedRequests(path_for(self.directory, token.reveal()), self.clock))

    @property
    def call_history(self) -> CallHistory:
        """The history of calls on disk, opened on first use."""
        if self._call_history is None:
            from mogplex_tui.live.call_history import CallHistory

            self._call_history = CallHistory(self.directory, self.file_errors)
        return self._call_history

    @property
    def client_made(self) -> MogplexClient | None:
        """The HTTP client, or None if it was not created yet.

        Unlike `client`, this property does not create the client.
        """
        return self._client

    @property
    def may_write(self) -> bool:
        """Whether changes are offered to the user.

        False in read-only mode, or if the token may not write and there is no browser session.
        """
        return self.may_change()

    def may_change(self, *, v1_only: bool = False) -> bool:
        """Return whether a change is offered to the user.

        `v1_only` is true for a change that only v1 accepts, which needs a token with the write scope.
        Other changes are sent with the browser session if there is one, and a session has no scopes.
        """
        if self.read_only:
            return False
        return self.access.can_write is not False or (self.has_session and not v1_only)

    @property
    def session_expired(self) -> bool:
        """Whether the service refuses this context's session cookie."""
        return self.access.cookie.expired

    @property
    def has_session(self) -> bool:
        """Whether there is a session cookie that is not known to be refused."""
        return self._target is not None and bool(self._target.session_cookie) and not self.session_expired

    async def learn_scope(self) -> None:
        """Find out whether the token has the write scope, unless that is known.

        This sends a request that the service refuses before it changes anything. Only v1 checks scopes,
        so on other routes the client itself has to refuse changes with a read-only token
        (auth.md §5.1).
        """
        async with self._asking_scope:
            if self.access.can_write is not None:
                return
            try:
                await self.client.runs.has_write_scope()
            except MogplexError as error:
                log.info("the token's scope is not known yet: %s", error)

    @property
    def token_changes_unversioned(self) -> bool:
        """Whether changes over unversioned routes are sent with the token."""
        return self._target is not None and self._target.token is not None and not self.has_session

    def metered_off_v1(self) -> bool:
        """Return whether requests to unversioned routes count against the token's budget.

        Requests that are sent with a session cookie do not count.
        """
        return self._target is None or self._target.session_cookie is None or self.token_replaces_session

    @property
    def token_replaces_session(self) -> bool:
        """Whether the token is used on unversioned routes because the cookie is refused."""
        return self.session_expired and self.target.token_opens_unversioned_routes

    def may_request(self, family: Family) -> bool:
        """Return whether a request to a route family may succeed.

        False if the family is known to be closed to the credentials.
        """
        return self.access.may_ask(family)

    def missing_session(self, family: Family) -> Closed:
        """Return why a route family that needs a browser session is closed."""
        access = self.access.reach(family)
        if self.target.session_cookie is None or not access.reason:
            return Closed(Reach.NEEDS_SESSION)
        if self.session_expired:
            return Closed(Reach.NEEDS_SESSION, session_expired=True)
        return Closed(Reach.NEEDS_SESSION, access)

    def closed(self, families: Sequence[Family]) -> Closed | None:
        """Return why all of these route families are closed, or None if one may be open."""
        if any(self.may_request(family) for family in families):
            return None
        v1 = self.access.reach(Family.V1)
        if Family.V1 in families and v1.reach is Reach.NEEDS_SCOPE:
            # Only v1 checks scopes: its refusal names the scope that a token needs (auth.md §5.2).
            return Closed(Reach.NEEDS_SCOPE, v1, self.session_expired)
        findings = [self.access.reach(family) for family in families]
        required_reach = {Reach.NEEDS_SESSION}
        if not self.has_session and families[0] is not Family.V1:
            # Outside v1 tokens have no scopes: a route that forbids them is open to a browser session only (auth.md
            # §2).
            required_reach.add(Reach.NEEDS_SCOPE)
        if any(each.reach in required_reach for each in findings):
            return self.missing_session(families[0])
        return Closed(findings[0].reach, findings[0])

    @property
    def _nothing_left(self) -> bool:
        """Whether the session cookie is refused and there is no token."""
        return self.session_expired and self._target is not None and self._target.token is None

    @property
    def refused(self) -> bool:
        """Whether the service refuses all credentials, so that no run is visible."""
        if self._nothing_left:
            return True
        reaches = {self.access.reach(family).reach for family in (Family.V1, Family.OBSERVABILITY)}
        return Reach.NOT_SIGNED_IN in reaches and not reaches & {Reach.OPEN, Reach.UNKNOWN, Reach.BROKEN}

    @property
    def refusal(self) -> Closed | None:
        """Why the service refuses all credentials; None if it does not refuse all."""
        if self._nothing_left:
            return Closed(Reach.NOT_SIGNED_IN, session_expired=True)
        findings = (self.access.reach(family) for family in (Family.V1, Family.OBSERVABILITY))
        refusals = (Closed(each.reach, each) for each in findings if each.reach is Reach.NOT_SIGNED_IN)
        return next(refusals, None) if self.refused else None

    @property
    def two_accounts(self) -> bool:
        """Whether the token and the session cookie are known to be of two accounts."""
        return self.accounts is not None and self.accounts.same is False and not self.session_expired

    def start(self) -> None:
        """Start the background reads. Needs a running event loop."""
        self.scheduler.hold_first_reads(STREAM_ASKED)
        self.scheduler.start()
        self._forget.append(self.access.subscribe(lambda *_: self.scheduler.recheck()))
        self._forget.append(self.access.cookie.subscribe(self._cookie_changed))
        for feed in (self._account_feed(), self._names_feed(), self._retry_feed):
            self.scheduler.subscribe(feed)
        self.costs.start()
        self.realtime.start()
        self._forget.append(self.wake.woke.subscribe(self._handle_wake_up))
        self.wake.start()

    def _handle_wake_up(self, slept: float) -> None:
        """Refresh everything on screen and reopen the realtime stream after a sleep.

        `slept` is the number of seconds for which the machine slept.
        """
        log.info("the machine slept for %d s: reading everything anew", slept)
        self.scheduler.refresh_all(everything=True)
        if self.realtime.state is not RealtimeState.CLOSED:
            self.realtime.reconnect()

    async def stop(self) -> None:
        """Stop the background reads and close every connection."""
        for forget in self._forget:
            forget()
        await self.wake.stop()
        await self.realtime.stop()
        await self.scheduler.stop()
        self.costs.hourly.save()
        if self._call_history is not None:
            await self._call_history.close()
        if self._client is not None:
            await self._client.aclose()

    def _cookie_changed(self) -> None:
        """Refresh everything and reconnect if the session cookie is accepted again."""
        if not self.session_expired:
            self.scheduler.refresh_all(everything=True)
            self.realtime.reconnect()

    def retry_lost_access(self) -> bool:
        """Allow another try of each route that refuses a credential it accepted before.

        Returns whether there are routes to retry, or the session cookie has expired.
        """
        if self.session_expired:
            self.scheduler.refresh(self._retry_feed)
        return self._allow_retries()

    def _allow_retries(self) -> bool:
        lost = self.access.allow_retry(token_serves=self.target.token_opens_unversioned_routes)
        if Family.REALTIME in lost:
            self.realtime.reconnect()
        if lost:
            self.scheduler.refresh_all()
        return bool(lost) or self.session_expired

    def _lost_access_feed(self) -> Feed:
        async def fetch() -> bool:
            if self.session_expired:
                # One request tests the cookie for all routes that a session opens; no other is sent while it is
                # refused.
                with contextlib.suppress(LoginRequired, NotSignedIn):
                    await self.client.at(Priority.BACKGROUND).account.user(credential=CredentialKind.COOKIE)
            feed.poll_without_realtime = (
                min(LONGEST_RETRY_PAUSE, feed.poll_without_realtime * 2)
                if self._allow_retries()
                else RETRY_ACCESS_EVERY
            )
            return False

        feed = Feed(
            "lost access",
            fetch,
            Priority.BACKGROUND,
            every=RETRY_ACCESS_EVERY,
            poll_without_realtime=RETRY_ACCESS_EVERY,
            metered=lambda: False,
        )
        return feed

    def _account_feed(self) -> Feed:
        async def fetch() -> bool:
            # Whose runs these are belongs to the first screen.
            client = self.client.at(Priority.TABLE)
            user = await client.account.user()
            name = (user.email or user.username or user.name) if user else None
            if name != self.account:
                self.account = name
                self.account_known()
            if user is not None and self.target.token is not None and self.has_session:
                self.accounts = await compare(client, user)
            return False

        return Feed(
            "account",
            fetch,
            Priority.TABLE,
            every=600,
            poll_without_realtime=600,
            metered=self.metered_off_v1,
        )

    def _names_feed(self) -> Feed:
        async def fetch() -> bool:
            failures = await read_names(self, Priority.TABLE)
            if failures.repos is not None:
                raise failures.repos
            if failures.agents is not None and not isinstance(failures.agents, CLOSED):
                raise failures.agents
            return False

        feed = Feed(
            "names",
            fetch,
            Priority.TABLE,
            every=900,
            poll_without_realtime=900,
            gap=5.0,
            tables=frozenset({"repos", "agents"}),
            metered=lambda: self.target.token is not None,
        )
        self._forget.append(self.names.missed.subscribe(lambda: self._look_for_names(feed)))
        return feed

    def _look_for_names(self, feed: Feed) -> None:
        """Read the lists of names again if a repository's name is still unknown."""
        if feed.freshness.as_of is not None and self.names.ids_to_look_up() and can_list_hidden(self):
            self.scheduler.refresh(feed)
