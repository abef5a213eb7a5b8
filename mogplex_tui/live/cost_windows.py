"""Costs of the account, read from the stats route for several time windows.

The route sums the costs that are known, billed or estimated, and leaves out calls without a
price. Every figure is therefore a lower bound and an `Estimate`. `total_cost` covers the
requested window; `cost_today` always counts from 00:00 UTC (observability.md §1).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.route_access import Family
from mogplex_tui.live.scheduler import Feed
from mogplex_tui.live.signals import Signal

if TYPE_CHECKING:
    from mogplex_tui.api.models.stats import Stats
    from mogplex_tui.live.session import Session

HOUR = timedelta(hours=1)
BUCKETS = 24
TABLES = frozenset({"ai_calls", "sandboxes", "job_runs", "automation_dispatch_events", "limit_events"})
# Seconds between re-reads of closed hours, one at a time: costs are reconciled late.
BUCKET_EVERY = 20.0
# Missing hours, which at the start are all hours, are read a few at a time, so that they do not compete with the first
# reads of a console.
BUCKETS_A_READ = 4
FILL_EVERY = 1.0


class CostWindow(NamedTuple):
    """A response of the stats route, and the time at which it was requested."""

    stats: Stats
    at: datetime


class Costs:
    """The costs of the last hour, day and week, and of each of the last 24 hours.

    The windows are named `hour`, `day` and `week`.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.windows: dict[str, CostWindow] = {}
        # Start of an hour -> US dollars, None if the service gave none. Hours that were not read are missing.
        self.buckets: dict[datetime, Decimal | None] = {}
        self.changed: Signal[[]] = Signal()
        self.feeds: dict[str, Feed] = {}
        self._read_at: dict[datetime, float] = {}
        for name, span, every, gap in (
            ("hour", HOUR, 30.0, 3.0),
            ("day", 24 * HOUR, 60.0, 5.0),
            ("week", 7 * 24 * HOUR, 300.0, 60.0),
        ):
            self.feeds[name] = self._window_feed(name, span, every, gap)
        self.feeds["buckets"] = Feed(
            "stats:buckets",
            self._fetch_buckets,
            Priority.BACKGROUND,
            every=BUCKET_EVERY,
            blind=BUCKET_EVERY,
            metered=self.session.metered_off_v1,
            idle=self._closed,
        )

    def start(self) -> None:
        """Start reading the costs that the header shows: last hour, today, each hour."""
        self.session.scheduler.subscribe(self.feeds["hour"])
        self.session.scheduler.subscribe(self.feeds["buckets"])

    @property
    def windows_feeds(self) -> Sequence[Feed]:
        """The feeds of the three windows, to be subscribed to while a screen shows them."""
        return [self.feeds[name] for name in ("hour", "day", "week")]

    def _closed(self) -> bool:
        return not self.session.open(Family.OBSERVABILITY)

    def _window_feed(self, name: str, span: timedelta, every: float, gap: float) -> Feed:
        async def fetch() -> bool:
            if self._closed():
                return False
            now = self.session.clock.now()
            client = self.session.client.at(Priority.BACKGROUND if name == "week" else Priority.TABLE)
            stats = await client.observability.stats(since=now - span)
            self.windows[name] = CostWindow(stats, now)
            self.changed()
            # A window moves with time, so a changed figure does not mean that realtime missed a change.
            return False

        priority = Priority.BACKGROUND if name == "week" else Priority.TABLE
        return Feed(
            f"stats:{name}",
            fetch,
            priority,
            every=every,
            blind=every,
            gap=gap,
            tables=TABLES,
            metered=self.session.metered_off_v1,
            idle=self._closed,
        )

    async def _fetch_buckets(self) -> bool:
        """Read the costs of a few hours that are missing, else re-read two hours.

        Missing hours are read newest first. The re-read hours are the current one and the one that was
        read longest ago.
        """
        if self._closed():
            return False
        for start in self._next_hours():
            stats = await self.session.client.at(Priority.BACKGROUND).observability.stats(
                since=start, until=start + HOUR - timedelta(microseconds=1)
            )
            self.buckets[start] = known(stats.summary.total_cost, stats.summary.total_calls)
            self._read_at[start] = self.session.clock.monotonic()
            self.changed()
        missing = any(start not in self.buckets for start in self.hours())
        self.feeds["buckets"].blind = FILL_EVERY if missing else BUCKET_EVERY
        return False

    def hours(self) -> list[datetime]:
        """Return the start times of the last 24 hours, oldest first."""
        current = self.session.clock.now().replace(minute=0, second=0, microsecond=0)
        return [current - HOUR * back for back in reversed(range(BUCKETS))]

    def _next_hours(self) -> list[datetime]:
        hours = self.hours()
        for gone in self.buckets.keys() - set(hours):
            del self.buckets[gone]
            self._read_at.pop(gone, None)
        missing = [start for start in reversed(hours) if start not in self.buckets]
        if missing:
            return missing[:BUCKETS_A_READ]
        oldest = min(hours[:-1], key=lambda start: self._read_at.get(start, 0.0))
        return [hours[-1], oldest]

    @property
    def today(self) -> Decimal | None:
        """The known cost since 00:00 UTC.

        None before the first response of the stats route, or if no call has a price.
        """
        newest = max(self.windows.values(), key=lambda window: window.at, default=None)
        if newest is None:
            return None
        summary = newest.stats.summary
        return known(summary.cost_today, summary.calls_today)

    @property
    def per_hour(self) -> Decimal | None:
        """The known cost of the last sixty minutes in US dollars (the burn rate)."""
        return self.total("hour")

    def total(self, name: str) -> Decimal | None:
        """Return the known cost of a window.

        None before the window's first response, or if no call in it has a price.
        """
        window = self.windows.get(name)
        if window is None:
            return None
        return known(window.stats.summary.total_cost, window.stats.summary.total_calls)

    def series(self) -> list[float | None]:
        """Return the cost of each of the last 24 hours, oldest first; None where unknown."""
        spent = [self.buckets.get(start) for start in self.hours()]
        return [None if amount is None else float(amount) for amount in spent]


def known(cost: Decimal | None, calls: int | None) -> Decimal | None:
    """Return a sum of costs, or None if it stands for calls that have no price.

    The service returns 0 for the sum if no call has a price, and such calls must not look free. If
    there were no calls, the 0 is exact and not an estimate.
    """
    if cost:
        return cost
    return Decimal(0) if calls == 0 and cost is not None else None
