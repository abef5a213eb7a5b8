"""Lets ctrl+c interrupt a waiting command at once.

Python runs signal handlers between two bytecode instructions. If a signal arrives just
before a blocking system call, its handler runs only when that call returns. Here the call
also waits for the signal wake-up socket, so that it returns when a signal arrives.
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
    """Run a coroutine like `asyncio.run`, and raise KeyboardInterrupt on ctrl+c."""
    return asyncio.run(_with_signal_wakeup(main))


async def _with_signal_wakeup(main: Coroutine[object, object, T]) -> T:
    if threading.current_thread() is not threading.main_thread():
        # Python delivers signals to the main thread only.
        return await main
    loop = asyncio.get_running_loop()
    with _signal_socket() as signals:
        loop.add_reader(signals, signals.recv, 4096)
        try:
            return await main
        finally:
            loop.remove_reader(signals)


def wait_for_line(source: IO[str]) -> None:
    """Wait until the terminal has a line to read, or a signal has arrived.

    Must be called from the main thread.
    """
    with _signal_socket() as signals:
        select.select([source.fileno(), signals.fileno()], [], [])


@contextmanager
def _signal_socket() -> Iterator[socket.socket]:
    """Yield a socket that becomes readable when a signal arrives."""
    reader, writer = socket.socketpair()
    with reader, writer:
        reader.setblocking(False)
        writer.setblocking(False)
        previous = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        try:
            yield reader
        finally:
            signal.set_wakeup_fd(previous, warn_on_full_buffer=False)
