"""A queue of events from a background task to the one client that reads them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

Event = Mapping[str, Any]


class Channel:
    """Events in order until the source ends them; dropped once the reader has left."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._left = False

    def say(self, event: Event) -> None:
        """Send an event; without a reader it is dropped."""
        if not self._left:
            self._queue.put_nowait(event)

    def end(self) -> None:
        """End the events."""
        self._queue.put_nowait(None)

    def leave(self) -> None:
        """Drop queued and later events, because the reader has left."""
        self._left = True
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(None)

    async def next(self) -> Event | None:
        """Return the next event, or None at the end."""
        return await self._queue.get()
