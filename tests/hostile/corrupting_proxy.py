"""An HTTP proxy in front of a real plane that corrupts answers by a seeded rule.

    async with corrupting(plane.base_url, rule=seeded(rate=0.3), seed=7) as proxy: ...
    with corrupting_in_thread(plane.base_url, rule=only("reset")) as proxy: ...
    python -m tests.hostile.corrupting_proxy URL --seed 7 --rate 0.3

Requests always reach the plane unchanged, so a corrupted answer to a POST is a lost answer of a write that happened.
`proxy.rule = honest` ends the corruption while the proxy runs; `proxy.log` holds one entry for each request.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import gzip
import json
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.api.support import Seen, http, serving
from tests.hostile.raw_http import HOLD, RESET, Drip, Pause, Repeat, Script, chunk, head, in_thread, perform

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass(frozen=True)
class Exchange:
    """One complete response of the plane, with the random source of its fault."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    random: random.Random

    @property
    def content_type(self) -> str:
        return dict(self.headers).get("content-type", "")

    def script(self, body: bytes | None = None, *, status: int | None = None, **headers: str) -> Script:
        """Return the response as a script, with another body, status or headers.

        Header names use `_` for `-`.
        """
        body = self.body if body is None else body
        status = self.status if status is None else status
        replaced = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        kept = [(name, value) for name, value in self.headers if name not in replaced]
        if "content-length" not in replaced and "transfer-encoding" not in replaced and _has_body(status):
            kept.append(("content-length", str(len(body))))
        lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in [*kept, *replaced.items()])]
        return ["\r\n".join(lines).encode("latin-1") + b"\r\n\r\n", body]


Fault = Callable[[Exchange], Script]


def _has_body(status: int) -> bool:
    return status >= 200 and status not in (204, 304)


def _flipped(data: bytes, source: random.Random, most: int = 8) -> bytes:
    changed = bytearray(data)
    for _ in range(source.randint(1, most) if data else 0):
        changed[source.randrange(len(changed))] ^= 1 << source.randrange(8)
    return bytes(changed)


def _reshaped(exchange: Exchange) -> Script:
    """Replace one value somewhere in the JSON by a value of another type."""
    try:
        value = json.loads(exchange.body)
    except ValueError:
        return exchange.script(b"null")
    strange: list[Any] = [None, [], {}, "", "x", -1, 0, 1e308, 2**70, True, [None], {"a": {}}]
    holders: list[tuple[Any, Any]] = []
    todo = [value]
    while todo:
        each = todo.pop()
        if isinstance(each, dict | list):
            keys = list(each) if isinstance(each, dict) else list(range(len(each)))
            holders += [(each, key) for key in keys]
            todo += [each[key] for key in keys]
    if not holders:
        return exchange.script(json.dumps(exchange.random.choice(strange)).encode())
    for _ in range(exchange.random.randint(1, 3)):
        holder, key = exchange.random.choice(holders)
        holder[key] = exchange.random.choice(strange)
    return exchange.script(json.dumps(value).encode())


def _cut(exchange: Exchange) -> bytes:
    return exchange.body[: exchange.random.randrange(len(exchange.body))] if exchange.body else b""


def _length(exchange: Exchange, change: int) -> str:
    return str(max(0, len(exchange.body) + change))


def _repeated(exchange: Exchange) -> bytes:
    start = exchange.random.randrange(max(1, len(exchange.body)))
    return exchange.body[: start + 64] + exchange.body[start:]


def _nested(exchange: Exchange) -> Script:
    depth = exchange.random.choice([101, 1_000, 10_000, 100_000])
    return exchange.script(b'{"ok":true,"data":' + b"[" * depth + b"]" * depth + b"}", status=200)


@functools.cache
def _packed() -> bytes:
    return gzip.compress(b" " * 100_000_000, 1)


def _bomb(exchange: Exchange) -> Script:
    return exchange.script(_packed(), status=200, content_encoding="gzip")


def _throttled(exchange: Exchange) -> Script:
    wait = exchange.random.choice(["0", "0.001", "-1", "nan", "1e308", "9" * 400, "soon", "1"])
    body = {"ok": False, "error": {"code": "RATE_LIMITED", "message": "Rate limit exceeded."}}
    return exchange.script(json.dumps(body).encode(), status=429, retry_after=wait)


