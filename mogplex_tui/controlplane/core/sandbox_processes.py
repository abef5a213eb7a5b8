"""Keep track of a plane's sandbox boots, running commands and background tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

# The exit code of a process that was ended by a signal is 128 plus the signal's number.
INTERRUPTED = 130
KILLED = 137


class Process:
    """A command that runs in a sandbox.

    `code` is the exit code that a signal gave the command, or None before the first signal.
    """

    def __init__(self, record_id: str, command_id: str) -> None:
        self.record_id = record_id
        self.command_id = command_id
        self.code: int | None = None
        self.abandoned = False
        self._signalled = asyncio.Event()

    def signal(self, code: int) -> None:
        """End the command with exit code `code`; signals after the first have no effect."""
        if self.code is None:
            self.code = code
        self._signalled.set()

    def abandon(self) -> None:
        """Kill the command because its client has disconnected."""
        self.abandoned = True
        self.signal(KILLED)

    async def sleep(self, seconds: float) -> bool:
        """Sleep for `seconds` of real time; return False if a signal interrupts the sleep."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return not self._signalled.is_set()
        try:
            async with asyncio.timeout(seconds):
                await self._signalled.wait()
        except TimeoutError:
            return True
        return False


class SandboxTasks:
    """The asyncio tasks, sandbox boots and running commands of one plane."""

    def __init__(self) -> None:
        # Records that are being booted; no second boot of them may start.
        self.booting: set[str] = set()
        self._processes: dict[str, Process] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Start a task in the background; `close` cancels it if it still runs."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    @property
    def task_count(self) -> int:
        """The number of running background tasks."""
        return len(self._tasks)

    def add_process(self, process: Process) -> None:
        """Register a running command, so that `process` and `kill` find it."""
        self._processes[process.command_id] = process

    def remove_process(self, process: Process) -> None:
        """Remove a command that has ended."""
        self._processes.pop(process.command_id, None)

    def process(self, command_id: str) -> Process | None:
        """Return the running command with this id, or None."""
        return self._processes.get(command_id)

    def kill(self, record_id: str) -> None:
        """Kill every command in a sandbox that is being removed."""
        for process in tuple(self._processes.values()):
            if process.record_id == record_id:
                process.signal(KILLED)

    async def close(self) -> None:
        """Cancel all background tasks and wait until they have ended."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def real_seconds(seconds: float, speed: float) -> float:
    """Convert simulated seconds to real seconds; return 0 at speed 0."""
    return seconds / speed if speed > 0 else 0.0
