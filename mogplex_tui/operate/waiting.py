"""How many questions wait for a person, for the header: the approvals, read slowly while the console runs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from mogplex_tui.api.budget import Priority
from mogplex_tui.live.scheduler import Feed
from mogplex_tui.operate.kinds.columns import value

if TYPE_CHECKING:
    from mogplex_tui.live.collection import Collection
    from mogplex_tui.live.session import Session

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
        now = self._session.clock.now()
        return sum(
            item.record is not None and item.doing is None and not _over(value(item, "expires_at"), now)
            for item in self._collection.set.rows.values()
        )


def _over(expires_at: object, now: datetime) -> bool:
    return isinstance(expires_at, datetime) and expires_at <= now
