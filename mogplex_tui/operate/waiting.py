"""How many questions wait for a person, for the header: the approvals, read slowly while the console runs."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime
from math import inf
from typing import TYPE_CHECKING

from mogplex_tui.api.budget import Priority
from mogplex_tui.live.scheduler import Feed
from mogplex_tui.operate.kinds.columns import value

if TYPE_CHECKING:
    from mogplex_tui.live.collection import Collection, Item
    from mogplex_tui.live.session import Session
    from mogplex_tui.live.store import Change

# Seconds between two readings; whoever answers questions has their list open, which is read far more often.
EVERY = 60.0


class Waiting:
    """Counts the rows of the approvals' list, which is shared with its screen."""

    def __init__(self, session: Session, collection: Collection) -> None:
        self._session, self._collection = session, collection
        self.feed = Feed(
            "waiting",
            self._fetch,
            Priority.BACKGROUND,
            every=EVERY,
            blind=EVERY,
            metered=collection.feed.metered,
            idle=lambda: collection.road is None,
        )
        # When each question runs out, in order; made anew when it is asked for after a change.
        self._ends: list[float] | None = None
        collection.set.changes.subscribe(self._changed)

    def start(self) -> None:
        """Begin to read; ends with the session."""
        self._session.scheduler.want(self.feed)

    async def _fetch(self) -> bool:
        return await self._collection.fetch(Priority.BACKGROUND)

    @property
    def count(self) -> int:
        """How many questions are open now; 0 where nothing is known of them."""
        if self._collection.road is None:
            return 0
        if self._ends is None:
            rows = self._collection.set.rows.values()
            self._ends = sorted(_end(item) for item in rows if item.record is not None and item.doing is None)
        return len(self._ends) - bisect_right(self._ends, self._session.clock.now().timestamp())

    def _changed(self, _: Change) -> None:
        self._ends = None


def _end(item: Item) -> float:
    expires_at = value(item, "expires_at")
    return expires_at.timestamp() if isinstance(expires_at, datetime) else inf
