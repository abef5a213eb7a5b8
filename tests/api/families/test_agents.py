"""Agents, generated agents, the roster and the categories over HTTP.

library.md §1-§4.
"""

from __future__ import annotations

from contextlib import aclosing

import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api.client import MogplexClient
from mogplex_tui.api.models.agents import (
    BUILT_IN_CATEGORIES,
    Agent,
    AgentChange,
    AgentDraft,
    AgentGeneration,
    ExistingAgent,
    read_generated,
)
from mogplex_tui.api.models.base import parse_rows
from tests.api.families.minimal_plane import NOBODY, Call, MinimalPlane, assert_not_sent
from tests.api.support import Seen, http, serving
from tests.controlplane.library.library_rows import assignment, job_of

STATIC = "minimax/minimax-m2.7"


def draft(**fields: str) -> AgentDraft:
    return AgentDraft(**{"name": "Triage", "model": "acme/nova-1", "category": "code-review"} | fields)


async def written(client: MogplexClient, wish: AgentGeneration) -> list[str]:
    async with aclosing(client.agents.generate(wish)) as pieces:
        return [piece async for piece in pieces]


async def test_agent_create_change_delete(minimal_plane: MinimalPlane) -> None:
    agents = minimal_plane.client.agents
    made = await agents.create(draft(name=" Triage ", system_prompt="Look", source_template="PR-REVIEWER"))
    assert (made.name, made.slug, made.is_preset, made.source_template) == (
        "Triage",
        None,
        False,
        "PR-REVIEWER",
    )
    everything = await agents.all()
    assert not everything.bad
    presets = [agent for agent in everything if agent.is_preset]
    assert len(presets) == 41
    assert [agent.name for agent in presets if agent.has_fork] == ["PR-REVIEWER"]
    assert [agent.id for agent in everything if not agent.is_preset] == [made.id]
    # The token API leaves the forked preset out.
    assert len(await agents.list()) == 41
    changed = await agents.update(made.id, AgentChange(description="Sorts", system_prompt=None))
    assert (changed.name, changed.description, changed.system_prompt) == ("Triage", "Sorts", None)
    await agents.delete(made.id)
    await agents.delete(made.id)
    assert len(await agents.all()) == 41


async def test_agent_changes_refused_by_service_raise(minimal_plane: MinimalPlane) -> None:
    agents = minimal_plane.client.agents
    with pytest.raises(e.BadRequest, match="Invalid category"):
        await agents.create(draft(category="nobody-has-it"))
    with pytest.raises(e.NotFound, match="Agent not found"):
        await agents.update(NOBODY, AgentChange(name="x"))
    mine = await agents.create(draft())
    async with minimal_plane.as_other() as other:
        with pytest.raises(e.NotFound):
            await other.agents.update(mine.id, AgentChange(name="Mine now"))
        await other.agents.delete(mine.id)
    assert mine.id in {agent.id for agent in await agents.all()}


async def test_agent_draft_is_streamed(minimal_plane: MinimalPlane) -> None:
    minimal_plane.world.model(STATIC)
    pieces = await written(minimal_plane.client, AgentGeneration(description="Find flaky tests, étonnant ☃"))
    assert len(pieces) > 1
    found = read_generated("".join(pieces))
    assert found.category in BUILT_IN_CATEGORIES
    assert "étonnant ☃" in found.system_prompt
    better = AgentGeneration(
        description="Shorter",
        generator_model=STATIC,
        existing_agent=ExistingAgent(name=found.name, category="security", system_prompt="## Scope\nAll"),
    )
    again = read_generated("".join(await written(minimal_plane.client, better)))
    assert (again.name, again.category) == (found.name, "security")
    assert "## Scope" in again.system_prompt


async def test_agent_draft_failure_raises_typed_error(minimal_plane: MinimalPlane) -> None:
    with pytest.raises(e.BadRequest, match="generatorModel must be enabled and available"):
        await written(minimal_plane.client, AgentGeneration(description="x", generator_model="acme/none"))
    with pytest.raises(e.NotAllowed):
        await written(minimal_plane.client, AgentGeneration(description="x"))


async def test_character_split_between_chunks_is_decoded() -> None:
    text = '{"name":"ÄÖÜ","system_prompt":"☃☃☃"}'.encode()

    async def bytewise(seen: Seen, writer: object) -> bytes:
        chunks = b"".join(b"1\r\n" + bytes([byte]) + b"\r\n" for byte in text)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
        return head + chunks + b"0\r\n\r\n"

    async with serving(bytewise) as service, service.client() as client:
        found = read_generated("".join(await written(client, AgentGeneration(description="x"))))
        assert service.seen[0].headers["accept"] == "text/plain"
    assert (found.name, found.system_prompt) == ("ÄÖÜ", "☃☃☃")


async def test_a_text_without_end_is_given_up() -> None:
    async with serving(http(200, b"x" * 1_000_001, "text/plain")) as service, service.client() as client:
        with pytest.raises(e.InvalidResponse, match="is too long"):
            await written(client, AgentGeneration(description="x"))


