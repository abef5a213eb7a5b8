"""Chats with a model, whose responses are streams."""

from __future__ import annotations

from mogplex_tui.api.event_stream import EventStream
from mogplex_tui.api.models.chat import (
    CHAT_EVENTS,
    ChatDraft,
    ChatEvent,
    ChatFinished,
    ChatMetadata,
    TextDelta,
)
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.transport import Request, Transport

# Seconds. A tool may work for long without an event, and there is no heartbeat.
_EXTRA_WAIT = 600.0


class Chat(EventStream[ChatEvent]):
    """The streamed response to a chat.

    If the caller leaves the stream early, the AI call is cancelled permanently. `ai_call_id` is the
    id of the call, with which its events and its cost can be read. Contract: library.md §13.
    """

    def __init__(self, transport: Transport, draft: ChatDraft) -> None:
        headers = {"Accept": "text/event-stream"}
        request = Request(
            "POST", "/api/chat", "the chat", body=draft.body(), headers=headers, extra_wait=_EXTRA_WAIT
        )
        super().__init__(transport, request, CHAT_EVENTS)
        self.ai_call_id: str | None = None
        self.finish_reason: str | None = None
        self._pieces: list[str] = []

    @property
    def text(self) -> str:
        """The text received so far, without the model's reasoning."""
        return "".join(self._pieces)

    def _remember(self, event: ChatEvent) -> None:
        if isinstance(event, ChatMetadata) and event.message_metadata:
            self.ai_call_id = event.message_metadata.ai_call_id or self.ai_call_id
        if isinstance(event, ChatFinished):
            self.finish_reason = event.finish_reason
        if isinstance(event, TextDelta) and not event.thinking:
            self._pieces.append(event.delta)


class ChatResource(Resource):
    """Chats with a model, at `/api/chat`.

    The service does not store the messages, so the caller must keep them.

    Contract: library.md §12 and §13.
    """

    def ask(self, draft: ChatDraft) -> Chat:
        """Return a stream of the response to a chat.

        The request is sent when the stream is entered with `async with`. Entering raises Throttled if a
        limit is used up (2 at the same time, 30 an hour, 150 a day). It raises ServiceFailed for nearly
        all other errors, such as a missing key, a model that cannot be used, a role that is not allowed
        or invalid messages.

        Contract: library.md §13.2.
        """
        return Chat(self._transport, draft)
