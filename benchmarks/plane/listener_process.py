"""Count the frames of realtime streams, as a process of its own.

`python -m benchmarks.plane.listener_process URL COOKIE STREAMS FRAMES`

Says "ready" when all streams are connected, and the seconds from there to the last frame of the last stream.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from urllib.parse import urlsplit


def _listen(url: str, cookie: str, frames: int, connected: threading.Barrier) -> None:
    host, _, port = urlsplit(url).netloc.partition(":")
    with socket.create_connection((host, int(port))) as stream:
        path = "/api/realtime/events?tables=ai_call_events"
        stream.sendall(f"GET {path} HTTP/1.1\r\nhost: {host}\r\ncookie: {cookie}\r\n\r\n".encode())
        seen = b""
        while b": connected" not in seen:
            seen += stream.recv(65536)
        connected.wait()
        count, rest = 0, b""
        while count < frames:
            piece = stream.recv(1 << 20)
            if not piece:
                raise SystemExit(f"a stream was cut after {count} of {frames} frames")
            rest += piece
            count += rest.count(b"data: {")
            rest = rest[-6:]


def main() -> None:
    """Listen until every stream has heard of every change."""
    url, cookie, streams, frames = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    connected = threading.Barrier(streams + 1)
    threads = [
        threading.Thread(target=_listen, args=(url, cookie, frames, connected)) for _ in range(streams)
    ]
    for thread in threads:
        thread.start()
    connected.wait()
    print("ready", flush=True)
    start = time.perf_counter()
    for thread in threads:
        thread.join()
    print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
