"""Run a plane as a process, or in the event loop that is running (e.g. in a test)."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, TracebackType
from typing import TextIO

import uvicorn

from .app import build_app, service_of
from .core.plane import Plane, Settings
from .database_setup import Notice, prepare
from .db.clock import Clock
from .http.connection_limits import BACKLOG, Connection, raise_descriptor_limit
from .identity.initial_account import Credentials, credentials
from .middleware import wrap_in_middleware

_PARENT_CHECK_SECONDS = 0.5
# Turns of the event loop after which an idle connection is closed.
_TURNS_TO_CLOSE = 5


class _Server(uvicorn.Server):
    """A uvicorn server without signal handlers, which runs until `end` is called."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stop_requested = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signal handlers unchanged, unlike uvicorn's own method."""
        yield

    async def main_loop(self) -> None:
        """Update the Date header every second until `end` is called.

        Uvicorn's own loop would check ten times a second whether it has to end.
        """
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._stop_requested.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close all connections, without waiting if no request is being answered.

        Uvicorn's own method always waits for a tenth of a second.
        """
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        for _ in range(_TURNS_TO_CLOSE):
            await asyncio.sleep(0)
        if self.server_state.connections or self.server_state.tasks:
            await super().shutdown(sockets)
            return
        for listener in sockets or []:
            listener.close()

    def end(self) -> None:
        """Stop accepting connections, and end once all requests are answered."""
        self.should_exit = True
        self._stop_requested.set()


class PlaneServer:
    """An async context manager that serves a plane on a loopback port.

    Inside the block base_url, plane and the credentials are set; session_cookie has the form
    "name=value". Without a path the database is a temporary file, which is removed at exit.
    `notice` is called with a sentence if the start will take seconds.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        path: Path | None = None,
        clock: Clock | None = None,
        notice: Notice | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self._notice = notice
        self._clock = clock
        self._scratch = None if path else tempfile.TemporaryDirectory(prefix="mogplex-plane-")
        self.path = path or Path(self._scratch.name if self._scratch else ".") / "plane.db"
        self.base_url = ""
        self.plane: Plane
        self._credentials: Credentials
        self._listener: socket.socket | None = None
        self._stack = contextlib.AsyncExitStack()

    @property
    def token(self) -> str:
        """An API token with the read and the write scope."""
        return self._credentials.token

    @property
    def read_only_token(self) -> str:
        """An API token with the read scope only."""
        return self._credentials.read_only_token

    @property
    def session_cookie(self) -> str:
        """The session cookie as the value of a Cookie header ("name=value")."""
        return self._credentials.session_cookie

    @property
    def webhook_secret(self) -> str:
        """The secret that signs webhook deliveries to /api/webhooks."""
        return self._credentials.webhook_secret

    def open(self) -> None:
        """Bind the port and prepare the database; this needs no event loop.

        At large scale it takes seconds. Raises OSError if the port is in use, DatabaseMismatchError
        for a file that is no database of a plane, and ScenarioError for an invalid scenario.
        """
        try:
            self._listener = _listen(self.settings)
            self._stack.callback(self._listener.close)
            self.plane = prepare(self.settings, self.path, self._clock, self._notice)
            self._stack.callback(self.plane.db.close)
            self._credentials = credentials(self.plane)
        except BaseException:
            if self._listener is not None:
                self._listener.close()
            self._remove()
            raise

    async def __aenter__(self) -> PlaneServer:
        """Start to answer requests, after calling `open` if that was not done before.

        Raises the exceptions of `open`.
        """
        if self._listener is None:
            self.open()
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            self._remove()
            raise
        return self

    async def _start(self) -> None:
        listener = self._listener
        if listener is None:
            raise RuntimeError("open comes first")
        service = service_of(self.plane)
        self._stack.callback(service.auth.uses.write)
        host, port = listener.getsockname()[:2]
        self.base_url = service.origin = f"http://{host}:{port}"
        if self.settings.speed > 0:
            from .simulator import Simulator

            simulator = Simulator(self.plane)
            simulator.start(arrivals=self.plane.settings.seeded)
            self._stack.push_async_callback(simulator.stop)
        config = uvicorn.Config(
            wrap_in_middleware(build_app(service), service),
            http=Connection,
            backlog=BACKLOG,
            loop="none",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=1,
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        self._stack.push_async_callback(self._stop, server, serving)
        while not server.started:
            if serving.done():
                serving.result()
                raise OSError("the control plane did not start")
            await asyncio.sleep(0.001)

    async def _stop(self, server: _Server, serving: asyncio.Task[None]) -> None:
        # Streams first, because uvicorn waits for open responses.
        self.plane.hub.close()
        await self.plane.sandbox_tasks.close()
        server.end()
        await serving

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server, close the database and remove it if it is temporary."""
        await self._stack.aclose()
        self._remove()

    def _remove(self) -> None:
        if self._scratch is not None:
            self._scratch.cleanup()


def _listen(settings: Settings) -> socket.socket:
    # With a socket marked as TCP asyncio turns Nagle's algorithm off; otherwise every response waits 40 ms for an
    # acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(128)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


async def _parent_gone(parent: int) -> None:
    """Return once the parent process has ended."""
    child = os.getppid() == parent
    # There is no notification of another process's end, so poll for it.
    while os.getppid() == parent if child else _alive(parent):  # noqa: ASYNC110
        await asyncio.sleep(_PARENT_CHECK_SECONDS)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class _EndedError(Exception):
    """A signal arrived while the database was being prepared."""


@contextlib.contextmanager
def _ending_at_once() -> Iterator[None]:
    """Make SIGINT and SIGTERM raise _EndedError inside the block."""

    def end(number: int, frame: FrameType | None) -> None:
        raise _EndedError(number, frame)

    kept = {name: signal.signal(name, end) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for name, handler in kept.items():
            signal.signal(name, handler)


async def _serve_until_stopped(server: PlaneServer, parent: int | None, out: TextIO) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, ended.set)
    async with server:
        ready = {
            "base_url": server.base_url,
            "token": server.token,
            "read_only_token": server.read_only_token,
            "session_cookie": server.session_cookie,
            "webhook_secret": server.webhook_secret,
            "db": str(server.path),
        }
        with contextlib.suppress(BrokenPipeError):
            out.write(json.dumps(ready) + "\n")
            out.flush()
        # Objects of the start stay alive; the garbage collector need not check them again.
        gc.freeze()
        gc.enable()
        watch = None if parent is None else asyncio.create_task(_end_with(parent, ended))
        await ended.wait()
        if watch is not None:
            watch.cancel()


async def _end_with(parent: int, ended: asyncio.Event) -> None:
    await _parent_gone(parent)
    ended.set()


def _say(text: str) -> None:
    sys.stderr.write(f"control-plane: {text}\n")
    sys.stderr.flush()


def serve(
    settings: Settings, path: Path | None = None, parent: int | None = None, out: TextIO | None = None
) -> None:
    """Run a plane until SIGINT or SIGTERM arrives or the process `parent` ends.

    Once the plane answers requests, one JSON line with its URL and credentials is written to
    `out`. Raises OSError if the port is in use, DatabaseMismatchError for a file that is no
    database of a plane, and ScenarioError for an invalid scenario.
    """
    raise_descriptor_limit()
    server = PlaneServer(settings, path, notice=_say)
    try:
        with _ending_at_once():
            server.open()
    except _EndedError:
        return
    asyncio.run(_serve_until_stopped(server, parent, out or sys.stdout))
