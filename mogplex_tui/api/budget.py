"""The request budget: 60 counted requests in any rolling 60 s per token, and no header that tells (auth.md
§6).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum, auto
from typing import NamedTuple

from mogplex_tui.api.clock import Clock
from mogplex_tui.api.observable import Observable

# However little time the service names, a refusal for the limit holds requests back for so many seconds.
SHORTEST_PAUSE = 1.0


class Priority(IntEnum):
    """Who asks, the most urgent first: a person's action, the tail in focus, a visible table, the
    background.
    """

    ACTION = 0
    TAIL = 1
    TABLE = 2
    BACKGROUND = 3


class RequestOutcome(Enum):
    """Whether the service counted a request against the token."""

    COUNTED = auto()
    # Refused for the limit or the token, 3xx, 405, unknown path, or it never reached the service.
    NOT_COUNTED = auto()


@dataclass(eq=False)
class Slot:
    """A granted request; it stays used until told about, and then for one window if the service
    counted it.
    """

    priority: Priority
    granted_at: float
    expires: float | None = field(default=None)
    settled: bool = field(default=False)


class Blocked(NamedTuple):
    """No slot now: ask again at `until` (monotonic seconds, the earliest moment that can help)."""

    until: float


class Budget(Observable):
    """Counts one token's requests in a sliding window and answers who may send now; it never waits.

    Of `limit` slots, `reserve` stay free for ACTION, which is always granted (even past the limit: a cancel
    goes out, the service decides). TAIL stops at limit - reserve. TABLE stops half a reserve earlier and
    BACKGROUND a whole reserve earlier, so that a focused tail keeps moving when tables are busy (60/10: 50,
    45 and 40). The service counts a request somewhere between its leaving and its answer, so a counted slot
    is held for one window after the answer: this count is never below the service's. Time alone frees slots;
    observers are called for grants, ends and throttling only.
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

    def limit_for(self, priority: Priority) -> int:
        """Return how many used slots stop this priority."""
        kept = {
            Priority.TAIL: self.reserve,
            Priority.TABLE: self.reserve + self.reserve // 2,
            Priority.BACKGROUND: 2 * self.reserve,
        }
        return self.limit - kept.get(priority, 0)

    def acquire(self, priority: Priority) -> Slot | Blocked:
        """Grant a slot or say until when there is none; every granted slot must be told about."""
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
        self._changed()
        return slot

    def settle(self, slot: Slot, outcome: RequestOutcome) -> None:
        """Say how a granted request ended; a second telling of the same slot changes nothing."""
        if slot.settled:
            return
        slot.settled = True
        if outcome is RequestOutcome.COUNTED:
            slot.expires = self._clock.monotonic() + self.window
        elif slot in self._slots:
            self._slots.remove(slot)
        self._changed()

    def throttled(self, retry_after: float | None = None) -> None:
        """Hold back everything but ACTION for `retry_after` seconds.

        The wait is at least a second and at most a window. An unknown time counts as a window.
        """
        wait = retry_after if retry_after is not None and 0 < retry_after <= self.window else self.window
        wait = max(SHORTEST_PAUSE, wait)
        self._blocked_until = max(self._blocked_until, self._clock.monotonic() + wait)
        self._changed()

    def used(self) -> int:
        """Return the slots in use now: in flight, or counted within the window."""
        self._purge(self._clock.monotonic())
        return len(self._slots)

    def next_free_in(self) -> float:
        """Return the seconds until the next used slot frees; 0.0 when none is used."""
        now = self._clock.monotonic()
        self._purge(now)
        if not self._slots:
            return 0.0
        return max(0.0, min(self._end(slot, now) for slot in self._slots) - now)

    @property
    def blocked_until(self) -> float | None:
        """The monotonic moment until which a 429 holds requests back, or None when it does not."""
        return self._blocked_until if self._blocked_until > self._clock.monotonic() else None

    def _end(self, slot: Slot, now: float) -> float:
        # One in flight may end any moment and is then held for a window, or not at all.
        return max(slot.granted_at + self.window, now) if slot.expires is None else slot.expires

    def _purge(self, now: float) -> None:
        # Exactly one window old does not count any more (auth.md §6).
        self._slots = [slot for slot in self._slots if slot.expires is None or slot.expires > now]

    def _earliest(self, room: int, now: float) -> float:
        over = len(self._slots) - room
        if over < 0:
            return now
        end = sorted(self._end(slot, now) for slot in self._slots)[over]
        # All that could free is still in flight and overdue: look again soon rather than at once.
        return end if end > now else now + 1.0
