"""Turns wants, hints and budget into the next request.

A screen wants a feed while it is shown. A feed is due when it was never read, when a realtime hint named one of its
tables, or when its poll interval is over. What is due goes out by priority, one request at a time a feed and at most
eight feeds together. A budget that has no slot is an answer: the feed says when it will be read, and nobody sleeps.
What nobody looks at any more is not waited for: its reading is given up, and the next who wants the feed reads it anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
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
from mogplex_tui.api.limiter import Reading, current_reading
from mogplex_tui.api.retry import decide
from mogplex_tui.live.background_task import Going
from mogplex_tui.live.freshness import Freshness, SourceState
from mogplex_tui.live.signals import Signal

log = logging.getLogger("mogplex.live")

# A burst of hints arrives within milliseconds; one read answers all of it.
DEBOUNCE = 0.12
AT_ONCE = 8
# For so many seconds a reading goes on that nobody wants any more: its request is paid, and who turns round at once finds
# it done. Where others wait for its place it goes on no longer than a hold takes to go from one screen to the next.
LINGERS, HANDED_ON = 1.0, 0.1
LONGEST_PAUSE = 60.0
# What the service goes on failing to do, or tells in a way that cannot be understood, is asked for again after so many
# seconds, then twice as many, and so on.
FAILING = 8.0
# Bounds of every wait after a failure, whatever the service says, and the share of it that is added at random, so that
# many consoles do not come back together.
SHORTEST_WAIT, LONGEST_WAIT, JITTER = 1.0, 300.0, 0.2
# While a feed is refused again and again, its wait doubles up to this, however short the wait that the service names.
LONGEST_BACKOFF = 10.0
# Seconds between two forced reads of a feed.
FORCE_EVERY = 5.0


def bounded(wait: float) -> float:
    """Return the seconds to wait after a failure, within bounds; NaN counts as the shortest."""
    return min(LONGEST_WAIT, wait) if wait > SHORTEST_WAIT else SHORTEST_WAIT


@dataclass(eq=False)
class Feed:
    """One thing to keep fresh. Intervals and gaps are seconds.

    `fetch` reads it and puts it in the store; it returns whether anything differed. `every` is the poll beside
    realtime, `blind` the poll without it, `gap` the least time between two reads that hints cause.
    """

    name: str
    fetch: Callable[[], Awaitable[bool]]
    priority: Priority
    every: float
    blind: float
    tables: frozenset[str] = frozenset()
    # Whether its tables announce every change; else one that only a poll finds is no fault of the stream.
    announced: bool = True
    # Whether it asks nothing of the service, and so waits for nobody who does.
    local: bool = False
    gap: float = 0.5
    # A reading that took long is followed by so many times as long without one.
    rest: float = 8.0
    # The most that fruitless hints may stretch the gap to.
    patience: float = 0.0
    # Whether its requests spend the token's budget now; a session cookie's do not.
    metered: Callable[[], bool] = lambda: True
    # Whether there is anything left to ask; a feed of something that is over may say so: it is polled no more, and
    # hints, which are mostly about others, read it no more often than a poll would have.
    idle: Callable[[], bool] = lambda: False
    freshness: Freshness = field(default_factory=Freshness)
    # What `fetch` notes that it failed to read while the rest was read: it is due again by itself.
    sources: Mapping[str, SourceState] = field(default_factory=dict)
    changed: Signal[[]] = field(default_factory=Signal)
    wanted: int = 0
    running: bool = False
    reading: Reading | None = None
    forced_at: float | None = None
    # Since when nobody has wanted it while it is being read.
    left_at: float | None = None
    hinted_at: float | None = None
    asked: bool = False
    # When its last read began and ended.
    begun: float | None = None
    finished: float | None = None
    took: float = 0.0
    fruitless: int = 0

    def __post_init__(self) -> None:
        self.freshness.every = self.every

    @property
    def troubled(self) -> list[Freshness]:
        """What its last reading failed on: the whole, or parts of it."""
        told_by = (self.freshness, *(source.freshness for source in self.sources.values()))
        return [fresh for fresh in told_by if fresh.failures]


class Want:
    """A screen's hold on a feed; drop it when the screen leaves."""

    def __init__(self, scheduler: Scheduler, feed: Feed) -> None:
        self._scheduler, self.feed, self._held = scheduler, feed, True

    def refresh(self) -> None:
        """Read the feed again for a person: as soon as the budget allows, also while the service is in trouble."""
        self._scheduler.refresh(self.feed, force=True)

    def drop(self) -> None:
        """Let the feed go; the last one to do so stops it."""
        if self._held:
            self._held = False
            self._scheduler.release(self.feed)


