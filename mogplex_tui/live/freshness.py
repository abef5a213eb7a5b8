"""How fresh what is shown is: of each source, and of a set that several sources tell (design decision 13)."""

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

# A road that is found closed, not one that failed.
CLOSED = (LoginRequired, NotAllowed, NotSignedIn, Absent)
# How one route may fail while others tell their part; all else is trouble of the whole service, or of its budget.
OF_ONE_ROUTE = (InvalidResponse, ServiceFailed, Unavailable, TimedOut)
# Older than this, in seconds, rows are old, unless they are read more rarely than that.
STALE_AFTER = 90.0
# A reading may be so late, in seconds, before what is shown is called old; one that fails again, so long after the last.
LATE, FAILING_LATE = 30.0, 15.0


@dataclass(slots=True)
class Freshness:
    """How current what one source tells is, and what stands in the way.

    `as_of`, `retry_at` and `blocked_until` are monotonic seconds; `every` is how many seconds lie between two readings
    at most, infinite for what hardly changes and is not old by its age alone.
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
        """Return the seconds since it was last read, or None when it never was."""
        return None if self.as_of is None else max(0.0, now - self.as_of)

    def stale(self, now: float) -> bool:
        """Return whether what was read is old enough, or troubled enough, to be drawn as old."""
        age = self.age(now)
        late = max(STALE_AFTER, self.every + LATE)
        return age is not None and (age > late or (self.failures > 1 and age > FAILING_LATE))

    def taken(self, clock: Clock) -> None:
        """Note that it has been read now, and that nothing stands in the way any more."""
        self.as_of, self.as_of_wall = clock.monotonic(), clock.now()
        self.error, self.failures, self.retry_at, self.blocked_until = None, 0, None, None

    def failed(self, error: Exception) -> None:
        """Note that reading it failed once more; who plans the next try says when that is."""
        # Its frames hold what was being read, which may be a large answer.
        error.__traceback__ = error.__context__ = error.__cause__ = None
        self.error, self.blocked_until = error, None
        self.failures += 1


class SourceState:
    """One of several sources of a list: it fails and grows old by itself, and the others stay fresh.

    `subject` is the data that it gives, as messages name it. `keys` are the rows that are old
    while it fails, None where that cannot be told apart; `columns` are what it tells in every row.
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
        # Its last answer, where that stands in while it fails.
        self.told: object = None
        # Of records that it reads one by one: those that were not read, and those that failed when they were last, that
        # which did so lately at the end.
        self.left: list[str] = []
        self._failed: list[str] = []

    @property
    def known(self) -> bool:
        """Whether anything is shown that it told."""
        return self.freshness.as_of is not None and (
            bool(self.columns) or self.keys is None or bool(self.keys)
        )

    @property
    def failing(self) -> bool:
        """Whether its last reading failed."""
        return self.freshness.failures > 0

    @contextmanager
    def apart(self, clock: Clock) -> Iterator[None]:
        """Read within: what fails as one route may fail is noted here and goes no further."""
        try:
            yield
        except OF_ONE_ROUTE as error:
            self.freshness.failed(error)
            # At once, until whoever reads the set has planned when.
            self.freshness.retry_at = clock.monotonic()
        else:
            self.freshness.taken(clock)

    async def each(
        self,
        clock: Clock,
        names: Iterable[str],
        read: Callable[[str], Awaitable[bool]],
        *,
        at_once: int = 1,
    ) -> bool:
        """Read several records, one by one or `at_once`; return whether anything differed.

        The first failure ends it, so that a route that is down costs one request; what failed comes last the next time,
        the latest behind the others, so that no broken record keeps another from being read.
        """
        failed = {name: place for place, name in enumerate(self._failed, 1)}
        differed, self.left = False, sorted(names, key=lambda name: failed.get(name, 0))
        with self.apart(clock):
            while self.left:
                some = self.left[:at_once]
                answers = await asyncio.gather(*map(read, some), return_exceptions=True)
                read_now = [
                    name for name, answer in zip(some, answers, strict=True) if isinstance(answer, bool)
                ]
                differed |= True in answers
                for name in read_now:
                    failed.pop(name, None)
                # What failed stands first in what is left.
                self.left = [name for name in self.left if name not in read_now]
                for answer in answers:
                    if isinstance(answer, BaseException):
                        raise answer
        if self.failing:
            failed.pop(self.left[0], None)
        self._failed = [*failed, *self.left[:1]]
        return differed


def shown_freshness(fresh: Freshness, sources: Sequence[SourceState] = ()) -> tuple[Freshness, bool]:
    """Return the freshness to show for data with several sources, and whether it is that of one source.

    That of the whole if its reading is delayed, else of the oldest delayed source, else of the oldest.
    """
    if fresh.as_of is None or is_delayed(fresh):
        return fresh, False
    late = [each.freshness for each in sources if is_delayed(each.freshness)]
    if late:
        return min(late, key=last_read), True
    aged = [
        each.freshness for each in sources if each.freshness.as_of is not None and each.freshness.every < inf
    ]
    return min((fresh, *aged), key=last_read), False


def is_delayed(fresh: Freshness) -> bool:
    """Return whether a failure or the budget keeps a source from being read."""
    return fresh.failures > 0 or (fresh.blocked_until is not None and fresh.as_of is not None)


def last_read(fresh: Freshness) -> float:
    """Return when something was read last, in monotonic seconds; before everything else what never was."""
    return -inf if fresh.as_of is None else fresh.as_of
