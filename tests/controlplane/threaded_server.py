"""A plane that answers from its own thread, for clients that block."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.full_account import Account, create_full_account


class ThreadedServer:
    """The server with its account, or the error that kept it from starting."""

    server: PlaneServer
    account: Account
    failed: BaseException | None = None


@contextmanager
def serve_in_thread(settings: Settings, name: str) -> Iterator[ThreadedServer]:
    """Serve an account with a row of every kind; raises what the start raised."""
    found, ready = ThreadedServer(), threading.Event()
    loop = asyncio.new_event_loop()
    over = asyncio.Event()

    async def serve() -> None:
        try:
            async with PlaneServer(settings) as server:
                found.server, found.account = server, create_full_account(server.plane, name, 880_001)
                ready.set()
                await over.wait()
        except BaseException as error:
            found.failed = error
            raise
        finally:
            ready.set()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), name="plane")
    thread.start()
    ready.wait()
    try:
        if found.failed is not None:
            raise found.failed
        yield found
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()