@pytest.mark.parametrize("text", ["", "Sorry, no.", '{"name":"A", "descr', "[]", "{}}", "{" * 100_000])
def test_generated_text_without_agent_raises(text: str) -> None:
    with pytest.raises(e.InvalidResponse, match="nothing that is an agent"):
        read_generated(text)


def test_fenced_agent_is_parsed() -> None:
    found = read_generated('Here:\n```json\n{"name": "A", "category": null, "tools": [1]}\n```\n')
    assert (found.name, found.category) == ("A", "")


async def test_roster_and_activity(minimal_plane: MinimalPlane) -> None:
    mine = await minimal_plane.client.agents.create(draft())
    minimal_plane.world.call(metadata={"agent_id": mine.id}, status="failed")
    repo = minimal_plane.world.repo()
    row = assignment(minimal_plane.world, mine.id, repo)
    job_of(minimal_plane.world, "success", assignment_id=row)
    job_of(minimal_plane.world, "failed", assignment_id=row)
    roster = await minimal_plane.client.agents.roster()
    assert (len(roster), roster.bad) == (42, [])
    entry = next(entry for entry in roster if entry.id == mine.id)
    assert (entry.status, entry.cycle_count, entry.description) == ("error", 1, "")
    assert entry.last_activity is not None
    activity = await minimal_plane.client.agents.activity()
    assert [(a.agent_id, a.runs_24h, a.succeeded, a.failed) for a in activity] == [(mine.id, 2, 1, 1)]


async def test_categories_come_and_go_with_their_agents(minimal_plane: MinimalPlane) -> None:
    agents = minimal_plane.client.agents
    made = await agents.add_category("  Docs   & Guides ")
    assert (made.slug, made.label) == ("docs-guides", "Docs & Guides")
    assert (await agents.add_category("Docs & Guides")).slug == "docs-guides-2"
    await agents.create(draft(category=made.slug))
    assert [row.slug for row in await agents.categories()] == ["docs-guides", "docs-guides-2"]
    assert await agents.delete_category(made.id) == 1
    with pytest.raises(e.NotFound, match="Category not found"):
        await agents.delete_category(made.id)
    with pytest.raises(e.BadRequest, match="must include letters or numbers"):
        await agents.add_category("☃")


def test_agent_parsing_tolerates_any_json() -> None:
    rows = parse_rows(
        Agent,
        [
            {"id": "preset:X", "user_id": None, "name": None, "is_preset": True, "has_fork": None, "new": {}},
            {"id": "a", "model": None, "category": "unheard", "created_at": None},
            {"id": 7},
            None,
        ],
    )
    assert [(row.id, row.name, row.has_fork) for row in rows] == [("preset:X", "", False), ("a", "", False)]
    assert len(rows.bad) == 2


async def test_activity_parsing_tolerates_any_json() -> None:
    answer = {"a": {"runs24h": None, "tokens24h": 5}, "b": None, "c": {"agentId": "c", "failed": "many"}}
    async with serving(http(200, answer)) as service, service.client() as client:
        found = await client.agents.activity()
    assert [(row.agent_id, row.runs_24h, row.tokens_24h) for row in found] == [("a", None, 5)]
    assert len(found.bad) == 2
    async with serving(http(200, [])) as service, service.client() as client:
        with pytest.raises(e.InvalidResponse):
            await client.agents.activity()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda c: c.agents.create(draft(name=" ")), "Name is required"),
        (lambda c: c.agents.create(draft(name="☃" * 61)), "Name must be 60 characters or less"),
        (lambda c: c.agents.create(draft(name="😀" * 31)), "Name must be 60 characters or less"),
        (lambda c: c.agents.create(draft(description="x" * 201)), "Description must be 200 characters"),
        (lambda c: c.agents.create(draft(category="")), "Category is required"),
        (lambda c: c.agents.create(draft(category="-x")), "Invalid category"),
        (lambda c: c.agents.create(draft(category="x" * 41)), "Invalid category"),
        (lambda c: c.agents.create(draft(system_prompt="x" * 50_001)), "System prompt is too long"),
        (lambda c: c.agents.create(draft(model=" ")), "Model is required"),
        (lambda c: c.agents.create(draft(slug="mine")), "no field 'slug'"),
        (lambda c: c.agents.create(draft(name="\ud800")), "cannot be sent"),
        (lambda c: c.agents.update("preset:PR-REVIEWER", AgentChange(name="x")), "not the id of a"),
        (lambda c: c.agents.update(NOBODY, AgentChange()), "nothing to change"),
        (lambda c: c.agents.update(NOBODY, AgentChange(name=None)), "name"),  # type: ignore[arg-type]
        (lambda c: c.agents.delete("preset:PR-REVIEWER"), "not the id of a"),
        (lambda c: c.agents.add_category("x" * 41), "40 characters or less"),
        (lambda c: c.agents.add_category(" "), "Category name is required"),
        (lambda c: c.agents.delete_category("docs"), "not the id of a"),
        (lambda c: written(c, AgentGeneration(description=" ")), "description is required"),
        (lambda c: written(c, AgentGeneration(description="x" * 2001)), r"too long \(max 2000\)"),
    ],
)
async def test_invalid_input_for_agents_is_not_sent(call: Call, says: str) -> None:
    await assert_not_sent(call, says)
