"""Costs of the account, read from the stats route for several time windows.

The route sums known costs, billed or estimated, and leaves out calls without a price. Every
figure is therefore a lower bound and an `Estimate`. `total_cost` covers the requested window;
`cost_today` always counts from 00:00 UTC (observability.md §1).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.route_access import Family
from mogplex_tui.live.hour_figures import HourFigures, hour_figures
from mogplex_tui.live.hourly_costs import HOUR, HourlyCosts
from mogplex_tui.live.scheduler import Feed
from mogplex_tui.live.signals import Signal
from mogplex_tui.live.usage_breakdown import TimeRange

if TYPE_CHECKING:
    from mogplex_tui.api.models.stats import Stats
    from mogplex_tui.live.session import Session

TABLES = frozenset({"ai_calls", "sandboxes", "job_runs", "automation_dispatch_events", "limit_events"})
# Seconds between two reads of an hour: while hours are missing, and once all are known. Reads that count against a
# token's budget are rarer, and are left out while more than a third of it is used.
FILL_EVERY, HOURS_EVERY, METERED_EVERY = 6.0, 30.0, 60.0
# Hours to read at once at the start if they cost no budget: as many as the header draws.
FIRST_HOURS = 12
# Seconds by which the first read of an hour lets the lists of the first screen go first.
FIRST_AFTER = 12.0


class CostWindow(NamedTuple):
    """A response of the stats route, and the time at which it was requested."""

    stats: Stats
    at: datetime


class Costs:
    """The costs of each time range, and of each hour of the last week.

    `windows` holds the last response for each `TimeRange`.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.windows: dict[str, CostWindow] = {}
        self.hourly = HourlyCosts(session.directory, session.clock, session.file_errors)
        self.changed: Signal[[]] = Signal()
        self.feeds: dict[str, Feed] = {}
        for time_range, every, gap in (
            (TimeRange.HOUR, 30.0, 3.0),
            (TimeRange.TODAY, 60.0, 5.0),
            (TimeRange.DAY, 60.0, 5.0),
            (TimeRange.WEEK, 300.0, 60.0),
        ):
            self.feeds[time_range] = self._window_feed(time_range, every, gap)
        self.feeds["hours"] = Feed(
            "stats:hours",
            self._fetch_hours,
            Priority.BACKGROUND,
            every=FILL_EVERY,
            poll_without_realtime=FILL_EVERY,
            metered=self.session.metered_off_v1,
            metered_delay=FIRST_AFTER,
            idle=self._closed,
        )

    def start(self) -> None:
        """Start reading the costs for the header: the last hour, today, and single hours."""
        self.hourly.load()
        self.session.account_known.subscribe(self._account_known)
        self.session.scheduler.subscribe(self.feeds["hour"])
        self.session.scheduler.subscribe(self.feeds["hours"])

    def _account_known(self) -> None:
        self.hourly.set_account(self.session.account)
        self.changed()

    def window_feeds(self, chosen: TimeRange) -> Sequence[Feed]:
        """Return the feeds of the chosen time range and of the ranges always shown."""
        shown = dict.fromkeys((TimeRange.HOUR, TimeRange.DAY, TimeRange.WEEK, chosen))
        return [self.feeds[time_range] for time_range in shown]

    def _closed(self) -> bool:
        return not self.session.may_request(Family.OBSERVABILITY)

    def _window_feed(self, name: TimeRange, every: float, gap: float) -> Feed:
        is_compared = name in (TimeRange.TODAY, TimeRange.DAY)
        priority = Priority.TABLE if is_compared else Priority.BACKGROUND

        async def fetch() -> bool:
            if self._closed():
                return False
            now = self.session.clock.now()
            stats = await self.session.client.at(priority).observability.stats(since=name.since(now))
            self.windows[name] = CostWindow(stats, now)
            self.changed()
            # A window moves with time, so a changed figure does not mean that realtime missed a change.
            return False

        return Feed(
            f"stats:{name}",
            fetch,
            priority,
            every=every,
            poll_without_realtime=every,
            gap=gap,
            tables=TABLES,
            metered=self.session.metered_off_v1,
            idle=self._closed,
        )

    async def _fetch_hours(self) -> bool:
        """Read the cost of the hour that is needed most.

        If no hour is known and the requests do not count against a token's budget, several hours are
        read. Always returns False.
        """
        if self._closed():
            return False
        budget, metered = self.session.budget, self.session.metered_off_v1()
        wanted = self.hourly.to_read()
        count = 1 if metered or self.hourly.known else FIRST_HOURS
        if metered and budget.used() > budget.limit // 3:
            count = 0
        for start in wanted[:count]:
            stats = await self.session.client.at(Priority.BACKGROUND).observability.stats(
                since=start, until=start + HOUR - timedelta(microseconds=1)
            )
            cost = known(stats.summary.total_cost, stats.summary.total_calls)
            self.hourly.put(start, cost, hour_figures(stats))
            self.changed()
        feed = self.feeds["hours"]
        feed.poll_without_realtime = (
            METERED_EVERY if metered else FILL_EVERY if len(wanted) > 1 else HOURS_EVERY
        )
        return False

    def earlier_hours(self) -> list[HourFigures]:
        """Return the figures of hours that ended more than an hour ago.

        Hours that were read before they ended, or that have no figures, are left out.
        """
        until = self.session.clock.now() - HOUR
        ended = (
            hour for start, hour in self.hourly.known.items() if start + HOUR <= min(until, hour.read_at)
        )
        return [hour.figures for hour in ended if hour.figures is not None]

    def last_hour(self) -> HourFigures | None:
        """Return the figures of the last sixty minutes, or None if they were not read yet."""
        window = self.windows.get("hour")
        return None if window is None else hour_figures(window.stats)

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
        """Return the known cost of the time range with a name.

        None before the first response for this range, or if no call in it has a price.
        """
        window = self.windows.get(name)
        if window is None:
            return None
        return known(window.stats.summary.total_cost, window.stats.summary.total_calls)

    def series(self) -> list[float | None]:
        """Return the costs of the last 24 hours, oldest first; an unknown cost is None."""
        spent = self.hourly.costs(self.hourly.starts())
        return [None if amount is None else float(amount) for amount in spent]


def known(cost: Decimal | None, calls: int | None) -> Decimal | None:
    """Return the service's sum of costs, or None if none of the calls has a price.

    The service returns 0 for calls without a price, and they must not look free. If there were no
    calls, the sum is known to be 0.
    """
    if cost:
        return cost
    return Decimal(0) if calls == 0 and cost is not None else None
