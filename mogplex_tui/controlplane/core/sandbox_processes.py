"""What is at work in the plane's machines: boots, commands, and the tasks that see to them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

# The exit code of a process that ended by a signal is 128 and the number of the signal.
INTERRUPTED = 130
KILLED = 137


class Process:
    """A command in a machine; `code` is the exit code that a signal gave it, None while none came."""

    def __init__(self, record_id: str, command_id: str) -> None:
        self.record_id = record_id
        self.command_id = command_id
        self.code: int | None = None
        self.abandoned = False
        self._signalled = asyncio.Event()

    def signal(self, code: int) -> None:
        """End the command with this exit code; the first signal counts."""
        if self.code is None:
            self.code = code
        self._signalled.set()

    def abandon(self) -> None:
        """End the command because nobody listens to it any more."""
        self.abandoned = True
        self.signal(KILLED)

    async def rest(self, seconds: float) -> bool:
        """Let time pass (real seconds); False as soon as a signal has come."""
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
    """Tasks, boots and commands of one plane; used on one event loop only."""

    def __init__(self) -> None:
        # Records that somebody is booting; nobody else may boot them.
        self.booting: set[str] = set()
        self._processes: dict[str, Process] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Do something beside the request that asked for it; it ends with the plane at the latest."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    @property
    def at_work(self) -> int:
        """How many tasks have not ended."""
        return len(self._tasks)

    def enter(self, process: Process) -> None:
        """Remember a command so that a signal can reach it."""
        self._processes[process.command_id] = process

    def leave(self, process: Process) -> None:
        """Forget a command that has ended."""
        self._processes.pop(process.command_id, None)

    def process(self, command_id: str) -> Process | None:
        """The command of this name, or None when it has ended or never was."""
        return self._processes.get(command_id)

    def kill(self, record_id: str) -> None:
        """End every command in the machine of this record, which goes away."""
        for process in tuple(self._processes.values()):
            if process.record_id == record_id:
                process.signal(KILLED)

    async def close(self) -> None:
        """Stop everything where it stands and wait until it has."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def real_seconds(seconds: float, speed: float) -> float:
    """How long something takes at this speed of the plane; nothing takes time at speed 0."""
    return seconds / speed if speed > 0 else 0.0
