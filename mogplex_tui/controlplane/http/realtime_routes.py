"""GET /api/realtime/events: server-sent events that say which table has changed.

realtime.md §1, §2.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from functools import lru_cache

from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ..db.change_hub import Hub, Subscription
from .endpoints import ApiRequest, MethodHandler, PlainEndpoint, Service, encode, refusal, route

PING_SECONDS = 25.0

_NAME = re.compile(r"[a-z_]+")
_HEADERS = {"Cache-Control": "no-cache, no-transform", "Connection": "keep-alive"}


def wanted_tables(text: str) -> list[str]:
    """Return the table names in the value of the `tables` parameter.

    Raises RefusedError with the 400s of realtime.md §1.
    """
    if not text:
        raise refusal(400, "Missing tables parameter")
    names = [name for name in text.split(",") if name]
    if not names:
        raise refusal(400, "No valid tables specified")
    for name in names:
        if not _NAME.fullmatch(name):
            raise refusal(400, f"Invalid table name: {name}")
    return names


@lru_cache(256)
def _message(table: str, op: str) -> bytes:
    """Return the bytes of an event; cached, because there are few tables."""
    return b"data: " + encode({"table": table, "op": op}) + b"\n\n"


async def frames(subscription: Subscription, ping_seconds: float) -> AsyncIterator[bytes]:
    """Yield the bytes of one event stream: `: connected`, events and pings.

    `ping_seconds` is the time without an event after which a ping is sent.
    """
    yield b": connected\n\n"
    while True:
        try:
            frame = await subscription.next(ping_seconds)
        except TimeoutError:
            yield b": ping\n\n"
            continue
        if frame is None:
            return
        burst = [frame, *subscription.drain()]
        yield b"".join(_message(frame.table, frame.op) for frame in burst)


class ChangeStream(StreamingResponse):
    """The event stream to one client; when it ends, its subscription ends."""

    def __init__(self, hub: Hub, subscription: Subscription) -> None:
        super().__init__(frames(subscription, PING_SECONDS), media_type="text/event-stream", headers=_HEADERS)
        self._hub, self._subscription = hub, subscription

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream until the client leaves or the subscription ends."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._hub.unsubscribe(self._subscription)


async def stream(request: ApiRequest) -> Response:
    """Open the event stream for changes of the caller's rows.

    Changes of rows without an owner are included.
    """
    tables = wanted_tables(request.query("tables"))
    if request.http.method == "HEAD":
        return Response(media_type="text/event-stream", headers=_HEADERS)
    hub = request.plane.hub
    # Subscribe before the response starts: a change right after the headers must not be lost.
    return ChangeStream(hub, hub.subscribe(request.user_id, tables))


def routes(service: Service) -> list[Route]:
    """Return the routes of this module."""
    return [route("/api/realtime/events", PlainEndpoint(service, {"GET": MethodHandler(stream)}))]
