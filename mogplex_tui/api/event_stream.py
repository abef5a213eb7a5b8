"""One long answer of events, followed from its opening to the reason why it ended (sandboxes.md §0, library.md
§13.3).

The streams of this service have no heartbeat and cannot be resumed, and leaving some of them ends what they tell of:
so a stream is opened and closed by `async with`, and there is no other way to read one.
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
from mogplex_tui.api.budget import Priority
from mogplex_tui.api.json_values import JsonError, parse
from mogplex_tui.api.models.base import why_not
from mogplex_tui.api.models.stream import End, EndKind, StreamEvent, UnknownEvent
from mogplex_tui.api.response import Answer
from mogplex_tui.api.response_errors import Reply, invalid, unpack
from mogplex_tui.api.safe_text import shown_path
from mogplex_tui.api.sse import Data, Decoder
from mogplex_tui.api.transport import Request, Transport

E = TypeVar("E", bound=StreamEvent)

# A record with its whole install log travels inside one event.
_LONGEST_EVENT = 8_000_000
_MEMORY_OF_EVENT = 64 * 1024 * 1024
# The chat's word for "that was all" (library.md §13.3).
_ALL = "[DONE]"


class Follow(Generic[E]):
    """An answer that is told event by event: `async with` opens and closes it, `async for` gives its events.

    Opening raises the refusals of the tree. The loop ends when the stream does; `end` then says why. A stream that
    breaks off before it told its end raises Unreachable or TimedOut, with `end` set too. `stop()` ends the loop from
    elsewhere. However the block is left, the connection is closed when it is over.

    `words` maps each `type` to its model; what is unknown or malformed arrives as UnknownEvent. `whole` makes events
    of an answer that is JSON instead of a stream (None: such an answer is an InvalidResponse). `told_as` are statuses
    of refusals that come as a stream.
    """

    def __init__(
        self,
        transport: Transport,
        request: Request,
        words: Mapping[str, type[E]],
        *,
        whole: Callable[[Answer], Iterable[E]] | None = None,
        told_as: frozenset[int] = frozenset(),
    ) -> None:
        self.end: End | None = None
        self.as_stream = True
        self._transport = transport
        self._request = request
        self._words = words
        self._whole = whole
        self._told_as = told_as
        self._stack = AsyncExitStack()
        self._reply: Reply | None = None
        self._chunks: AsyncIterator[bytes] | None = None
        self._decoder = Decoder(_LONGEST_EVENT)
        self._ready: deque[E] = deque()
        self._told: End | None = None
        self._over = False
        self._stopped = False
        self._waiting: asyncio.Timeout | None = None

    async def __aenter__(self) -> Self:
        """Send the request; raises the refusals of the tree."""
        if self._reply is not None or self._over:
            raise RuntimeError("a stream can be followed only once")
        # Following was asked for by a person, and it lasts: it neither waits behind reading nor takes its places.
        opening = self._transport.stream(self._request, Priority.ACTION, gated=False, told_as=self._told_as)
        reply, self._chunks = await self._stack.enter_async_context(opening)
        self._reply = reply
        if not reply.is_events:
            try:
                await self._take_whole(reply)
            except BaseException:
                self._over = True
                await self._stack.aclose()
                raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection; a stream that had not ended has been left."""
        self._over = True
        self._ready.clear()
        if self.end is None:
            self.end = End(EndKind.LEFT)
        await self._stack.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> E:
        if self._reply is None:
            raise RuntimeError("open the stream with `async with` before reading it")
        while not self._ready or self._stopped:
            if self._over or self._stopped:
                if self.end is None:
                    self.end = End(EndKind.LEFT) if self._stopped else self._told or End(EndKind.DONE)
                raise StopAsyncIteration
            await self._read(self._reply)
        event = self._ready.popleft()
        self.end = self.end or event.end
        self._note(event)
        return event

    def stop(self) -> None:
        """End the loop that reads, from another task of the same event loop; harmless when it is over."""
        self._stopped = True
        if self._waiting is not None:
            self._waiting.reschedule(asyncio.get_running_loop().time())

    def _note(self, event: E) -> None:
        """Keep what a kind of stream wants to remember of an event that is given out."""

    async def _read(self, reply: Reply) -> None:
        """Take in the next bytes; raises what the transport does when they do not come."""
        try:
            async with asyncio.timeout(None) as self._waiting:
                chunk = await anext(cast("AsyncIterator[bytes]", self._chunks), None)
        except TimeoutError:
            # Nobody but stop() sets this time limit.
            return
        except errors.MogplexError as error:
            self._over = True
            if self._told is None:
                self.end = End(EndKind.CUT, error.what)
                raise
            return
        finally:
            self._waiting = None
        if chunk is None:
            self._finish(reply)
            return
        for frame in self._decoder.feed(chunk):
            if isinstance(frame, Data) and not self._over:
                self._take(frame.text)
        if self._decoder.dropped:
            self._over = True
            self.end = End(EndKind.CUT, "One event is longer than any real one")
            raise invalid(reply, "holds an event that is longer than any real one")

    def _finish(self, reply: Reply) -> None:
        self._over = True
        if self._told is not None:
            return
        text = f"The service closed the connection before the end of {reply.resource}"
        self.end = End(EndKind.CUT, text)
        raise errors.Unreachable(
            text,
            advice="Look at its present state; it may have gone on without this connection",
            resource=reply.resource,
            method=reply.method,
            path=shown_path(reply.path),
            request_id=reply.request_id,
        )

    def _take(self, text: str) -> None:
        if text == _ALL:
            self._over = True
            return
        self._queue(understand(text, self._words))

    def _queue(self, event: E) -> None:
        self._ready.append(event)
        self._told = self._told or event.end
        self._over = self._over or event.closes

    async def _take_whole(self, reply: Reply) -> None:
        if self._whole is None:
            raise invalid(reply, "is no event stream")
        self.as_stream = False
        body = bytearray()
        # The transport limits its size.
        async for chunk in cast("AsyncIterator[bytes]", self._chunks):
            body += chunk
        value = unpack(reply, bytes(body), self._transport.target.max_answer)
        for event in self._whole(Answer(value, reply)):
            self._queue(event)
        self._over = True


def understand(text: str, words: Mapping[str, type[E]]) -> E:
    """Return the event that one data line tells, an UnknownEvent for whatever cannot be read."""
    try:
        raw: Any = parse(text, _MEMORY_OF_EVENT)
    except JsonError as error:
        return cast("E", UnknownEvent(raw=text, why=str(error)))
    kind = raw.get("type") if isinstance(raw, dict) else None
    model = words.get(kind) if isinstance(kind, str) else None
    if model is None:
        name = kind if isinstance(kind, str) else ""
        return cast("E", UnknownEvent(type=name, raw=raw, why="is of no known type"))
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        return cast("E", UnknownEvent(type=str(kind), raw=raw, why=why_not(error)))
