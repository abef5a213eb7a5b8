"""Limits on HTTP connections that uvicorn does not have.

A client that sends its headers slowly or without end, that reads nothing, or that opens thousands
of connections must not keep others from being answered.
"""

from __future__ import annotations

import asyncio
import heapq
from typing import Any
from urllib.parse import urlsplit

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

HEAD_SECONDS = 30.0
"""Seconds for a request's line and headers, and for a connection's first byte."""
READ_SECONDS = 60.0
"""The time for a client to read a response that exceeds the system's buffers."""
MAX_HEAD = 65_536
"""The most bytes of a request's line and headers."""
MAX_REQUEST = 128 * 1024 * 1024
"""The most bytes of a request that are read.

http/body_limit.py refuses bodies that are much smaller.
"""

BACKLOG = 256
"""The most connections that wait to be accepted, and that are accepted at once."""

_MAX_CONNECTIONS = 4_096
# Descriptors of connections beyond the limit, of the database, and of other files.
_RESERVED_DESCRIPTORS = 2 * BACKLOG + 128
_TEXTS = {
    408: "The request took too long.",
    431: "The request line and headers are too large.",
}


def max_connections() -> int:
    """Return how many connections may be open at once.

    The number is less than the limit of file descriptors.
    """
    try:
        import resource
    except ImportError:
        return _MAX_CONNECTIONS
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(_MAX_CONNECTIONS, max(soft - _RESERVED_DESCRIPTORS, soft // 2))


def raise_descriptor_limit() -> None:
    """Raise the limit of file descriptors so that `max_connections` is not reduced.

    Many systems start with a limit of 1024.
    """
    try:
        import resource
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MAX_CONNECTIONS + _RESERVED_DESCRIPTORS
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Connection(HttpToolsProtocol):
    """Uvicorn's connection with limits on headers, idle time and connection count."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._active_at = self.loop.time()
        self._in_head = True
        self._head_size = 0
        self._received = self._arriving = 0
        self._refusal = 400
        self._head_timer: asyncio.TimerHandle | None = None
        self._read_timer: asyncio.TimerHandle | None = None

    @property
    def is_idle(self) -> bool:
        """Whether the connection has no request that still has to be answered."""
        return self.cycle is None or self.cycle.response_complete

    @property
    def awaits_client(self) -> bool:
        """Whether the connection waits for a request or for the rest of a body."""
        return self.is_idle or self.cycle.more_body

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timer for the first request.

        If there are too many connections, close some that wait for their client.
        """
        super().connection_made(transport)
        self._await_head()
        if len(self.connections) > max_connections():
            self._make_room()

    def _make_room(self) -> None:
        """Close the connections that have waited longest for their client.

        If no connection waits for its client, close this one.
        """
        waiting = (one for one in self.connections if isinstance(one, Connection) and one.awaits_client)
        # Close several at once, because the search looks at every connection.
        silent = heapq.nsmallest(max(1, len(self.connections) // 64), waiting, key=lambda one: one._active_at)
        for one in silent or [self]:
            # Remove it now, so that the next new connection does not close others again.
            self.connections.discard(one)
            one.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop every timer."""
        self._stop_timers()
        super().connection_lost(exc)

    def _stop_timers(self) -> None:
        for timer in (self._head_timer, self._read_timer):
            if timer is not None:
                timer.cancel()
        self._head_timer = self._read_timer = None

    def _await_head(self) -> None:
        self._in_head, self._head_size, self._received = True, 0, 0
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_too_slow)

    def _head_too_slow(self) -> None:
        self._head_timer = None
        if self._received:
            self._refusal = 408
            self.send_400_response("")
        else:
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        """Parse received data, and refuse a request whose headers are too large.

        Headers can be refused before they are complete.
        """
        self._arriving = len(data)
        self._received += len(data)
        self._active_at = self.loop.time()
        if self._received > MAX_REQUEST:
            self.transport.abort()
            return
        super().data_received(data)
        if self._in_head and self._received > MAX_HEAD and not self.transport.is_closing():
            self._refusal = 431
            self.send_400_response("")

    def send_400_response(self, msg: str) -> None:
        """Refuse the request and close the connection.

        The status is 408 or 431 if a limit was exceeded, otherwise 400.
        """
        self._stop_timers()
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            # A handler may wait for the rest of the body, which does not come. A started response cannot be replaced.
            cycle.disconnected = True
            cycle.message_event.set()
        if not self.transport.is_closing() and (
            self.is_idle or not (cycle.response_started or self.pipeline)
        ):
            text = _TEXTS.get(self._refusal, msg).encode()
            head = (
                b"content-type: text/plain; charset=utf-8\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
            )
            self.transport.write(STATUS_LINE[self._refusal] + head % len(text) + text)
        self.transport.close()

    def on_message_begin(self) -> None:
        """Start the timer for the headers of the next request."""
        super().on_message_begin()
        self._await_head()
        # Data that belongs to the previous request does not matter for the limit.
        self._received = self._arriving

    def on_url(self, url: bytes) -> None:
        """Add a part of the URL. Raises ValueError if the request's head is too large."""
        super().on_url(url)
        self._count_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header. Raises ValueError if the request's head is too large.

        Headers after the body (trailers) are dropped.
        """
        if self._in_head:
            super().on_header(name, value)
        self._count_head(len(name) + len(value) + 4)

    def _count_head(self, size: int) -> None:
        self._head_size += size
        if self._head_size > MAX_HEAD:
            self._refusal = 431
            raise ValueError("the head is too large")

    def on_headers_complete(self) -> None:
        """Stop the timer for the headers and start to answer the request.

        If the URL is absolute, its host replaces the Host header (RFC 9112 §3.2.2).
        """
        self._in_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        if not self.url.startswith(b"/"):
            authority = urlsplit(self.url.decode("latin-1")).netloc.encode("latin-1")
            if authority:
                self.headers[:] = [pair for pair in self.headers if pair[0] != b"host"]
                self.headers.append((b"host", authority))
        super().on_headers_complete()

    def _unsupported_upgrade_warning(self) -> None:
        """Ignore a requested protocol upgrade, and close the connection afterwards.

        The request is answered like any other.
        """
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def pause_writing(self) -> None:
        """Start a timer for a client that does not read."""
        super().pause_writing()
        if self._read_timer is None:
            self._read_timer = self.loop.call_later(READ_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop the timer for a client that reads again."""
        super().resume_writing()
        if self._read_timer is not None:
            self._read_timer.cancel()
            self._read_timer = None
