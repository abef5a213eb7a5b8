"""Slow down the requests of a session while the service fails or is overloaded."""

from __future__ import annotations

import asyncio
from collections import deque
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import count

from mogplex_tui.api import errors
from mogplex_tui.api.budget import Priority

# The service is in trouble when at least this many, and this share, of the last RECENT_REQUESTS requests failed.
RECENT_REQUESTS, MIN_FAILURES, MIN_SHARE = 20, 3, 0.25
# It is also in trouble after this many disturbances of the stream within this many seconds.
MAX_DISTURBANCES, WINDOW = 2, 60.0
# In trouble: seconds between two requests, requests that may follow one another so closely, and requests a second
# after them. Together at most 2 a second and 6 + 24 = 30 in any minute.
SPACING, BURST, REFILL = 0.6, 6, 0.4
# Actions are sent without waiting. Later requests wait longer, for at most this many of them.
MAX_DEBT = 6
# The number of paths that are remembered.
MAX_PATHS = 500

# Errors after which another try may succeed. Other errors count as failures only when the same path fails again.
_TEMPORARY = (
    errors.Throttled,
    errors.SuspectedThrottle,
    errors.Unavailable,
    errors.ServiceFailed,
    errors.Unreachable,
    errors.TimedOut,
    errors.InvalidResponse,
    errors.Redirected,
)
# Errors of requests that were never sent.
_NOT_SENT = (errors.BudgetBlocked, errors.InvalidInput, errors.InvalidTarget)


@dataclass(eq=False)
class ScheduledRead:
    """A read started by the scheduler, which may send several requests.

    Once the event `urgent` is set, the limiter sends the requests of this read without delay.
    `requests` is the number of requests that the read has sent, and `waited` is how many seconds
    the limiter has delayed them in total.
    """

    urgent: asyncio.Event = field(default_factory=asyncio.Event)
    waited: float = 0.0
    requests: int = 0


current_read: ContextVar[ScheduledRead | None] = ContextVar("current_read", default=None)


class RequestLimiter:
    """Spaces out the requests of one session while the service is in trouble.

    The service is in trouble if at least 3 and at least a quarter of the last 20 requests have
    failed, however long ago, or if `record_disturbance` was called twice in the last 60 seconds. A request
    has failed if another try might succeed (429, 5xx, no connection, an unreadable response). A
    refused request (401, 403, 404, a redirect to the sign-in page) has failed only if an earlier
    request to the same path succeeded, or was also refused within the last minute. Otherwise the
    refusal may only mean that the credential does not open the path.

    While the service is in trouble, requests are sent in order of priority, at most 2 a second
    and 30 in any minute. Actions of the user and urgent reads are sent without delay, but they are
    counted, so that later requests wait longer. Times are those of the event loop.
    """

    def __init__(self) -> None:
        # Whether the last requests failed, the latest at the end.
        self._failed: deque[bool] = deque(maxlen=RECENT_REQUESTS)
        self._disturbances: deque[float] = deque(maxlen=MAX_DISTURBANCES)
        # Paths that answered (None) or were refused, with the time of the refusal; the latest at the end.
        self._paths: dict[str, float | None] = {}
        self._tokens, self._refilled_at = float(BURST), 0.0
        self._next_at = 0.0
        self._waiting: set[tuple[Priority, int]] = set()
        self._numbers = count()

    @property
    def in_trouble(self) -> bool:
        """Whether the service is in trouble, so that requests are delayed."""
        failures = sum(self._failed)
        if failures >= MIN_FAILURES and failures >= MIN_SHARE * len(self._failed):
            return True
        oldest = _now() - WINDOW
        return sum(at > oldest for at in self._disturbances) >= MAX_DISTURBANCES

    async def wait_and_count(self, priority: Priority) -> None:
        """Wait until a request of this priority may be sent, and count the request.

        For actions there is no wait.
        """
        await self.wait(priority)
        self.count()

    async def wait(self, priority: Priority) -> None:
        """Wait until a request of this priority may be sent, but do not count the request.

        For actions there is no wait.
        """
        read = current_read.get()
        if priority is not Priority.ACTION and self.in_trouble:
            started = _now()
            try:
                await self._wait(priority, read)
            finally:
                if read is not None:
                    read.waited += _now() - started

    def count(self) -> None:
        """Count a request that is sent without a wait, so that later requests wait longer."""
        read = current_read.get()
        if read is not None:
            read.requests += 1
        now = _now()
        self._refill(now)
        floor = -MAX_DEBT if self.in_trouble else 0
        self._tokens = max(self._tokens - 1, floor)
        self._next_at = now + SPACING

    def learn(self, path: str, error: errors.MogplexError | None) -> None:
        """Record the outcome of a request to `path`; `error` is None for a success."""
        if isinstance(error, _NOT_SENT):
            return
        now = _now()
        before = self._paths.pop(path, -WINDOW)
        failed = isinstance(error, _TEMPORARY)
        if error is not None and not failed:
            failed = before is None or now - before < WINDOW
        # A path that has answered once keeps None.
        self._paths[path] = None if error is None or before is None else now
        while len(self._paths) > MAX_PATHS:
            del self._paths[next(iter(self._paths))]
        self._failed.append(failed)

    def record_disturbance(self) -> None:
        """Record that the realtime stream was disturbed.

        The stream sent too many messages, or was lost as soon as it was open.
        """
        self._disturbances.append(_now())

    async def _wait(self, priority: Priority, read: ScheduledRead | None) -> None:
        ticket = (priority, next(self._numbers))
        urgent = read.urgent if read is not None else asyncio.Event()
        self._waiting.add(ticket)
        try:
            while not urgent.is_set() and (delay := self._delay(ticket)) > 0:
                # Not `wait_for`, which loses a cancel that arrives together with the wake-up.
                try:
                    async with asyncio.timeout(delay):
                        await urgent.wait()
                except TimeoutError:
                    continue
        finally:
            self._waiting.discard(ticket)

    def _delay(self, ticket: tuple[Priority, int]) -> float:
        """Return how long a waiting request must wait before it checks again, in seconds.

        The result is 0 if the request may be sent now.
        """
        if not self.in_trouble:
            return 0.0
        now = _now()
        self._refill(now)
        ahead = sum(other < ticket for other in self._waiting)
        missing = max(0.0, 1 - self._tokens) / REFILL
        # One millisecond more, so that rounding does not cause a useless wake-up.
        delay = max(self._next_at - now, missing)
        return delay + ahead * SPACING + 0.001 if delay > 0 or ahead else 0.0

    def _refill(self, now: float) -> None:
        self._tokens = min(BURST, self._tokens + (now - self._refilled_at) * REFILL)
        self._refilled_at = now


def _now() -> float:
    return asyncio.get_running_loop().time()
