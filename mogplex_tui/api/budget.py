"""The request budget of a token: 60 counted requests in any 60 seconds.

No response header tells how many requests are left, so the client counts them itself.
Contract: auth.md §6.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum, auto
from typing import NamedTuple, Protocol

from mogplex_tui.api.clock import Clock
from mogplex_tui.api.observable import Observable

# Seconds for which a 429 stops requests at least, however short a wait the service names.
SHORTEST_PAUSE = 1.0
# Seconds for which reads stay slow after a 429 that the own count does not explain, and how much slower they get with
# each such 429, at most.
SLOW_FOR, SLOWER, SLOWEST = 300.0, 2.0, 4.0
# Seconds that a request may take before its end in the shared count is moved.
_USUAL_DURATION = 2.0


class Priority(IntEnum):
    """The priority of a request: the lower the number, the more important the request.

    ACTION is for actions of the user, TAIL for the log that has the focus, TABLE for visible
    tables, and BACKGROUND for everything else.
    """

    ACTION = 0
    TAIL = 1
    TABLE = 2
    BACKGROUND = 3


class RequestOutcome(Enum):
    """Whether the service counted a request against the token."""

    COUNTED = auto()
    # Refused for the limit or the token, a redirect, a 405 or an unknown path, or it never reached the service.
    NOT_COUNTED = auto()


@dataclass(eq=False)
class Slot:
    """The permission to send one request, which takes up a part of the token's budget.

    A slot is in use until the request is settled. If the service counted the request, the slot
    stays in use for one more window (`Budget.window` seconds).
    """

    priority: Priority
    granted_at: float
    expires: float | None = field(default=None)
    settled: bool = field(default=False)
    # The id in the count that is shared with other programs, if there is one.
    shared_id: str | None = field(default=None)


class SharedCount(Protocol):
    """Counts the requests that all programs on this machine send with the same token.

    `live.shared_requests` implements this protocol with a file.
    """

    def add(self, seconds: float) -> str:
        """Add a request that uses a slot for this many seconds; return the request's id."""

    def extend(self, request_id: str, seconds: float) -> None:
        """Make a request use its slot for this many seconds from now on."""

    def remove(self, request_id: str) -> None:
        """Remove a request that the service did not count."""

    def others(self) -> list[float]:
        """Return how many seconds each request of another program still uses a slot."""


class Blocked(NamedTuple):
    """The result of `Budget.acquire` when no slot is free.

    `until` is the earliest time at which a slot may be free, in seconds of the monotonic clock.
    """

    until: float


