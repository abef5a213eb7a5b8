"""Conversations: stored chats, and what was said in one (library.md §12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Item, Listing, Road
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds.base import Context, Fact, Kind, listed
from mogplex_tui.operate.kinds.parts import deletes, session_needed

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.session import Session


def _dress(row: Any) -> dict[str, Any]:
    # The list leaves out what was said; its empty lists would hide what was read by itself.
    left_out = ("messages", "local_msgs", "harness_state")
    return {key: value for key, value in row.__dict__.items() if key not in left_out}


async def _list(client: ClientView, _: Session) -> Listing:
    return listed(await client.conversations.list(), dress=_dress)


async def _one(client: ClientView, item: Item) -> Item:
    from mogplex_tui.api.errors import NotFound

    row = await client.conversations.get(item.key)
    if row is None:
        raise NotFound("The conversation is not there any more", resource="the conversation")
    said = [text for message in row.messages if (text := _said(message))]
    more = {"said": said, "messages": len(row.messages)}
    return Item(item.key, {**(item.record or {}), **_dress(row), **more}, row.model_dump(mode="json"))


def _said(message: Any) -> str:
    """One message as text: who, and the parts that are text or name a tool."""
    if not isinstance(message, dict):
        return ""
    found = message.get("parts")
    parts = [part for part in found if isinstance(part, dict)] if isinstance(found, list) else []
    texts = [str(part.get("text") or f"[{part.get('type') or 'part'}]") for part in parts]
    content = message.get("content")
    if not texts and isinstance(content, str):
        texts = [content]
    return f"{message.get('role') or 'somebody'}:\n" + "\n".join(texts) + "\n" if texts else ""


def _facts(item: Item, context: Context) -> list[list[Fact]]:
    return [
        c.group(item, "title: title; model: model; mode: mode; messages: messages"),
        [c.when(item, "begun", "created_at", context), c.when(item, "last word", "updated_at", context)],
    ]


KIND = Kind(
    name="conversations",
    title="Conversations",
    noun="conversation",
    aliases=("conversation", "chats", "chat", "cv"),
    contract="library.md §12",
    roads=(Road(Family.CONVERSATIONS, _list, every=120.0, blind=60.0),),
    fields=(
        c.text("title|id", "TITLE", 40, flex=3, min_width=20),
        c.text("model", "MODEL", 24, "dim", flex=1, priority=1),
        c.text("mode", "MODE", 10, "dim", priority=2),
        c.age("updated_at", key="age", priority=0),
        c.age("created_at", "BEGUN", 5, key="begun", priority=3),
    ),
    search=c.searching("title", "model", "mode"),
    default_sort=c.by("updated_at"),
    label=lambda record: str(c.value(record, "title") or c.value(record, "id"))[:60],
    facts=_facts,
    texts=lambda item: [("What was said", "\n".join(said))] if (said := c.value(item, "said")) else [],
    one=_one,
    verbs=(
        deletes(
            lambda client, item: client.conversations.delete(item.key),
            "What was said in it is lost for good.",
        ),
    ),
    empty="No conversations yet.",
    needs=session_needed("Conversations"),
)
