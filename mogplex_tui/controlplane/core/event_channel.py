"""The road between what works in the background and the one client that listens to it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

Event = Mapping[str, Any]


class Channel:
    """Events in order, until their source ends them or their reader leaves; then they are dropped."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._left = False

    def say(self, event: Event) -> None:
        """Hand an event on; nobody there to hear it is no fault."""
        if not self._left:
            self._queue.put_nowait(event)

    def end(self) -> None:
        """There are no more events."""
        self._queue.put_nowait(None)

    def leave(self) -> None:
        """The reader is gone: what waits and what will come is dropped."""
        self._left = True
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(None)

    async def next(self) -> Event | None:
        """The next event, or None at the end."""
        return await self._queue.get()
