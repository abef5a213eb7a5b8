"""Conversations: stored chats and their messages (library.md §12)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from mogplex_tui.api.route_access import Family
from mogplex_tui.live.reasons import Requirement
from mogplex_tui.operate import column_formats as formats
from mogplex_tui.operate import formatting, nested_record_text, toggle_delete_actions
from mogplex_tui.operate.model import (
    Entry,
    Fact,
    Kind,
    Layout,
    Link,
    RowPage,
    Single,
    Source,
    TextBlock,
    column,
)
from mogplex_tui.operate.row_pages import page_of

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.conversations import Conversation
    from mogplex_tui.live.session import Session


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """A conversation; its messages are None until its own record is read."""

    id: str
    title: str | None
    model: str
    mode: str
    created_at: datetime | None
    updated_at: datetime | None
    message_count: int | None = None
    transcript: str | None = None


def _from_listed(chat: Conversation) -> ConversationRow:
    return ConversationRow(chat.id, chat.title, chat.model, chat.mode, chat.created_at, chat.updated_at)


async def _read(client: ClientView, _: Session) -> RowPage[ConversationRow]:
    return page_of(await client.conversations.list(), _from_listed, lambda row: row.id)


async def _read_single(client: ClientView, key: str, _: ConversationRow | None) -> Entry[ConversationRow]:
    from mogplex_tui.api.errors import NotFound

    chat = await client.conversations.get(key)
    if chat is None:
        raise NotFound("The conversation no longer exists", resource="the conversation")
    transcript = "\n".join(
        text for message in chat.messages if (text := nested_record_text.chat_message(message))
    )
    row = replace(_from_listed(chat), message_count=len(chat.messages), transcript=transcript)
    return Entry(key, row, chat.model_dump(mode="json"))


def _merge(listed: ConversationRow, single: ConversationRow) -> ConversationRow:
    return replace(listed, message_count=single.message_count, transcript=single.transcript)


def _title(row: ConversationRow) -> str:
    return row.id if row.title is None else row.title


KIND = Kind[ConversationRow](
    name="conversations",
    title="Conversations",
    noun="conversation",
    aliases=("conversation", "chats", "chat", "cv"),
    contract="library.md §12",
    sources=(Source(Family.CONVERSATIONS, _read, poll=120, poll_without_realtime=60),),
    single=Single(_read_single, _merge),
    columns=(
        column("title", "TITLE", _title, formats.text(), Layout(44, flex=3, min_width=34), is_text=True),
        column(
            "model", "MODEL", lambda row: row.model, formats.text("dim"), Layout(24, 1, flex=1), is_text=True
        ),
        column("mode", "MODE", lambda row: row.mode, formats.text("dim"), Layout(6, 2), is_text=True),
        column("age", "AGE", lambda row: row.updated_at, formats.AGE, Layout(4), field="updated_at"),
        column(
            "started", "STARTED", lambda row: row.created_at, formats.AGE, Layout(7, 3), field="created_at"
        ),
    ),
    label=lambda row: formatting.clipped(_title(row), 60),
    default_sort=lambda row: (formats.sort_key(row.updated_at),),
    descending=True,
    facts=(
        (
            Fact("title", lambda row: row.title),
            Fact("model", lambda row: row.model),
            Fact("mode", lambda row: row.mode),
            Fact("messages", lambda row: row.message_count),
        ),
        (Fact("started", lambda row: row.created_at), Fact("last message", lambda row: row.updated_at)),
    ),
    links=(Link("model", "models", lambda row: row.model, key=lambda row: row.model),),
    texts=(TextBlock("Messages", lambda row: row.transcript),),
    actions=(
        toggle_delete_actions.delete(
            lambda change: change.client.conversations.delete(change.key),
            "Its messages are deleted permanently.",
            Family.CONVERSATIONS,
        ),
    ),
    created_at=lambda row: row.created_at,
    empty="No conversations. Start conversations in the browser.",
    needs=Requirement("conversations"),
)
