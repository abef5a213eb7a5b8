"""Agents, which are presets or the account's own, their activity and categories."""

from __future__ import annotations

import codecs
from collections.abc import AsyncGenerator

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.models.agents import (
    Agent,
    AgentActivity,
    AgentCategory,
    AgentChange,
    AgentDraft,
    AgentGeneration,
    CategoryDraft,
    RosterEntry,
)
from mogplex_tui.api.models.base import Rows, parse_rows
from mogplex_tui.api.models.v1_catalogue import AgentSummary
from mogplex_tui.api.request_checks import path_id
from mogplex_tui.api.resources.base import Resource, v1
from mogplex_tui.api.response_errors import invalid_response
from mogplex_tui.api.safe_text import short_id, visible
from mogplex_tui.api.transport import Request

# Characters. A system prompt has at most 50,000; anything many times longer is not an agent.
_LONGEST_GENERATION = 1_000_000


class AgentsResource(Resource):
    """Agents, at `/api/agents`, `/api/agent-categories` and on the token API.

    Contract: library.md §1 to §4, v1.md §2.
    """

    async def list(self) -> Rows[AgentSummary]:
        """Return presets and the account's agents, over the token API.

        Presets come first, then the account's agents by name. A preset is left out if the account has a
        copy (a fork) of it.

        Contract: v1.md §2.
        """
        return (await self._get(v1("/agents"), "the agents")).rows(AgentSummary, "agents")

    async def all(self) -> Rows[Agent]:
        """Return all presets, then at most 200 agents of the account.

        Presets of which the account has a copy (a fork) are included.

        Contract: library.md §1.2.
        """
        return (await self._get("/api/agents", "the agents")).rows(Agent, None)

    async def create(self, draft: AgentDraft) -> Agent:
        """Create an agent and return it.

        Raises BadRequest for a category that the account does not have. Contract: library.md §1.3.
        """
        response = await self._change(
            "POST", "/api/agents", f"agent {visible(draft.name, 40)}", body=draft.set_fields()
        )
        return response.one(Agent)

    async def update(self, agent_id: str, change: AgentChange) -> Agent:
        """Change an agent of the account and return it.

        If the account has no agent with this id, raises NotFound, or ServiceFailed on the hosted
        service. Contract: library.md §1.3.
        """
        record = path_id(agent_id, "agent of your own")
        body = {"id": record, **change.set_fields()}
        return (await self._change("PUT", "/api/agents", f"agent {short_id(record)}", body=body)).one(Agent)

    async def delete(self, agent_id: str) -> None:
        """Delete an agent of the account, with its assignments and triggers.

        Does nothing if there is no such agent. Contract: library.md §1.4.
        """
        record = path_id(agent_id, "agent of your own")
        await self._change("DELETE", "/api/agents", f"agent {short_id(record)}", params={"id": record})

    async def generate(self, draft: AgentGeneration) -> AsyncGenerator[str]:
        """Yield the text of a new agent while a model writes it; nothing is stored.

        Pass the joined text to `models.agents.read_generated`. The text may be incomplete, or may not
        describe an agent. Raises BadRequest if the model is not enabled, NotAllowed if the account
        cannot use the model, and Unavailable if the service cannot check that at the moment. A caller
        that stops early must close the iterator (`contextlib.aclosing`).

        Contract: library.md §2.
        """
        request = Request(
            "POST",
            "/api/agents/generate",
            "the new agent",
            body=draft.body(),
            headers={"Accept": "text/plain"},
        )
        # A chunk may end in the middle of a character.
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        length = 0
        async with self._transport.stream(request, Priority.ACTION) as (info, chunks):
            async for chunk in chunks:
                piece = decoder.decode(chunk)
                length += len(piece)
                if length > _LONGEST_GENERATION:
                    raise invalid_response(info, "is too long")
                if piece:
                    yield piece
            if rest := decoder.decode(b"", True):
                yield rest

    async def roster(self) -> Rows[RosterEntry]:
        """Return presets and the account's agents, each with its newest call.

        Presets come first. A preset is left out if the account has a copy (a fork) of it.

        Contract: library.md §3.
        """
        return (await self._get("/api/agents/roster", "the roster")).rows(RosterEntry, None)

    async def activity(self) -> Rows[AgentActivity]:
        """Return the activity of each agent that was active in the last 24 hours.

        Contract: library.md §3.
        """
        response = await self._get("/api/agents/roster/summary", "the agents' activity")
        if not isinstance(response.data, dict):
            raise invalid_response(response.info, "is not an object by agent")
        named = (
            {"agentId": agent_id, **entry} if isinstance(entry, dict) else entry
            for agent_id, entry in response.data.items()
        )
        return parse_rows(AgentActivity, named)

    async def categories(self) -> Rows[AgentCategory]:
        """Return the categories that the account has created, sorted by label.

        The built-in categories are not included; they are `models.agents.BUILT_IN_CATEGORIES`.
        Contract: library.md §4.
        """
        return (await self._get("/api/agent-categories", "the categories")).rows(AgentCategory, None)

    async def add_category(self, label: str) -> AgentCategory:
        """Add a category and return it.

        Raises BadRequest if the account has 50 categories already, and Conflict if the service finds no
        unused slug for the label. Contract: library.md §4.
        """
        draft = CategoryDraft(label=label)
        response = await self._change(
            "POST", "/api/agent-categories", f"category {visible(draft.label, 40)}", body=draft.set_fields()
        )
        return response.one(AgentCategory)

    async def delete_category(self, category_id: str) -> int:
        """Delete a category and return the number of agents that were in it.

        Raises NotFound if there is no such category. Contract: library.md §4.
        """
        record = path_id(category_id, "category")
        response = await self._change(
            "DELETE", "/api/agent-categories", f"category {short_id(record)}", params={"id": record}
        )
        cleared = response.data.get("cleared") if isinstance(response.data, dict) else None
        return cleared if isinstance(cleared, int) else 0
