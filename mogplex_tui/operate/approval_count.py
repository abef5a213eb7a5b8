"""How many questions wait for a person, for the header: the approvals, read slowly while the console runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mogplex_tui.api.budget import Priority
from mogplex_tui.live.collection import AnyCollection
from mogplex_tui.live.scheduler import Feed

if TYPE_CHECKING:
    from mogplex_tui.live.session import Session

# Seconds between two readings; whoever answers questions has their list open, which is read far more often.
EVERY = 60.0


class ApprovalCount:
    """Keeps the approvals' list fresh for its count; the list is shared with its screen."""

    def __init__(self, session: Session, collection: AnyCollection) -> None:
        self._session, self._collection = session, collection
        self.feed = Feed(
            "waiting",
            self._fetch,
            Priority.BACKGROUND,
            every=EVERY,
            blind=EVERY,
            metered=collection.feed.metered,
            idle=lambda: collection.source is None,
        )

    def start(self) -> None:
        """Begin to read; ends with the session."""
        self._session.scheduler.want(self.feed)

    async def _fetch(self) -> bool:
        return await self._collection.fetch(Priority.BACKGROUND)

    @property
    def count(self) -> int:
        """How many questions are open now; 0 where nothing is known of them."""
        if self._collection.source is None:
            return 0
        return self._collection.open_count or 0
