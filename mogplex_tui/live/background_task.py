"""What goes on for as long as the console does: a loop in a task of its own, begun once and ended with all it began."""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterable


class Going(ABC):
    """A loop that runs from `start` to `stop`. Subclasses bring the loop, and say what else is under way."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, unless it goes already. Needs a running event loop."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=type(self).__name__)

    async def stop(self) -> None:
        """End the loop and what it began, and wait until all of it has ended."""
        tasks = [*([self._task] if self._task is not None else ()), *self._begun()]
        self._task = None
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    @abstractmethod
    async def _run(self) -> None:
        """The loop; for subclasses."""

    def _begun(self) -> Iterable[asyncio.Task[None]]:
        """Return the tasks that the loop has begun and that have not ended; for subclasses."""
        return ()
