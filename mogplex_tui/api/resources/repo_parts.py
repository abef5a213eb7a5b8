"""Launch presets, GitHub Actions secrets and Vercel variables of one repository (projects.md §4.4, §4.7, §4.9)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from mogplex_tui.api import errors
from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.models.env_vars import StoredVariable, VariableDraft, VercelVariable
from mogplex_tui.api.models.repo_parts import (
    ActionsSecret,
    ActionsSecretDraft,
    LaunchPreset,
    LaunchPresetDraft,
)
from mogplex_tui.api.request_rules import path_id
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.safe_text import short_id, visible
from mogplex_tui.config.secret import Secret


class LaunchPresetsResource(Resource):
    """`/api/repos/{id}/launch-presets`."""

    async def list(self, repo_id: str) -> Rows[LaunchPreset]:
        """Return the caller's presets of a repository, the newest first."""
        path, about = _part(repo_id, "launch-presets", "the launch presets")
        return (await self._get(path, about)).rows(LaunchPreset, "presets")

    async def save(self, repo_id: str, draft: LaunchPresetDraft) -> LaunchPreset:
        """Save a preset, over one of the same name; raises BadRequest for a 26th."""
        path, about = _part(repo_id, "launch-presets", "the launch presets")
        return (await self._change("POST", path, about, body=draft.body())).one(LaunchPreset, "preset")

    async def delete(self, repo_id: str, preset_id: str) -> None:
        """Delete a preset; raises NotFound when it is not there."""
        path, about = _part(repo_id, "launch-presets", "a launch preset")
        await self._change("DELETE", f"{path}/{path_id(preset_id, 'launch preset')}", about)


class RepoSecretsResource(Resource):
    """`/api/repos/{id}/secrets`: secrets of GitHub Actions, which can be written and never read.

    Every method raises BadRequest with the code NO_GITHUB_TOKEN without a GitHub sign-in, and Unavailable with
    GitHub's own words when it refuses.
    """

    async def list(self, repo_id: str) -> Rows[ActionsSecret]:
        """Return at most 100 names with the times of their first and last writing."""
        path, about = _part(repo_id, "secrets", "the secrets")
        with _with_detail():
            return (await self._get(path, about)).rows(ActionsSecret)

    async def put(self, repo_id: str, name: str, value: Secret | str) -> str:
        """Write a secret and return the name under which it is kept: capitals, digits, underscores."""
        path, about = _part(repo_id, "secrets", "the secrets")
        draft = ActionsSecretDraft(name=name, value=Secret(value))
        with _with_detail():
            response = await self._change("PUT", path, about, body=draft.body())
        return response.text("name")

    async def delete(self, repo_id: str, name: str) -> None:
        """Delete a secret by its name as listed, there or not."""
        path, about = _part(repo_id, "secrets", "the secrets")
        if not name.strip():
            raise errors.InvalidInput("name is required", resource=about)
        with _with_detail():
            await self._change("DELETE", path, about, body={"name": name.strip()})


class VercelVariablesResource(Resource):
    """`/api/repos/{id}/env-vars`: variables of a linked Vercel project, not those of sandboxes.

    The service has them switched off: every method raises FeatureOff, or NotFound for a foreign repository. Variables
    of sandboxes are the field `sandbox_env_vars` of `client.imported_repos` (projects.md §4.9).
    """

    async def list(self, repo_id: str) -> Rows[VercelVariable]:
        """Return the variables; values stay hidden."""
        path, about = _part(repo_id, "env-vars", "the Vercel variables")
        return (await self._get(path, about)).rows(VercelVariable)

    async def add(self, repo_id: str, draft: VariableDraft) -> StoredVariable:
        """Make a variable."""
        path, about = _part(repo_id, "env-vars", "the Vercel variables")
        return (await self._change("POST", path, about, body=draft.body())).one(StoredVariable)

    async def update(self, repo_id: str, env_id: str, value: Secret | str, target: Iterable[str]) -> None:
        """Change the value and the targets of a variable."""
        path, about = _part(repo_id, "env-vars", "the Vercel variables")
        # The id is Vercel's own and no UUID; the rules for value and targets are those of a new variable.
        draft = VariableDraft(key="_", value=Secret(value), target=list(target))
        body = {name: part for name, part in draft.body().items() if name != "key"}
        await self._change("PATCH", path, about, body={"envId": _env_id(env_id), **body})

    async def delete(self, repo_id: str, env_id: str) -> None:
        """Delete a variable."""
        path, about = _part(repo_id, "env-vars", "the Vercel variables")
        await self._change("DELETE", path, about, body={"envId": _env_id(env_id)})


def _part(repo_id: str, part: str, said: str) -> tuple[str, str]:
    record = path_id(repo_id, "repository")
    return f"/api/repos/{record}/{part}", f"{said} of repository {short_id(record)}"


def _env_id(text: str) -> str:
    if not text.strip():
        raise errors.InvalidInput("envId is required", resource="the Vercel variables")
    return text.strip()


@contextmanager
def _with_detail() -> Iterator[None]:
    # GitHub's own words travel beside the code of the refusal (projects.md §4.7).
    try:
        yield
    except errors.Unavailable as failed:
        detail = failed.extra.get("detail")
        if isinstance(detail, str) and detail:
            failed.message = f"{failed.message}: {visible(detail)}"
        raise
