"""Sandboxes over the token API (v1.md §4)."""

from __future__ import annotations

from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.models.sandboxes import Sandbox, SandboxLogs
from mogplex_tui.api.resources.base import Resource, v1
from mogplex_tui.api.rules import path_id
from mogplex_tui.api.text import short


class SandboxesResource(Resource):
    """`/sandboxes`."""

    async def list(
        self, repo_id: str | None = None, status: str | None = None, limit: int = 200
    ) -> Rows[Sandbox]:
        """Return sandboxes by last activity, the newest first; at most 200."""
        repo_id = path_id(repo_id, "repository") if repo_id else None
        answer = await self._get(
            v1("/sandboxes"), "the sandboxes", repo_id=repo_id, status=status, limit=limit
        )
        return answer.rows(Sandbox, "sandboxes")

    async def logs(self, sandbox_id: str) -> SandboxLogs:
        """Return the logs of a sandbox by its record id (not the provider's name)."""
        record = path_id(sandbox_id, "sandbox")
        return (await self._get(v1(f"/sandboxes/{record}/logs"), f"sandbox {short(record)}")).one(SandboxLogs)
