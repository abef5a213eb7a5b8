"""Conversations (library.md §12)."""

from __future__ import annotations

from pydantic import ValidationError

from mogplex_tui.api import errors
from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.models.conversations import Conversation, ConversationSave
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.safe_text import visible


class ConversationChanged(errors.Conflict):
    """Somebody wrote the conversation in between; `current` is how it stands, None when it is not the caller's."""

    default_advice = "Read it again before you write"

    current: Conversation | None = None


class ConversationsResource(Resource):
    """`/api/conversations`."""

    async def list(self) -> Rows[Conversation]:
        """Return at most 200 conversations without what was said, the last changed first.

        A service whose storage fails answers with an empty list here.
        """
        return (await self._get("/api/conversations", "the conversations")).rows(Conversation, None)

    async def get(self, conversation_id: str) -> Conversation | None:
        """Return a whole conversation, or None when the account has none of this id."""
        name = _checked(conversation_id)
        response = await self._get("/api/conversations", _called(name), id=name)
        return None if response.data is None else response.one(Conversation)

    async def save(self, write: ConversationSave) -> Conversation:
        """Write where nobody else did in between, and return the row with its new `updated_at`.

        Raises ConversationChanged, a Conflict that holds the row as it stands; there is no unconditional write.
        """
        try:
            response = await self._change("PUT", "/api/conversations", _called(write.id), body=write.body())
        except errors.Conflict as conflict:
            raise _changed(conflict) from None
        return response.one(Conversation, "conversation")

    async def delete(self, conversation_id: str) -> None:
        """Delete a conversation; one that is gone already is fine."""
        name = _checked(conversation_id)
        await self._change("DELETE", "/api/conversations", _called(name), params={"id": name})


def _checked(conversation_id: str) -> str:
    if not conversation_id.strip():
        raise errors.InvalidInput("Missing id", resource="the conversation")
    return conversation_id


def _called(conversation_id: str) -> str:
    return f"conversation {visible(conversation_id, 40)}"


def _changed(conflict: errors.Conflict) -> ConversationChanged:
    found = ConversationChanged(
        f"Somebody else wrote {conflict.resource} in between",
        resource=conflict.resource,
        method=conflict.method,
        path=conflict.path,
        status=conflict.status,
        code=conflict.code,
        request_id=conflict.request_id,
    )
    try:
        found.current = Conversation.model_validate(conflict.extra.get("conversation"))
    except ValidationError:
        # Null, where the id is taken by another account.
        found.current = None
    return found
