"""A realtime stream whose messages a test sends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from mogplex_tui.api.realtime_messages import Changed, Connected, Ping


class FakeRealtimeStream:
    """A fake realtime stream, fed by the test; it is also its own client."""

    def __init__(self) -> None:
        self.dials: list[tuple[str, ...]] = []
        self.refusals: list[Exception] = []
        self.queue: asyncio.Queue[Any] = asyncio.Queue()
        self.open = 0

    @property
    def realtime(self) -> FakeRealtimeStream:
        return self

    async def stream(self, tables: tuple[str, ...]) -> AsyncGenerator[Connected | Changed | Ping]:
        self.dials.append(tuple(tables))
        await asyncio.sleep(0)
        if self.refusals:
            raise self.refusals.pop(0)
        self.open += 1
        try:
            while (frame := await self.queue.get()) is not None:
                if isinstance(frame, Exception):
                    raise frame
                yield frame
        finally:
            self.open -= 1
