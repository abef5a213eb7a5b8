"""One context at work: client, store, scheduler, realtime and what is kept on disk, wired together."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mogplex_tui.api.access import AccessMap, Family, Reach
from mogplex_tui.api.budget import Budget, Priority
from mogplex_tui.api.clock import Clock, SystemClock
from mogplex_tui.api.errors import LoginRequired, MogplexError, NotSignedIn
from mogplex_tui.api.limiter import RequestLimiter
from mogplex_tui.api.response_errors import CredentialKind
from mogplex_tui.api.target import Target
from mogplex_tui.config.state_file import FileTroubles
from mogplex_tui.live.account_match import Accounts, compare
from mogplex_tui.live.costs import Costs
from mogplex_tui.live.freshness import CLOSED
from mogplex_tui.live.in_flight import InFlight
from mogplex_tui.live.known_records import KnownRecords
from mogplex_tui.live.known_runs import History
from mogplex_tui.live.ledger import Ledger
from mogplex_tui.live.names import Names, can_list_hidden, read_names
from mogplex_tui.live.realtime import Hearing, RealtimeWatch
from mogplex_tui.live.reasons import Closed
from mogplex_tui.live.scheduler import Feed, Scheduler
from mogplex_tui.live.signals import Signal
from mogplex_tui.live.sleep_detection import WakeWatch
from mogplex_tui.live.store import Store

if TYPE_CHECKING:
    from mogplex_tui.api.client import MogplexClient

log = logging.getLogger("mogplex.live")

# After so many seconds a refusal of what was open before is put to the test for the first time, and at most so long
# after the last time.
DOUBTS, LONGEST_DOUBT = 30.0, 300.0
SESSION_EXPIRED = "The browser session has expired."
SIGN_IN_AGAIN = "Sign in again: mogplex-tui login --session."
TOKEN_REPLACES_SESSION = f"The browser session has expired; the token is used in its place. {SIGN_IN_AGAIN}"
# So many seconds the first reads wait until the realtime stream has been asked for; the HTTP library is loaded for it.
STREAM_ASKED = 5.0


class NotYet(MogplexError):
    """Nothing was sent: where the service is, or what it takes, is still being looked for."""

    default_advice = "Try again in a moment"
    default_advice_beside_retry = ""


class Session:
    """Everything a context needs while the console or a headless command runs.

    Nothing heavy happens before `client` is first read: the HTTP library is loaded then.
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
        # What the service is called before it is known.
        self.service = "the embedded control plane"
        self.clock: Clock = clock or SystemClock()
        self.budget = Budget(self.clock)
        self.access = AccessMap(self.clock)
        self.limiter = RequestLimiter()
        self.store = Store()
        self.scheduler = Scheduler(self.clock, self.budget)
        self.file_troubles = FileTroubles()
        self.history = History(directory, self.file_troubles)
        self.ledger = Ledger(directory, self.file_troubles)
        self.known_records = KnownRecords(directory, self.file_troubles)
        self.directory = directory
        self.names = Names()
        self.costs = Costs(self)
        self.realtime = RealtimeWatch(lambda: self.client, self.scheduler, disturbed=self.limiter.disturbed)
        self.wake = WakeWatch(self.clock)
        self.read_only = read_only
        self.account: str | None = None
        self.accounts: Accounts | None = None
        self.account_known: Signal[[]] = Signal()
        self.in_flight = InFlight()
        self._asking_scope = asyncio.Lock()
        self._client: MogplexClient | None = None
        self._doubts = self._doubt_feed()
        self._forget: list[Callable[[], None]] = []

    @property
    def target(self) -> Target:
        """The service that is talked to. Raises NotYet before `attach`."""
        if self._target is None:
            raise NotYet(f"There is no connection to {self.service} yet")
        return self._target

    @property
    def attached(self) -> bool:
        """Whether the service is known; an embedded one says where it is only once it answers."""
        return self._target is not None

    def attach(self, target: Target) -> None:
        """Name the service, once."""
        self._target = target

    @property
    def client(self) -> MogplexClient:
        """The client of this context, made on first use."""
        if self._client is None:
            from mogplex_tui.api.client import MogplexClient

            self._client = MogplexClient(
                self.target,
                clock=self.clock,
                budget=self.budget,
                access=self.access,
                limiter=self.limiter,
            )
        return self._client

    @property
    def client_made(self) -> MogplexClient | None:
        """The client if anything has used it yet; reading this loads nothing."""
        return self._client

    @property
    def may_write(self) -> bool:
        """Whether any change is offered: the console's own rule (design decision 10)."""
        return self.may_change()

    def may_change(self, *, v1_only: bool = False) -> bool:
        """Return whether a change is offered; `v1_only` for one that only the token API accepts.

        The other changes go out with the browser session where there is one, and a session has no scopes.
        """
        if self.read_only:
            return False
        return self.access.can_write is not False or (self.has_session and not v1_only)

    @property
    def session_expired(self) -> bool:
        """Whether the service refuses the session cookie of this context."""
        return self.access.cookie.expired

    @property
    def has_session(self) -> bool:
        """Whether there is a session cookie that is not known to be refused."""
        return self._target is not None and bool(self._target.session_cookie) and not self.session_expired

    async def learn_scope(self) -> None:
        """Ask whether the token may write, unless that is known; without an answer it stays unknown.

        The question is a request that the service refuses before it does anything. Only v1 checks scopes: what a
        read-only token must not do elsewhere, this client has to refuse (auth.md §5.1, design decision 10).
        """
        async with self._asking_scope:
            if self.access.can_write is not None:
                return
            try:
                await self.client.runs.may_write()
            except MogplexError as error:
                log.info("the token's scope is not known yet: %s", error)

    @property
    def token_changes_unversioned(self) -> bool:
        """Whether a change over an unversioned route goes out with the token, as there is no session."""
        return self._target is not None and self._target.token is not None and not self.has_session

    def metered_off_v1(self) -> bool:
        """Return whether unversioned routes spend the token's budget: a session cookie spends none."""
        return self._target is None or self._target.session_cookie is None or self.token_replaces_session

    @property
    def token_replaces_session(self) -> bool:
        """Whether unversioned routes are asked with the token because the cookie is refused."""
        return self.session_expired and self.target.token_opens_unversioned_routes

    def open(self, family: Family) -> bool:
        """Return whether a family is worth asking: open, or not yet known."""
        return self.access.worth_asking(family)

    def missing_session(self, family: Family) -> Closed:
        """Return why a family is closed that needs a browser session."""
        found = self.access.reach(family)
        if self.target.session_cookie is None or not found.reason:
            return Closed(Reach.NEEDS_SESSION)
        if self.session_expired:
            return Closed(Reach.NEEDS_SESSION, session_expired=True)
        return Closed(Reach.NEEDS_SESSION, found)

    def closed(self, families: Sequence[Family]) -> Closed | None:
        """Return why none of these families is open; None where one may be."""
        if any(self.open(family) for family in families):
            return None
        v1 = self.access.reach(Family.V1)
        if Family.V1 in families and v1.reach is Reach.NEEDS_SCOPE:
            # Only v1 checks scopes: its refusal says which one a token needs (auth.md §5.2).
            return Closed(Reach.NEEDS_SCOPE, v1, self.session_expired)
        findings = [self.access.reach(family) for family in families]
        wanted = {Reach.NEEDS_SESSION}
        if not self.has_session and families[0] is not Family.V1:
            # Outside v1 no token has a scope: what is forbidden to it is open to a person alone (auth.md §2).
            wanted.add(Reach.NEEDS_SCOPE)
        if any(each.reach in wanted for each in findings):
            return self.missing_session(families[0])
        return Closed(findings[0].reach, findings[0])

    @property
    def _nothing_left(self) -> bool:
        """Whether the refused cookie is the only credential."""
        return self.session_expired and self._target is not None and self._target.token is None

    @property
    def refused(self) -> bool:
        """Whether the service accepts none of the credentials: no road to any run is open."""
        if self._nothing_left:
            return True
        roads = {self.access.reach(family).reach for family in (Family.V1, Family.OBSERVABILITY)}
        return Reach.NOT_SIGNED_IN in roads and not roads & {Reach.OPEN, Reach.UNKNOWN, Reach.BROKEN}

    @property
    def refusal(self) -> Closed | None:
        """Why the service accepts none of the credentials; None while it accepts one."""
        if self._nothing_left:
            return Closed(Reach.NOT_SIGNED_IN, session_expired=True)
        findings = (self.access.reach(family) for family in (Family.V1, Family.OBSERVABILITY))
        refusals = (Closed(each.reach, each) for each in findings if each.reach is Reach.NOT_SIGNED_IN)
        return next(refusals, None) if self.refused else None

    @property
    def two_accounts(self) -> bool:
        """Whether the token and the session cookie are known to belong to different accounts."""
        return self.accounts is not None and self.accounts.same is False and not self.session_expired

    def start(self) -> None:
        """Begin to read. Needs a running event loop."""
        self.scheduler.hold_first_reads(STREAM_ASKED)
        self.scheduler.start()
        self._forget.append(self.access.subscribe(lambda *_: self.scheduler.poke()))
        self._forget.append(self.access.cookie.subscribe(self._cookie_changed))
        for feed in (self._account_feed(), self._names_feed(), self._doubts):
            self.scheduler.want(feed)
        self.costs.start()
        self.realtime.start()
        self._forget.append(self.wake.woke.subscribe(self._woke))
        self.wake.start()

    def _woke(self, slept: float) -> None:
        """After a sleep nothing on screen is true any more, and the stream is dead though nobody has said so."""
        log.info("the machine slept for %d s: reading everything anew", slept)
        self.scheduler.refresh_all(everything=True)
        if self.realtime.hearing is not Hearing.CLOSED:
            self.realtime.reconnect()

    async def stop(self) -> None:
        """Stop reading and close every connection."""
        for forget in self._forget:
            forget()
        await self.wake.stop()
        await self.realtime.stop()
        await self.scheduler.stop()
        if self._client is not None:
            await self._client.aclose()

    def _cookie_changed(self) -> None:
        """After the cookie is accepted again, read what the token did not open meanwhile."""
        if not self.session_expired:
            self.scheduler.refresh_all(everything=True)
            self.realtime.reconnect()

    def doubt(self) -> bool:
        """Ask again what refuses a credential that it had accepted before; return whether there is such a thing."""
        if self.session_expired:
            self.scheduler.refresh(self._doubts)
        return self._ask_again()

    def _ask_again(self) -> bool:
        lost = self.access.doubt(token_serves=self.target.token_opens_unversioned_routes)
        if Family.REALTIME in lost:
            self.realtime.reconnect()
        if lost:
            self.scheduler.refresh_all()
        return bool(lost) or self.session_expired

    def _doubt_feed(self) -> Feed:
        async def fetch() -> bool:
            if self.session_expired:
                # One request tests the cookie for all routes that a session opens; no other is sent while it is refused.
                with contextlib.suppress(LoginRequired, NotSignedIn):
                    await self.client.at(Priority.BACKGROUND).account.user(credential=CredentialKind.COOKIE)
            feed.blind = min(LONGEST_DOUBT, feed.blind * 2) if self._ask_again() else DOUBTS
            return False

        feed = Feed("doubt", fetch, Priority.BACKGROUND, every=DOUBTS, blind=DOUBTS, metered=lambda: False)
        return feed

    def _account_feed(self) -> Feed:
        async def fetch() -> bool:
            client = self.client.at(Priority.BACKGROUND)
            user = await client.account.user()
            name = (user.email or user.username or user.name) if user else None
            if name != self.account:
                self.account = name
                self.account_known()
            if user is not None and self.target.token is not None and self.has_session:
                self.accounts = await compare(client, user)
            return False

        return Feed("account", fetch, Priority.BACKGROUND, every=600, blind=600, metered=self.metered_off_v1)

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
            blind=900,
            gap=5.0,
            tables=frozenset({"repos", "agents"}),
            metered=lambda: self.target.token is not None,
        )
        self._forget.append(self.names.missed.subscribe(lambda: self._look_for_names(feed)))
        return feed

    def _look_for_names(self, feed: Feed) -> None:
        """Read the names again for a repository that is in none of the lists read so far."""
        if feed.freshness.as_of is not None and self.names.unsearched() and can_list_hidden(self):
            self.scheduler.refresh(feed)
