"""A loopback HTTP server whose answers are scripts of raw bytes and pauses.

    SLOW_HEADERS = [Drip(head(200), every=0.5), HOLD]

    async with answering(SLOW_HEADERS) as service: ...         # in the event loop of the test
    with answering_in_thread(SLOW_HEADERS) as service: ...     # for a command or a console in a process of its own

A script is a list of steps: `bytes` are written as they are, the other steps are the classes below. When a script
ends, the connection is closed. A single `bytes` object is a whole answer after which the connection stays open.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TypeVar

from tests.api.support import Handler, Seen, Service, serving

S = TypeVar("S")

# Bytes per write of `Repeat`, so that a large answer is never held as a whole.
_BLOCK = 256 * 1024


@dataclass(frozen=True)
class Pause:
    """Send nothing for some seconds."""

    seconds: float


@dataclass(frozen=True)
class Drip:
    """Send bytes in pieces of `size`, with a pause of `every` seconds after each.

    A pause of zero still makes separate writes.
    """

    data: bytes
    every: float = 0.0
    size: int = 1


@dataclass(frozen=True)
class Repeat:
    """Send the same bytes `times` times, or until the client disconnects if None."""

    data: bytes
    times: int | None = None
    every: float = 0.0


@dataclass(frozen=True)
class Hold:
    """Keep the connection open and silent until the client leaves."""


@dataclass(frozen=True)
class Reset:
    """End the connection with a TCP reset instead of an orderly close."""


HOLD = Hold()
RESET = Reset()

Step = bytes | Pause | Drip | Repeat | Hold | Reset
Script = Sequence[Step]
Answer = bytes | Script
Router = Callable[[Seen], Answer]


def head(
    status: int = 200,
    *,
    version: str = "1.1",
    content_type: str = "application/json",
    **headers: str,
) -> bytes:
    """Return a status line and headers.

    No length is sent unless `Content_Length` is given; header names use `_` for `-`.
    """
    lines = [f"HTTP/{version} {status} X"]
    if content_type:
        lines.append(f"Content-Type: {content_type}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """Return one chunk of a chunked body; an empty one ends the body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


@asynccontextmanager
async def answering(
    answer: Answer | Router, *, routes: Mapping[str, Answer] | None = None
) -> AsyncIterator[Service]:
    """Serve scripts in the running event loop.

    `routes` maps paths to other answers; a `Router` chooses by the whole request.
    """
    async with serving(_handler(answer, routes or {})) as service:
        yield service


@contextmanager
def answering_in_thread(
    answer: Answer | Router, *, routes: Mapping[str, Answer] | None = None
) -> Iterator[Service]:
    """Serve scripts from an event loop in a thread, for clients in other processes."""
    with in_thread(lambda: answering(answer, routes=routes)) as service:
        yield service


@contextmanager
def in_thread(server: Callable[[], AbstractAsyncContextManager[S]]) -> Iterator[S]:
    """Run an asynchronous server in a thread with an event loop of its own."""
    started: list[S] = []
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with server() as running:
            started.append(running)
            ready.set()
            await stop.wait()

    def run() -> None:
        try:
            loop.run_until_complete(serve())
        finally:
            ready.set()
            loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait()
    try:
        yield started[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)


def _handler(answer: Answer | Router, routes: Mapping[str, Answer]) -> Handler:
    async def handle(seen: Seen, writer: asyncio.StreamWriter) -> bytes | None:
        chosen = routes.get(seen.path, answer)
        if callable(chosen):
            chosen = chosen(seen)
        if isinstance(chosen, bytes):
            return chosen
        for step in chosen:
            await perform(step, seen, writer)
        return None

    return handle


async def perform(step: Step, seen: Seen, writer: asyncio.StreamWriter) -> None:
    """Carry out one step of a script."""
    match step:
        case bytes():
            writer.write(step)
        case Pause():
            await asyncio.sleep(step.seconds)
        case Drip():
            for start in range(0, len(step.data), step.size):
                writer.write(step.data[start : start + step.size])
                await writer.drain()
                await asyncio.sleep(step.every)
        case Repeat():
            await _repeat(step, writer)
        case Hold():
            await writer.drain()
            await seen.client_left()
        case Reset():
            await writer.drain()
            connection: socket.socket = writer.get_extra_info("socket")
            # A linger time of zero makes the close a reset.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return
    await writer.drain()


async def _repeat(step: Repeat, writer: asyncio.StreamWriter) -> None:
    # Without pauses many copies go out at once, or small ones would take most of the test's time.
    together = 1 if step.every else max(1, _BLOCK // len(step.data))
    block = step.data * together
    sent = 0
    while (step.times is None or sent < step.times) and not writer.is_closing():
        count = together if step.times is None else min(together, step.times - sent)
        writer.write(block if count == together else step.data * count)
        await writer.drain()
        await asyncio.sleep(step.every)
        sent += count
