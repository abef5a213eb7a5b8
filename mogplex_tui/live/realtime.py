"""The console's realtime connection, whose hints mark feeds as stale.

realtime.md §4.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable
from contextlib import aclosing
from enum import StrEnum
from typing import TYPE_CHECKING

from mogplex_tui.api.errors import (
    BadRequest,
    BudgetBlocked,
    LoginRequired,
    MogplexError,
    NotAllowed,
    NotSignedIn,
    RealtimeOff,
    SuspectedThrottle,
    Throttled,
)
from mogplex_tui.live.background_task import BackgroundTask
from mogplex_tui.live.scheduler import JITTER, Scheduler, limit_wait
from mogplex_tui.live.signals import Signal

if TYPE_CHECKING:
    from mogplex_tui.api.client import MogplexClient

log = logging.getLogger("mogplex.live")

# Every table that a feed depends on: changes of a table that is missing here would only be found by polling.
TABLES = (
    "ai_calls",
    "ai_call_events",
    "sandboxes",
    "job_runs",
    "automation_dispatch_events",
    "limit_events",
    "repos",
    "agents",
    "assignments",
    "triggers",
    "connections",
    "github_installations",
)
# Unannounced changes found by polling after which the stream counts as silent.
MISSED_BEFORE_RECONNECT = 2
# A stream that is lost within this many seconds counts as a failed try: each opening costs a request, and everything on
# screen is read after it.
BRIEF = 10.0
# Seconds for which the first reads wait for the stream to open.
OPENS_WITHIN = 0.5
# A stream that is lost within this many seconds counts as a disturbance, because each opening causes reads.
DISTURBING = 20.0
# Seconds after a full refresh during which another reconnect reads no more than hints do.
REFRESH_EVERY = 30.0
# Messages per second that count as a flood.
FLOOD = 200
# Errors after which there is no automatic reconnect (realtime.md §4).
FINAL = (RealtimeOff, BadRequest, LoginRequired, NotSignedIn, NotAllowed)
# Seconds before the next try after an unexpected response.
CLOSED_PAUSE = 300.0


class RealtimeState(StrEnum):
    """The state of the realtime stream."""

    CONNECTING = "connecting"
    OPEN = "open"
    RECONNECTING = "reconnecting"
    # Connected, but changes found by polling were not announced, even after a reconnect.
    SILENT = "silent"
    CLOSED = "closed"


class RealtimeWatch(BackgroundTask):
    """Keeps the realtime stream open and passes its hints to the scheduler."""

    def __init__(
        self,
        client: Callable[[], MogplexClient],
        scheduler: Scheduler,
        *,
        jitter: Callable[[], float] = random.random,
        on_disturbance: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__()
        self._client, self._scheduler, self._jitter = client, scheduler, jitter
        # Called when the stream is lost soon after it opened, and in each second with a flood.
        self._on_disturbance = on_disturbance
        # The start of the current second, and the number of messages in it.
        self._counted_since, self._counted = float("-inf"), 0
        self._refreshed_at: float | None = None
        self._stream: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._missed = 0
        # Whether the stream was reopened because it was silent, and nothing has been announced since.
        self._reopened_silent = False
        self._attempt = 0
        self._opened_at: float | None = None
        # The number of consecutive streams that were lost as soon as they were open.
        self._brief = 0
        self._was_open = False
        self.state = RealtimeState.CONNECTING
        # The reason why nothing is announced, if so.
        self.reason: str | None = None
        self.changed: Signal[[]] = Signal()
        scheduler.missed.subscribe(self._on_missed)

    def reconnect(self) -> None:
        """Close the realtime stream and open a new one immediately."""
        self._attempt = 0
        self._wake.set()
        if self._stream is not None:
            self._stream.cancel()

    def _on_missed(self) -> None:
        self._missed += 1
        if self._missed < MISSED_BEFORE_RECONNECT or self.state is not RealtimeState.OPEN:
            return
        self._missed = 0
        if self._reopened_silent:
            # Another reconnect would not help: poll as often as without realtime.
            self._set_state(RealtimeState.SILENT, "changes are found that the stream does not announce")
            return
        log.info("realtime is open but silent: reconnecting")
        self._reopened_silent = True
        self.reconnect()

    def _set_state(self, state: RealtimeState, reason: str | None = None) -> None:
        self._scheduler.realtime_open = state is RealtimeState.OPEN
        self._scheduler.release_first_reads()
        if (state, reason) != (self.state, self.reason):
            self.state, self.reason = state, reason
            self.changed()
            self._scheduler.recheck()

    async def _run(self) -> None:
        from mogplex_tui.api.realtime_messages import backoff

        while True:
            self._wake.clear()
            self._attempt += 1
            pause: float | None
            try:
                self._stream = asyncio.create_task(self._listen())
                await self._stream
                self._set_state(RealtimeState.RECONNECTING, "the stream ended")
                pause = backoff(self._tries(), self._jitter)
            except MogplexError as error:
                pause = self._failed(error, backoff(self._tries(), self._jitter))
            except asyncio.CancelledError:
                if self._task is None or not self._wake.is_set():
                    raise
                self._set_state(RealtimeState.RECONNECTING, "the stream is opened anew")
                pause = 0.0
            except Exception as error:
                log.exception("the realtime stream failed")
                self._set_state(RealtimeState.RECONNECTING, str(error))
                pause = backoff(self._tries(), self._jitter)
            # Not `wait_for`: it swallows a cancellation that coincides with the wake-up.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    def _tries(self) -> int:
        """Return the number of consecutive tries that determines the next pause.

        A stream that was lost soon after it opened counts as a failed try.
        """
        opened, self._opened_at = self._opened_at, None
        if opened is not None:
            lasted = self._scheduler.now() - opened
            self._brief = self._brief + 1 if lasted < BRIEF else 0
            if lasted < DISTURBING:
                self._on_disturbance()
        return max(self._attempt, self._brief)

    def _failed(self, error: MogplexError, pause: float) -> float | None:
        """Record why the stream failed; return the seconds until the next try.

        `pause` is the normal wait in seconds. Returns None if the stream is not opened again until
        `reconnect` is called.
        """
        if isinstance(error, BudgetBlocked):
            self._set_state(RealtimeState.RECONNECTING, str(error))
            return limit_wait(error.until - self._scheduler.now())
        if isinstance(error, Throttled | SuspectedThrottle):
            self._set_state(RealtimeState.RECONNECTING, str(error))
            return limit_wait(limit_wait(error.retry_after or 60.0) * (1 + JITTER * self._jitter()))
        if isinstance(error, FINAL):
            off = isinstance(error, RealtimeOff)
            self._set_state(RealtimeState.CLOSED, "this service offers no realtime" if off else str(error))
            return None
        passing = error.status is None or error.status >= 500
        self._set_state(RealtimeState.RECONNECTING if passing else RealtimeState.CLOSED, str(error))
        return pause if passing else CLOSED_PAUSE

    async def _listen(self) -> None:
        from mogplex_tui.api.realtime_messages import Changed, Connected

        realtime = self._client().realtime
        self._scheduler.limit_first_hold(OPENS_WITHIN)
        async with aclosing(realtime.stream(TABLES)) as frames:
            connected = False
            async for frame in frames:
                self._count()
                if isinstance(frame, Connected):
                    # A repeated `connected` frame belongs to the same connection.
                    if not connected:
                        self._connected()
                    connected = True
                elif isinstance(frame, Changed):
                    self._missed, self._reopened_silent = 0, False
                    if self.state is RealtimeState.SILENT:
                        self._set_state(RealtimeState.OPEN)
                    self._scheduler.hint((frame.table,))

    def _count(self) -> None:
        now = self._scheduler.now()
        if now - self._counted_since >= 1:
            self._counted_since, self._counted = now, 0
        self._counted += 1
        if self._counted == FLOOD:
            self._on_disturbance()

    def _connected(self) -> None:
        # Its loss starts a new series of tries.
        self._attempt, self._opened_at = 1, self._scheduler.now()
        self._set_state(RealtimeState.OPEN)
        # Events are not replayed: anything on screen may have changed meanwhile (realtime.md §2).
        now = self._scheduler.now()
        refreshed_recently = self._refreshed_at is not None and now - self._refreshed_at < REFRESH_EVERY
        if self._was_open and not refreshed_recently:
            self._refreshed_at = now
            self._scheduler.refresh_all()
        else:
            self._scheduler.hint(TABLES)
        self._was_open = True
