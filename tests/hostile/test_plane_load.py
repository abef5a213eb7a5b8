"""The plane answers an ordinary client while others overload it.

Bodies and headers are too large or too slow, and connections too many. The short form lowers the plane's
times and limits; with MOGPLEX_TEST_LONG=1 thousands of connections meet the plane of the command line as
it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.http import body_limit, connection_limits
from mogplex_tui.controlplane.server import PlaneServer
from tests.hostile.plane import Plane
from tests.hostile.raw_client import exchange, request

LONG = os.environ.get("MOGPLEX_TEST_LONG") == "1"
REPOS = "/api/v1/mogplex/repos"
# Seconds within which an ordinary client is answered; generous, for a busy machine.
BOUND_S = 10.0


@pytest.fixture
async def server() -> AsyncIterator[PlaneServer]:
    async with PlaneServer(Settings(speed=0, seeded=False, rate_limit=None)) as running:
        yield running


async def seconds_to_answer(base_url: str, token: str) -> float:
    """Send a request on a new connection and return the seconds until the response."""
    begun = time.monotonic()
    async with httpx.AsyncClient(base_url=base_url, timeout=BOUND_S) as client:
        answer = await client.get(REPOS, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    return time.monotonic() - begun


async def answers(server: PlaneServer) -> None:
    """Check that an ordinary client is answered in time."""
    await seconds_to_answer(server.base_url, server.token)


# Bodies that are too large

_LIMIT = 200_000
_LARGE = _LIMIT + 1
TOO_LARGE = {
    "v1": ("/api/v1/mogplex/runs", "application/json"),
    "unversioned": ("/api/rules", "application/json"),
    "multipart": ("/api/teams/00000000-0000-4000-8000-000000000000/icon", "multipart/form-data; boundary=b"),
    "form": ("/api/auth/mcp/token", "application/x-www-form-urlencoded"),
    "webhook": ("/api/webhooks/github", "application/json"),
    "mcp": ("/api/v1/mogplex/mcp", "application/json"),
    "no-route": ("/api/nothing", "application/json"),
    "read-only": ("/api/settings", "application/json"),
}


@pytest.fixture
def low_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_limit, "MAX_BODY", _LIMIT)


@pytest.mark.usefixtures("low_limit")
@pytest.mark.parametrize("name", TOO_LARGE)
@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_large_body_is_413(server: PlaneServer, name: str, framing: str) -> None:
    path, kind = TOO_LARGE[name]
    lines = [
        f"Authorization: Bearer {server.token}",
        f"Cookie: {server.session_cookie}",
        f"Content-Type: {kind}",
    ]
    lines += ["Idempotency-Key: k", "Connection: close"]
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n" + "\r\n".join(lines)
    if framing == "length":
        data = f"{head}\r\nContent-Length: {_LARGE}\r\n\r\n".encode() + b"a" * _LARGE
    else:
        data = f"{head}\r\nTransfer-Encoding: chunked\r\n\r\n{_LARGE:x}\r\n".encode() + b"a" * _LARGE
        data += b"\r\n0\r\n\r\n"
    reply = await exchange(server.base_url, data, seconds=30)
    # A handler that does not read its body responds as usual, and the connection is closed.
    unread = {"no-route": {404}, "read-only": {405}, "form": {413}, "multipart": {403, 404, 413}}
    allowed = {413} | (unread.get(name, set()) if framing == "chunked" else set())
    assert reply.closed and set(reply.statuses) <= allowed, reply.data[:300]
    assert len(reply.statuses) == 1
    if reply.status == 413 and name == "v1":
        assert json.loads(reply.body)["error"]["code"] == "BAD_REQUEST"


@pytest.mark.usefixtures("low_limit")
async def test_large_body_is_refused_before_it_is_sent(server: PlaneServer) -> None:
    token = f"Authorization: Bearer {server.token}"
    lines = (token, f"Content-Length: {_LARGE}", "Expect: 100-continue")
    reply = await exchange(server.base_url, request("POST", "/api/rules", *lines))
    assert reply.statuses == [413]


@pytest.mark.usefixtures("low_limit")
async def test_large_body_that_never_comes_is_refused(
    server: PlaneServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body_limit, "DRAIN_SECONDS", 0.1)
    token = f"Authorization: Bearer {server.token}"
    reply = await exchange(server.base_url, request("POST", "/api/rules", token, f"Content-Length: {_LARGE}"))
    assert reply.statuses == [413] and reply.closed


async def test_all_bodies_together_are_limited(server: PlaneServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_limit, "MAX_BODIES", 5_000)
    token = f"Authorization: Bearer {server.token}"
    held = request("POST", "/api/rules", token, "Content-Length: 4000") + b"a" * 3_999
    first = asyncio.create_task(exchange(server.base_url, held + b"", seconds=BOUND_S))
    statuses: list[int] = []
    while 503 not in statuses:
        # The first may not have been read yet.
        reply = await exchange(server.base_url, request("POST", "/api/rules", token, body=b"b" * 4_000))
        statuses += reply.statuses
        assert reply.status in (400, 503)
    first.cancel()
    await asyncio.wait([first])
    while (
        await exchange(server.base_url, request("POST", "/api/rules", token, body=b"b" * 4_000))
    ).status != 400:
        pass


# Bodies and heads that are too slow


async def drip(server: PlaneServer, data: bytes, every: float | None) -> bytes:
    """Send bytes slowly until the server closes the connection; return its reply.

    `every` is the pause after each byte in seconds; None sends all at once.
    """
    host, port = server.base_url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))

    async def send() -> None:
        if every is None:
            writer.write(data)
        else:
            for place in range(len(data)):
                writer.write(data[place : place + 1])
                await asyncio.sleep(every)
        await asyncio.Event().wait()

    sending = asyncio.create_task(send())
    reply = b""
    try:
        async with asyncio.timeout(BOUND_S):
            while chunk := await reader.read(65_536):
                sending.cancel()
                reply += chunk
    except ConnectionError:
        # A byte that arrives at a closed connection resets it, which may overtake the answer.
        pass
    finally:
        sending.cancel()
        writer.transport.abort()
    return reply


SLOW = {
    "body-a-byte-at-a-time": (408, request("POST", "/api/rules", "TOKEN", body=b"x" * 10_000)),
    "body-that-stops": (
        408,
        request("POST", "/api/rules", "TOKEN", "Content-Length: 9000", body=b"", close=False),
    ),
    "chunks-a-byte-at-a-time": (
        408,
        request("POST", "/api/rules", "TOKEN", "Transfer-Encoding: chunked") + b"1\r\nx\r\n" * 2_000,
    ),
    "head-a-byte-at-a-time": (408, request("GET", REPOS, "TOKEN", "X-Slow: " + "a" * 10_000)),
    "head-that-stops": (408, b"GET /api/agents HTTP/1.1\r\nHost: 127"),
    "nothing": (0, b""),
    "second-head-that-stops": (200, request("GET", REPOS, "TOKEN", close=False) + b"GET /api"),
}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", SLOW)
async def test_slow_sender_is_dropped_and_blocks_no_other(
    server: PlaneServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(connection_limits, "HEAD_SECONDS", 0.4)
    monkeypatch.setattr(body_limit, "BODY_SECONDS", 0.4)
    status, data = SLOW[name]
    data = data.replace(b"TOKEN", f"Authorization: Bearer {server.token}".encode())
    slow = asyncio.create_task(drip(server, data, every=None if "stops" in name else 0.002))
    while not slow.done():
        await answers(server)
    reply = await slow
    expected = f"HTTP/1.1 {status} ".encode() if status else b""
    assert reply.startswith(expected) or (reply == b"" and "byte" in name)


# Connections without end


# The bytes that each of many connections sends before it goes silent.
FLOODS = {
    "idle": b"",
    "half-head": b"GET /api/agents HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half",
    "half-body": b"POST /api/rules HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900\r\n\r\n{",
    "kept": request("GET", "/api/auth/user", close=False),
}


@pytest.mark.parametrize("name", FLOODS)
async def test_oldest_waiting_connections_are_dropped_first(
    server: PlaneServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(connection_limits, "max_connections", lambda: 40)
    host, port = server.base_url.removeprefix("http://").split(":")
    opened = [await asyncio.open_connection(host, int(port)) for _ in range(120)]
    for _, writer in opened:
        writer.write(FLOODS[name])
    try:
        for _ in range(3):
            await answers(server)
        with contextlib.suppress(ConnectionError):
            # The oldest were dropped.
            while await opened[0][0].read(65_536):
                pass
    finally:
        for _, writer in opened:
            writer.transport.abort()


async def test_open_streams_are_kept_when_idle_connections_fill_up(
    server: PlaneServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_limits, "max_connections", lambda: 10)
    headers = {"Authorization": f"Bearer {server.token}"}
    host, port = server.base_url.removeprefix("http://").split(":")
    async with (
        httpx.AsyncClient(base_url=server.base_url, headers=headers) as client,
        client.stream("GET", "/api/realtime/events?tables=ai_calls") as stream,
    ):
        lines = stream.aiter_lines()
        assert await anext(lines) == ": connected"
        opened = [await asyncio.open_connection(host, int(port)) for _ in range(30)]
        await answers(server)
        assert server.plane.hub.listeners == 1
        for _, writer in opened:
            writer.transport.abort()


@contextlib.contextmanager
def few_descriptors() -> Iterator[None]:
    """Limit the file descriptors of processes started in the block, and raise our own."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(8192, hard)), hard))


