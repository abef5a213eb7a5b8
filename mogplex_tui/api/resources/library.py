"""Repositories over the token API (v1.md §1)."""

from __future__ import annotations

from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.models.library import Repo
from mogplex_tui.api.resources.base import Resource, v1


class ReposResource(Resource):
    """`/repos`."""

    async def list(self, q: str | None = None, id: str | None = None, limit: int = 200) -> Rows[Repo]:
        """Return repositories by full name; `q` is a part of owner/name, `id` wins over it; at most 200."""
        return (await self._get(v1("/repos"), "the repositories", q=q, id=id, limit=limit)).rows(
            Repo, "repos"
        )