class Budget(Observable):
    """Counts the requests of a token in a sliding window and grants slots.

    A request with the priority ACTION always gets a slot, even if `limit` slots are in use: for
    example, a cancel must be sent even if the service might refuse it. The other priorities leave
    slots free for actions. TAIL gets no slot when `limit` - `reserve` slots are in use, TABLE when
    `limit` - 1.5 * `reserve` are, and BACKGROUND when half of `limit` are, so that background work
    never keeps a list from being opened (with 60 and 10: 50, 45 and 30).

    The service counts a request at some time between its start and its response. A counted slot
    therefore stays in use for one window after the response, so that this count is never below
    the service's. Observers are called when a slot is granted or settled and after a 429, but not
    when a slot becomes free because its window has passed.
    """

    def __init__(self, clock: Clock, limit: int = 60, window: float = 60.0, reserve: int = 10) -> None:
        super().__init__()
        if limit < 1 or reserve < 0 or 2 * reserve >= limit:
            raise ValueError("the limit must be more than twice the reserve")
        self.limit = limit
        self.window = window
        self.reserve = reserve
        self._clock = clock
        self._slots: list[Slot] = []
        self._blocked_until = 0.0
        self._shared: SharedCount | None = None
        self._slow_until, self._slowdown = 0.0, 1.0

    def share(self, shared: SharedCount) -> None:
        """From now on, also count the requests of other programs, as known to `shared`."""
        self._shared = shared
        self._changed()

    def limit_for(self, priority: Priority) -> int:
        """Return the number of used slots at which this priority is blocked.

        For ACTION the result is `limit`, but `acquire` never blocks an action.
        """
        kept_free = {
            Priority.TAIL: self.reserve,
            Priority.TABLE: self.reserve + self.reserve // 2,
            Priority.BACKGROUND: self.limit // 2,
        }
        return self.limit - kept_free.get(priority, 0)

    def acquire(self, priority: Priority) -> Slot | Blocked:
        """Return a slot for one request, or Blocked if no slot is free.

        The caller must pass each slot to `record_outcome`.
        """
        now = self._clock.monotonic()
        self._purge(now)
        if priority is not Priority.ACTION:
            until = self._earliest(self.limit_for(priority), now)
            if self._blocked_until > now:
                until = max(until, self._blocked_until)
            if until > now:
                return Blocked(until)
        slot = Slot(priority, now)
        self._slots.append(slot)
        if self._shared is not None:
            slot.shared_id = self._shared.add(self.window + _USUAL_DURATION)
        self._changed()
        return slot

    def record_outcome(self, slot: Slot, outcome: RequestOutcome) -> None:
        """Record whether the service counted the request of a slot.

        Settling a slot a second time changes nothing.
        """
        if slot.settled:
            return
        slot.settled = True
        now = self._clock.monotonic()
        if outcome is RequestOutcome.COUNTED:
            slot.expires = now + self.window
        elif slot in self._slots:
            self._slots.remove(slot)
        if self._shared is not None and slot.shared_id is not None:
            if outcome is not RequestOutcome.COUNTED:
                self._shared.remove(slot.shared_id)
            elif now - slot.granted_at > _USUAL_DURATION:
                self._shared.extend(slot.shared_id, self.window)
        self._changed()

    def hold_back(self, retry_after: float | None = None) -> None:
        """Hold back all requests except actions, because the service responded 429.

        The wait is `retry_after` seconds, at least one second. It is one window if `retry_after` is
        None, not positive or longer than a window. If fewer than `limit` slots were in use and no
        requests were held back, somebody else must be using the token too, and `slowdown` rises for
        some minutes.
        """
        now = self._clock.monotonic()
        if self.used() < self.limit and self._blocked_until <= now:
            self._slowdown = min(SLOWEST, self.slowdown * SLOWER)
            self._slow_until = now + SLOW_FOR
        wait = retry_after if retry_after is not None and 0 < retry_after <= self.window else self.window
        wait = max(SHORTEST_PAUSE, wait)
        self._blocked_until = max(self._blocked_until, now + wait)
        self._changed()

    @property
    def slowdown(self) -> float:
        """The factor by which the intervals between repeated reads are lengthened.

        It is more than 1 for some minutes after a 429 that came although fewer than `limit` requests
        are known, and 1 otherwise.
        """
        return self._slowdown if self._slow_until > self._clock.monotonic() else 1.0

    def used(self) -> int:
        """Return how many slots are in use.

        A slot is in use for each request that has no response yet and for each request that the
        service counted within the window. The requests of other programs are included after `share`.
        """
        self._purge(self._clock.monotonic())
        return len(self._slots) + self.used_by_others()

    def used_by_others(self) -> int:
        """Return how many slots other programs on this machine use."""
        return 0 if self._shared is None else len(self._shared.others())

    def next_free_in(self) -> float:
        """Return the seconds until a slot becomes free, or 0.0 if no slot is in use."""
        now = self._clock.monotonic()
        self._purge(now)
        return max(0.0, min(self._ends(now), default=now) - now)

    @property
    def blocked_until(self) -> float | None:
        """The end of the wait after a 429, or None if no wait is in progress.

        It is a time of the monotonic clock, in seconds.
        """
        return self._blocked_until if self._blocked_until > self._clock.monotonic() else None

    def _end(self, slot: Slot, now: float) -> float:
        # A request in flight may end at any moment; its slot is then held for one window or released.
        return max(slot.granted_at + self.window, now) if slot.expires is None else slot.expires

    def _ends(self, now: float) -> list[float]:
        others = [] if self._shared is None else self._shared.others()
        return [self._end(slot, now) for slot in self._slots] + [now + left for left in others]

    def _purge(self, now: float) -> None:
        # A request exactly one window old does not count any more (auth.md §6).
        self._slots = [slot for slot in self._slots if slot.expires is None or slot.expires > now]

    def _earliest(self, room: int, now: float) -> float:
        ends = sorted(self._ends(now))
        surplus = len(ends) - room
        if surplus < 0:
            return now
        end = ends[surplus]
        # Only overdue requests in flight could free a slot: look again in a second.
        return end if end > now else now + 1.0
