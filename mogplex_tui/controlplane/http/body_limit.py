"""Refuse request bodies that are too large, too slow, or too many at once."""

from __future__ import annotations

import asyncio
import contextlib

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..faults.error_envelopes import worded
from .endpoints import RefusedError

MAX_BODY = 10_000_000
"""The most bytes of one body; some routes have lower limits of their own."""
MAX_BODIES = 256_000_000
"""The most bytes of all bodies that are held at once."""
BODY_SECONDS = 60.0
"""The time for a whole body to arrive."""
DRAIN_SECONDS = 5.0
"""The time to drop the rest of a body that is too large, before it is refused."""


class BodyLimit:
    """ASGI middleware that refuses request bodies that are too large or too slow.

    It also limits the total size of all bodies that are being read.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, with limits on its body."""
        if scope["type"] != "http" or not _has_body(scope):
            await self._app(scope, receive, send)
            return
        body = _Body(self, scope["path"], receive)
        answered = False

        async def note(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            if _declared(scope) > MAX_BODY:
                # A client that sent `Expect: 100-continue` has not started to send the body.
                if "expect" not in Headers(scope=scope):
                    await body.drop_rest()
                raise body.refusal(413)
            await self._app(scope, body.receive, note)
        except RefusedError as refused:
            # Handlers answer this themselves; middleware that reads the body before them does not.
            if answered:
                raise
            await refused.response(scope, receive, send)
        finally:
            self._held -= body.size

    def hold(self, size: int) -> bool:
        """Add `size` bytes to the size of all bodies in memory.

        Return False if all bodies together are then too large.
        """
        self._held += size
        return self._held <= MAX_BODIES


class _Body:
    """The body of one request, counted and timed while a handler reads it."""

    def __init__(self, limit: BodyLimit, path: str, receive: Receive) -> None:
        self._limit, self._path, self._receive = limit, path, receive
        self._until = asyncio.get_running_loop().time() + BODY_SECONDS
        self._complete = False
        self.size = 0

    async def receive(self) -> Message:
        """Return the next ASGI message of the request.

        Raises RefusedError: 408 if the body is too slow, 413 if it is too large, 503 if all bodies together
        are too large.
        """
        if self._complete:
            return await self._receive()
        message = await self._timed()
        size = len(message.get("body", b""))
        self.size += size
        if not self._limit.hold(size):
            raise self.refusal(503)
        if self.size > MAX_BODY:
            await self.drop_rest()
            raise self.refusal(413)
        return message

    async def _timed(self) -> Message:
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise self.refusal(408) from None
        self._complete = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def drop_rest(self) -> None:
        """Read and drop the rest of the body for a few seconds.

        Otherwise a client that is still sending would not read the error response.
        """
        self._until = asyncio.get_running_loop().time() + DRAIN_SECONDS
        with contextlib.suppress(RefusedError):
            while not self._complete:
                await self._timed()

    def refusal(self, status: int) -> RefusedError:
        """Return the error response for a status; it also closes the connection.

        The response has the JSON format of the routes at the request's path.
        """
        self._complete = True
        code = "SERVICE_UNAVAILABLE" if status == 503 else "BAD_REQUEST"
        response = worded(self._path, status, code, _TEXTS[status])
        response.headers["Connection"] = "close"
        if status == 503:
            response.headers["Retry-After"] = "5"
        return RefusedError(response)


_TEXTS = {
    408: f"The request body did not arrive within {BODY_SECONDS:.0f} seconds",
    413: f"The request body is larger than {MAX_BODY} bytes",
    503: "Too many request bodies at once",
}


def _has_body(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def _declared(scope: Scope) -> int:
    """Return the Content-Length of a request, or 0 if it has no such header.

    The header contains only digits: the HTTP parser refuses any other value.
    """
    return int(Headers(scope=scope).get("content-length", "0"))
