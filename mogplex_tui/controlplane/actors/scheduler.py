"""Run actors, which are generators that yield the seconds until their next step."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Generator
from dataclasses import dataclass

from ..db.clock import SECOND_US

Acts = Generator[float, None, None]


@dataclass(slots=True)
class _Actor:
    acts: Acts
    ticket: int


class Scheduler:
    """Runs the next step of each actor when it is due; `speed` divides every delay.

    `read_us` returns the current time in µs. If an actor raises an exception, it is removed and
    `on_error` is called with its name and the exception.
    """

    def __init__(
        self, read_us: Callable[[], int], speed: float, on_error: Callable[[str, Exception], None]
    ) -> None:
        self._read_us = read_us
        self.speed = speed
        self._on_error = on_error
        self._actors: dict[str, _Actor] = {}
        self._heap: list[tuple[int, int, str]] = []
        self._tickets = itertools.count()
        self._stepping_at: int | None = None

    def now_us(self) -> int:
        """Return the time of the running step, or the current time if none runs, in µs."""
        return self._read_us() if self._stepping_at is None else self._stepping_at

    def spawn(self, name: str, acts: Acts, after: float = 0.0) -> None:
        """Add an actor whose first step is due in `after` seconds.

        Raises ValueError if an actor with this name exists.
        """
        if name in self._actors:
            raise ValueError(f"actor {name} exists")
        self._actors[name] = _Actor(acts, -1)
        self._schedule(name, after)

    def _schedule(self, name: str, after: float) -> None:
        ticket = next(self._tickets)
        self._actors[name].ticket = ticket
        due = self.now_us() + int(max(0.0, after) * SECOND_US / self.speed)
        heapq.heappush(self._heap, (due, ticket, name))

    def wake(self, name: str) -> bool:
        """Make an actor's next step due now; return False if there is no such actor."""
        if name not in self._actors:
            return False
        self._schedule(name, 0.0)
        return True

    def __contains__(self, name: str) -> bool:
        return name in self._actors

    def _next(self) -> tuple[int, int, str] | None:
        while self._heap:
            entry = self._heap[0]
            actor = self._actors.get(entry[2])
            if actor is not None and actor.ticket == entry[1]:
                return entry
            heapq.heappop(self._heap)
        return None

    def next_due_us(self) -> int | None:
        """Return the time of the next step in µs, or None if there are no actors."""
        entry = self._next()
        return None if entry is None else entry[0]

    def run_due(self, at_most: int) -> int:
        """Run the steps that are due now, at most `at_most`; return how many ran."""
        done = 0
        while done < at_most:
            entry, now = self._next(), self._read_us()
            if entry is None or entry[0] > now:
                break
            self._step(entry, now)
            done += 1
        return done

    def run_until(self, us: int) -> int:
        """Run all steps that are due up to `us` (µs); return how many ran.

        During each step, `now_us` is the time at which that step was due.
        """
        done = 0
        while (entry := self._next()) is not None and entry[0] <= us:
            self._step(entry, entry[0])
            done += 1
        return done

    def _step(self, entry: tuple[int, int, str], at: int) -> None:
        heapq.heappop(self._heap)
        name = entry[2]
        self._stepping_at = at
        try:
            self._schedule(name, next(self._actors[name].acts))
        except StopIteration:
            del self._actors[name]
        except Exception as error:
            del self._actors[name]
            self._on_error(name, error)
        finally:
            self._stepping_at = None

    def clear(self) -> None:
        """Remove all actors."""
        for actor in self._actors.values():
            actor.acts.close()
        self._actors.clear()
        self._heap.clear()
