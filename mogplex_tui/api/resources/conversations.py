"""Stored conversations."""

from __future__ import annotations

from pydantic import ValidationError

from mogplex_tui.api import errors
from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.models.conversations import Conversation, ConversationSave
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.safe_text import visible


class ConversationChanged(errors.Conflict):
    """Raised by `save` if somebody changed the conversation after it was read.

    `current` is the conversation as it is stored now, or None if it belongs to another account.
    """

    default_advice = "Read it again before you write"

    current: Conversation | None = None


class ConversationsResource(Resource):
    """Stored conversations, at `/api/conversations`.

    Contract: library.md §12.
    """

    async def list(self) -> Rows[Conversation]:
        """Return at most 200 conversations without their messages.

        The most recently changed conversation comes first. The list is also empty if the storage of the
        service fails.
        """
        return (await self._get("/api/conversations", "the conversations")).rows(Conversation, None)

    async def get(self, conversation_id: str) -> Conversation | None:
        """Return a conversation with its messages, or None if no conversation has this id."""
        name = _checked(conversation_id)
        response = await self._get("/api/conversations", _shown_name(name), id=name)
        return None if response.data is None else response.one(Conversation)

    async def save(self, write: ConversationSave) -> Conversation:
        """Save a conversation and return it as stored.

        Raises ConversationChanged if the conversation was changed after the caller read it; the error
        contains the current version. The service offers no way to overwrite a conversation regardless
        of its version.
        """
        try:
            response = await self._change(
                "PUT", "/api/conversations", _shown_name(write.id), body=write.body()
            )
        except errors.Conflict as conflict:
            raise _changed(conflict) from None
        return response.one(Conversation, "conversation")

    async def delete(self, conversation_id: str) -> None:
        """Delete a conversation; do nothing if there is no such conversation."""
        name = _checked(conversation_id)
        await self._change("DELETE", "/api/conversations", _shown_name(name), params={"id": name})


def _checked(conversation_id: str) -> str:
    if not conversation_id.strip():
        raise errors.InvalidInput("Missing id", resource="the conversation")
    return conversation_id


def _shown_name(conversation_id: str) -> str:
    return f"conversation {visible(conversation_id, 40)}"


def _changed(conflict: errors.Conflict) -> ConversationChanged:
    changed = ConversationChanged(
        f"Somebody else has changed {conflict.resource}",
        resource=conflict.resource,
        method=conflict.method,
        path=conflict.path,
        status=conflict.status,
        code=conflict.code,
        request_id=conflict.request_id,
    )
    try:
        changed.current = Conversation.model_validate(conflict.extra.get("conversation"))
    except ValidationError:
        # Null if another account has this id.
        changed.current = None
    return changed
