"""GitHub accounts, repositories and pull requests, through the service."""

from __future__ import annotations

from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.models.github import GithubOwner, Installation, OrgMembers, Pulls
from mogplex_tui.api.models.repos import BareRepo
from mogplex_tui.api.request_checks import installation_number, path_id
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.safe_text import short_id


class GithubResource(Resource):
    """GitHub, at `/api/github`. The hosted service requires a session.

    Contract: projects.md §7.
    """

    async def installations(self) -> Rows[Installation]:
        """Return the caller's GitHub installations, the newest first.

        The request also makes the service load data about them that it lacks.
        """
        return (await self._get("/api/github/installations", "the installations")).rows(Installation)

    async def org_members(self, number: int) -> OrgMembers:
        """Return the members of an organization, with their public email addresses.

        Members without a public address are only counted. `number` is GitHub's number of the
        organization's installation. Raises NotFound, BadRequest if the installation belongs to a user
        instead of an organization, NotAllowed if the GitHub App's new permissions must be accepted, and
        Throttled with a wait of 60 s.
        """
        number = installation_number(number)
        response = await self._get(
            f"/api/github/installations/{number}/org-members", f"the members of installation {number}"
        )
        return response.one(OrgMembers)

    async def owners(self) -> Rows[GithubOwner]:
        """Return the GitHub accounts in which the user can create a repository.

        The user's own account comes first. The list is empty without a GitHub sign-in.
        """
        return (await self._get("/api/github/owners", "the GitHub accounts")).rows(GithubOwner)

    async def sync(self) -> Rows[BareRepo]:
        """Import repositories from GitHub; return all imported ones, favourites first.

        Nothing is deleted. Although its HTTP method is GET, the request writes: it is sent with
        `Priority.ACTION`, and a refusal does not mark the route family as closed. Raises BadRequest
        with code NO_GITHUB_CONNECTION if no GitHub account is connected. In a team, the caller needs a
        role that may write.
        """
        response = await self._change("GET", "/api/github/repos", "the sync with GitHub", extra_wait=120)
        return response.rows(BareRepo)

    async def pulls(self, repo_id: str, number: int | None = None) -> Pulls:
        """Return up to five open pull requests of a repository, and one of their diffs.

        `number` selects the pull request whose diff is returned, by default the first. The service
        returns nothing for any failure, so an empty result may be a failure.
        """
        record = path_id(repo_id, "repository")
        response = await self._get(
            "/api/github/pulls",
            f"the pull requests of repository {short_id(record)}",
            repo_id=record,
            pr=number,
        )
        return response.one(Pulls)
