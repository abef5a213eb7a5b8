"""The hosted edge in small: without a session, only the token API and a short list of routes pass (auth.md §3, §4)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from types import TracebackType
from typing import Any
from urllib.parse import quote

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

OPEN_TO_TOKENS = ("/api/v1/mogplex", "/api/settings", "/api/models", "/api/auth/user", "/api/sandbox")


class TokenGate:
    """A loopback server before a plane; counts what it sent to the login page."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self.base_url = ""
        self.turned_away: list[str] = []
        self.passed: list[str] = []

    async def __aenter__(self) -> TokenGate:
        self._client = httpx.AsyncClient(base_url=self._upstream, timeout=60)
        self._port = 0
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
        await self._client.aclose()

    async def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        listener = socket.create_server(("127.0.0.1", self._port))
        self._port = listener.getsockname()[1]
        self.base_url = f"http://127.0.0.1:{self._port}"
        methods = ["GET", "POST", "PATCH", "PUT", "DELETE"]
        app = Starlette(routes=[Route("/{path:path}", self._pass, methods=methods)])
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=0
        )
        self._server = uvicorn.Server(config)
        self._server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        self._listener = listener
        while not self._server.started:
            await asyncio.sleep(0)

    async def stop(self) -> None:
        """Hang up on everybody, as a service that goes down does."""
        if self._serving.done():
            return
        self._server.should_exit = self._server.force_exit = True
        await self._serving
        self._listener.close()

    async def _pass(self, request: Request) -> Response:
        path = request.url.path
        if "cookie" not in request.headers and not path.startswith(OPEN_TO_TOKENS):
            self.turned_away.append(path)
            return PlainTextResponse("", 307, {"Location": f"/login?next={quote(path)}"})
        self.passed.append(path)
        headers = {
            key: value for key, value in request.headers.items() if key not in ("host", "content-length")
        }
        upstream = self._client.build_request(
            request.method, path, params=request.url.query, headers=headers, content=await request.body()
        )
        answer = await self._client.send(upstream, stream=True)
        kept: dict[str, Any] = {
            key: value
            for key, value in answer.headers.items()
            if key not in ("content-length", "transfer-encoding")
        }
        return StreamingResponse(answer.aiter_raw(), answer.status_code, kept)
