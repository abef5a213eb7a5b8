"""Memories over real HTTP (library.md §10)."""

from __future__ import annotations

import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api.models.base import parse_rows
from mogplex_tui.api.models.memories import Checkpoint, Lane, Memory, MemoryDraft, MemoryScope
from tests.api.families.minimal_plane import NOBODY, Call, MinimalPlane, assert_not_sent
from tests.api.support import http, serving
from tests.controlplane.library.library_rows import team


async def test_memories_are_added_listed_by_lane_and_found(minimal_plane: MinimalPlane) -> None:
    memories, repo = minimal_plane.client.memories, minimal_plane.world.repo()
    first = await memories.add(
        MemoryDraft(
            lane=Lane.SEMANTIC, content="Deploys on Tuesdays", repo_id=repo.upper(), metadata={"k": 1}
        )
    )
    assert (first.meta("repo_id"), first.metadata["k"]) == (repo, 1)
    minimal_plane.clock.advance(1)
    second = await memories.add(
        MemoryDraft(
            lane=Lane.SESSION, content=" spaces stay ", conversation_id="pane-1", workspace_session_id="w"
        )
    )
    assert (second.content, second.meta("conversation_id")) == (" spaces stay ", "pane-1")
    lanes = await memories.lanes()
    assert {lane: [row.id for row in rows] for lane, rows in lanes.items()} == {
        "session": [second.id],
        "semantic": [first.id],
        "episodic": [],
        "procedural": [],
    }
    assert [row.id for row in await memories.list(Lane.SESSION, conversation_id="pane-1")] == [second.id]
    assert await memories.list(Lane.SESSION, conversation_id="pane-2") == []
    assert await memories.list(Lane.SEMANTIC, repo_id=NOBODY) == []
    assert [row.id for row in await memories.search("tuesday")] == [first.id]
    assert await memories.search("tuesday", Lane.SESSION) == []


async def test_a_memory_is_edited_and_deleted_once(minimal_plane: MinimalPlane) -> None:
    memories = minimal_plane.client.memories
    made = await memories.add(MemoryDraft(lane=Lane.PROCEDURAL, content="old"))
    minimal_plane.clock.advance(1)
    await memories.edit(made.id, "new")
    found = (await memories.list(Lane.PROCEDURAL))[0]
    assert found.content == "new"
    assert found.updated_at is not None
    assert made.updated_at is not None
    assert found.updated_at > made.updated_at
    async with minimal_plane.as_other() as other:
        with pytest.raises(e.NotFound, match="Memory not found"):
            await other.memories.edit(made.id, "mine")
        with pytest.raises(e.NotFound):
            await other.memories.delete(made.id)
    await memories.delete(made.id)
    with pytest.raises(e.NotFound, match="Memory not found"):
        await memories.delete(made.id)


async def test_memory_of_missing_target_is_refused(minimal_plane: MinimalPlane) -> None:
    memories, repo = minimal_plane.client.memories, minimal_plane.world.repo()
    box = minimal_plane.world.sandbox(minimal_plane.world.repo("acme/web"))
    with pytest.raises(e.NotFound, match="Repo not found"):
        await memories.add(MemoryDraft(lane=Lane.EPISODIC, content="x", repo_id=NOBODY))
    with pytest.raises(e.NotFound, match="Sandbox not found"):
        await memories.add(MemoryDraft(lane=Lane.EPISODIC, content="x", sandbox_id=NOBODY))
    with pytest.raises(e.BadRequest, match="Sandbox does not belong to repo"):
        await memories.add(MemoryDraft(lane=Lane.EPISODIC, content="x", repo_id=repo, sandbox_id=box))


async def test_old_sessions_are_compacted_and_marks_are_set(minimal_plane: MinimalPlane) -> None:
    memories = minimal_plane.client.memories
    await memories.add(MemoryDraft(lane=Lane.SESSION, content="old"))
    await memories.add(MemoryDraft(lane=Lane.EPISODIC, content="stays"))
    minimal_plane.clock.advance(31 * 86_400)
    mark = await memories.checkpoint()
    assert (mark.lane, mark.metadata["checkpoint"]) == ("session", True)
    named = await memories.checkpoint(Checkpoint(lane=Lane.EPISODIC, label="before the move"))
    assert (named.content, named.meta("label")) == ("[checkpoint] before the move", "before the move")
    await memories.compact()
    lanes = await memories.lanes()
    assert [row.id for row in lanes[Lane.SESSION]] == [mark.id]
    assert len(lanes[Lane.EPISODIC]) == 2


