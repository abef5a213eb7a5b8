"""Notices that the machine slept: nothing was heard meanwhile, and connections died without a word."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from mogplex_tui.api.clock import Clock
from mogplex_tui.live.background_task import Going
from mogplex_tui.live.signals import Signal

# Seconds between two looks at the clock.
LOOK = 2.0
# A look that comes so many seconds late means a lid that was closed or a process that was stopped, not a busy loop.
SLEPT = 15.0


class WakeWatch(Going):
    """Compares how long it waited with how much time went by; `woke` is told with the seconds that were slept."""

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
