"""Read a streaming response event by event, and record why the stream ended.

The service sends nothing on an idle stream to keep the connection alive, and a stream cannot
be resumed. For some streams, closing the connection stops the work that the stream reports. A
stream can therefore be read only inside `async with`, which opens and closes the connection.

Contract: sandboxes.md §0, library.md §13.3.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, cast

from pydantic import ValidationError

from mogplex_tui.api import errors
from mogplex_tui.api.bounded_json import JsonError, parse
from mogplex_tui.api.budget import Priority
from mogplex_tui.api.models.base import validation_message
from mogplex_tui.api.models.stream_events import StreamEnd, StreamEndKind, StreamEvent, UnknownEvent
from mogplex_tui.api.response import JsonResponse
from mogplex_tui.api.response_errors import ResponseInfo, invalid_response, parse_success
from mogplex_tui.api.safe_text import shown_path
from mogplex_tui.api.sse import Data, SseDecoder
from mogplex_tui.api.transport import Request, Transport

E = TypeVar("E", bound=StreamEvent)

# Bytes. One event may hold a record with its whole install log.
_MAX_EVENT_BYTES = 8_000_000
_MAX_EVENT_MEMORY = 64 * 1024 * 1024
# The data line that ends a chat (library.md §13.3).
_DONE_MARK = "[DONE]"


class EventStream(Generic[E]):
    """A streaming response: `async with` opens it, `async for` reads its events.

    Entering the `async with` block raises an error of `api.errors` for an error response. The
    `async for` loop ends when the stream ends; `end` then says why. If the connection is cut before
    an event has reported the end, the loop sets `end` and raises Unreachable or TimedOut. `stop()`
    ends the loop from another task. Leaving the block always closes the connection.

    `event_types` maps each `type` of event to its model. Events that are malformed or have another
    type are read as UnknownEvent. `from_json` makes events of a response that is JSON instead of a
    stream; if `from_json` is None, a JSON response raises InvalidResponse. `stream_statuses` are
    the HTTP error statuses with which the service may also send a stream.
    """

    def __init__(
        self,
        transport: Transport,
        request: Request,
        event_types: Mapping[str, type[E]],
        *,
        from_json: Callable[[JsonResponse], Iterable[E]] | None = None,
        stream_statuses: frozenset[int] = frozenset(),
    ) -> None:
        self.end: StreamEnd | None = None
        self.as_stream = True
        self._transport = transport
        self._request = request
        self._event_types = event_types
        self._from_json = from_json
        self._stream_statuses = stream_statuses
        self._stack = AsyncExitStack()
        self._info: ResponseInfo | None = None
        self._chunks: AsyncIterator[bytes] | None = None
        self._decoder = SseDecoder(_MAX_EVENT_BYTES)
        self._queued: deque[E] = deque()
        self._reported_end: StreamEnd | None = None
        self._finished = False
        self._stopped = False
        self._read_timeout: asyncio.Timeout | None = None

    async def __aenter__(self) -> Self:
        """Send the request; raises an error of `api.errors` for an error response."""
        if self._info is not None or self._finished:
            raise RuntimeError("a stream can be followed only once")
        # A person asked for the stream, and it lasts: it neither waits behind reads nor counts among the requests in
        # flight.
        opening = self._transport.stream(
            self._request, Priority.ACTION, counts_in_flight=False, stream_statuses=self._stream_statuses
        )
        info, self._chunks = await self._stack.enter_async_context(opening)
        self._info = info
        if not info.is_events:
            try:
                await self._read_json(info)
            except BaseException:
                self._finished = True
                await self._stack.aclose()
                raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection, and set `end` to LEFT if the stream has not ended."""
        self._finished = True
        self._queued.clear()
        if self.end is None:
            self.end = StreamEnd(StreamEndKind.LEFT)
        await self._stack.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> E:
        if self._info is None:
            raise RuntimeError("open the stream with `async with` before reading it")
        while not self._queued or self._stopped:
            if self._finished or self._stopped:
                if self.end is None:
                    self.end = (
                        StreamEnd(StreamEndKind.LEFT)
                        if self._stopped
                        else self._reported_end or StreamEnd(StreamEndKind.DONE)
                    )
                raise StopAsyncIteration
            await self._read(self._info)
        event = self._queued.popleft()
        self.end = self.end or event.end
        self._remember(event)
        return event

    def stop(self) -> None:
        """End the loop that reads the events; call this from another task.

        The other task must run in the same event loop. If the reading has ended already, this method
        has no effect.
        """
        self._stopped = True
        if self._read_timeout is not None:
            self._read_timeout.reschedule(asyncio.get_running_loop().time())

    def _remember(self, event: E) -> None:
        """Hook that is called with each event, for subclasses that store its data."""

    async def _read(self, info: ResponseInfo) -> None:
        """Read the next chunk and queue its events; raises the errors of the transport."""
        try:
            async with asyncio.timeout(None) as self._read_timeout:
                chunk = await anext(cast("AsyncIterator[bytes]", self._chunks), None)
        except TimeoutError:
            # Only stop() sets this timeout.
            return
        except errors.MogplexError as error:
            self._finished = True
            if self._reported_end is None:
                self.end = StreamEnd(StreamEndKind.CUT, error.message)
                raise
            return
        finally:
            self._read_timeout = None
        if chunk is None:
            self._finish(info)
            return
        for frame in self._decoder.feed(chunk):
            if isinstance(frame, Data) and not self._finished:
                self._queue_text(frame.text)
        if self._decoder.dropped:
            self._finished = True
            self.end = StreamEnd(StreamEndKind.CUT, "One event is too long")
            raise invalid_response(info, "holds an event that is too long")

    def _finish(self, info: ResponseInfo) -> None:
        self._finished = True
        if self._reported_end is not None:
            return
        text = f"The service closed the connection before the end of {info.resource}"
        self.end = StreamEnd(StreamEndKind.CUT, text)
        raise errors.Unreachable(
            text,
            advice="Check its current state; it may have gone on without this connection",
            resource=info.resource,
            method=info.method,
            path=shown_path(info.path),
            request_id=info.request_id,
        )

    def _queue_text(self, text: str) -> None:
        if text == _DONE_MARK:
            self._finished = True
            return
        self._queue(parse_event(text, self._event_types))

    def _queue(self, event: E) -> None:
        self._queued.append(event)
        self._reported_end = self._reported_end or event.end
        self._finished = self._finished or event.is_final

    async def _read_json(self, info: ResponseInfo) -> None:
        if self._from_json is None:
            raise invalid_response(info, "is not an event stream")
        self.as_stream = False
        body = bytearray()
        # The transport limits the size.
        async for chunk in cast("AsyncIterator[bytes]", self._chunks):
            body += chunk
        value = parse_success(info, bytes(body), self._transport.target.max_answer)
        for event in self._from_json(JsonResponse(value, info)):
            self._queue(event)
        self._finished = True


def parse_event(text: str, event_types: Mapping[str, type[E]]) -> E:
    """Parse the JSON text of one event.

    Returns an UnknownEvent if the text is malformed or its type is not in `event_types`.
    """
    try:
        raw: Any = parse(text, _MAX_EVENT_MEMORY)
    except JsonError as error:
        return cast("E", UnknownEvent(raw=text, reason=str(error)))
    kind = raw.get("type") if isinstance(raw, dict) else None
    model = event_types.get(kind) if isinstance(kind, str) else None
    if model is None:
        name = kind if isinstance(kind, str) else ""
        return cast("E", UnknownEvent(type=name, raw=raw, reason="has an unknown type"))
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        return cast("E", UnknownEvent(type=str(kind), raw=raw, reason=validation_message(error)))
