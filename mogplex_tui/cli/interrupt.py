"""A ctrl+c that is heard at once, also one that comes in the very moment before somebody begins to wait.

The interpreter looks for signals between two of its steps. One that comes after the last look and before the system call
that waits is noticed only when that call returns by itself; a byte on a socket that is waited for as well ends it.
"""

from __future__ import annotations

import asyncio
import select
import signal
import socket
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import IO, TypeVar

T = TypeVar("T")


def run(main: Coroutine[object, object, T]) -> T:
    """Do what `asyncio.run` does, and hear every ctrl+c meanwhile. Raises KeyboardInterrupt for it."""
    return asyncio.run(_hearing(main))


async def _hearing(main: Coroutine[object, object, T]) -> T:
    if threading.current_thread() is not threading.main_thread():
        # No signal is ever this thread's.
        return await main
    loop = asyncio.get_running_loop()
    with _signals() as signals:
        loop.add_reader(signals, signals.recv, 4096)
        try:
            return await main
        finally:
            loop.remove_reader(signals)


def wait_for_line(source: IO[str]) -> None:
    """Wait until a line was typed at a terminal, or a signal came, whose handler has run then. For the main thread."""
    with _signals() as signals:
        select.select([source.fileno(), signals.fileno()], [], [])


@contextmanager
def _signals() -> Iterator[socket.socket]:
    """Yield a socket that can be read from once a signal has come."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)
        before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        try:
            yield ours
        finally:
            signal.set_wakeup_fd(before, warn_on_full_buffer=False)