FAULTS: dict[str, Fault] = {
    "truncated": lambda it: [it.script()[0], _cut(it)],
    "shorter body with its own length": lambda it: it.script(_cut(it)),
    "length too large": lambda it: it.script(content_length=_length(it, 1 + it.random.randrange(500))),
    "length too small": lambda it: it.script(content_length=_length(it, -1 - it.random.randrange(50))),
    "flipped bytes": lambda it: it.script(_flipped(it.body, it.random)),
    "flipped header bytes": lambda it: [
        _flipped(b"".join(part for part in it.script()[:1] if isinstance(part, bytes)), it.random),
        it.body,
    ],
    "garbage JSON": lambda it: it.script(
        it.random.choice([b'{"a":', b"[[[", b"nul", b"\xff\xfe", b'{"a" 1}'])
    ),
    "other JSON": lambda it: it.script(
        it.random.choice([b"null", b"[]", b"{}", b"0", b'"x"', b'{"ok":true}'])
    ),
    "changed values": _reshaped,
    "nested JSON": _nested,
    "wrong status": lambda it: it.script(
        status=it.random.choice([201, 204, 302, 400, 401, 403, 404, 409, 410, 429, 500, 502, 503, 504])
    ),
    "throttled": _throttled,
    "delay": lambda it: [Pause(it.random.uniform(0.05, 3.0)), *it.script()],
    "drip": lambda it: [Drip(step, 0.002, 16) if isinstance(step, bytes) else step for step in it.script()],
    "no answer": lambda it: [],
    "reset": lambda it: [RESET],
    "reset in the body": lambda it: [it.script()[0], _cut(it), RESET],
    "repeated bytes": lambda it: it.script(_repeated(it)),
    "repeated chunks": lambda it: [
        it.script(b"", transfer_encoding="chunked")[0],
        chunk(it.body) if it.body else b"",
        chunk(it.body) if it.body else b"",
        chunk(b""),
    ],
    "HTML": lambda it: it.script(b"<html><h1>Bad gateway</h1></html>", content_type="text/html"),
    "empty": lambda it: it.script(b""),
    "not gzip": lambda it: it.script(content_encoding="gzip"),
    "gzip bomb": _bomb,
    "informational answers": lambda it: [b"HTTP/1.1 102 Processing\r\n\r\n" * 500, *it.script()],
    "many headers": lambda it: [
        b"HTTP/1.1 200 X\r\n" + b"".join(b"X-%d: y\r\n" % number for number in range(5000)),
        b"\r\n",
        HOLD,
    ],
    "endless body": lambda it: [head(200), Repeat(b" " * 1024, 4096, every=0.01)],
}

# Faults of event streams, which are forwarded as they arrive. Another fault is replaced by one of these there.
STREAM_FAULTS = ("truncated", "reset", "flipped bytes", "repeated bytes", "garbage frame", "delay")

Rule = Callable[[Seen, random.Random], str | None]
"""Returns the name of the fault for a request, or None for an honest answer."""


def honest(_: Seen, __: random.Random) -> None:
    """Corrupt nothing."""


def only(*faults: str, path: str = "") -> Rule:
    """Return a rule that applies one of these faults to paths with this prefix."""

    def rule(seen: Seen, source: random.Random) -> str | None:
        return source.choice(faults) if seen.path.startswith(path) else None

    return rule


def seeded(rate: float, faults: Sequence[str] = tuple(FAULTS)) -> Rule:
    """Return a rule that corrupts a share of the responses by random faults."""

    def rule(_: Seen, source: random.Random) -> str | None:
        return source.choice(faults) if source.random() < rate else None

    return rule


@dataclass
class Entry:
    """One request that passed the proxy, and the fault applied to its response.

    `at` is in monotonic seconds.
    """

    at: float
    method: str
    path: str
    fault: str | None