class Scheduler(Going):
    """Runs the feeds that somebody wants."""

    def __init__(self, clock: Clock, budget: Budget, *, jitter: Callable[[], float] = random.random) -> None:
        super().__init__()
        self._clock, self._budget, self.jitter = clock, budget, jitter
        self._feeds: dict[str, Feed] = {}
        self._wake = asyncio.Event()
        self._readings: dict[Feed, asyncio.Task[None]] = {}
        # When each table, and when all, were last named: a feed that nobody wanted then has missed it.
        self._named: dict[str, float] = {}
        self._all_named: float | None = None
        # Told by the realtime watcher: while it is, polls are slow.
        self.realtime_open = False
        # Ends the hold of the first reads; None while they are not held.
        self._first_hold: asyncio.TimerHandle | None = None
        # A poll found a change that no hint had announced (realtime.md: a stream can go silent).
        self.missed: Signal[[]] = Signal()

    def _begun(self) -> Iterable[asyncio.Task[None]]:
        return self._readings.values()

    def want(self, feed: Feed) -> Want:
        """Hold a feed; equal names share one feed."""
        held = self._feeds.setdefault(feed.name, feed)
        held.wanted += 1
        held.left_at = None
        held.priority = min(held.priority, feed.priority)
        if held.wanted == 1:
            self._catch_up(held)
        self._wake.set()
        return Want(self, held)

    def _catch_up(self, feed: Feed) -> None:
        """Tell a feed that comes back what was announced while nobody looked (realtime.md §4)."""
        named = [self._named.get(table) for table in feed.tables]
        missed = [at for at in (*named, self._all_named) if at is not None and feed.tables]
        if feed.begun is not None and missed and max(missed) >= feed.begun:
            feed.hinted_at = max(missed)

    def release(self, feed: Feed) -> None:
        """Take one hold away."""
        feed.wanted -= 1
        if feed.wanted <= 0:
            self._feeds.pop(feed.name, None)
            feed.left_at = self._clock.monotonic()
            self._wake.set()

    def refresh(self, feed: Feed, *, force: bool = False) -> None:
        """Ask for a read now, whatever the intervals say.

        A forced read is not delayed by the request limiter, nor is a read in progress. Each feed can be forced once in
        FORCE_EVERY seconds.
        """
        now = self._clock.monotonic()
        if force and (feed.forced_at is None or now - feed.forced_at >= FORCE_EVERY):
            feed.forced_at = now
            if feed.reading is None:
                feed.reading = Reading()
            feed.reading.urgent.set()
        feed.asked = True
        for fresh in feed.troubled:
            # What failed is tried again now; it is not given up.
            fresh.retry_at = self._clock.monotonic()
        self._wake.set()

    def refresh_all(self, *, everything: bool = False) -> None:
        """Ask once for all that is wanted and rests on hints or has failed, as after a reconnect.

        `everything` asks for what is polled alone as well, as after a sleep.
        """
        self._all_named = self._clock.monotonic()
        for feed in self._feeds.values():
            if everything or feed.tables or feed.troubled:
                self.refresh(feed)

    def hold_first_reads(self, seconds: float) -> None:
        """Delay the first read of each feed until `release_first_reads`, at most so many seconds.

        A read that begins after the realtime stream has opened misses no change, and need not be repeated. The
        seconds are the event loop's: the clock of the console also counts the sleep of the machine.
        """
        if self._first_hold is not None:
            self._first_hold.cancel()
        self._first_hold = asyncio.get_running_loop().call_later(seconds, self.release_first_reads)

    def limit_first_hold(self, seconds: float) -> None:
        """Release the first reads, where they are held, after so many seconds from now at the latest."""
        if self._first_hold is not None:
            self.hold_first_reads(seconds)

    def release_first_reads(self) -> None:
        """Let the first reads go out: the realtime stream is open, or it failed to open."""
        if self._first_hold is not None:
            self._first_hold.cancel()
            self._first_hold = None
            self._wake.set()

    async def stop(self) -> None:
        """End the loop and every read, and wait until all of it has ended."""
        self.release_first_reads()
        await super().stop()

    def hint(self, tables: Iterable[str]) -> None:
        """Mark the feeds that rest on one of these tables as stale."""
        names = set(tables)
        now = self._clock.monotonic()
        self._named.update(dict.fromkeys(names, now))
        for feed in self._feeds.values():
            if feed.tables & names and feed.hinted_at is None:
                feed.hinted_at = now
        self._wake.set()

    def now(self) -> float:
        """Return the clock's monotonic seconds."""
        return self._clock.monotonic()

    def poke(self) -> None:
        """Look again at what is due: an interval, the reach or the budget has changed."""
        self._wake.set()

    def due_in(self, feed: Feed) -> float | None:
        """Return the seconds until a feed is due (0 or less = now), or None while it is being read or held back."""
        held = self._first_hold is not None and feed.finished is None and not feed.local
        if feed.running or held:
            return None
        now = self._clock.monotonic()
        blocked = feed.freshness.blocked_until
        wait = 0.0 if blocked is None else blocked - now
        if feed.asked or feed.finished is None:
            return wait
        if feed.freshness.retry_at is not None:
            return max(wait, feed.freshness.retry_at - now)
        interval = self._interval(feed)
        candidates = [fresh.retry_at - now for fresh in feed.troubled if fresh.retry_at is not None]
        candidates += [] if interval is None else [feed.finished + interval - now]
        if feed.hinted_at is not None:
            candidates.append(max(feed.hinted_at + DEBOUNCE, feed.finished + self._gap(feed)) - now)
        return max(wait, min(candidates)) if candidates else None

    def _due_in(self, feed: Feed) -> float | None:
        """Return when a feed is due; one that cannot say so has failed, and the others go on."""
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
        usual = feed.every if announced else feed.blind + self._crowding(feed)
        # What took long to read is read less often: an answer of many megabytes is not asked for every second.
        return max(usual, feed.took * feed.rest)

    def _gap(self, feed: Feed) -> float:
        """Return the least seconds between two reads that hints cause.

        Hints name tables, not rows: the whole account's work hints at every tail. A hint that found nothing makes the
        next one wait longer, up to `patience`.
        """
        gap = min(feed.gap * (1 << feed.fruitless), max(feed.gap, feed.patience))
        if feed.idle():
            gap = max(gap, feed.every)
        return max(gap, feed.took * 4) + self._crowding(feed)

    def _crowding(self, feed: Feed) -> float:
        """Return the seconds that a metered feed waits longer because the window fills.

        None while little of it is used, ever more as it fills, so that reading settles at about half the budget
        however busy the account is. What spends no budget never waits for it.
        """
        if not feed.metered():
            return 0.0
        crowded = max(0.0, self._budget.used() / self._budget.limit - 1 / 6)
        return 18 * crowded**2 * (1 if feed.priority <= Priority.TAIL else 2)

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            pause = self._launch()
            # Not `wait_for`: it swallows a cancel that comes together with the wake-up.
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
        """Break off what nobody has wanted for so many seconds; return the seconds until that may be so of another."""
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
            feed.reading = Reading()
        reading = feed.reading
        current_reading.set(reading)
        try:
            differed = await feed.fetch()
        except BudgetBlocked as blocked:
            now = self._clock.monotonic()
            fresh.blocked_until = now + bounded(blocked.until - now)
            # Still wanted: what was asked for stays asked for.
            feed.asked = True
        except MogplexError as error:
            self._failed(feed, error)
        except asyncio.CancelledError:
            # Given up: it is no failure, and whoever wants it next has it read anew.
            feed.asked = True
            raise
        except Exception as error:
            log.exception("reading %s failed", feed.name)
            self._failed(feed, error)
        else:
            now = self._clock.monotonic()
            fresh.taken(self._clock)
            feed.finished, feed.took = now, max(0.0, now - begun - reading.waited)
            for part in feed.troubled:
                part.retry_at = self._retry_at(feed, part)
            feed.fruitless = 0 if differed else min(8, feed.fruitless + 1)
            announced = announced or feed.hinted_at is not None
            if differed and not announced and self.realtime_open and feed.tables and feed.announced:
                self.missed()
        finally:
            feed.running, fresh.loading, feed.reading = False, False, None
            feed.changed()

    def _failed(self, feed: Feed, error: Exception) -> None:
        feed.freshness.failed(error)
        feed.finished = self._clock.monotonic()
        for fresh in feed.troubled:
            # What failed in part is read again with the whole.
            fresh.retry_at = self._retry_at(feed, fresh) if fresh is feed.freshness else None

    def _retry_at(self, feed: Feed, fresh: Freshness) -> float | None:
        """Return when what has failed is read again, None where no time is set for it."""
        error = fresh.error
        wait: float | None = 15.0
        if isinstance(error, Throttled | SuspectedThrottle):
            backoff = min(LONGEST_BACKOFF, 2.0 ** min(fresh.failures - 1, 8))
            wait = max(bounded(error.retry_after or 60.0), backoff)
        elif isinstance(error, MogplexError):
            # The decision counts a few quick tries; after them a feed goes on, slowly, for as long as it is wanted.
            wait = decide(error, min(fresh.failures, 3), method="GET")
            if wait is not None and fresh.failures > 3:
                wait = min(30.0, 5.0 * (fresh.failures - 2))
            usual = self._interval(feed) if wait is None else None
            if usual is not None:
                # Never later than it would have been read without a failure; what is refused may wait for that.
                again = FAILING * (1 << min(max(fresh.failures - 3, 0), 8))
                wait = min(usual, again) if isinstance(error, ServiceFailed | InvalidResponse) else usual
        if wait is None:
            return None
        return self._clock.monotonic() + bounded(bounded(wait) * (1 + JITTER * self.jitter()))
