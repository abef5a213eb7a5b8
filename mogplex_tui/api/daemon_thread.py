"""Run a blocking call in a daemon thread, which does not delay the program's exit."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def run_in_daemon_thread(call: Callable[[], T]) -> T:
    """Run a blocking call in a daemon thread and return its result.

    If the call raises an exception, this function raises it, too. Before it exits, a program waits
    for the threads of asyncio, but not for daemon threads. Use this function for a call that may
    block for long, such as a keyring that asks for a password or a name server that does not respond.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def work() -> None:
        result, error = None, None
        try:
            result = call()
        except BaseException as raised:
            error = raised
        # The event loop may have ended in the meantime.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=work, daemon=True, name="blocking call").start()
    return await done
