"""Memories: what agents remember, by lane (library.md §10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Item, Listing, Road
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds.base import Context, Fact, Kind, listed
from mogplex_tui.operate.kinds.parts import deletes, repo_link, session_needed

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.session import Session


async def _list(client: ClientView, session: Session) -> Listing:
    def dress(row: Any) -> dict[str, Any]:
        repo = row.meta("repo_id") or row.meta("repoId")
        return {
            **row.__dict__,
            "repo_id": repo,
            "repo_name": session.names.repos.get(repo or ""),
            "says": " ".join(row.content.split())[:200],
            "who": row.meta("agent") or row.meta("source"),
        }

    lanes = await client.memories.lanes()
    items = [item for rows in lanes.values() for item in listed(rows, dress=dress).items]
    full = any(len(rows) >= 50 for rows in lanes.values())
    return Listing(
        items, notice="The service tells the newest 50 of a lane; there may be older ones." if full else ""
    )


def _facts(item: Item, context: Context) -> list[list[Fact]]:
    return [
        c.group(item, "lane: lane; repo: repo_name|repo_id; by: who"),
        [c.when(item, "made", "created_at", context), c.when(item, "changed", "updated_at", context)],
    ]


KIND = Kind(
    name="memories",
    title="Memories",
    noun="memory",
    aliases=("memory", "mem"),
    contract="library.md §10",
    roads=(Road(Family.MEMORIES, _list, every=120.0, blind=60.0),),
    fields=(
        c.text("lane", "LANE", 11, priority=0),
        c.text("says", "CONTENT", 48, key="content", flex=4, min_width=24),
        c.text("repo_name|repo_id", "REPO", 16, "dim", key="repo", flex=1, cut="middle", priority=1),
        c.text("who", "BY", 12, "dim", key="by", priority=3),
        c.age("updated_at|created_at", key="age", priority=0),
    ),
    search=c.searching("lane", "content", "repo_name", "who"),
    default_sort=c.by("updated_at|created_at"),
    label=lambda record: f"\u201c{str(c.value(record, 'says'))[:40]}\u201d",
    facts=_facts,
    links=lambda item: repo_link(item, "repo_id", "repo_name"),
    texts=lambda item: [("Content", text)] if (text := c.value(item, "content")) else [],
    verbs=(
        deletes(lambda client, item: client.memories.delete(item.key), "Agents do not remember it any more."),
    ),
    empty="Nothing is remembered yet.",
    needs=session_needed("Memories"),
)
