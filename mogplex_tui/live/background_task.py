"""Base class for a loop that runs in an asyncio task until it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterable


class BackgroundTask(ABC):
    """A loop that runs in an asyncio task between `start` and `stop`.

    Subclasses implement the loop in `_run`. If the loop starts tasks, `_child_tasks` must return those
    that have not ended, so that `stop` can cancel them.
    """

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the loop; do nothing if it is already running.

        Requires a running event loop.
        """
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=type(self).__name__)

    async def stop(self) -> None:
        """Cancel the loop and its tasks, and wait until all of them have ended."""
        tasks = [*([self._task] if self._task is not None else ()), *self._child_tasks()]
        self._task = None
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    @abstractmethod
    async def _run(self) -> None:
        """Run the loop; implemented by subclasses."""

    def _child_tasks(self) -> Iterable[asyncio.Task[None]]:
        """Return the loop's child tasks that have not ended; subclasses override this."""
        return ()
