"""Decide which feed is read next, by subscriptions, hints and the budget.

A screen subscribes to a feed while it shows the feed's data. A feed is due if it was never read,
if a realtime hint named one of its tables, or if its poll interval has passed. Due feeds are
read by priority, one request at a time for each feed and at most eight feeds together. If the
budget has no slot, the feed records when it will be read. A read is cancelled when its feed has
no subscription any more, and started anew for the next subscription.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from mogplex_tui.api.budget import Budget, Priority
from mogplex_tui.api.clock import Clock
from mogplex_tui.api.errors import (
    BudgetBlocked,
    InvalidResponse,
    MogplexError,
    ServiceFailed,
    SuspectedThrottle,
    Throttled,
)
from mogplex_tui.api.failure_throttle import ScheduledRead, current_read
from mogplex_tui.api.retry import retry_delay
from mogplex_tui.live.background_task import BackgroundTask
from mogplex_tui.live.freshness import Freshness, SourceState
from mogplex_tui.live.signals import Signal

log = logging.getLogger("mogplex.live")

# Seconds to collect a burst of hints; one read answers all of them.
DEBOUNCE = 0.12
AT_ONCE = 8
# Seconds for which a read goes on after no screen wants it: the user may come straight back. If other feeds wait for
# its place it gets only the time of a change from one screen to the next.
LINGERS, HANDED_ON = 1.0, 0.1
LONGEST_PAUSE = 60.0
# First wait in seconds after repeated failures or unreadable answers; it doubles with each failure.
FAILING = 8.0
# Bounds of every wait after a failure, whatever the service says, and the random share added to it, so that many
# consoles do not retry together.
SHORTEST_WAIT, LONGEST_WAIT, JITTER = 1.0, 300.0, 0.2
# The most seconds to wait while a feed is refused repeatedly, even if the service names a short wait.
LONGEST_BACKOFF = 10.0
# Seconds between two forced reads of a feed.
FORCE_EVERY = 5.0
# The least seconds between two reads of a feed for each request of the read. Together the feeds of a screen then send
# at most 20 requests a minute that count against a token's budget, or 60 that do not. The first reads after a quiet
# time are sooner: the pace grows between 4 and 8 used slots of the budget, or reads of the feed in a minute.
METERED_PACE = {Priority.ACTION: 0.0, Priority.TAIL: 5.0, Priority.TABLE: 12.0, Priority.BACKGROUND: 60.0}
FREE_PACE = {Priority.ACTION: 0.0, Priority.TAIL: 2.5, Priority.TABLE: 5.0, Priority.BACKGROUND: 10.0}
UNPACED, PACED = 4, 8
# A feed that is polled less often than this many seconds does not slow down other feeds.
RARELY = 60.0


def limit_wait(wait: float) -> float:
    """Limit the seconds to wait after a failure to 1 to 300; return 1 for NaN."""
    return min(LONGEST_WAIT, wait) if wait > SHORTEST_WAIT else SHORTEST_WAIT


@dataclass(eq=False)
class Feed:
    """Data that is read repeatedly to stay up to date, and the state of its reads.

    `fetch` reads the data into the store and returns whether anything changed. `every` is the poll
    interval while the realtime stream is open, `poll_without_realtime` the one while it is not, and
    `gap` the minimum time between two reads caused by hints. Intervals are in seconds.
    """

    name: str
    fetch: Callable[[], Awaitable[bool]]
    priority: Priority
    every: float
    poll_without_realtime: float
    tables: frozenset[str] = frozenset()
    # False if the tables do not announce every change; a change found only by polling is then not a sign of a broken
    # stream.
    announced: bool = True
    # Whether it sends no request, so that it never waits for other feeds.
    local: bool = False
    gap: float = 0.5
    # The least time between reads, as a multiple of the last read's duration.
    rest: float = 8.0
    # Whether its requests count against the token's budget; those of a session cookie do not.
    metered: Callable[[], bool] = lambda: True
    # Seconds by which the first read lets other feeds go first if its requests count against the budget.
    metered_delay: float = 0.0
    # Whether the data may still change. A feed of something that has ended is not polled, and hints read it no more
    # often than a poll would.
    idle: Callable[[], bool] = lambda: False
    freshness: Freshness = field(default_factory=Freshness)
    # Sources that `fetch` failed to read while the rest was read; they are due again by themselves.
    sources: Mapping[str, SourceState] = field(default_factory=dict)
    changed: Signal[[]] = field(default_factory=Signal)
    subscriber_count: int = 0
    running: bool = False
    reading: ScheduledRead | None = None
    forced_at: float | None = None
    # Since when no screen has wanted it during a read.
    left_at: float | None = None
    hinted_at: float | None = None
    asked: bool = False
    subscribed_at: float = 0.0
    # The number of requests that the last read sent.
    requests: int = 1
    # Whether its repeated reads compete for the budget (True) or for free requests (False); None if it is read rarely.
    competes_for: bool | None = None
    # When its reads of the last minute ended.
    recent: deque[float] = field(default_factory=deque)
    # Start and end of the last read.
    begun: float | None = None
    finished: float | None = None
    took: float = 0.0

    def __post_init__(self) -> None:
        self.freshness.every = self.every

    @property
    def troubled(self) -> list[Freshness]:
        """The freshness of each failing part: of the feed itself, and of its sources."""
        told_by = (self.freshness, *(source.freshness for source in self.sources.values()))
        return [fresh for fresh in told_by if fresh.failures]


class Subscription:
    """A screen's subscription to a feed, to be dropped when the screen closes."""

    def __init__(self, scheduler: Scheduler, feed: Feed) -> None:
        self._scheduler, self.feed, self._held = scheduler, feed, True

    def refresh(self) -> None:
        """Read the feed now because the user asked for it, ignoring a planned retry time.

        The request budget may delay the read. The request limiter delays it only if the feed was forced
        less than FORCE_EVERY seconds ago.
        """
        self._scheduler.refresh(self.feed, force=True)

    def drop(self) -> None:
        """End the subscription; a feed without subscriptions is no longer read."""
        if self._held:
            self._held = False
            self._scheduler.release(self.feed)


