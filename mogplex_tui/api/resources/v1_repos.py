"""Repositories and the variables of their Vercel projects, over the token API."""

from __future__ import annotations

from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.models.v1_catalogue import Repo
from mogplex_tui.api.models.vercel_variables import (
    VariableDeleted,
    VariableDraft,
    VariableKey,
    VariableWritten,
    VercelVariable,
)
from mogplex_tui.api.request_checks import path_id
from mogplex_tui.api.resources.base import Resource, v1
from mogplex_tui.api.safe_text import short_id


class ReposResource(Resource):
    """Repositories, on the token API at `/repos`; any token can read them.

    The repositories have few fields; those of `client.imported_repos` have all fields. The service
    has switched off the routes for variables: the methods for them raise FeatureOff, even for an
    unknown repository.

    Contract: v1.md §1 and §1.1, projects.md §6.
    """

    async def list(self, q: str | None = None, id: str | None = None, limit: int = 200) -> Rows[Repo]:
        """Return at most 200 repositories, sorted by full name.

        With `q`, only repositories whose owner/name contains `q` are returned. With `id`, only this
        repository is returned, and `q` has no effect.
        """
        return (await self._get(v1("/repos"), "the repositories", q=q, id=id, limit=limit)).rows(
            Repo, "repos"
        )

    async def env_vars(self, repo_id: str) -> Rows[VercelVariable]:
        """Return the variables of the Vercel project to which a repository is linked.

        The variables have no values.
        """
        path, resource = _variables(repo_id)
        return (await self._get(path, resource)).rows(VercelVariable, "envVars")

    async def put_env_var(self, repo_id: str, draft: VariableDraft) -> VariableWritten:
        """Set a variable of the linked Vercel project, and return the result.

        Raises Conflict if the variable has several entries and `draft.target` is set.
        """
        path, resource = _variables(repo_id)
        return (await self._change("POST", path, resource, body=draft.body())).one(VariableWritten)

    async def delete_env_var(self, repo_id: str, key: str) -> VariableDeleted:
        """Delete all entries of a variable, and return how many were deleted.

        Raises NotFound if there is no such variable.
        """
        path, resource = _variables(repo_id)
        named = VariableKey(key=key)
        return (await self._change("DELETE", path, resource, body=named.set_fields())).one(VariableDeleted)


def _variables(repo_id: str) -> tuple[str, str]:
    record = path_id(repo_id, "repository")
    return v1(f"/repos/{record}/env-vars"), f"the Vercel variables of repository {short_id(record)}"
