"""Send raw bytes to a server on loopback and read every answer that comes back."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})[^\r\n]*\r\n")


@dataclass(frozen=True)
class ResponseInfo:
    """The bytes received on one connection, and whether the server closed it."""

    data: bytes
    closed: bool

    @property
    def statuses(self) -> list[int]:
        """The status codes of all responses, in order.

        Bodies are searched too, so none may contain a status line.
        """
        return [int(found) for found in _STATUS.findall(self.data)]

    @property
    def status(self) -> int:
        """The status of the first response, or 0 if the server sent none."""
        return self.statuses[0] if self.statuses else 0

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the first response with lower-case names."""
        head = self.data.partition(b"\r\n\r\n")[0].decode("latin-1")
        pairs = (line.partition(":") for line in head.split("\r\n")[1:])
        return {name.lower(): value.strip() for name, _, value in pairs}

    @property
    def body(self) -> bytes:
        """Everything after the head of the first response."""
        return self.data.partition(b"\r\n\r\n")[2]


async def exchange(base_url: str, data: bytes, *, seconds: float = 10.0) -> ResponseInfo:
    """Send bytes on a new connection and read the reply.

    Reading ends when the server closes the connection or after `seconds`; a request with `Connection:
    close` therefore returns fastest.
    """
    where = urlsplit(base_url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    received, closed = b"", False
    try:
        writer.write(data)
        try:
            async with asyncio.timeout(seconds):
                while chunk := await reader.read(65_536):
                    received += chunk
            closed = True
        except TimeoutError:
            pass
        except ConnectionError:
            closed = True
    finally:
        writer.transport.abort()
    return ResponseInfo(received, closed)


def request(
    method: str,
    target: str,
    *headers: str,
    host: str | None = "127.0.0.1",
    body: bytes = b"",
    close: bool = True,
    length: bool = True,
) -> bytes:
    """Return the bytes of a request.

    Headers are whole lines; `host=None` and `length=False` leave out the Host and Content-Length headers.
    """
    lines = [f"{method} {target} HTTP/1.1"]
    if host is not None:
        lines.append(f"Host: {host}")
    lines += headers
    if close:
        lines.append("Connection: close")
    if body and length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


class Session:
    """One kept connection that sends raw requests, one after the other.

    Unlike an HTTP library it sends a target as it is: dot segments, backslashes and all.
    """

    def __init__(self, base_url: str, *headers: str) -> None:
        self._url, self._headers = urlsplit(base_url), headers
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, target: str, *headers: str, body: bytes = b"") -> ResponseInfo:
        """Send a request and return its answer; of a stream only the head."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._url.hostname, self._url.port)
        reader, writer = self._streams
        writer.write(request(method, target, *self._headers, *headers, body=body, close=False))
        data = b""
        while data.startswith(b"HTTP/1.1 100") or not data:
            data = await reader.readuntil(b"\r\n\r\n")
        reply = ResponseInfo(data, False)
        length = reply.headers.get("content-length", "0")
        is_stream = "transfer-encoding" in reply.headers
        if method != "HEAD" and not is_stream and length != "0":
            reply = ResponseInfo(data + await reader.readexactly(int(length)), False)
        if is_stream or reply.headers.get("connection", "").lower() == "close":
            self.close()
        return reply

    def close(self) -> None:
        """Drop the connection; the next request opens another."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None
