"""Memories: what agents remember, by lane (library.md §10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Listing
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds import parts as p
from mogplex_tui.operate.kinds.base import Kind, dressed, listed, road

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.session import Session


_NEWEST = "The service tells the newest 50 of a lane; there may be older ones."


async def _list(client: ClientView, session: Session) -> Listing:
    def dress(row: Any) -> dict[str, Any]:
        repo = row.meta("repo_id") or row.meta("repoId")
        says, who = " ".join(row.content.split())[:200], row.meta("agent") or row.meta("source")
        chat, named = (
            row.meta("conversation_id") or row.meta("conversationId"),
            session.names.repo(repo),
        )
        return dressed(row, repo_id=repo, repo_name=named, conversation_id=chat, says=says, who=who)

    lanes = await client.memories.lanes()
    items = [item for rows in lanes.values() for item in listed(rows, dress=dress).items]
    full = any(len(rows) >= 50 for rows in lanes.values())
    return Listing(items, notice=_NEWEST if full else "")


KIND = Kind(
    name="memories",
    title="Memories",
    noun="memory",
    aliases=("memory", "mem"),
    contract="library.md §10",
    roads=(road(Family.MEMORIES, _list, every=120, blind=60),),
    fields=(
        c.text("lane", "LANE", 11, priority=0),
        c.text("says", "CONTENT", 48, key="content", flex=4, min_width=36),
        c.text("repo_name|repo_id", "REPO", 16, "dim", key="repo", flex=1, cut="middle", priority=1),
        c.text("who", "WHO", 12, "dim", priority=3),
        c.age("updated_at|created_at", key="age", priority=0),
    ),
    search=c.searching("content"),
    default_sort=c.by("updated_at|created_at"),
    label=c.named("“{says:40}”"),
    facts=c.groups(
        "lane; repo: repo_name|repo_id; who",
        "made: created_at; changed: updated_at",
    ),
    links=p.links(
        p.to("projects", "repo", "repo_id", "repo_name|repo_id"),
        p.to("conversations", "conversation", "conversation_id"),
    ),
    texts=c.texts(("Content", "content")),
    verbs=(
        p.deletes(
            lambda client, item: client.memories.delete(item.key), "Agents do not remember it any more."
        ),
    ),
    empty="Nothing is remembered yet. Agents and chats write memories as they work.",
    needs=p.session_needed("Memories"),
)
