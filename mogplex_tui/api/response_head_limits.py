"""A network backend for httpcore that limits response headers in size and time.

The backend looks host names up in a daemon thread, so that a slow name server does not delay
the program's exit.

httpcore limits neither the time that response headers take nor the number of informational
(1xx) responses. A service that sends endless informational responses keeps httpcore's loop
busy with data that has already arrived, so that the event loop never runs and no timeout of
asyncio takes effect. The streams of this backend return the headers of each response
separately, count them and limit their time.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
import time
from collections.abc import Iterable
from functools import partial
from ipaddress import ip_address
from typing import Any

import httpcore

from mogplex_tui.api.daemon_thread import run_in_daemon_thread

MAX_HEAD = 64 * 1024
"""The most bytes of headers of one response, including informational (1xx) responses."""
MAX_INFORMATIONAL = 20
HEAD_TIMEOUT = 10.0
"""Seconds from the first byte of the headers to their end."""

# Seconds for one of several addresses of a host before the next one is tried.
_ADDRESS_TIMEOUT = 1.0
_HEAD_END = re.compile(rb"\n\r?\n")
_INFORMATIONAL = re.compile(rb"HTTP/\d\.\d 1(?!01)\d\d")


class LimitedBackend(httpcore.AsyncNetworkBackend):
    """A network backend that wraps another one and limits the response headers."""

    def __init__(self, backend: httpcore.AsyncNetworkBackend) -> None:
        self._backend = backend

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Open a TCP connection to the first address of the host that accepts it."""
        deadline = None if timeout is None else time.monotonic() + timeout
        *others, last = await _addresses(host, port, timeout)
        for address in others:
            with contextlib.suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return LimitedStream(
                    await self._backend.connect_tcp(
                        address, port, _ADDRESS_TIMEOUT, local_address, socket_options
                    )
                )
        left = None if deadline is None else max(0.1, deadline - time.monotonic())
        return LimitedStream(await self._backend.connect_tcp(last, port, left, local_address, socket_options))

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Open a connection to a Unix socket."""
        return LimitedStream(await self._backend.connect_unix_socket(path, timeout, socket_options))

    async def sleep(self, seconds: float) -> None:
        """Wait for some seconds."""
        await self._backend.sleep(seconds)


async def _addresses(host: str, port: int, timeout: float | None) -> list[str]:
    """Return the IP addresses of a host in the order in which to try them.

    The list has at least one address. Raises ConnectTimeout or ConnectError if no address is
    found.
    """
    with contextlib.suppress(ValueError):
        return [str(ip_address(host))]
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        async with asyncio.timeout(timeout):
            addresses = await run_in_daemon_thread(look_up)
    except TimeoutError:
        raise httpcore.ConnectTimeout(f"The address of {host} was not found in time") from None
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from None
    return list(dict.fromkeys(str(address[0]) for *_, address in addresses))


class LimitedStream(httpcore.AsyncNetworkStream):
    """A connection whose response headers are limited in bytes, number and time.

    After each write, the next bytes read are taken as the headers of a response. All bytes that
    follow the headers are returned unchanged until the next write.
    """

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self._in_head = True
        self._begin_response()

    def _begin_response(self) -> None:
        self._head = bytearray()
        self._head_began = 0.0
        self._size = 0
        self._informational = 0
        # Bytes after an informational head that came in the same read.
        self._next_bytes = b""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read bytes; a result never contains the headers of two responses.

        Raises RemoteProtocolError or ReadTimeout if headers exceed a limit.
        """
        if not self._in_head:
            return await self._stream.read(max_bytes, timeout)
        data, self._next_bytes = self._next_bytes, b""
        if not data:
            data = await self._stream.read(max_bytes, self._time_left(timeout))
        return self._split_heads(data)

    def _time_left(self, timeout: float | None) -> float | None:
        if not self._head_began:
            return timeout
        left = self._head_began + HEAD_TIMEOUT - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("The response headers did not end in time")
        return left if timeout is None else min(left, timeout)

    def _split_heads(self, data: bytes) -> bytes:
        """Return the bytes of `data` to pass on, and keep the others for the next read.

        Bytes that follow the headers of an informational response are kept. Bytes that follow the
        headers of the final response are its body and are passed on with the headers.
        """
        if not self._head:
            self._head_began = time.monotonic()
        known = len(self._head)
        self._head += data
        # The two or three bytes that end a head may come in several reads.
        end = _HEAD_END.search(self._head, max(0, known - 2))
        self._check_size(len(self._head) if end is None else end.end())
        if end is None:
            return data
        if not _INFORMATIONAL.match(self._head):
            self._in_head = False
            self._head.clear()
            return data
        self._informational += 1
        if self._informational > MAX_INFORMATIONAL:
            raise httpcore.RemoteProtocolError(f"More than {MAX_INFORMATIONAL} informational responses")
        self._size += end.end()
        self._head.clear()
        self._head_began = 0.0
        cut = end.end() - known
        self._next_bytes = data[cut:]
        return data[:cut]

    def _check_size(self, size: int) -> None:
        if self._size + size > MAX_HEAD:
            raise httpcore.RemoteProtocolError(f"More than {MAX_HEAD // 1024} KB of response headers")

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write bytes of a request; the next bytes read are then the response's headers."""
        self._in_head = True
        self._begin_response()
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        """Start TLS on this connection and return the encrypted connection."""
        return LimitedStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        """Return information about the underlying connection."""
        return self._stream.get_extra_info(info)