async def test_a_teams_memories_are_kept_apart(minimal_plane: MinimalPlane) -> None:
    own = await minimal_plane.client.memories.add(MemoryDraft(lane=Lane.SEMANTIC, content="mine"))
    async with minimal_plane.in_team(team(minimal_plane.world)) as client:
        theirs = await client.memories.add(
            MemoryDraft(lane=Lane.SEMANTIC, content="ours", resource_scope=MemoryScope.TEAM)
        )
        found = await client.memories.list(Lane.SEMANTIC, scope=MemoryScope.TEAM)
        assert [row.id for row in found] == [theirs.id]
        found = await client.memories.list(Lane.SEMANTIC, scope=MemoryScope.PERSONAL)
        assert [row.id for row in found] == [own.id]
    async with minimal_plane.in_team(team(minimal_plane.world, role=None, slug="strangers")) as client:
        with pytest.raises(e.NotAllowed):
            await client.memories.list(Lane.SEMANTIC, scope=MemoryScope.TEAM)


async def test_memory_parsing_tolerates_any_json() -> None:
    rows = parse_rows(Memory, [{"id": "m", "lane": "dreams", "content": None, "metadata": None}, {"id": []}])
    assert (rows[0].lane, rows[0].content, rows[0].meta("x"), len(rows.bad)) == ("dreams", "", None, 1)
    async with (
        serving(http(200, {"session": None, "dreams": [{"id": "x"}]})) as service,
        service.client() as client,
    ):
        assert await client.memories.lanes() == {lane: [] for lane in Lane}
    async with serving(http(200, [])) as service, service.client() as client:
        with pytest.raises(e.InvalidResponse):
            await client.memories.lanes()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda c: c.memories.add(MemoryDraft(lane="dreams", content="x")), "Invalid lane"),
        (lambda c: c.memories.add(MemoryDraft(lane=Lane.SESSION, content="")), "Content required"),
        (lambda c: c.memories.add(MemoryDraft(lane=Lane.SESSION, content="x" * 16_001)), "exceeds 16000"),
        (
            lambda c: c.memories.add(MemoryDraft(lane=Lane.SESSION, content="x", metadata={"k": "x" * 4096})),
            "metadata exceeds 4096 bytes",
        ),
        (
            lambda c: c.memories.add(
                MemoryDraft(lane=Lane.SESSION, content="x", metadata={"k": float("nan")})
            ),
            "cannot be written as JSON",
        ),
        (lambda c: c.memories.add(MemoryDraft(lane=Lane.SESSION, content="x", repo_id="r1")), "not a UUID"),
        (
            lambda c: c.memories.add(MemoryDraft(lane=Lane.SESSION, content="x", resource_scope="everybody")),
            "Invalid memory scope",
        ),
        (lambda c: c.memories.lanes(scope=MemoryScope.TEAM), "requires an active team"),
        (lambda c: c.memories.search(" "), "Say what to search for"),
        (lambda c: c.memories.edit(NOBODY, ""), "Content required"),
        (lambda c: c.memories.edit("junk", "x"), "not the id of a memory"),
        (lambda c: c.memories.delete("junk"), "not the id of a memory"),
        (lambda c: c.memories.checkpoint(Checkpoint(label="x" * 513)), "512 characters or less"),
        (lambda c: c.memories.checkpoint(Checkpoint(lane="dreams")), "Invalid lane"),
    ],
)
async def test_invalid_input_for_memories_is_not_sent(call: Call, says: str) -> None:
    await assert_not_sent(call, says)


@pytest.mark.parametrize("lane", [True, {}, "text", 0, ""])
async def test_lane_without_list_is_invalid_response(lane: object) -> None:
    async with serving(http(200, {"session": lane})) as service, service.client() as client:
        with pytest.raises(e.InvalidResponse, match="lane"):
            await client.memories.lanes()


async def test_missing_or_null_lane_is_empty() -> None:
    async with serving(http(200, {"session": None})) as service, service.client() as client:
        assert not any((await client.memories.lanes()).values())
