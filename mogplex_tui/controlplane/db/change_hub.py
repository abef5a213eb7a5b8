"""The realtime hub: change frames go from a commit to every stream that may see them (realtime.md §2, §5)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

# A stream this far behind is cut: its client reconnects and refetches, which is cheaper than the backlog.
MAX_BACKLOG = 10_000


class Frame(NamedTuple):
    """One changed row; `user_id` None means that everybody may know (realtime.md §2.1)."""

    table: str
    op: str
    user_id: str | None
    row_id: str


class Subscription:
    """What one stream listens to: its owner, its tables and the frames that wait to be sent."""

    def __init__(self, user_id: str, tables: Iterable[str]) -> None:
        self.user_id = user_id
        self.tables = frozenset(tables)
        self._queue: asyncio.Queue[Frame | None] = asyncio.Queue()
        self._closed = False

    def offer(self, frame: Frame) -> None:
        """Queue the frame if the table is asked for and the row is the caller's or nobody's."""
        if self._closed or frame.table not in self.tables or frame.user_id not in (None, self.user_id):
            return
        if self._queue.qsize() >= MAX_BACKLOG:
            self.close()
            return
        self._queue.put_nowait(frame)

    def close(self) -> None:
        """End the stream after what is already queued; nothing is queued any more."""
        if not self._closed:
            self._closed = True
            self._queue.put_nowait(None)

    async def next(self, timeout_s: float | None = None) -> Frame | None:
        """The next frame, or None when the subscription is closed; raises TimeoutError after timeout_s."""
        async with asyncio.timeout(timeout_s):
            return await self._queue.get()

    @property
    def waiting(self) -> int:
        """How much is queued."""
        return self._queue.qsize()

    def drain(self) -> list[Frame]:
        """All frames that wait now, without waiting for more."""
        frames = []
        while not self._queue.empty():
            frame = self._queue.get_nowait()
            if frame is None:
                self._queue.put_nowait(None)
                break
            frames.append(frame)
        return frames


class Hub:
    """Delivers frames to subscriptions; used on one event loop only."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()

    def subscribe(self, user_id: str, tables: Iterable[str]) -> Subscription:
        """Listen from now on; earlier changes are never delivered."""
        subscription = Subscription(user_id, tables)
        self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Forget a subscription; unknown ones are ignored."""
        self._subscriptions.discard(subscription)

    @property
    def listeners(self) -> int:
        """How many streams listen now."""
        return len(self._subscriptions)

    def publish(self, frames: Iterable[Frame]) -> None:
        """Hand the frames, in order, to everybody who may see them."""
        for frame in frames:
            for subscription in tuple(self._subscriptions):
                subscription.offer(frame)

    def close(self) -> None:
        """End every stream (the server is going down)."""
        for subscription in tuple(self._subscriptions):
            subscription.close()
