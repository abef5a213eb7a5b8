"""A queue of events from a background task to the one client that reads them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

Event = Mapping[str, Any]


class Channel:
    """A first-in, first-out queue of events with one writer and one reader.

    The writer ends the queue with `end`. After the reader has called `leave`, events are
    dropped.
    """

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._left = False

    def put(self, event: Event) -> None:
        """Put an event into the queue, or drop it if the reader has left."""
        if not self._left:
            self._queue.put_nowait(event)

    def end(self) -> None:
        """Mark the end of the events; `next` returns None when it reaches this mark."""
        self._queue.put_nowait(None)

    def leave(self) -> None:
        """Stop reading: drop the queued events and all later ones."""
        self._left = True
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(None)

    async def next(self) -> Event | None:
        """Wait for the next event and return it; return None after the last event."""
        return await self._queue.get()
