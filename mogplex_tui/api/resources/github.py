"""GitHub accounts, repositories and pull requests, through the service."""

from __future__ import annotations

from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.models.github import GithubOwner, Installation, OrgMembers, Pulls
from mogplex_tui.api.models.repos import RepoRecord
from mogplex_tui.api.request_checks import installation_number, path_id
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.safe_text import short_id


class GithubResource(Resource):
    """GitHub accounts and pull requests, at `/api/github`.

    The hosted service accepts only a session cookie on these routes. Contract: projects.md §7.
    """

    async def installations(self) -> Rows[Installation]:
        """Return the caller's installations of the GitHub App, the newest first.

        The request also makes the service load missing data about them from GitHub.
        """
        return (await self._get("/api/github/installations", "the installations")).rows(Installation)

    async def org_members(self, number: int) -> OrgMembers:
        """Return the members of an organization, with their public e-mail addresses.

        `number` is the number that GitHub has given to the organization's installation of the App.
        Raises NotFound if there is no such installation, BadRequest if it belongs to a user and not to
        an organization, NotAllowed if somebody must first accept new permissions of the App, and
        Throttled with a wait of 60 s.
        """
        number = installation_number(number)
        response = await self._get(
            f"/api/github/installations/{number}/org-members", f"the members of installation {number}"
        )
        return response.one(OrgMembers)

    async def owners(self) -> Rows[GithubOwner]:
        """Return the GitHub accounts in which the user can create a repository.

        The user's own account comes first. The list is empty if the user has not connected a GitHub
        account.
        """
        return (await self._get("/api/github/owners", "the GitHub accounts")).rows(GithubOwner)

    async def sync(self) -> Rows[RepoRecord]:
        """Import repositories from GitHub; return all imported ones, favourites first.

        No repository is deleted. The request changes data although its HTTP method is GET. It is
        therefore sent with `Priority.ACTION`, and a refusal does not mark the route family as closed.
        Raises BadRequest with code NO_GITHUB_CONNECTION if no GitHub account is connected. In a team,
        the caller's role must permit changes.
        """
        response = await self._change("GET", "/api/github/repos", "the sync with GitHub", extra_wait=120)
        return response.rows(RepoRecord)

    async def pulls(self, repo_id: str, number: int | None = None) -> Pulls:
        """Return up to five open pull requests of a repository, and the diff of one.

        `number` selects the pull request whose diff is returned, by default the first. An empty result
        may also mean that the service failed to read from GitHub.
        """
        record = path_id(repo_id, "repository")
        response = await self._get(
            "/api/github/pulls",
            f"the pull requests of repository {short_id(record)}",
            repo_id=record,
            pr=number,
        )
        return response.one(Pulls)
