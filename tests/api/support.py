"""A manual clock and a loopback HTTP service that can misbehave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mogplex_tui.api.client import MogplexClient
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret

TOKEN = "mog_Q2xv9TbYk0LmWc7ReHs4DpZa"
COOKIE = "better-auth.session_token=s3ss10nvalue0123456789"
RUN_ID = "8f3a2b1c-0000-4000-8000-000000000001"
CALL_ID = "c9000000-0000-4000-8000-000000000002"


class FakeClock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime(2026, 8, 5, 10, 0, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class Seen:
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    reader: asyncio.StreamReader = field(repr=False, compare=False)

    async def client_left(self) -> None:
        """Wait until the client has closed the connection."""
        while await self.reader.read(65536):
            pass


Handler = Callable[[Seen, asyncio.StreamWriter], Awaitable[bytes | None]]


def http(status: int, body: Any = b"", content_type: str = "application/json", **headers: str) -> bytes:
    """One whole HTTP answer; a value that is not bytes is sent as JSON."""
    content: bytes = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(content)}"]
    if content_type:
        lines.append(f"Content-Type: {content_type}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def ok(data: Any) -> bytes:
    return http(200, {"ok": True, "data": data})


def refused(status: int, code: str, message: str, **headers: str) -> bytes:
    return http(status, {"ok": False, "error": {"code": code, "message": message}}, **headers)


@dataclass
class Service:
    base_url: str = ""
    seen: list[Seen] = field(default_factory=list)
    now_open: int = 0
    most_open: int = 0

    def client(self, *, token: str | None = TOKEN, cookie: str | None = None, **kw: Any) -> MogplexClient:
        target = Target(
            "test", self.base_url, Secret(token) if token else None, Secret(cookie) if cookie else None
        )
        return MogplexClient(target, **kw)


@asynccontextmanager
async def serving(answer: bytes | Handler) -> AsyncIterator[Service]:
    """Run a service with a fixed response or a handler.

    A handler that returns None has written its response itself.
    """
    service = Service()

    connections: set[asyncio.Task[None]] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *rest = head.decode("latin-1").split("\r\n")
                method, target, _ = first.split(" ")
                headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in rest if line)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                path, _, query = target.partition("?")
                seen = Seen(method, path, query, headers, body, reader)
                service.seen.append(seen)
                service.now_open += 1
                service.most_open = max(service.most_open, service.now_open)
                reply = answer if isinstance(answer, bytes) else await answer(seen, writer)
                service.now_open -= 1
                if reply is None:
                    return
                writer.write(reply)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            connections.discard(task)
            writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    service.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield service
    finally:
        server.close()
        for task in list(connections):
            task.cancel()
        await asyncio.gather(*connections)


async def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.001)


def put_forward(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Advance the event loop's clock by some seconds, so that timers fire early."""
    loop = asyncio.get_running_loop()
    now = loop.time
    monkeypatch.setattr(loop, "time", lambda: now() + seconds)