@pytest.mark.skipif(not LONG, reason="takes thousands of connections")
@pytest.mark.parametrize("count", [2_000, 5_000])
@pytest.mark.parametrize("name", FLOODS)
async def test_thousands_of_connections_block_no_ordinary_client(
    tmp_path: Path, name: str, count: int
) -> None:
    running = Plane(tmp_path / "plane.db", ["--rate-limit", "off"])
    with few_descriptors():
        await asyncio.to_thread(running.start)
    opened: list[socket.socket] = []
    try:
        for _ in range(count):
            flood = socket.socket()
            flood.setblocking(False)
            await asyncio.get_running_loop().sock_connect(flood, ("127.0.0.1", running.port))
            opened.append(flood)
            with contextlib.suppress(ConnectionError):
                flood.send(FLOODS[name])
        waits = [await seconds_to_answer(running.url, running.about["token"]) for _ in range(20)]
        print(f"{count} {name}: longest wait {max(waits):.3f} s, median {sorted(waits)[10]:.3f} s")
    finally:
        for flood in opened:
            flood.close()
        await asyncio.to_thread(running.stop)


# Listeners that never read


async def test_listener_that_never_reads_is_dropped(
    server: PlaneServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_limits, "READ_SECONDS", 0.3)
    headers = {"Authorization": f"Bearer {server.token}"}
    path = "/api/realtime/events?tables=agents"
    listen = request("GET", path, f"Authorization: Bearer {server.token}", close=False)
    unread = [unread_connection(server, listen) for _ in range(5)]
    async with (
        httpx.AsyncClient(base_url=server.base_url, headers=headers) as client,
        client.stream("GET", path) as stream,
    ):
        heard = stream.aiter_lines()
        assert await anext(heard) == ": connected"
        while server.plane.hub.listeners != 6:
            await answers(server)
        async with asyncio.timeout(60):
            while server.plane.hub.listeners > 1:
                # Fill the system's buffers of the connections that do not read.
                flood(server, 4_000)
                for _ in range(4_000):
                    assert "agents" in await next_change(heard)
    for listener in unread:
        listener.close()


