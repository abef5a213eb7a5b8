"""HTTP answers that stream lines of JSON in chunks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from mogplex_tui.api.client import MogplexClient
from tests.api.support import Handler, Seen

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

LAST = b"0\r\n\r\n"


def line(event: Any) -> bytes:
    return b"data: " + (event if isinstance(event, bytes) else json.dumps(event).encode()) + b"\n\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def streaming_handler(*events: Any, last: bytes = LAST, head: bytes = HEAD) -> Handler:
    """Write events as chunks, and then `last`: a proper end or a broken chunk."""

    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        for event in events:
            writer.write(chunk(line(event)))
            await writer.drain()
        writer.write(last)
        await writer.drain()

    return answer


def open_connections(client: MogplexClient) -> Sequence[Any]:
    """Return the connections of the streams' pool, idle ones included."""
    pool: Any = client._transport._clients.get(streams=True)._transport
    found: Sequence[Any] = pool._pool.connections
    return found
