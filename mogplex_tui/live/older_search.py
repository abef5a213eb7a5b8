"""Read the older records of a list page by page, to search or sort them.

The search is needed if the loaded rows cannot answer a filter or sort order. The routes number
their pages, and every new record shifts the pages. Therefore each page is requested by time
instead: up to the start of the last record on the page before
(observability.md §2, §7, §8).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Generic, TypeVar

from mogplex_tui.api.budget import Priority
from mogplex_tui.live.scheduler import Feed

if TYPE_CHECKING:
    from mogplex_tui.live.freshness import Freshness

Row = TypeVar("Row")

# Seconds between two pages; a search may read thousands of pages.
PAGE_EVERY = 0.25
# The resolution of the service's timestamps.
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class OlderPage(Generic[Row]):
    """A page of the records that began at or before a requested instant, newest first.

    `rows` are the readable records by key; `count` also includes unreadable ones; `oldest` is the
    start of the last record; `total` is the number of records on the service that began at or
    before the instant.
    """

    rows: Mapping[str, Row]
    count: int
    oldest: datetime | None
    total: int


class OlderSearch(Generic[Row]):
    """Reads a list page by page, from an instant back to its oldest record.

    `read` returns the page that ends at an instant, or the newest page for None; `take` receives the
    rows of each page. `loaded` are the keys of the records that the caller already has, which must
    include all records since `start`; they are counted but not passed to `take`. Pages are read as
    long as `feed` has a subscription.
    """

    def __init__(
        self,
        name: str,
        read: Callable[[Priority, datetime | None], Awaitable[OlderPage[Row]]],
        take: Callable[[Mapping[str, Row]], None],
        *,
        start: datetime | None = None,
        loaded: frozenset[str] = frozenset(),
        metered: Callable[[], bool] = lambda: True,
    ) -> None:
        self._read, self._take = read, take
        self._until = start
        self._at_boundary = loaded
        self._loaded = len(loaded)
        self._counted = 0
        self.total: int | None = None
        self.is_done = False
        self.feed = Feed(
            f"search:{name}:{id(self)}",
            self._fetch,
            Priority.BACKGROUND,
            every=PAGE_EVERY,
            poll_without_realtime=PAGE_EVERY,
            # A user waits for the result.
            rest=1.0,
            metered=metered,
            idle=lambda: self.is_done,
        )

    @property
    def searched(self) -> int:
        """The number of records searched so far, including those that were already loaded."""
        return self._loaded + self._counted

    @property
    def until(self) -> datetime | None:
        """The time from which every record was searched or loaded before, None at first."""
        return self._until

    @property
    def freshness(self) -> Freshness:
        """The freshness of the last page."""
        return self.feed.freshness

    async def _fetch(self) -> bool:
        await self.step(Priority.BACKGROUND)
        return False

    async def step(self, priority: Priority) -> None:
        """Read the next page, unless the search is done. Raises MogplexError."""
        if self.is_done:
            return
        page = await self._read(priority, self._until)
        fresh = {key: row for key, row in page.rows.items() if key not in self._at_boundary}
        # The instant at which a page ends also belongs to the next page.
        repeated = len(page.rows) - len(fresh)
        self._counted += page.count - repeated
        self.total = max(self.searched, self.searched + page.total - page.count)
        if fresh:
            self._take(fresh)
        if page.count >= page.total or page.oldest is None:
            self.is_done = True
        elif page.oldest == self._until:
            # The page has a single start time: the other records of that instant cannot be requested.
            self._until, self._at_boundary = page.oldest - _TICK, frozenset()
        else:
            self._until, self._at_boundary = page.oldest, frozenset(page.rows)
