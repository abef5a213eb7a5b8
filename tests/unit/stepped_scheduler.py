"""A scheduler on a settable clock, and feeds that record their reads."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from mogplex_tui.api.budget import Budget, Priority, RequestOutcome, Slot
from mogplex_tui.api.failure_throttle import current_read
from mogplex_tui.live.scheduler import Feed, Scheduler
from tests.unit.fakes import FakeClock, run_ready_tasks


@dataclass
class SteppedScheduler:
    clock: FakeClock = field(default_factory=FakeClock)
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.budget = Budget(self.clock)
        self.scheduler = Scheduler(self.clock, self.budget, jitter=lambda: 0.0)

    def feed(self, name: str = "f", priority: Priority = Priority.TABLE, **more: Any) -> Probe:
        return Probe(self, name, priority, **more)

    async def advance(self, seconds: float) -> None:
        """Advance the clock and run everything that is due."""
        self.clock.advance(seconds)
        self.scheduler.recheck()
        await run_ready_tasks()

    def use_budget(self, count: int) -> None:
        for _ in range(count):
            slot = self.budget.acquire(Priority.ACTION)
            assert isinstance(slot, Slot)
            self.budget.record_outcome(slot, RequestOutcome.COUNTED)


class Probe:
    """A feed that records its reads, and can be held, fail or report a change."""

    def __init__(self, stepped: SteppedScheduler, name: str, priority: Priority, **more: Any) -> None:
        self.stepped, self.name = stepped, name
        self.reads = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.fails: list[Exception] = []
        self.differs = False
        self.takes = 0.0
        self.requests = 1
        self.feed = Feed(name, self.fetch, priority, **{"every": 60.0, "poll_without_realtime": 10.0, **more})

    async def fetch(self) -> bool:
        self.reads += 1
        self.stepped.log.append(self.name)
        read = current_read.get()
        assert read is not None
        read.requests = self.requests
        if self.feed.metered():
            self.stepped.use_budget(self.requests)
        await self.gate.wait()
        self.stepped.clock.advance(self.takes)
        if self.fails:
            raise self.fails.pop(0)
        return self.differs
