"""Conversations: stored chats, and what was said in one (library.md §12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Item, Listing
from mogplex_tui.operate import passages
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds import parts as p
from mogplex_tui.operate.kinds.base import Kind, listed, road, with_more

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
    said = [text for message in row.messages if (text := passages.message(message))]
    more = {**_dress(row), "said": said, "messages": len(row.messages)}
    return with_more(item, more, row.model_dump(mode="json"))


KIND = Kind(
    name="conversations",
    title="Conversations",
    noun="conversation",
    aliases=("conversation", "chats", "chat", "cv"),
    contract="library.md §12",
    roads=(road(Family.CONVERSATIONS, _list, every=120, blind=60),),
    fields=(
        c.text("title|id", "TITLE", 44, flex=3, min_width=34),
        c.text("model", "MODEL", 24, "dim", flex=1, priority=1),
        c.text("mode", "MODE", 6, "dim", priority=2),
        c.age("updated_at", key="age", priority=0),
        c.age("created_at", "BEGUN", 5, key="begun", priority=3),
    ),
    search=c.searching(),
    default_sort=c.by("updated_at"),
    label=c.named("{title|id:60}"),
    facts=c.groups(
        "title; model; mode; messages",
        "begun: created_at; last word: updated_at",
    ),
    links=p.links(p.to("models", "model", "model", "model")),
    texts=c.texts(("What was said", "said")),
    one=_one,
    verbs=(
        p.deletes(
            lambda client, item: client.conversations.delete(item.key),
            "What was said in it is lost for good.",
        ),
    ),
    empty="No conversations yet. They are held in the browser.",
    needs=p.session_needed("Conversations"),
)
