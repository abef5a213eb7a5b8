"""A TCP proxy in front of the plane that records requests and breaks responses."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Self

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_KEY = re.compile(rb"\r\nidempotency-key: *([^\r]+)", re.IGNORECASE)

# Ways to break a response, in addition to the faults of the plane itself.
BREAKS = ("refuse", "cut", "garbage", "stall", "drip")


@dataclass
class Recorded:
    """One request as it left the client, with the status of its response if any."""

    at: float
    method: str
    path: str
    key: str | None
    body: bytes = b""
    status: int | None = None
    broken: str | None = None

    @property
    def changes(self) -> bool:
        return self.method not in ("GET", "HEAD", "OPTIONS")


class RecordingProxy:
    """Forward connections to a local port from an event loop in a thread."""

    def __init__(self, port: int, *, seed: int = 0) -> None:
        self._plane_port = port
        self._random = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self.port = 0
        self.requests: list[Recorded] = []
        self.broken: Counter[str] = Counter()
        # The way to break responses and its probability.
        self.breaking: tuple[str, float] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def writes(self) -> list[Recorded]:
        return [request for request in self.requests if request.changes]

    def busiest(self, seconds: float, since: float = 0.0) -> list[Recorded]:
        """Return the requests of the busiest window of so many seconds."""
        requests = [request for request in self.requests if request.at >= since]
        first, busiest = 0, (0, 0)
        for last, request in enumerate(requests):
            while requests[first].at < request.at - seconds:
                first += 1
            if last - first >= busiest[1] - busiest[0]:
                busiest = (first, last + 1)
        return requests[busiest[0] : busiest[1]]

    def most_within(self, seconds: float, since: float = 0.0) -> int:
        """Return the largest number of requests in any window of so many seconds."""
        return len(self.busiest(seconds, since))

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        async with server:
            await self._stop.wait()
            left = asyncio.all_tasks() - {asyncio.current_task()}
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                await _Connection(self, reader, writer).forward()
        except asyncio.CancelledError:
            pass
        finally:
            writer.close()

    def choose_break(self) -> str | None:
        if self.breaking is None or self._random.random() >= self.breaking[1]:
            return None
        return self.breaking[0]

    @property
    def plane_port(self) -> int:
        return self._plane_port


class _Connection:
    """One client connection and its counterpart at the plane."""

    def __init__(
        self, proxy: RecordingProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._proxy, self._reader, self._writer = proxy, reader, writer
        self._latest: Recorded | None = None

    async def forward(self) -> None:
        plane_reader, plane_writer = await asyncio.open_connection("127.0.0.1", self._proxy.plane_port)
        answers = asyncio.create_task(self._answers(plane_reader))
        requests = asyncio.create_task(self._requests(plane_writer))
        try:
            await asyncio.wait((answers, requests), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (answers, requests):
                task.cancel()
            await asyncio.gather(answers, requests, return_exceptions=True)
            plane_writer.close()

    async def _requests(self, plane: asyncio.StreamWriter) -> None:
        while True:
            head = await self._reader.readuntil(b"\r\n\r\n")
            recorded = _recorded(head)
            recorded.body = await self._body(head)
            self._proxy.requests.append(recorded)
            recorded.broken = self._proxy.choose_break()
            self._latest = recorded
            if recorded.broken is not None:
                self._proxy.broken[recorded.broken] += 1
            if recorded.broken == "refuse":
                return
            plane.write(head + recorded.body)
            await plane.drain()

    async def _body(self, head: bytes) -> bytes:
        if match := _LENGTH.search(head):
            return await self._reader.readexactly(int(match[1]))
        if not _CHUNKED.search(head):
            return b""
        body = b""
        while True:
            line = await self._reader.readline()
            data = await self._reader.readexactly(int(line, 16) + 2)
            body += line + data
            if int(line, 16) == 0:
                return body

    async def _answers(self, plane: asyncio.StreamReader) -> None:
        while data := await plane.read(65536):
            request = self._latest
            if request is not None and request.status is None and data.startswith(b"HTTP/1."):
                request.status = int(data[9:12])
            broken = None if request is None else request.broken
            if broken == "cut":
                self._writer.write(data[: len(data) // 2])
                await self._writer.drain()
                return
            if broken == "garbage":
                data = data[: len(data) // 2] + b"\xff\x00\x1b]0;PLANTED\x07" + data[len(data) // 2 + 9 :]
            if broken == "stall":
                await asyncio.sleep(5)
            if broken == "drip":
                for at in range(0, min(len(data), 400), 8):
                    self._writer.write(data[at : at + 8])
                    await self._writer.drain()
                    await asyncio.sleep(0.05)
                data = data[400:]
            self._writer.write(data)
            await self._writer.drain()


def _recorded(head: bytes) -> Recorded:
    method, path, _ = head.split(b" ", 2)
    key = _KEY.search(head)
    return Recorded(time.time(), method.decode(), path.decode(), key[1].decode() if key else None)
