"""An httpx transport whose responses have unread bodies, as from a network."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx


class Streamed(httpx.AsyncBaseTransport):
    """Gives the answers of another transport, with their bodies as streams."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the inner transport's answer before its body is read."""
        whole = await self._inner.handle_async_request(request)
        return httpx.Response(whole.status_code, headers=whole.headers, stream=_Body(whole.content))


class _Body(httpx.AsyncByteStream):
    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content
