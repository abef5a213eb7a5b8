"""The boots, commands and background tasks in the plane's sandboxes."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

# The exit code of a process that was ended by a signal is 128 plus the signal's number.
INTERRUPTED = 130
KILLED = 137


class Process:
    """A command that runs in a sandbox.

    `code` is the exit code that a signal gave the command; None while it has received no signal.
    """

    def __init__(self, record_id: str, command_id: str) -> None:
        self.record_id = record_id
        self.command_id = command_id
        self.code: int | None = None
        self.abandoned = False
        self._signalled = asyncio.Event()

    def signal(self, code: int) -> None:
        """End the command with this exit code; only the first signal counts."""
        if self.code is None:
            self.code = code
        self._signalled.set()

    def abandon(self) -> None:
        """End the command because its client has left."""
        self.abandoned = True
        self.signal(KILLED)

    async def rest(self, seconds: float) -> bool:
        """Wait for real seconds; return False as soon as there is a signal."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return not self._signalled.is_set()
        try:
            async with asyncio.timeout(seconds):
                await self._signalled.wait()
        except TimeoutError:
            return True
        return False


class Machines:
    """Tasks, boots and commands of one plane, on one event loop."""

    def __init__(self) -> None:
        # Records that are being booted; no second boot of them may start.
        self.booting: set[str] = set()
        self._processes: dict[str, Process] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Start a task besides the current request; it ends with the plane at the latest."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    @property
    def at_work(self) -> int:
        """The number of running tasks."""
        return len(self._tasks)

    def enter(self, process: Process) -> None:
        """Register a command so that a signal can reach it."""
        self._processes[process.command_id] = process

    def leave(self, process: Process) -> None:
        """Remove a command that has ended."""
        self._processes.pop(process.command_id, None)

    def process(self, command_id: str) -> Process | None:
        """Return a running command by its name, or None."""
        return self._processes.get(command_id)

    def kill(self, record_id: str) -> None:
        """End every command in a sandbox that is being removed."""
        for process in tuple(self._processes.values()):
            if process.record_id == record_id:
                process.signal(KILLED)

    async def close(self) -> None:
        """Cancel everything and wait until it has ended."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def real_seconds(seconds: float, speed: float) -> float:
    """Return real seconds for simulated ones; zero at speed 0."""
    return seconds / speed if speed > 0 else 0.0
