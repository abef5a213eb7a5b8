"""Fills the call history with the calls of the list of runs and with older pages."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from mogplex_tui.api.budget import Priority
from mogplex_tui.live import run_row as make
from mogplex_tui.live.call_pages import PAGE
from mogplex_tui.live.call_spans import EPOCH, CoveredSpan, Gap, gaps
from mogplex_tui.live.run_row import RunRow, RunSource
from mogplex_tui.live.scheduler import Feed
from mogplex_tui.live.signals import Signal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mogplex_tui.live.call_history import CallHistory
    from mogplex_tui.live.runs import Runs
    from mogplex_tui.live.store import RowChanges

KEPT_FOR: Final = timedelta(days=62)
"""How far back the history is filled without being asked: this month and the one before."""
_FREE_EVERY, _METERED_EVERY = 5.0, 60.0
# While a screen shows a range that is not complete.
_WANTED_FREE_EVERY, _WANTED_METERED_EVERY = 1.0, 15.0
# Pages that are read at once for a screen; they cost no budget.
_WANTED_PAGES = 20
# Seconds for which the first reads of the console go first.
_FIRST_AFTER = 30.0


class CallHistoryReader:
    """Stores the calls in the list of runs, and reads older ones page by page.

    Older pages are read while the console does nothing else with its requests: with a browser session a
    page every few seconds, with a token alone one a minute while two thirds of its budget are free.
    `changed` signals that calls or periods were added.
    """

    def __init__(self, history: CallHistory, runs: Runs) -> None:
        self.history, self._runs, self._session = history, runs, runs.session
        self.changed: Signal[[]] = Signal()
        self._wanted: datetime | None = None
        self._covered: tuple[datetime | None, datetime | None] = (None, None)
        # The page of the current gap to read, if many calls have started at the same time.
        self._page = 1
        self._is_whole = self._fills = False
        self.feed = Feed(
            "calls:history",
            self._fetch,
            Priority.BACKGROUND,
            every=_METERED_EVERY,
            poll_without_realtime=_METERED_EVERY,
            metered=self._session.metered_off_v1,
            metered_delay=_FIRST_AFTER,
            idle=lambda: not self.may_read or self._is_whole,
        )

    @property
    def may_read(self) -> bool:
        """Whether the credentials may list calls."""
        return self._runs.listed

    def start(self, *, fills: bool = False) -> None:
        """Store the calls of the list of runs from now on.

        If `fills` is true, older pages are read as well, once the list has been read.
        """
        self._fills = fills
        self._runs.set.changes.subscribe(self._store_changed)
        self._put(self._runs.set.rows.values())
        self.record_loaded()

    def want(self, since: datetime | None) -> None:
        """Read back to a time sooner, because a screen shows it; None if no screen does."""
        if since is not None and (self._wanted is None or since < self._wanted):
            self._is_whole = False
        was, self._wanted = self._wanted, since
        if since is not None and (was is None or since < was):
            self._session.scheduler.refresh(self.feed)

    def _store_changed(self, changes: RowChanges) -> None:
        rows = self._runs.set.rows
        self._put(row for key in changes.changed if (row := rows.get(key)) is not None)
        self.record_loaded()

    def _put(self, rows: Iterable[RunRow]) -> None:
        calls = [row for row in rows if row.source is RunSource.CALL]
        if calls:
            newest = max(calls, key=lambda row: row.began or EPOCH)
            self.history.put(calls, newest.user_id)
            self.changed()

    def record_loaded(self) -> None:
        """Store the period of which the list of runs has all calls."""
        span = self._runs.calls.loaded_span()
        if span is None or span == self._covered:
            return
        if self._fills:
            self._fills = False
            self._session.scheduler.subscribe(self.feed)
        self._covered = span
        oldest, newest = span
        self.history.cover(CoveredSpan(oldest, newest, self._session.clock.now()))
        self.changed()

    # Older pages -------------------------------------------------------------------------------------------------

    async def next_gap(self, since: datetime) -> Gap | None:
        """Return the newest gap after a time; None without a gap or before the first read."""
        found = gaps(await self.history.spans(), since)
        return found[0] if found else None

    async def read_page(self, gap: Gap, priority: Priority) -> None:
        """Read the newest calls of a gap, and store them. Raises MogplexError."""
        client = self._session.client.at(priority).observability
        page = await client.calls(page=self._page, limit=PAGE, until=gap.newest)
        rows = [self._runs.enrich(make.from_call(call)) for call in page.calls]
        starts = [row.began for row in rows if row.began is not None]
        is_last = self._page * PAGE >= page.total or not rows
        self.history.put(rows, rows[0].user_id if rows else None)
        oldest = EPOCH if is_last else min(starts, default=gap.newest)
        # Calls that start at the same time may be divided over two pages, so its time itself may be incomplete.
        self._page = self._page + 1 if oldest >= gap.newest else 1
        if oldest < gap.newest:
            self.history.cover(CoveredSpan(oldest, gap.newest, self._session.clock.now()))
        self.changed()

    async def _fetch(self) -> bool:
        """Read one page, or with a browser session all that a screen shows.

        Always returns False. Raises MogplexError.
        """
        if not self.may_read:
            return False
        is_metered, budget = self._session.metered_off_v1(), self._session.budget
        is_wanted, oldest = self._wanted is not None, self._session.clock.now() - KEPT_FOR
        since = min(filter(None, (self._wanted, oldest)))
        most = _WANTED_PAGES if is_wanted and not is_metered else 1
        if is_metered and budget.used() > budget.limit // 3:
            most = 0
        # What a screen shows comes first.
        read = await self.read_back(self._wanted or since, most, Priority.BACKGROUND)
        if is_wanted and read < most:
            await self.read_back(since, 1, Priority.BACKGROUND)
        self._is_whole = self._covered[0] is not None and await self.next_gap(since) is None
        every = (
            (_WANTED_METERED_EVERY if is_metered else _WANTED_FREE_EVERY)
            if is_wanted
            else _METERED_EVERY
            if is_metered
            else _FREE_EVERY
        )
        self.feed.poll_without_realtime = self.feed.every = every
        return False

    async def read_back(self, since: datetime, pages: int, priority: Priority) -> int:
        """Read pages until all calls since a time are stored; return how many were read.

        At most `pages` are read. Raises MogplexError.
        """
        for read in range(pages):
            gap = await self.next_gap(since)
            if gap is None:
                return read
            await self.read_page(gap, priority)
        return pages
