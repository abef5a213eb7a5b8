"""Memories of agents, grouped by lane (library.md §10)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from mogplex_tui.api.route_access import Family
from mogplex_tui.live.reasons import Requirement
from mogplex_tui.operate import column_formats as formats
from mogplex_tui.operate import formatting, toggle_delete_actions
from mogplex_tui.operate.model import (
    Fact,
    Join,
    Kind,
    Layout,
    Link,
    RowPage,
    Source,
    TextBlock,
    column,
)
from mogplex_tui.operate.row_pages import page_of

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.memories import Memory
    from mogplex_tui.live.session import Session

_PER_LANE = 50
_NEWEST = "Showing the newest 50 per lane; there may be older ones."


@dataclass(frozen=True, slots=True)
class MemoryRow:
    """A memory, with the repository, conversation and author from its metadata."""

    id: str
    lane: str
    content: str
    repo_id: str | None
    conversation_id: str | None
    author: str | None
    created_at: datetime | None
    updated_at: datetime | None
    repo_name: str | None = None

    @property
    def beginning(self) -> str:
        """The first 200 characters of the content, on one line."""
        return " ".join(self.content.split())[:200]

    @property
    def repo(self) -> str | None:
        """The name of the memory's repository, or its id if the name is not known."""
        return self.repo_name or self.repo_id


def _row(memory: Memory) -> MemoryRow:
    return MemoryRow(
        id=memory.id,
        lane=memory.lane,
        content=memory.content,
        repo_id=memory.meta("repo_id") or memory.meta("repoId"),
        conversation_id=memory.meta("conversation_id") or memory.meta("conversationId"),
        author=memory.meta("agent") or memory.meta("source"),
        created_at=memory.created_at,
        updated_at=memory.updated_at,
    )


async def _read(client: ClientView, _: Session) -> RowPage[MemoryRow]:
    lanes = (await client.memories.lanes()).values()
    pages = [page_of(memories, _row, lambda row: row.id) for memories in lanes]
    is_full = any(len(memories) >= _PER_LANE for memories in lanes)
    return RowPage([entry for page in pages for entry in page.entries], notices=(_NEWEST,) if is_full else ())


def _fill(session: Session) -> Callable[[MemoryRow], MemoryRow]:
    return lambda row: replace(row, repo_name=session.names.repo(row.repo_id))


KIND = Kind[MemoryRow](
    name="memories",
    title="Memories",
    noun="memory",
    aliases=("memory", "mem"),
    contract="library.md §10",
    sources=(Source(Family.MEMORIES, _read, poll=120, poll_without_realtime=60),),
    join=Join(_fill, names=True),
    columns=(
        column("lane", "LANE", lambda row: row.lane, formats.text(), Layout(11), is_text=True),
        column(
            "content",
            "CONTENT",
            lambda row: row.beginning,
            formats.text(),
            Layout(48, flex=4, min_width=36),
            is_text=True,
        ),
        column(
            "repo",
            "REPO",
            lambda row: row.repo,
            formats.text("dim"),
            Layout(16, 1, flex=1, cut="middle"),
            is_text=True,
        ),
        column(
            "author",
            "AUTHOR",
            lambda row: row.author,
            formats.text("dim"),
            Layout(12, 3),
            field="author",
            is_text=True,
        ),
        column(
            "age",
            "AGE",
            lambda row: row.updated_at or row.created_at,
            formats.AGE,
            Layout(4),
            field="updated_at",
        ),
    ),
    hidden_filters={"content": lambda row: row.content, "who": lambda row: row.author},
    label=lambda row: f"“{formatting.clipped(row.beginning, 40)}”",
    default_sort=lambda row: (formats.sort_key(row.updated_at or row.created_at),),
    descending=True,
    facts=(
        (
            Fact("lane", lambda row: row.lane),
            Fact("repo", lambda row: row.repo),
            Fact("author", lambda row: row.author),
        ),
        (Fact("created", lambda row: row.created_at), Fact("updated", lambda row: row.updated_at)),
    ),
    links=(
        Link("repo", "projects", lambda row: row.repo or "", key=lambda row: row.repo_id),
        Link(
            "conversation",
            "conversations",
            lambda row: formatting.short_id(row.conversation_id),
            key=lambda row: row.conversation_id,
        ),
    ),
    texts=(TextBlock("Content", lambda row: row.content),),
    actions=(
        toggle_delete_actions.delete(
            lambda change: change.client.memories.delete(change.key),
            "Agents can no longer use it.",
            Family.MEMORIES,
        ),
    ),
    created_at=lambda row: row.created_at,
    empty="No memories. Agents and chats write memories as they work.",
    needs=Requirement("memories"),
)