@dataclass
class Proxy:
    """A running proxy. The rule can be exchanged while it runs."""

    upstream: str
    rule: Rule
    seed: int
    base_url: str = ""
    log: list[Entry] = field(default_factory=list)

    async def handle(self, seen: Seen, writer: asyncio.StreamWriter) -> bytes | None:
        """Forward one request and send its response, corrupted where the rule says so."""
        source = random.Random(f"{self.seed} {len(self.log)}")
        name = self.rule(seen, source)
        self.log.append(Entry(time.monotonic(), seen.method, seen.path, name))
        try:
            reader, upstream = await self._forward(seen)
        except OSError:
            return http(502, {"error": "The plane is not reachable"})
        try:
            status, headers = await _read_head(reader)
            if dict(headers).get("content-type", "").startswith("text/event-stream"):
                await _forward_stream(seen, reader, writer, status, headers, name, source)
                return None
            body = await _read_body(reader, headers) if _has_body(status) else b""
        except (asyncio.IncompleteReadError, ConnectionError):
            return http(502, {"error": "The plane closed the connection"})
        finally:
            upstream.close()
        kept = [(key, value) for key, value in headers if key not in _HOP_BY_HOP]
        exchange = Exchange(status, kept, body, source)
        script = FAULTS[name](exchange) if name in FAULTS else exchange.script()
        if name is None:
            return b"".join(part for part in script if isinstance(part, bytes))
        for step in script:
            await perform(step, seen, writer)
        return None

    async def _forward(self, seen: Seen) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        url = urlsplit(self.upstream)
        reader, writer = await asyncio.open_connection(url.hostname, url.port, limit=1 << 20)
        target = seen.path + (f"?{seen.query}" if seen.query else "")
        headers = {**seen.headers, "host": url.netloc, "connection": "close", "accept-encoding": "identity"}
        lines = [f"{seen.method} {target} HTTP/1.1", *(f"{key}: {value}" for key, value in headers.items())]
        writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + seen.body)
        return reader, writer


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, list[tuple[str, str]]]:
    first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in rest if line)
    return int(first.split(" ")[1]), [(name.lower(), value.strip()) for name, _, value in pairs]


async def _read_body(reader: asyncio.StreamReader, headers: list[tuple[str, str]]) -> bytes:
    if dict(headers).get("transfer-encoding") != "chunked":
        return await reader.read()
    parts = []
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)
    return b"".join(parts)


async def _forward_stream(
    seen: Seen,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    status: int,
    headers: list[tuple[str, str]],
    name: str | None,
    source: random.Random,
) -> None:
    """Forward an event stream until either side ends it; a fault starts on the way."""
    lines = [f"HTTP/1.1 {status} X", *(f"{key}: {value}" for key, value in headers)]
    writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")
    left = asyncio.ensure_future(seen.client_left())
    strikes_at = source.randint(0, 5)
    if name is not None and name not in STREAM_FAULTS:
        name = source.choice(STREAM_FAULTS)
    number = 0
    try:
        while not left.done():
            coming = asyncio.ensure_future(reader.read(65536))
            await asyncio.wait({coming, left}, return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                coming.cancel()
                return
            data = coming.result()
            if not data:
                return
            if name is not None and number >= strikes_at:
                for step in _stream_fault(name, data, source):
                    await perform(step, seen, writer)
                if name in ("truncated", "reset"):
                    return
            else:
                writer.write(data)
                await writer.drain()
            number += 1
    finally:
        left.cancel()


def _stream_fault(name: str, data: bytes, source: random.Random) -> Script:
    """Return the bytes and steps that replace a piece of a stream."""
    match name:
        case "truncated":
            return [data[: source.randrange(len(data))]]
        case "reset":
            return [RESET]
        case "flipped bytes":
            return [_flipped(data, source)]
        case "repeated bytes":
            return [data, data]
        case "garbage frame":
            garbage = source.choice([b"data: {\n\n", b"data\n\n", b":\n", b"data: null\n\n", b"\0\n\n"])
            return [data, chunk(garbage)]
        case "delay":
            return [Pause(source.uniform(0.05, 3.0)), data]
    return [data]


@asynccontextmanager
async def corrupting(upstream: str, *, rule: Rule = honest, seed: int = 0) -> AsyncIterator[Proxy]:
    """Run a proxy in the event loop of the test."""
    proxy = Proxy(upstream, rule, seed)
    async with serving(proxy.handle) as service:
        proxy.base_url = service.base_url
        yield proxy


@contextmanager
def corrupting_in_thread(upstream: str, *, rule: Rule = honest, seed: int = 0) -> Iterator[Proxy]:
    """Run a proxy with its own event loop in a thread, for clients in other processes."""
    proxy = Proxy(upstream, rule, seed)
    with in_thread(lambda: serving(proxy.handle)) as service:
        proxy.base_url = service.base_url
        yield proxy


def main() -> None:
    """Run a proxy until it is interrupted; print its address as one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("upstream", help="base URL of the plane")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0.3, help="share of answers that are corrupted")
    parser.add_argument("--fault", action="append", choices=[*FAULTS, *STREAM_FAULTS], help="only these")
    arguments = parser.parse_args()
    faults = arguments.fault or [*FAULTS]

    async def serve() -> None:
        async with corrupting(
            arguments.upstream, rule=seeded(arguments.rate, faults), seed=arguments.seed
        ) as proxy:
            print(json.dumps({"url": proxy.base_url}), flush=True)
            await asyncio.Event().wait()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve())


if __name__ == "__main__":
    main()
