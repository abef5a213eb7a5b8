"""Random times of past work, mostly in office hours on weekdays."""

from __future__ import annotations

from bisect import bisect
from itertools import accumulate
from random import Random

from ..db.clock import DAY_US, HOUR_US, MINUTE_US

WINDOW_DAYS = 14
FRESH_HOURS = 30
_BY_HOUR = (2, 2, 3, 2, 1, 1, 3, 8, 18, 26, 28, 24, 16, 22, 27, 26, 22, 15, 9, 6, 5, 4, 3, 2)
# 1970-01-01 was a Thursday; 0 is Monday here.
_EPOCH_WEEKDAY = 3


def _weight(hour_start: int) -> float:
    weekday = (hour_start // DAY_US + _EPOCH_WEEKDAY) % 7
    return _BY_HOUR[hour_start // HOUR_US % 24] * (0.18 if weekday >= 5 else 1.0)


class WorkingHours:
    """A source of random times (µs) within the last two weeks.

    Times are recent if they are in the last 30 hours. A quarter of the recent times are in the last
    80 minutes, so that a user always sees new work.
    """

    def __init__(self, now: int) -> None:
        self._now = now
        first = now - WINDOW_DAYS * DAY_US
        self._hours = [first + index * HOUR_US for index in range(WINDOW_DAYS * 24)]
        self._sums = list(accumulate(_weight(start) for start in self._hours))
        self._edge = len(self._hours) - FRESH_HOURS

    def draw(self, rng: Random, fresh: bool) -> int:
        """Return a random start time (µs), at least two minutes ago.

        With `fresh` it is within the last 30 hours, otherwise it is earlier.
        """
        recent, where, within = rng.random(), rng.random(), rng.random()
        if fresh and recent < 0.25:
            return self._now - int((2 + 78 * within) * MINUTE_US)
        low, high = (self._edge, len(self._hours)) if fresh else (0, self._edge)
        floor = self._sums[low - 1] if low else 0.0
        index = bisect(self._sums, floor + where * (self._sums[high - 1] - floor))
        start = self._hours[min(index, high - 1)]
        return min(start + int(within * HOUR_US), self._now - 2 * MINUTE_US)
