"""The event stream that announces the tables in which rows have changed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable

from mogplex_tui.api import errors
from mogplex_tui.api.realtime_messages import Changed, Connected, Ping, parse_message
from mogplex_tui.api.request_checks import table_names
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.response_errors import invalid_response
from mogplex_tui.api.sse import SseDecoder
from mogplex_tui.api.transport import Request


class RealtimeResource(Resource):
    """The realtime stream, at `/api/realtime/events`.

    Each message of the stream names a table in which a row has changed. Contract: realtime.md.
    """

    async def stream(self, tables: Iterable[str]) -> AsyncGenerator[Connected | Changed | Ping]:
        """Open the realtime stream for some tables and yield its messages.

        The loop ends when the service closes the stream. Raises RealtimeOff if the service answers 204
        (do not connect again), Unreachable if the connection is lost or is closed before Connected has
        arrived, and TimedOut after 60 seconds without a message. The caller has to connect again after
        a wait (`api.realtime_messages.backoff`) and to read the displayed data again after each
        Connected. A caller that stops early must close the iterator (`contextlib.aclosing`).
        """
        names = table_names(list(tables))
        request = Request(
            "GET",
            "/api/realtime/events",
            "live updates",
            params={"tables": ",".join(names)},
            headers={"Accept": "text/event-stream", "Cache-Control": "no-cache"},
        )
        async with self._transport.stream(request, self._priority, counts_in_flight=False) as (info, chunks):
            if info.content_type.partition(";")[0].strip().lower() != "text/event-stream":
                raise invalid_response(info, "is not an event stream")
            decoder = SseDecoder()
            connected = False
            async for chunk in chunks:
                for frame in decoder.feed(chunk):
                    message = parse_message(frame)
                    if message is not None:
                        connected = connected or isinstance(message, Connected)
                        yield message
            if not connected:
                raise errors.Unreachable(
                    "The service closed the live connection before it was ready",
                    advice="The next try often works",
                    resource="live updates",
                    path=info.path,
                    request_id=info.request_id,
                )
