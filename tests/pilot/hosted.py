"""A second port of a plane with another profile, which can be stopped and started."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import socket
from collections.abc import Callable
from types import TracebackType
from typing import Any

import uvicorn
from starlette.types import Message, Receive, Scope, Send

from mogplex_tui.controlplane.app import build_app, service_of
from mogplex_tui.controlplane.core.plane import Plane
from mogplex_tui.controlplane.faults.injector import Faults
from mogplex_tui.controlplane.middleware import wrap_in_middleware
from tests.response_rewriting import Rewriting


class HostedEdge:
    """A loopback server with the plane's hosted profile, which records its requests.

    `rewrite` changes the JSON of every answer; `profile` names another profile. `requests` are the method and path of
    every request that was answered.
    """

    def __init__(
        self, plane: Plane, *, profile: str = "hosted", rewrite: Callable[[Any], Any] | None = None
    ) -> None:
        self._plane = dataclasses.replace(plane, settings=plane.settings._replace(profile=profile))
        self._rewrite = rewrite
        self._port = 0
        self.base_url = ""
        self.turned_away: list[str] = []
        self.passed: list[str] = []
        self.requests: list[tuple[str, str]] = []

    async def __aenter__(self) -> HostedEdge:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def faults(self) -> Faults:
        """The faults of requests to this edge; the plane needs the setting `fault_route`."""
        assert self._plane.faults is not None
        return self._plane.faults

    async def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self._port = self._listener.getsockname()[1]
        service = service_of(self._plane)
        self.base_url = service.origin = f"http://127.0.0.1:{self._port}"
        self._app = wrap_in_middleware(build_app(service), service)
        if self._rewrite is not None:
            self._app = Rewriting(self._app, self._rewrite)
        config = uvicorn.Config(
            self._watched,
            interface="asgi3",
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=0,
        )
        self._server = uvicorn.Server(config)
        self._server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._listener]))
        while not self._server.started:
            await asyncio.sleep(0)

    async def stop(self) -> None:
        """Close the port and every open connection, like a service that goes down."""
        if self._serving.done():
            return
        self._server.should_exit = self._server.force_exit = True
        await self._serving
        self._listener.close()

    async def _watched(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start":
                (self.turned_away if message["status"] == 307 else self.passed).append(scope["path"])
                self.requests.append((scope["method"], scope["path"]))
            await send(message)

        await self._app(scope, receive, watch)
