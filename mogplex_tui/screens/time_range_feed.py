"""Reads the records of a time range into a list that holds only the newest records, for a link that leads there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import MogplexError, ended
from mogplex_tui.live.collection import BESIDE, Collection, Item
from mogplex_tui.live.scheduler import Feed
from mogplex_tui.operate.actions import key_of

if TYPE_CHECKING:
    from mogplex_tui.operate.kinds.base import ReadSpan, Span

# A record may be written a moment before or after the record that caused it.
AROUND = timedelta(minutes=1)


class TimeRangeFeed:
    """Reads the records of a time range once, and keeps them among the rows of a list while the list is shown."""

    def __init__(self, collection: Collection, read: ReadSpan, span: Span) -> None:
        self._collection, self._read = collection, read
        since, until = span
        self._span = (since - AROUND, None if until is None else until + AROUND)
        self._found: list[Item] | None = None
        self._all = False
        metered: Callable[[], bool] = lambda: self._found is None and collection.feed.metered()  # noqa: E731
        # A list drops rows that it did not read itself, so they are added again in time.
        self.feed = Feed(
            f"older:{collection.name}:{id(self)}",
            self._fetch,
            Priority.TABLE,
            every=BESIDE / 2,
            blind=BESIDE / 2,
            metered=metered,
        )

    @property
    def needed(self) -> bool:
        """Whether the list holds only a part of its records, as far as is known."""
        rows = self._collection.set
        return rows.freshness.as_of is None or (rows.total is not None and rows.total > len(rows.rows))

    async def _fetch(self) -> bool:
        session = self._collection.session
        if self._found is None:
            if not (self.needed and session.open(self._collection.roads[0].family)):
                return False
            listing = await self._read(session.client.at(Priority.TABLE), session, *self._span)
            self._found = list(listing.items)
            self._all = listing.total is None or listing.total <= len(self._found)
        for item in self._found:
            self._collection.put(item)
        return bool(self._found)

    def sentence(self) -> str:
        """Return the result of the read; an empty text if the time range has more records than were read."""
        error = self.feed.freshness.error
        if self._found is None and error is not None:
            what = error.what if isinstance(error, MogplexError) else str(error)
            again = f"{key_of('view.refresh')} reads them again."
            return f"Older ones could not be read: {ended(what)} {again}"
        if self._found is None:
            return "Older ones are being read."
        return "All of its time are among them, so there is none." if self._all else ""
