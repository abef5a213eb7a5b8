"""One realtime connection for the whole console: hints in, stale marks out (realtime.md §4)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING

from mogplex_tui.api.errors import BudgetBlocked, MogplexError, RealtimeOff
from mogplex_tui.live.scheduler import Scheduler
from mogplex_tui.live.signals import Signal

if TYPE_CHECKING:
    from mogplex_tui.api.client import MogplexClient

log = logging.getLogger("mogplex.live")

TABLES = (
    "ai_calls",
    "ai_call_events",
    "sandboxes",
    "job_runs",
    "automation_dispatch_events",
    "limit_events",
    "repos",
    "agents",
)
# Changes that polls find and no hint announced; after this many the stream is taken for silent.
MISSED_BEFORE_RECONNECT = 2
# How long a stream that the credential may not open is left alone.
CLOSED_PAUSE = 300.0


class Hearing(StrEnum):
    """Whether changes are announced."""

    CONNECTING = "connecting"
    OPEN = "open"
    RECONNECTING = "reconnecting"
    CLOSED = "closed"


class RealtimeWatch:
    """Keeps the stream open, hands its hints to the scheduler and says whether it hears anything."""

    def __init__(
        self,
        client: Callable[[], MogplexClient],
        scheduler: Scheduler,
        *,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._client, self._scheduler, self._jitter = client, scheduler, jitter
        self._task: asyncio.Task[None] | None = None
        self._stream: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._missed = 0
        self._attempt = 0
        self._was_open = False
        self.hearing = Hearing.CONNECTING
        # Why nothing is heard, when nothing is.
        self.reason: str | None = None
        self.changed: Signal[[]] = Signal()
        scheduler.missed.subscribe(self._on_missed)

    def start(self) -> None:
        """Open the stream and keep it open."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="realtime")

    async def stop(self) -> None:
        """Close the stream."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def reconnect(self) -> None:
        """Drop the stream and open it anew, now."""
        self._attempt = 0
        self._wake.set()
        if self._stream is not None:
            self._stream.cancel()

    def _on_missed(self) -> None:
        self._missed += 1
        if self._missed >= MISSED_BEFORE_RECONNECT and self.hearing is Hearing.OPEN:
            log.info("realtime is open but silent: reconnecting")
            self._missed = 0
            self.reconnect()

    def _say(self, hearing: Hearing, reason: str | None = None) -> None:
        self._scheduler.realtime_open = hearing is Hearing.OPEN
        if (hearing, reason) != (self.hearing, self.reason):
            self.hearing, self.reason = hearing, reason
            self.changed()
            self._scheduler.poke()

    async def _run(self) -> None:
        from mogplex_tui.api.realtime import backoff

        while True:
            self._wake.clear()
            try:
                self._stream = asyncio.create_task(self._listen())
                await self._stream
                self._say(Hearing.RECONNECTING, "the stream ended")
                pause = backoff(self._attempt, self._jitter)
            except RealtimeOff:
                self._say(Hearing.CLOSED, "this service offers no realtime")
                pause = CLOSED_PAUSE
            except BudgetBlocked as error:
                pause = max(0.1, error.until - self._scheduler.now())
            except MogplexError as error:
                passing = error.status is None or error.status >= 500
                self._say(Hearing.RECONNECTING if passing else Hearing.CLOSED, str(error))
                pause = backoff(self._attempt, self._jitter) if passing else CLOSED_PAUSE
            except asyncio.CancelledError:
                if self._task is None or not self._wake.is_set():
                    raise
                pause = 0.05
            self._attempt += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), pause)

    async def _listen(self) -> None:
        from mogplex_tui.api.realtime import Changed, Connected

        async for frame in self._client().realtime.stream(TABLES):
            if isinstance(frame, Connected):
                self._attempt = 0
                self._say(Hearing.OPEN)
                if self._was_open:
                    # Nothing is replayed: whatever is on screen may have changed meanwhile.
                    self._scheduler.refresh_all()
                self._was_open = True
            elif isinstance(frame, Changed):
                self._missed = 0
                self._scheduler.hint((frame.table,))
