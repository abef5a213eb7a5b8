"""Memories that agents have stored, grouped in lanes."""

from __future__ import annotations

from mogplex_tui.api.errors import InvalidInput
from mogplex_tui.api.models.base import Rows, parse_rows
from mogplex_tui.api.models.memories import Checkpoint, Lane, Memory, MemoryDraft, MemoryEdit, MemoryScope
from mogplex_tui.api.request_checks import path_id
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.response import JsonResponse
from mogplex_tui.api.response_errors import invalid_response
from mogplex_tui.api.safe_text import short_id


class MemoriesResource(Resource):
    """Memories, at `/api/memories`.

    Contract: library.md §10.
    """

    async def lanes(
        self,
        repo_id: str | None = None,
        workspace_session_id: str | None = None,
        conversation_id: str | None = None,
        scope: MemoryScope | None = None,
    ) -> dict[Lane, Rows[Memory]]:
        """Return the newest 50 memories of each lane.

        The workspace session and the conversation select memories in the session lane only. Raises
        InvalidInput if the scope is `team` and no team is active. Contract: library.md §10.1.
        """
        response = await self._ask(None, None, repo_id, workspace_session_id, conversation_id, scope)
        if not isinstance(response.data, dict):
            raise invalid_response(response.info, "is not an object by lane")
        listed = {lane: [] if response.data.get(lane) is None else response.data[lane] for lane in Lane}
        if not all(isinstance(rows, list) for rows in listed.values()):
            raise invalid_response(response.info, "has a lane that is not a list")
        return {lane: parse_rows(Memory, rows) for lane, rows in listed.items()}

    async def list(
        self,
        lane: Lane,
        repo_id: str | None = None,
        workspace_session_id: str | None = None,
        conversation_id: str | None = None,
        scope: MemoryScope | None = None,
    ) -> Rows[Memory]:
        """Return the newest 50 memories of one lane."""
        response = await self._ask(lane, None, repo_id, workspace_session_id, conversation_id, scope)
        return response.rows(Memory, None)

    async def search(
        self,
        q: str,
        lane: Lane | None = None,
        repo_id: str | None = None,
        scope: MemoryScope | None = None,
    ) -> Rows[Memory]:
        """Return at most 20 memories that are similar to a text, the best match first.

        If `lane` is None, `scope` has no effect. Contract: library.md §10.1.
        """
        if not q.strip():
            raise InvalidInput("Say what to search for", resource="the memories")
        return (await self._ask(lane, q, repo_id, None, None, scope)).rows(Memory, None)

    async def add(self, draft: MemoryDraft) -> Memory:
        """Add a memory and return it.

        Raises NotFound if the repository or the sandbox belongs to another account.
        """
        self._check_team(draft.resource_scope)
        return (await self._change("POST", "/api/memories", "the new memory", body=draft.body())).one(Memory)

    async def edit(self, memory_id: str, content: str) -> None:
        """Replace the text of a memory; its metadata cannot be changed.

        Raises NotFound if there is no such memory.
        """
        record = path_id(memory_id, "memory")
        body = {"id": record, "content": MemoryEdit(content=content).content}
        await self._change("PATCH", "/api/memories", f"memory {short_id(record)}", body=body)

    async def delete(self, memory_id: str) -> None:
        """Delete a memory.

        Raises NotFound if there is no such memory.
        """
        record = path_id(memory_id, "memory")
        await self._change("DELETE", "/api/memories", f"memory {short_id(record)}", params={"id": record})

    async def compact(self) -> None:
        """Delete the memories of the session lane that are older than 30 days.

        Contract: library.md §10.3.
        """
        body = {"action": "compact"}
        await self._change("POST", "/api/memories/actions", "the session memories", body=body)

    async def checkpoint(self, mark: Checkpoint | None = None) -> Memory:
        """Add a checkpoint to a lane, and return the memory in which it is stored.

        Contract: library.md §10.3.
        """
        mark = mark or Checkpoint()
        self._check_team(mark.resource_scope)
        response = await self._change("POST", "/api/memories/actions", "the checkpoint", body=mark.body())
        return response.one(Memory)

    async def _ask(
        self,
        lane: Lane | None,
        q: str | None,
        repo_id: str | None,
        workspace_session_id: str | None,
        conversation_id: str | None,
        scope: MemoryScope | None,
    ) -> JsonResponse:
        self._check_team(scope)
        return await self._get(
            "/api/memories",
            "the memories",
            lane=lane,
            q=q,
            repoId=repo_id,
            workspaceSessionId=workspace_session_id,
            conversationId=conversation_id,
            resourceScope=scope,
        )

    def _check_team(self, scope: str | None) -> None:
        if scope == MemoryScope.TEAM and self._transport.target.team is None:
            raise InvalidInput("Team memory scope requires an active team", resource="the memories")
