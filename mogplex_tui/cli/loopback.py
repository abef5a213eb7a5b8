"""A small HTTP server on 127.0.0.1 for the callback of a browser sign-in.

It answers one request per connection (auth.md §9).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from html import escape

# A browser's request is much smaller than these limits.
_MAX_HEAD = 16 * 1024
_MAX_BODY = 64 * 1024
_REQUEST_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class CallbackRequest:
    """An HTTP request, with header names in lower case and the query not decoded."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class CallbackResponse:
    """An HTTP response; `headers` are added to the headers of every response."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[CallbackRequest], CallbackResponse]

NOT_FOUND = CallbackResponse(404, b"Not found")

_REASONS = {
    200: "OK",
    204: "No Content",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Content Too Large",
}


def html_page(title: str, sentence: str, status: int = 200) -> CallbackResponse:
    """Return an HTML page with one sentence, without scripts and external resources."""
    body = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title></head>'
        f"<body><h1>{escape(title)}</h1><p>{escape(sentence)}</p></body></html>"
    )
    headers = {"Content-Security-Policy": "default-src 'none'", "Referrer-Policy": "no-referrer"}
    return CallbackResponse(status, body.encode(), "text/html; charset=utf-8", headers)


def json_response(status: int, value: object, **headers: str) -> CallbackResponse:
    """Return a JSON response."""
    return CallbackResponse(status, json.dumps(value).encode(), "application/json", headers)


class CallbackListener:
    """An HTTP server on 127.0.0.1, used as an async context manager."""

    def __init__(self, handler: Handler, ports: Iterable[int]) -> None:
        self._handler = handler
        self._ports = tuple(ports)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        # Connections with a complete request, which is still answered at closing. Browsers open others in advance.
        self._answering: set[asyncio.Task[None]] = set()
        self.port = 0

    async def __aenter__(self) -> CallbackListener:
        """Start listening on the first free port. Raises OSError if none is free."""
        last_error: OSError | None = None
        for port in self._ports:
            try:
                self._server = await asyncio.start_server(
                    self._serve_connection, "127.0.0.1", port, limit=_MAX_HEAD
                )
            except OSError as error:
                last_error = error
                continue
            self.port = int(self._server.sockets[0].getsockname()[1])
            return self
        raise last_error or OSError("no port to listen on")

    async def __aexit__(self, *exc: object) -> None:
        """Stop listening, after responses in progress have been written."""
        if self._server is not None:
            self._server.close()
        if self._answering:
            await asyncio.wait(self._answering, timeout=1.0)
        idle = list(self._open)
        for task in idle:
            task.cancel()
        await asyncio.gather(*idle, return_exceptions=True)

    async def _serve_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 -- the server runs this in a task of its own
        self._open.add(task)
        try:
            async with asyncio.timeout(_REQUEST_TIMEOUT):
                response = await self._answer(reader, task)
                writer.write(_encode(response))
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            # A client that sends no valid request gets no response.
            pass
        except asyncio.CancelledError:
            # The listener was closed; asyncio's server would log the cancellation as an error.
            pass
        finally:
            self._open.discard(task)
            self._answering.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, task: asyncio.Task[None]) -> CallbackResponse:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        self._answering.add(task)
        first, *lines = head.split("\r\n")
        # The service does not encode an error in the address, so the request target may hold spaces (auth.md §8).
        method, _, after_method = first.partition(" ")
        target, _, version = after_method.rpartition(" ")
        if not version.startswith("HTTP/1.") or not target.startswith("/"):
            return CallbackResponse(400, b"Bad request")
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
        }
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit():
            return CallbackResponse(400, b"Bad request")
        if int(length) > _MAX_BODY:
            return CallbackResponse(413, b"Too large")
        body = await reader.readexactly(int(length))
        path, _, query = target.partition("?")
        return self._handler(CallbackRequest(method, path, query, headers, body))


def _encode(response: CallbackResponse) -> bytes:
    headers = {
        "Content-Length": str(len(response.body)),
        "Content-Type": response.content_type,
        "Cache-Control": "no-store",
        "Connection": "close",
        **response.headers,
    }
    lines = [f"HTTP/1.1 {response.status} {_REASONS.get(response.status, '')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + response.body


async def wait_for(awaitable: Awaitable[str], seconds: float) -> str:
    """Return the result of an awaitable.

    Raises TimeoutError if it takes longer than `seconds`.
    """
    async with asyncio.timeout(seconds):
        return await awaitable
