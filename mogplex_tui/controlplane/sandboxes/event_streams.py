"""Event streams of sandboxes: one data line per event (sandboxes.md §0).

There are no event names, ids or pings.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ..core.event_channel import Channel
from ..http.endpoints import encode

_HEADERS = {"Cache-Control": "no-cache, no-transform", "Connection": "keep-alive"}


class EventStream(Response):
    """A response that sends the events of a channel until the channel ends.

    If the client disconnects before that, `left` is called. After the response, events that are put
    into the channel are discarded.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        channel: Channel,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        left: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(None, status, {**_HEADERS, **(headers or {})})
        del self.headers["content-length"]
        self._channel = channel
        self._left = left

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        """Send the response (ASGI)."""
        watch = asyncio.create_task(self._until_gone(receive))
        over = False
        try:
            start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            await send(start)
            while (event := await self._channel.next()) is not None:
                await send(
                    {
                        "type": "http.response.body",
                        "body": b"data: " + encode(event) + b"\n\n",
                        "more_body": True,
                    }
                )
            over = not watch.done()
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            watch.cancel()
            self._channel.leave()
            if not over and self._left is not None:
                self._left()

    async def _until_gone(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._channel.leave()


def finished_stream(*events: Mapping[str, object], status: int = 200) -> EventStream:
    """Return a stream response that sends only the given events."""
    channel = Channel()
    for event in events:
        channel.put(event)
    channel.end()
    return EventStream(channel, status)
