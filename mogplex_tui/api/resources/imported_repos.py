"""Imported repositories with their packages, sub-projects and snapshots."""

from __future__ import annotations

from mogplex_tui.api.errors import InvalidInput, NotFound
from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.models.repo_settings import Packages, Snapshot
from mogplex_tui.api.models.repos import ImportedRepo, RepoDraft, RepoRecord, RepoUpdate
from mogplex_tui.api.request_checks import path_id, root_directory
from mogplex_tui.api.resources.base import Resource, advice_for_500
from mogplex_tui.api.safe_text import short_id

_REPOS = "/api/repos"
_WRITES_FAIL = (
    "The hosted service answers every such change like this and stores nothing; so does one for a repository that is"
    " not there"
)
_SPACES_FAIL = "The hosted service cannot store sub-projects"
# Seconds. The response comes when the build has ended, and its lock lasts a quarter of an hour (projects.md §4.8).
_BUILD_SECONDS = 900


class ImportedReposResource(Resource):
    """Imported repositories, at `/api/repos`.

    The hosted service accepts only a session cookie on these routes. The repositories have many
    more fields than those of the token API (`client.repos`). If the context has an active team, the
    methods read and change the team's repositories. Packages, sub-projects and snapshots of a
    repository can be used only by the person who imported it, even in a team.

    Contract: projects.md §3, §4.5, §4.6 and §4.8.
    """

    async def list(self, *, show_hidden: bool = False) -> Rows[ImportedRepo]:
        """Return all repositories, favourites first, then by full name.

        There is no search, and the list has only one page. If `show_hidden` is False, hidden
        repositories are left out, and sometimes those to which the GitHub App has no access.
        Contract: projects.md §3.2.
        """
        response = await self._get(_REPOS, "the repositories", show_hidden=True if show_hidden else None)
        return response.rows(ImportedRepo)

    async def get(self, repo_id: str) -> ImportedRepo:
        """Return one repository, even if it is hidden.

        Raises NotFound if there is no such repository.
        """
        record = path_id(repo_id, "repository")
        response = await self._get(_REPOS, f"repository {short_id(record)}", id=record)
        if response.data == []:
            raise NotFound(
                f"The service does not know repository {short_id(record)}",
                resource=f"repository {short_id(record)}",
                method="GET",
                path=_REPOS,
                status=response.info.status,
                request_id=response.info.request_id,
            )
        return response.first(ImportedRepo)

    async def add(self, draft: RepoDraft) -> ImportedRepo:
        """Import one repository and return it.

        To import the repositories of all installations, use `client.github.sync`.
        """
        with advice_for_500(_WRITES_FAIL):
            response = await self._change("POST", _REPOS, f"repository {draft.full_name}", body=draft.body())
        return response.one(ImportedRepo)

    async def update(self, repo_id: str, change: RepoUpdate) -> ImportedRepo:
        """Change the given fields of a repository and return it.

        Some services raise ServiceFailed, and not NotFound, if there is no such repository.
        """
        record, fields = path_id(repo_id, "repository"), change.body()
        if not fields:
            raise InvalidInput("There is nothing to change", resource=f"repository {short_id(record)}")
        with advice_for_500(_WRITES_FAIL):
            response = await self._change(
                "PATCH", _REPOS, f"repository {short_id(record)}", body={"id": record, **fields}
            )
        return response.one(ImportedRepo)

    async def delete(self, repo_id: str) -> None:
        """Delete a repository with its assignments, presets, sandboxes and connections.

        Does nothing if there is no such repository. The web application does not delete repositories
        but hides them, by `update` with `is_hidden`. Contract: projects.md §3.6.
        """
        record = path_id(repo_id, "repository")
        try:
            await self._change("DELETE", _REPOS, f"repository {short_id(record)}", params={"id": record})
        except NotFound:
            return

    async def packages(self, repo_id: str) -> Packages:
        """Return the packages of a monorepo, as read from GitHub.

        Raises BadRequest if the account has no GitHub sign-in, and NotFound if there is no such
        repository.
        """
        path, resource = _part(repo_id, "monorepo", "the packages")
        return (await self._get(path, resource)).one(Packages)

    async def add_subproject(self, repo_id: str, directory: str) -> RepoRecord:
        """Import one directory of a repository as a repository of its own, and return it.

        Raises Conflict if the directory was imported already.
        """
        path, resource = _part(repo_id, "subproject", "a sub-project")
        try:
            root = root_directory(directory)
        except ValueError as error:
            raise InvalidInput(str(error), resource=resource) from None
        if not root:
            raise InvalidInput("root_directory is required", resource=resource)
        with advice_for_500(_SPACES_FAIL):
            response = await self._change("POST", path, resource, body={"root_directory": root})
        return response.one(RepoRecord)

    async def snapshot(self, repo_id: str) -> Snapshot | None:
        """Return the prebuilt sandbox image of a repository, or None if it has none."""
        path, resource = _part(repo_id, "snapshot", "the snapshot")
        response = await self._get(path, resource)
        return None if response.at("snapshot") is None else response.one(Snapshot, "snapshot")

    async def build_snapshot(self, repo_id: str) -> Snapshot:
        """Build the sandbox image of a repository and return it.

        This takes up to 15 minutes. Raises Throttled, with the wait in seconds, if a limit is used up
        (3 builds an hour, 10 a day, one in 15 minutes for each repository), Conflict while another
        build runs, and NotAllowed if nobody pays for the account's sandboxes.
        """
        path, resource = _part(repo_id, "snapshot", "the snapshot")
        return (await self._change("POST", path, resource, extra_wait=_BUILD_SECONDS)).one(
            Snapshot, "snapshot"
        )

    async def delete_snapshot(self, repo_id: str) -> None:
        """Delete the prebuilt sandbox image of a repository; do nothing if it has none."""
        path, resource = _part(repo_id, "snapshot", "the snapshot")
        await self._change("DELETE", path, resource)


def _part(repo_id: str, part: str, label: str) -> tuple[str, str]:
    record = path_id(repo_id, "repository")
    return f"{_REPOS}/{record}/{part}", f"{label} of repository {short_id(record)}"
