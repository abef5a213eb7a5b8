"""Notices that the machine slept: nothing was heard meanwhile, and connections died without a word."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from mogplex_tui.api.clock import Clock
from mogplex_tui.live.signals import Signal

# Seconds between two looks at the clock.
LOOK = 2.0
# A look that comes so many seconds late means a lid that was closed or a process that was stopped, not a busy loop.
SLEPT = 15.0


class WakeWatch:
    """Compares how long it waited with how much time went by; `woke` is told with the seconds that were slept."""

    def __init__(self, clock: Clock, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._clock, self._pause = clock, pause
        self._task: asyncio.Task[None] | None = None
        self.woke: Signal[[float]] = Signal()

    def start(self) -> None:
        """Begin to look. Needs a running event loop."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="wake")

    async def stop(self) -> None:
        """Look no more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        while True:
            before = self._clock.monotonic()
            await self._pause(LOOK)
            slept = self._clock.monotonic() - before - LOOK
            if slept > SLEPT:
                self.woke(slept)
