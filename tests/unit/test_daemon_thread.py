from __future__ import annotations

import asyncio
import threading

import pytest

from mogplex_tui.api.daemon_thread import run_in_daemon_thread


async def test_result_or_error_of_the_thread_is_passed_on() -> None:
    assert await run_in_daemon_thread(threading.current_thread) is not threading.current_thread()
    with pytest.raises(ZeroDivisionError):
        await run_in_daemon_thread(lambda: 1 / 0)


def test_event_loop_ends_while_a_thread_still_runs() -> None:
    begun, let_go, over = threading.Event(), threading.Event(), threading.Event()

    def call() -> None:
        begun.set()
        let_go.wait(30)
        over.set()

    async def leave() -> None:
        asked = asyncio.create_task(run_in_daemon_thread(call))
        while not begun.is_set():
            await asyncio.sleep(0)
        asked.cancel()

    asyncio.run(leave())
    assert not over.is_set()
    let_go.set()
    # The result is dropped, because the loop has ended.
    assert over.wait(10)