def unread_connection(server: PlaneServer, data: bytes) -> socket.socket:
    """Open a connection with a tiny buffer that sends a request and never reads."""
    host, port = server.base_url.removeprefix("http://").split(":")
    opened = socket.socket()
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    opened.connect((host, int(port)))
    opened.sendall(data)
    return opened


def flood(server: PlaneServer, count: int) -> None:
    """Announce many changes of one row at once."""
    with server.plane.db.transaction() as tx:
        for number in range(count):
            tx.record_change("agents", "UPDATE", server.plane.user_id, f"row-{number}")


async def next_change(lines: AsyncIterator[str]) -> str:
    """Return the next line with data."""
    async for line in lines:
        if line.startswith("data: "):
            return line
    raise AssertionError("the stream ended")


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The client ports of connections that the plane has lost or dropped."""
    ports: set[int] = set()
    original = connection_limits.Connection.connection_lost

    def note(self: connection_limits.Connection, exc: Exception | None) -> None:
        if self.client is not None:
            ports.add(self.client[1])
        original(self, exc)

    monkeypatch.setattr(connection_limits.Connection, "connection_lost", note)
    return ports


async def test_client_that_stops_reading_is_dropped(
    server: PlaneServer, lost: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_limits, "READ_SECONDS", 0.3)
    headers = {"Authorization": f"Bearer {server.token}"}
    async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as client:
        for number in range(4):
            rule = {"name": f"rule-{number}", "content": "a" * 5_000_000}
            assert (await client.post("/api/rules", json=rule)).status_code == 200
    unread = unread_connection(server, request("GET", "/api/rules", f"Authorization: Bearer {server.token}"))
    while unread.getsockname()[1] not in lost:
        await answers(server)
    unread.close()
