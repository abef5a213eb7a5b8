"""An event loop in which waiting takes no real time, and a clock that follows it.

    run_virtually(main())      # sixty simulated seconds of polling take a few milliseconds

When nothing is ready to run, the loop's time jumps to the next timer. Only timers and callbacks may be
waited for: responses must come from an in-memory HTTP transport, because a socket or a thread would need
real time.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

_START = datetime(2026, 8, 5, 10, 0, tzinfo=UTC)


class _JumpingSelector(selectors.DefaultSelector):
    """Never blocks; adds the time that a select would have waited to `now`."""

    now = 1000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("every task waits for something that is no timer")
        if not ready and timeout is not None and timeout > 0:
            self.now += timeout
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is the sum of its waits."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return the virtual seconds."""
        return self._jumping.now


class LoopClock:
    """The clock of a client that runs in a virtual loop."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def now(self) -> datetime:
        return _START + timedelta(seconds=self.monotonic())


def run_virtually(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a virtual loop and return its result."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
