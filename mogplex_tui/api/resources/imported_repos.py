"""Imported repositories (projects.md §3, §4.5, §4.6, §4.8). Hosted: browser session alone.

The list and its writes are those of the active team when the context has one; everything below one repository is open
to the person who imported it alone, whatever the team.
"""

from __future__ import annotations

from mogplex_tui.api.errors import InvalidInput, NotFound
from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.models.repo_parts import Packages, Snapshot
from mogplex_tui.api.models.repos import BareRepo, ImportedRepo, RepoDraft, RepoUpdate
from mogplex_tui.api.request_rules import path_id, root_directory
from mogplex_tui.api.resources.base import Resource, advice_for_500
from mogplex_tui.api.safe_text import short_id

_REPOS = "/api/repos"
_WRITES_FAIL = (
    "The hosted service answers every such change like this and stores nothing; so does one for a repository that is"
    " not there"
)
_SPACES_FAIL = "The hosted service cannot store sub-projects"
# A build answers when it is done, and its lock is good for a quarter of an hour (projects.md §4.8).
_BUILD_SECONDS = 900


class ImportedReposResource(Resource):
    """`/api/repos` with packages, sub-projects and snapshots; far richer than the token API's `client.repos`."""

    async def list(self, *, show_hidden: bool = False) -> Rows[ImportedRepo]:
        """Return all of them, favourites first, then by full name; the service has no search and no pages.

        Without `show_hidden` the service may also leave out what the GitHub App does not cover (projects.md §3.2).
        """
        response = await self._get(_REPOS, "the repositories", show_hidden=True if show_hidden else None)
        return response.rows(ImportedRepo)

    async def get(self, repo_id: str) -> ImportedRepo:
        """Return one repository, hidden or not; raises NotFound."""
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
        """Import a repository by hand; a sync does it for whole installations (`client.github.sync`)."""
        with advice_for_500(_WRITES_FAIL):
            response = await self._change("POST", _REPOS, f"repository {draft.full_name}", body=draft.body())
        return response.one(ImportedRepo)

    async def update(self, repo_id: str, change: RepoUpdate) -> ImportedRepo:
        """Change what is set, for instance hide a repository; raises NotFound or ServiceFailed for none."""
        record, fields = path_id(repo_id, "repository"), change.body()
        if not fields:
            raise InvalidInput("There is nothing to change", resource=f"repository {short_id(record)}")
        with advice_for_500(_WRITES_FAIL):
            response = await self._change(
                "PATCH", _REPOS, f"repository {short_id(record)}", body={"id": record, **fields}
            )
        return response.one(ImportedRepo)

    async def delete(self, repo_id: str) -> None:
        """Delete a repository with its assignments, presets, sandboxes and own connections; gone is no error.

        The web application hides instead, by `update` with `is_hidden` (projects.md §3.6).
        """
        record = path_id(repo_id, "repository")
        try:
            await self._change("DELETE", _REPOS, f"repository {short_id(record)}", params={"id": record})
        except NotFound:
            return

    async def packages(self, repo_id: str) -> Packages:
        """Look for the packages of a monorepo on GitHub; raises BadRequest without a GitHub sign-in."""
        path, about = _part(repo_id, "monorepo", "the packages")
        return (await self._get(path, about)).one(Packages)

    async def add_subproject(self, repo_id: str, directory: str) -> BareRepo:
        """Import one directory as a repository of its own; raises Conflict when it is there already."""
        path, about = _part(repo_id, "subproject", "a sub-project")
        try:
            root = root_directory(directory)
        except ValueError as error:
            raise InvalidInput(str(error), resource=about) from None
        if not root:
            raise InvalidInput("root_directory is required", resource=about)
        with advice_for_500(_SPACES_FAIL):
            response = await self._change("POST", path, about, body={"root_directory": root})
        return response.one(BareRepo)

    async def snapshot(self, repo_id: str) -> Snapshot | None:
        """Return the prebuilt sandbox image, or None."""
        path, about = _part(repo_id, "snapshot", "the snapshot")
        response = await self._get(path, about)
        return None if response.at("snapshot") is None else response.one(Snapshot, "snapshot")

    async def build_snapshot(self, repo_id: str) -> Snapshot:
        """Build the image and return when it is there, up to a quarter of an hour later.

        Raises Throttled with the wait in seconds (3 an hour, 10 a day, 15 minutes between two of one repository),
        Conflict while another build runs, NotAllowed without funded sandboxes.
        """
        path, about = _part(repo_id, "snapshot", "the snapshot")
        return (await self._change("POST", path, about, extra_wait=_BUILD_SECONDS)).one(Snapshot, "snapshot")

    async def delete_snapshot(self, repo_id: str) -> None:
        """Drop the image, there or not."""
        path, about = _part(repo_id, "snapshot", "the snapshot")
        await self._change("DELETE", path, about)


def _part(repo_id: str, part: str, said: str) -> tuple[str, str]:
    record = path_id(repo_id, "repository")
    return f"{_REPOS}/{record}/{part}", f"{said} of repository {short_id(record)}"
