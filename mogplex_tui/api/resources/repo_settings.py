"""Launch presets, GitHub Actions secrets and Vercel variables of one repository."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from mogplex_tui.api import errors
from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.models.repo_settings import (
    ActionsSecret,
    ActionsSecretDraft,
    LaunchPreset,
    LaunchPresetDraft,
)
from mogplex_tui.api.models.vercel_variables import StoredVariable, VariableDraft, VercelVariable
from mogplex_tui.api.request_checks import path_id
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.safe_text import short_id, visible
from mogplex_tui.config.secret import Secret


class LaunchPresetsResource(Resource):
    """Launch presets of a repository, at `/api/repos/{id}/launch-presets`.

    Contract: projects.md §4.4.
    """

    async def list(self, repo_id: str) -> Rows[LaunchPreset]:
        """Return the launch presets that the caller has saved for a repository.

        The newest preset comes first.
        """
        path, resource = _part(repo_id, "launch-presets", "the launch presets")
        return (await self._get(path, resource)).rows(LaunchPreset, "presets")

    async def save(self, repo_id: str, draft: LaunchPresetDraft) -> LaunchPreset:
        """Save a launch preset and return it; a preset with the same name is replaced.

        Raises BadRequest if the repository has 25 other presets already.
        """
        path, resource = _part(repo_id, "launch-presets", "the launch presets")
        return (await self._change("POST", path, resource, body=draft.body())).one(LaunchPreset, "preset")

    async def delete(self, repo_id: str, preset_id: str) -> None:
        """Delete a launch preset.

        Raises NotFound if there is no such preset.
        """
        path, resource = _part(repo_id, "launch-presets", "a launch preset")
        await self._change("DELETE", f"{path}/{path_id(preset_id, 'launch preset')}", resource)


class RepoSecretsResource(Resource):
    """GitHub Actions secrets of a repository, at `/api/repos/{id}/secrets`.

    The values of the secrets cannot be read. Each method raises BadRequest with code NO_GITHUB_TOKEN
    if the account has no GitHub sign-in, and Unavailable with GitHub's message if GitHub refuses the
    request. Contract: projects.md §4.7.
    """

    async def list(self, repo_id: str) -> Rows[ActionsSecret]:
        """Return the names of at most 100 secrets, with their creation and update times."""
        path, resource = _part(repo_id, "secrets", "the secrets")
        with _with_detail():
            return (await self._get(path, resource)).rows(ActionsSecret)

    async def put(self, repo_id: str, name: str, value: Secret | str) -> str:
        """Set a secret, and return the name under which it is stored.

        The service converts the name to upper-case letters, digits and underscores.
        """
        path, resource = _part(repo_id, "secrets", "the secrets")
        draft = ActionsSecretDraft(name=name, value=Secret(value))
        with _with_detail():
            response = await self._change("PUT", path, resource, body=draft.body())
        return response.text("name")

    async def delete(self, repo_id: str, name: str) -> None:
        """Delete a secret; do nothing if there is no such secret.

        `name` is the name in the list of secrets.
        """
        path, resource = _part(repo_id, "secrets", "the secrets")
        if not name.strip():
            raise errors.InvalidInput("name is required", resource=resource)
        with _with_detail():
            await self._change("DELETE", path, resource, body={"name": name.strip()})


class VercelVariablesResource(Resource):
    """Variables of the Vercel project to which a repository is linked.

    The routes are `/api/repos/{id}/env-vars`. The service has switched them off: each method raises
    FeatureOff, or NotFound for the repository of another account. The variables of sandboxes are a
    different thing; they are in the field `sandbox_env_vars` of `client.imported_repos`.
    Contract: projects.md §4.9.
    """

    async def list(self, repo_id: str) -> Rows[VercelVariable]:
        """Return the variables, without their values."""
        path, resource = _part(repo_id, "env-vars", "the Vercel variables")
        return (await self._get(path, resource)).rows(VercelVariable)

    async def add(self, repo_id: str, draft: VariableDraft) -> StoredVariable:
        """Add a variable and return it."""
        path, resource = _part(repo_id, "env-vars", "the Vercel variables")
        return (await self._change("POST", path, resource, body=draft.body())).one(StoredVariable)

    async def update(self, repo_id: str, env_id: str, value: Secret | str, target: Iterable[str]) -> None:
        """Change the value and the targets of a variable."""
        path, resource = _part(repo_id, "env-vars", "the Vercel variables")
        # The id is Vercel's own and not a UUID; value and targets follow the rules of a new variable.
        draft = VariableDraft(key="_", value=Secret(value), target=list(target))
        body = {name: part for name, part in draft.body().items() if name != "key"}
        await self._change("PATCH", path, resource, body={"envId": _env_id(env_id), **body})

    async def delete(self, repo_id: str, env_id: str) -> None:
        """Delete a variable."""
        path, resource = _part(repo_id, "env-vars", "the Vercel variables")
        await self._change("DELETE", path, resource, body={"envId": _env_id(env_id)})


def _part(repo_id: str, part: str, label: str) -> tuple[str, str]:
    record = path_id(repo_id, "repository")
    return f"/api/repos/{record}/{part}", f"{label} of repository {short_id(record)}"


def _env_id(text: str) -> str:
    if not text.strip():
        raise errors.InvalidInput("envId is required", resource="the Vercel variables")
    return text.strip()


@contextmanager
def _with_detail() -> Iterator[None]:
    # GitHub's message is in a field beside the error code (projects.md §4.7).
    try:
        yield
    except errors.Unavailable as failed:
        detail = failed.extra.get("detail")
        if isinstance(detail, str) and detail:
            failed.message = f"{failed.message}: {visible(detail)}"
        raise
