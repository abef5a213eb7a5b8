"""Create the httpx clients with their limits, and map httpx exceptions to errors."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

from mogplex_tui import __version__
from mogplex_tui.api import errors
from mogplex_tui.api._httpx import httpx
from mogplex_tui.api.content_encoding import ACCEPTED, BodyDecoder, BodyError, BodyTooLargeError
from mogplex_tui.api.realtime_messages import SILENCE_TIMEOUT
from mogplex_tui.api.response_errors import ResponseInfo
from mogplex_tui.api.response_head_limits import LimitedBackend
from mogplex_tui.api.safe_text import shown_path, visible
from mogplex_tui.api.target import Target

MAX_IN_FLIGHT = 8
"""The largest number of requests in flight. With more, the throughput of httpx halves."""
RESPONSE_TIMEOUT = 30.0
"""Seconds for one request, from opening the connection to the last byte of the response."""
STREAM_HEADERS_TIMEOUT = 75.0
"""Seconds from opening the connection to the end of the headers of a streamed response."""

# Larger bodies are read one at a time, so that several together do not take several times the memory.
_LARGE_BODY = 4 * 1024 * 1024
# Bytes of an error body or a web page that are read.
_MAX_ERROR_BODY = 1024 * 1024
# Seconds that a body may be processed before the event loop gets a turn.
_MAX_BURST = 0.01

_TIMEOUT = httpx.Timeout(connect=5.0, read=20.0, write=10.0, pool=5.0)
_STREAM_TIMEOUT = httpx.Timeout(connect=5.0, read=SILENCE_TIMEOUT, write=10.0, pool=5.0)
# More than MAX_IN_FLIGHT, because actions do not count among the requests in flight.
_LIMITS = httpx.Limits(max_connections=32, max_keepalive_connections=MAX_IN_FLIGHT, keepalive_expiry=30.0)
_STREAM_LIMITS = httpx.Limits(max_connections=16, max_keepalive_connections=2, keepalive_expiry=30.0)


def timeout_with(seconds: float) -> httpx.Timeout:
    """Return the usual timeouts with `seconds` more for reading and for writing."""
    return httpx.Timeout(connect=5.0, read=20.0 + seconds, write=10.0 + seconds, pool=5.0)


# Errors of requests that never reached the service, so the service did not count them.
NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


class HttpClients:
    """The two httpx clients of a context: one for single responses, one for streams.

    Each client is created when it is first used. The clients follow no redirects, keep no cookies
    and use no proxy for loopback.
    """

    def __init__(self, target: Target, http: httpx.AsyncBaseTransport | None = None) -> None:
        self._target = target
        self._http = http
        self._clients: dict[bool, httpx.AsyncClient] = {}
        self._tls: ssl.SSLContext | None = None

    def get(self, *, streams: bool) -> httpx.AsyncClient:
        """Return the client for streams, or the client for single responses.

        Raises Unreachable if the proxy or TLS settings of the environment are unusable.
        """
        if streams not in self._clients:
            try:
                self._clients[streams] = self._new_client(streams)
            except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:
                raise errors.Unreachable(
                    f"The proxy or certificate settings of this shell cannot be used: {visible(str(error), 160)}",
                    advice="Look at HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR",
                ) from None
        return self._clients[streams]

    async def aclose(self) -> None:
        """Close all connections; `get` creates new clients afterwards."""
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.aclose()

    def _new_client(self, streams: bool) -> httpx.AsyncClient:
        trust_env = not self._target.is_loopback
        if self._tls is None:
            # Reading the certificate bundle takes a tenth of a second: do it once for both clients, and not for plain
            # http.
            plain = self._target.base_url.startswith("http:")
            self._tls = (
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                if plain
                else httpx.create_ssl_context(trust_env=trust_env)
            )
        client = httpx.AsyncClient(
            transport=self._http,
            verify=self._tls,
            headers={"User-Agent": f"mogplex-tui/{__version__}", "Accept-Encoding": ACCEPTED},
            # Cookies that the service sets (a theme, a session) must not become credentials of this context.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            follow_redirects=False,
            timeout=_STREAM_TIMEOUT if streams else _TIMEOUT,
            limits=_STREAM_LIMITS if streams else _LIMITS,
            trust_env=trust_env,
        )
        _limit_response_heads(client)
        return client


def _limit_response_heads(client: httpx.AsyncClient) -> None:
    """Limit the response headers on all connections of a client, proxied or direct."""
    # httpx has no public way to choose the network backend of the pools that it creates.
    for transport in (client._transport, *client._mounts.values()):
        if isinstance(transport, httpx.AsyncHTTPTransport):
            pool = transport._pool
            pool._network_backend = LimitedBackend(pool._network_backend)


def network_error(error: Exception, target: Target, info: ResponseInfo) -> errors.MogplexError:
    """Return the error for an exception that prevented a complete response."""
    facts: dict[str, Any] = {
        "resource": info.resource,
        "method": info.method,
        "path": shown_path(info.path),
        "request_id": info.request_id,
    }
    host = visible(target.host, 80)
    if isinstance(error, httpx.ConnectTimeout):
        return errors.TimedOut(
            f"No connection to {host} in time", advice=errors.Unreachable.default_advice, **facts
        )
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return errors.TimedOut(f"{host} did not answer {info.resource} in time", **facts)
    if isinstance(error, BodyError):
        kind = errors.AnswerTooLarge if isinstance(error, BodyTooLargeError) else errors.InvalidResponse
        return kind(f"The response for {info.resource} {error}", **facts)
    text = visible(target.scrub(str(error)), 160)
    if isinstance(error, httpx.ConnectError):
        advice = None
        if "certificate" in text.lower() or "ssl" in text.lower():
            advice = "Check the certificate of the service; SSL_CERT_FILE names a private authority"
        return errors.Unreachable(f"No connection to {host}: {text or 'refused'}", advice=advice, **facts)
    return errors.Unreachable(
        f"The connection to {host} was cut during {info.resource}" + (f" ({text})" if text else ""),
        advice="The next try often works",
        **facts,
    )


class Pacer:
    """Inserts pauses into the reading of response bodies, so that other tasks can run.

    Thousands of chunks may be available at the same time, and reading an available chunk never
    suspends the task. Without pauses that are as long as the reading, the console would not react
    to keys. If several bodies share a pacer, their pauses follow one another.
    """

    def __init__(self) -> None:
        self._pausing = asyncio.Lock()

    async def pause(self, seconds: float) -> None:
        """Sleep for some seconds, after all earlier calls of this method have finished."""
        async with self._pausing:
            await asyncio.sleep(seconds)


class _Burst:
    """Measures how long the reading of a body has kept the event loop from running."""

    def __init__(self) -> None:
        self._began: float | None = None

    def begin(self) -> None:
        """Start to measure, unless a measurement is running.

        The measurement ends when the task returns control to the event loop.
        """
        if self._began is None:
            self._began = time.monotonic()
            asyncio.get_running_loop().call_soon(self._end)

    def seconds(self) -> float:
        """Return the seconds since the measurement started, or 0.0 if none is running."""
        return 0.0 if self._began is None else time.monotonic() - self._began

    def _end(self) -> None:
        self._began = None


async def read_body(
    response: httpx.Response,
    limit: int,
    pacer: Pacer | None = None,
    *,
    before_large: Callable[[], Awaitable[object]] | None = None,
) -> bytearray:
    """Read a response and return its decoded body.

    `before_large` is awaited once, when the decoded body exceeds 4 MB. Raises BodyError for a body
    that cannot be decoded or exceeds `limit` bytes. For an error response or a web page, stops
    after about one megabyte and raises no BodyError, but returns what could be decoded.
    """
    is_error = not response.is_success or "text/html" in response.headers.get("content-type", "").lower()
    body = bytearray()
    try:
        if not is_error and _announced_size(response) > limit:
            raise BodyTooLargeError(limit)
        async with aclosing(decoded(response, limit, pacer or Pacer())) as pieces:
            async for piece in pieces:
                body += piece
                if is_error and len(body) > _MAX_ERROR_BODY:
                    break
                if before_large is not None and len(body) > _LARGE_BODY:
                    await before_large()
                    before_large = None
    except BodyError:
        if not is_error:
            # The error's traceback would keep the body in memory.
            body.clear()
            raise
    return body


async def decoded(response: httpx.Response, limit: int | None, pacer: Pacer) -> AsyncGenerator[bytes, None]:
    """Yield the decoded body of a response in pieces as they arrive.

    Raises BodyError for a body that cannot be decoded or exceeds `limit` bytes (None: no limit).
    """
    decoder = BodyDecoder(response.headers.get("content-encoding", ""), limit)
    burst = _Burst()
    async for data in response.aiter_raw():
        burst.begin()
        for piece in decoder.decode(data):
            yield piece
        if (seconds := burst.seconds()) > _MAX_BURST:
            await pacer.pause(seconds)


def _announced_size(response: httpx.Response) -> int:
    length = response.headers.get("content-length", "")
    return int(length) if length.isdecimal() and len(length) < 20 else 0
