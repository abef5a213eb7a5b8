"""Detect that the machine slept, because connections break silently during sleep."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from mogplex_tui.api.clock import Clock
from mogplex_tui.live.background_task import BackgroundTask
from mogplex_tui.live.signals import Signal

# Seconds between two looks at the clock.
LOOK = 2.0
# A look that is this many seconds late means a sleeping machine or a stopped process, not a busy event loop.
SLEPT = 15.0


class SleepDetector(BackgroundTask):
    """Detects that the machine slept: a pause then takes longer than it should.

    `woke` signals the number of seconds for which the machine slept.
    """

    def __init__(self, clock: Clock, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        super().__init__()
        self._clock, self._pause = clock, pause
        self.woke: Signal[[float]] = Signal()

    async def _run(self) -> None:
        while True:
            before = self._clock.monotonic()
            await self._pause(LOOK)
            slept = self._clock.monotonic() - before - LOOK
            if slept > SLEPT:
                self.woke(slept)
