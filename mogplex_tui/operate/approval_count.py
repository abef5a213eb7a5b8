"""Counts the open approvals for the header.

The list of approvals is read once a minute for as long as the console runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mogplex_tui.api.budget import Priority
from mogplex_tui.live.collection import AnyCollection
from mogplex_tui.live.scheduler import Feed

if TYPE_CHECKING:
    from mogplex_tui.live.session import Session

# Seconds between two reads. The approvals screen reads the same list far more often while it is open.
READ_INTERVAL = 60.0
# Seconds by which the first read lets the lists of the first screen go first, if it costs requests of a token.
FIRST_AFTER = 15.0


class ApprovalCount:
    """The number of open approvals, kept up to date by reading their list.

    The approvals screen uses the same list.
    """

    def __init__(self, session: Session, collection: AnyCollection) -> None:
        self._session, self._collection = session, collection
        self.feed = Feed(
            "waiting",
            self._fetch,
            Priority.BACKGROUND,
            every=READ_INTERVAL,
            poll_without_realtime=READ_INTERVAL,
            metered=collection.feed.metered,
            metered_delay=FIRST_AFTER,
            idle=lambda: collection.source is None,
        )

    def start(self) -> None:
        """Start reading the list periodically, until the session ends."""
        self._session.scheduler.subscribe(self.feed)

    async def _fetch(self) -> bool:
        return await self._collection.fetch(Priority.BACKGROUND)

    @property
    def count(self) -> int:
        """The number of open approvals; 0 while it is not known."""
        if self._collection.source is None:
            return 0
        return self._collection.open_count or 0
