"""How old the data of a source is, and of a list that has several sources."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import TYPE_CHECKING

from mogplex_tui.api.errors import (
    Absent,
    InvalidResponse,
    LoginRequired,
    NotAllowed,
    NotSignedIn,
    ServiceFailed,
    TimedOut,
    Unavailable,
)

if TYPE_CHECKING:
    from mogplex_tui.api.clock import Clock
    from mogplex_tui.live.reasons import Subject

# Errors that mean that a route is closed to the credential, not that it failed.
CLOSED = (LoginRequired, NotAllowed, NotSignedIn, Absent)
# Errors that may concern a single route; all others concern the whole service or its request budget.
OF_ONE_ROUTE = (InvalidResponse, ServiceFailed, Unavailable, TimedOut)
# Seconds after which rows are stale, unless they are read less often than that.
STALE_AFTER = 90.0
# Seconds that a read may be late before its data is stale, and the same for a read that has failed repeatedly.
LATE, FAILING_LATE = 30.0, 15.0


@dataclass(slots=True)
class Freshness:
    """When data were last read from a source, and what delays the next read.

    `as_of`, `retry_at` and `blocked_until` are monotonic seconds. `every` is the longest normal
    interval between two reads in seconds; it is infinite for data that hardly change, which do not
    become stale by age alone.
    """

    as_of: float | None = None
    as_of_wall: datetime | None = None
    loading: bool = False
    error: Exception | None = None
    failures: int = 0
    retry_at: float | None = None
    blocked_until: float | None = None
    every: float = 0.0

    def age(self, now: float) -> float | None:
        """Return the seconds since the last successful read, or None before the first."""
        return None if self.as_of is None else max(0.0, now - self.as_of)

    def stale(self, now: float) -> bool:
        """Return whether the data is stale: it is too old, or its reads keep failing."""
        age = self.age(now)
        stale_after = max(STALE_AFTER, self.every + LATE)
        return age is not None and (age > stale_after or (self.failures > 1 and age > FAILING_LATE))

    def mark_read(self, clock: Clock) -> None:
        """Record that a read has just succeeded."""
        self.as_of, self.as_of_wall = clock.monotonic(), clock.now()
        self.error, self.failures, self.retry_at, self.blocked_until = None, 0, None, None

    def mark_failed(self, error: Exception) -> None:
        """Record that a read failed; the caller decides when to try again."""
        # The traceback's frames hold the data that was being read, which may be large.
        error.__traceback__ = error.__context__ = error.__cause__ = None
        self.error, self.blocked_until = error, None
        self.failures += 1


class SourceState:
    """One of several sources of a list, with its own freshness and failures.

    `subject` names the data of the source in messages. `keys` are the keys of the rows that are
    stale while the source fails, or None if unknown; `columns` are the columns that it fills in
    every row.
    """

    def __init__(
        self,
        subject: Subject,
        columns: frozenset[str] = frozenset(),
        freshness: Freshness | None = None,
        keys: Collection[str] | None = frozenset(),
    ) -> None:
        self.subject, self.columns, self.keys = subject, columns, keys
        self.freshness = freshness or Freshness()
        # Its last answer, which is used while it fails.
        self.last_answer: object = None
        # For a source that reads records one by one: the records that were not read, and those whose last read failed,
        # the latest failure last.
        self.left: list[str] = []
        self._failed: list[str] = []

    @property
    def known(self) -> bool:
        """Whether any data of the source is shown."""
        return self.freshness.as_of is not None and (
            bool(self.columns) or self.keys is None or bool(self.keys)
        )

    @property
    def failing(self) -> bool:
        """Whether the source's last read failed."""
        return self.freshness.failures > 0

    @contextmanager
    def record_errors(self, clock: Clock) -> Iterator[None]:
        """Record whether the read in the `with` block succeeded or failed.

        An error that may concern a single route is recorded and not raised; other errors are raised.
        """
        try:
            yield
        except OF_ONE_ROUTE as error:
            self.freshness.mark_failed(error)
            # Retry at once, until the reader of the list has planned a time.
            self.freshness.retry_at = clock.monotonic()
        else:
            self.freshness.mark_read(clock)

    async def read_each(
        self,
        clock: Clock,
        names: Iterable[str],
        read: Callable[[str], Awaitable[bool]],
        *,
        at_once: int = 1,
    ) -> bool:
        """Read several records, `at_once` at a time; return whether any of them changed.

        The reads stop at the first failure, so that a route that is down costs one request. The next
        call reads records whose last read failed after all others, so that a broken record does not
        block the others. The record that failed most recently is read last.
        """
        failed = {name: place for place, name in enumerate(self._failed, 1)}
        differed, self.left = False, sorted(names, key=lambda name: failed.get(name, 0))
        with self.record_errors(clock):
            while self.left:
                batch = self.left[:at_once]
                answers = await asyncio.gather(*map(read, batch), return_exceptions=True)
                read_now = [
                    name for name, answer in zip(batch, answers, strict=True) if isinstance(answer, bool)
                ]
                differed |= True in answers
                for name in read_now:
                    failed.pop(name, None)
                # The failed record stays first in the remaining ones.
                self.left = [name for name in self.left if name not in read_now]
                for answer in answers:
                    if isinstance(answer, BaseException):
                        raise answer
        if self.failing:
            failed.pop(self.left[0], None)
        self._failed = [*failed, *self.left[:1]]
        return differed


def shown_freshness(fresh: Freshness, sources: Sequence[SourceState] = ()) -> tuple[Freshness, bool]:
    """Return the freshness to show for a list, and whether it is a delayed source's.

    `fresh` is the freshness of the whole list. It is returned with False if the list was never read
    or its read is delayed. Otherwise the result is the oldest freshness among the delayed sources
    with True, or the oldest of all with False if no source is delayed.
    """
    if fresh.as_of is None or is_delayed(fresh):
        return fresh, False
    delayed = [each.freshness for each in sources if is_delayed(each.freshness)]
    if delayed:
        return min(delayed, key=last_read), True
    aged = [
        each.freshness for each in sources if each.freshness.as_of is not None and each.freshness.every < inf
    ]
    return min((fresh, *aged), key=last_read), False


def is_delayed(fresh: Freshness) -> bool:
    """Return whether a failure or the request budget delays the next read."""
    return fresh.failures > 0 or (fresh.blocked_until is not None and fresh.as_of is not None)


def last_read(fresh: Freshness) -> float:
    """Return the monotonic time of the last read, or minus infinity if there was none."""
    return -inf if fresh.as_of is None else fresh.as_of
