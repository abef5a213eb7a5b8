"""HTTP clients that cost little: one open connection each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from urllib.parse import urlsplit


class _Client(asyncio.Protocol):
    """One connection that sends the requests in turn and notes what each took."""

    def __init__(self, requests: Sequence[bytes], until: float, most: int) -> None:
        self._requests = requests
        self._until, self._most = until, most
        self._buffer = bytearray()
        self._sent = 0.0
        self.times: list[float] = []
        self.statuses: set[int] = set()
        self.size = 0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._requests[len(self.times) % len(self._requests)])

    def data_received(self, data: bytes) -> None:
        """Note a whole answer and ask again."""
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        lengths = self._buffer.lower().find(b"content-length:", 0, head)
        size = int(self._buffer[lengths + 15 : self._buffer.find(b"\r\n", lengths)]) if lengths >= 0 else 0
        if len(self._buffer) < head + 4 + size:
            return
        now = time.perf_counter()
        self.times.append(now - self._sent)
        self.statuses.add(int(self._buffer[9:12]))
        self.size = size
        self._buffer.clear()
        if now < self._until and len(self.times) < self._most:
            self._send()
        else:
            self._transport.close()
            self.done.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        """A server that hangs up early is a failure of the benchmark."""
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("the server hung up"))


class Load:
    """The result of a load: seconds, statuses, and the bytes of the last body."""

    def __init__(self, clients: Sequence[_Client], took: float) -> None:
        self.times = [one for client in clients for one in client.times]
        self.took = took
        self.statuses = {status for client in clients for status in client.statuses}
        self.size = clients[0].size

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.times) / self.took


def get(url: str, headers: str = "") -> bytes:
    """A GET request as bytes; `headers` are whole lines that end in CRLF."""
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return f"GET {target} HTTP/1.1\r\nhost: {parts.netloc}\r\n{headers}\r\n".encode()


async def load(
    base_url: str, requests: Sequence[bytes], clients: int, seconds: float, most: int = 10**9
) -> Load:
    """Let so many clients ask for so many seconds, or until each had `most` answers."""
    host, _, port = urlsplit(base_url).netloc.partition(":")
    loop = asyncio.get_running_loop()
    start = time.perf_counter()
    made = []
    for _ in range(clients):
        _, client = await loop.create_connection(
            lambda: _Client(requests, start + seconds, most), host, int(port)
        )
        made.append(client)
    await asyncio.gather(*(client.done for client in made))
    return Load(made, time.perf_counter() - start)
