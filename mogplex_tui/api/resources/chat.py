"""Chats with a model, followed while they are answered (library.md §13)."""

from __future__ import annotations

from mogplex_tui.api.event_stream import EventStream
from mogplex_tui.api.models.chat import (
    CHAT_WORDS,
    ChatDraft,
    ChatEvent,
    ChatFinished,
    ChatMetadata,
    TextDelta,
)
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.transport import Request, Transport

# A tool may work for long without a word, and there is no heartbeat.
_SILENCE = 600.0


class Chat(EventStream[ChatEvent]):
    """An answer being followed; leaving it early cancels its call, and there is no way back into it.

    `ai_call_id` is the call with its events and cost, `text` the answer so far without the thinking.
    """

    def __init__(self, transport: Transport, draft: ChatDraft) -> None:
        headers = {"Accept": "text/event-stream"}
        request = Request(
            "POST", "/api/chat", "the chat", body=draft.body(), headers=headers, extra_wait=_SILENCE
        )
        super().__init__(transport, request, CHAT_WORDS)
        self.ai_call_id: str | None = None
        self.finish_reason: str | None = None
        self._pieces: list[str] = []

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(self._pieces)

    def _remember(self, event: ChatEvent) -> None:
        if isinstance(event, ChatMetadata) and event.message_metadata:
            self.ai_call_id = event.message_metadata.ai_call_id or self.ai_call_id
        if isinstance(event, ChatFinished):
            self.finish_reason = event.finish_reason
        if isinstance(event, TextDelta) and not event.thinking:
            self._pieces.append(event.delta)


class ChatResource(Resource):
    """`/api/chat`; the service does not keep the talk, its caller does (library.md §12)."""

    def ask(self, draft: ChatDraft) -> Chat:
        """Return the answer to follow; nothing is sent before its `async with` is entered.

        Opening raises Throttled (2 at once, 30 an hour, 150 a day), ServiceFailed for nearly everything else that is
        wrong: no key, a model out of reach, a role that may not, broken messages (§13.2).
        """
        return Chat(self._transport, draft)