class Scheduler(BackgroundTask):
    """Reads the feeds that screens subscribe to, when they are due."""

    def __init__(self, clock: Clock, budget: Budget, *, jitter: Callable[[], float] = random.random) -> None:
        super().__init__()
        self._clock, self._budget, self.jitter = clock, budget, jitter
        self._feeds: dict[str, Feed] = {}
        self._wake = asyncio.Event()
        self._readings: dict[Feed, asyncio.Task[None]] = {}
        # When each table, and all tables, were last named by hints: a feed that was not wanted then has missed it.
        self._named: dict[str, float] = {}
        self._all_named: float | None = None
        # Set by the realtime watch: while it is, polls are slow.
        self.realtime_open = False
        # Ends the delay of the first reads; None while they are not delayed.
        self._first_hold: asyncio.TimerHandle | None = None
        # Signalled if a poll found a change that no hint announced (a stream can fall silent, see realtime.md).
        self.missed: Signal[[]] = Signal()

    def _child_tasks(self) -> Iterable[asyncio.Task[None]]:
        return self._readings.values()

    def subscribe(self, feed: Feed) -> Subscription:
        """Subscribe to a feed and return the subscription.

        If a feed with the same name has a subscription already, that feed is shared.
        """
        held = self._feeds.setdefault(feed.name, feed)
        held.subscriber_count += 1
        held.left_at = None
        if held.subscriber_count == 1:
            held.subscribed_at = self._clock.monotonic()
        held.priority = min(held.priority, feed.priority)
        if held.subscriber_count == 1:
            self._catch_up(held)
        self._wake.set()
        return Subscription(self, held)

    def _catch_up(self, feed: Feed) -> None:
        """Mark a feed as stale if hints named its tables while it had no subscription.

        realtime.md §4.
        """
        named = [self._named.get(table) for table in feed.tables]
        missed = [at for at in (*named, self._all_named) if at is not None and feed.tables]
        if feed.begun is not None and missed and max(missed) >= feed.begun:
            feed.hinted_at = max(missed)

    def release(self, feed: Feed) -> None:
        """End one subscription to a feed; without subscriptions it is not read any more."""
        feed.subscriber_count -= 1
        if feed.subscriber_count <= 0:
            self._feeds.pop(feed.name, None)
            feed.left_at = self._clock.monotonic()
            self._wake.set()

    def refresh(self, feed: Feed, *, force: bool = False) -> None:
        """Request a read of a feed now, regardless of its intervals.

        If `force` is true, the request limiter delays neither the new read nor a read in progress. Each
        feed can be forced once in FORCE_EVERY seconds.
        """
        now = self._clock.monotonic()
        if force and (feed.forced_at is None or now - feed.forced_at >= FORCE_EVERY):
            feed.forced_at = now
            if feed.reading is None:
                feed.reading = ScheduledRead()
            feed.reading.urgent.set()
        feed.asked = True
        for fresh in feed.troubled:
            # Retry a failed feed now instead of cancelling its read.
            fresh.retry_at = self._clock.monotonic()
        self._wake.set()

    def refresh_all(self, *, everything: bool = False) -> None:
        """Read all subscribed feeds that depend on hints or have failed.

        This is called when the realtime stream is reconnected. If `everything` is true, feeds that are
        only polled are read too; this is called when the machine has slept.
        """
        self._all_named = self._clock.monotonic()
        for feed in self._feeds.values():
            if everything or feed.tables or feed.troubled:
                self.refresh(feed)

    def hold_first_reads(self, seconds: float) -> None:
        """Delay the first read of each feed until `release_first_reads` is called.

        The delay ends after `seconds` at the latest. It saves requests: a read that starts after the
        realtime stream has opened misses no change and need not be repeated. The seconds are measured by
        the event loop, because the console's clock also advances while the machine sleeps.
        """
        if self._first_hold is not None:
            self._first_hold.cancel()
        self._first_hold = asyncio.get_running_loop().call_later(seconds, self.release_first_reads)

    def limit_first_hold(self, seconds: float) -> None:
        """Shorten a delay of first reads, so that it ends after at most `seconds`.

        Does nothing if first reads are not delayed.
        """
        if self._first_hold is not None:
            self.hold_first_reads(seconds)

    def release_first_reads(self) -> None:
        """End the delay of first reads, because the realtime stream has opened or failed."""
        if self._first_hold is not None:
            self._first_hold.cancel()
            self._first_hold = None
            self._wake.set()

    async def stop(self) -> None:
        """End the loop and all reads, and wait until they have ended."""
        self.release_first_reads()
        await super().stop()

    def hint(self, tables: Iterable[str]) -> None:
        """Mark the feeds that depend on one of these tables as stale."""
        names = set(tables)
        now = self._clock.monotonic()
        self._named.update(dict.fromkeys(names, now))
        for feed in self._feeds.values():
            if feed.tables & names and feed.hinted_at is None:
                feed.hinted_at = now
        self._wake.set()

    def now(self) -> float:
        """Return the time of the scheduler's clock in monotonic seconds."""
        return self._clock.monotonic()

    def recheck(self) -> None:
        """Wake the loop, so that it checks again which feeds are due.

        To be called when an interval, the access to routes or the budget has changed.
        """
        self._wake.set()

    def due_in(self, feed: Feed) -> float | None:
        """Return the seconds until a feed is due; 0 or less if it is due now.

        Returns None while the feed is being read, while its first read is delayed, and if nothing makes
        it due.
        """
        held = self._first_hold is not None and feed.finished is None and not feed.local
        if feed.running or held:
            return None
        now = self._clock.monotonic()
        blocked = feed.freshness.blocked_until
        wait = 0.0 if blocked is None else blocked - now
        if feed.asked:
            return wait
        if feed.finished is None:
            delay = feed.metered_delay if feed.metered_delay and feed.metered() else 0.0
            return max(wait, feed.subscribed_at + delay - now)
        if feed.freshness.retry_at is not None:
            return max(wait, feed.freshness.retry_at - now)
        interval = self._interval(feed)
        candidates = [fresh.retry_at - now for fresh in feed.troubled if fresh.retry_at is not None]
        candidates += [] if interval is None else [feed.finished + interval - now]
        if feed.hinted_at is not None:
            candidates.append(max(feed.hinted_at + DEBOUNCE, feed.finished + self._gap(feed)) - now)
        return max(wait, min(candidates)) if candidates else None

    def _due_in(self, feed: Feed) -> float | None:
        """Return the result of `due_in`; an exception in it counts as a failed read.

        One feed that raises an exception therefore does not keep the others from being read.
        """
        try:
            return self.due_in(feed)
        except Exception as error:
            log.exception("when %s is due cannot be told", feed.name)
            self._failed(feed, error)
            feed.changed()
            return self.due_in(feed)

    def _interval(self, feed: Feed) -> float | None:
        if feed.idle():
            return None
        announced = self.realtime_open and bool(feed.tables)
        interval = max(feed.every if announced else feed.poll_without_realtime, self._pace(feed))
        # Data that takes long to read is read less often: do not request an answer of many megabytes every second.
        return max(interval, feed.took * feed.rest)

    def _gap(self, feed: Feed) -> float:
        """Return the minimum seconds between two reads of a feed that hints cause.

        Hints name tables and not rows, so all work of the account causes hints for every tail.
        """
        gap = max(feed.gap, feed.every) if feed.idle() else feed.gap
        return max(gap, feed.took * 4, self._pace(feed))

    def _pace(self, feed: Feed) -> float:
        """Return the minimum seconds between two reads of a feed that save requests.

        Feeds of the same priority share a number of requests per minute; tables are read less often
        while a tail is read. The more of the budget this and other programs have used, the less often
        are feeds read whose requests count against it.
        """
        if feed.local:
            return 0.0
        metered, now = feed.metered(), self._clock.monotonic()
        while feed.recent and feed.recent[0] <= now - 60.0:
            feed.recent.popleft()
        used, limit = self._budget.used(), self._budget.limit
        recent = used if metered else len(feed.recent)
        share = min(1.0, max(0.0, (recent - UNPACED) / (PACED - UNPACED)))
        pace = (METERED_PACE if metered else FREE_PACE)[feed.priority]
        pace *= max(1, feed.requests) * (1 + self._competing_feeds(feed, metered)) * share
        if not metered:
            return pace
        crowded = max(0.0, used / limit - 1 / 3)
        return pace * self._budget.slowdown + 18 * crowded**2 * (1 if feed.priority <= Priority.TAIL else 2)

    def _competing_feeds(self, feed: Feed, metered: bool) -> int:
        """Return the number of other feeds that share the feed's requests per minute.

        Feeds of the same or a more urgent priority are counted. The result is 0 for a background feed.
        """
        if feed.priority is Priority.BACKGROUND:
            return 0
        return sum(
            each is not feed and each.priority <= feed.priority and each.competes_for is metered
            for each in self._feeds.values()
        )

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            pause = self._launch()
            # Not `wait_for`: it swallows a cancellation that coincides with the wake-up.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    def _launch(self) -> float:
        pause, crowded = LONGEST_PAUSE, False
        for feed in sorted(self._feeds.values(), key=lambda each: each.priority):
            due = self._due_in(feed)
            if due is None:
                continue
            if due > 0:
                pause = min(pause, due)
            elif feed.local or len(self._readings) < AT_ONCE:
                self._begin(feed)
            else:
                crowded = True
        return min(pause, self._give_up(HANDED_ON if crowded else LINGERS))

    def _give_up(self, lingers: float) -> float:
        """Cancel reads whose feed has had no subscription for `lingers` seconds.

        Returns the seconds until the next read may be cancelled.
        """
        now, pause = self._clock.monotonic(), LONGEST_PAUSE
        for feed, reading in self._readings.items():
            if feed.left_at is None or reading.cancelling():
                continue
            left = feed.left_at + lingers - now
            if left > 0:
                pause = min(pause, left)
            else:
                reading.cancel()
        return pause

    def _begin(self, feed: Feed) -> None:
        announced = feed.hinted_at is not None or feed.asked or feed.finished is None or bool(feed.troubled)
        feed.running, feed.asked, feed.hinted_at = True, False, None
        feed.begun = self._clock.monotonic()
        feed.freshness.loading = True
        feed.changed()
        task = asyncio.create_task(self._read(feed, announced), name=f"feed {feed.name}")
        self._readings[feed] = task
        task.add_done_callback(lambda done: self._done(feed, done))

    def _done(self, feed: Feed, task: asyncio.Task[None]) -> None:
        if self._readings.get(feed) is task:
            del self._readings[feed]
        self._wake.set()

    async def _read(self, feed: Feed, announced: bool) -> None:
        fresh, begun = feed.freshness, self._clock.monotonic()
        if feed.reading is None:
            feed.reading = ScheduledRead()
        reading = feed.reading
        current_read.set(reading)
        try:
            differed = await feed.fetch()
        except BudgetBlocked as blocked:
            now = self._clock.monotonic()
            fresh.blocked_until = now + limit_wait(blocked.until - now)
            # Still wanted: the request stays pending.
            feed.asked = True
        except MogplexError as error:
            self._failed(feed, error)
        except asyncio.CancelledError:
            # Cancelled: this is no failure, and the next screen that wants it reads it anew.
            feed.asked = True
            raise
        except Exception as error:
            log.exception("reading %s failed", feed.name)
            self._failed(feed, error)
        else:
            now = self._clock.monotonic()
            fresh.mark_read(self._clock)
            feed.finished, feed.took = now, max(0.0, now - begun - reading.waited)
            feed.requests = reading.requests
            feed.recent.append(now)
            is_repeated = feed.poll_without_realtime < RARELY and not feed.local and not feed.idle()
            feed.competes_for = feed.metered() if is_repeated else None
            for part in feed.troubled:
                part.retry_at = self._retry_at(feed, part)
            announced = announced or feed.hinted_at is not None
            if differed and not announced and self.realtime_open and feed.tables and feed.announced:
                self.missed()
        finally:
            feed.running, fresh.loading, feed.reading = False, False, None
            feed.changed()

    def _failed(self, feed: Feed, error: Exception) -> None:
        feed.freshness.mark_failed(error)
        feed.finished = self._clock.monotonic()
        for fresh in feed.troubled:
            # The failed parts are read again together with the whole.
            fresh.retry_at = self._retry_at(feed, fresh) if fresh is feed.freshness else None

    def _retry_at(self, feed: Feed, fresh: Freshness) -> float | None:
        """Return the monotonic time at which to retry a failed read, or None for no retry."""
        error = fresh.error
        wait: float | None = 15.0
        if isinstance(error, Throttled | SuspectedThrottle):
            backoff = min(LONGEST_BACKOFF, 2.0 ** min(fresh.failures - 1, 8))
            wait = max(limit_wait(error.retry_after or 60.0), backoff)
        elif isinstance(error, MogplexError):
            # `retry_delay` counts a few quick tries; after them a feed retries slowly for as long as it is wanted.
            wait = retry_delay(error, min(fresh.failures, 3), method="GET")
            if wait is not None and fresh.failures > 3:
                wait = min(30.0, 5.0 * (fresh.failures - 2))
            interval = self._interval(feed) if wait is None else None
            if interval is not None:
                # Never later than without a failure; a refused read may wait until then.
                retry_interval = FAILING * (1 << min(max(fresh.failures - 3, 0), 8))
                wait = (
                    min(interval, retry_interval)
                    if isinstance(error, ServiceFailed | InvalidResponse)
                    else interval
                )
        if wait is None:
            return None
        return self._clock.monotonic() + limit_wait(limit_wait(wait) * (1 + JITTER * self.jitter()))
