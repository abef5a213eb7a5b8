"""Deliver change notifications from a commit to the realtime streams.

realtime.md §2, §5.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

# A stream that is this far behind is closed: its client reconnects and reads again, which is cheaper than the backlog.
MAX_BACKLOG = 10_000


class Frame(NamedTuple):
    """The change notification for one row.

    Every user may see it if `user_id` is None, otherwise only this user.
    """

    table: str
    op: str
    user_id: str | None
    row_id: str


class Subscription:
    """One realtime stream: its user, its tables and the frames that wait to be sent."""

    def __init__(self, user_id: str, tables: Iterable[str]) -> None:
        self.user_id = user_id
        self.tables = frozenset(tables)
        self._queue: asyncio.Queue[Frame | None] = asyncio.Queue()
        self._closed = False

    def offer(self, frame: Frame) -> None:
        """Queue a frame if it is of a subscribed table and the user may see the row.

        A subscription with too many queued frames is closed.
        """
        if self._closed or frame.table not in self.tables or frame.user_id not in (None, self.user_id):
            return
        if self._queue.qsize() >= MAX_BACKLOG:
            self.close()
            return
        self._queue.put_nowait(frame)

    def close(self) -> None:
        """Close the subscription; frames that are already queued are still delivered."""
        if not self._closed:
            self._closed = True
            self._queue.put_nowait(None)

    async def next(self, timeout_s: float | None = None) -> Frame | None:
        """Wait for the next frame and return it; return None at the end of the stream.

        Raises TimeoutError if there is no frame within `timeout_s` seconds.
        """
        async with asyncio.timeout(timeout_s):
            return await self._queue.get()

    @property
    def waiting(self) -> int:
        """The number of queued frames."""
        return self._queue.qsize()

    def drain(self) -> list[Frame]:
        """Return all queued frames without waiting for more."""
        frames = []
        while not self._queue.empty():
            frame = self._queue.get_nowait()
            if frame is None:
                self._queue.put_nowait(None)
                break
            frames.append(frame)
        return frames


class Hub:
    """The subscriptions of all realtime streams, to which commits publish frames."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()

    def subscribe(self, user_id: str, tables: Iterable[str]) -> Subscription:
        """Return a new subscription of a user to tables; it gets later changes only."""
        subscription = Subscription(user_id, tables)
        self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Remove a subscription; a subscription that is not registered is ignored."""
        self._subscriptions.discard(subscription)

    @property
    def listeners(self) -> int:
        """The number of subscriptions."""
        return len(self._subscriptions)

    def publish(self, frames: Iterable[Frame]) -> None:
        """Offer every frame, in order, to every subscription."""
        for frame in frames:
            for subscription in tuple(self._subscriptions):
                subscription.offer(frame)

    def close(self) -> None:
        """Close every subscription, because the server stops."""
        for subscription in tuple(self._subscriptions):
            subscription.close()
