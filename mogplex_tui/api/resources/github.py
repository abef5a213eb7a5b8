"""GitHub through the service (projects.md §7). Hosted: browser session alone."""

from __future__ import annotations

from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.models.github import GithubOwner, Installation, OrgMembers, Pulls
from mogplex_tui.api.models.repos import BareRepo
from mogplex_tui.api.request_rules import installation_number, path_id
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.safe_text import short_id


class GithubResource(Resource):
    """`/api/github`."""

    async def installations(self) -> Rows[Installation]:
        """Return the caller's installations, the newest first; the service refreshes what it lacks on the way."""
        return (await self._get("/api/github/installations", "the installations")).rows(Installation)

    async def org_members(self, number: int) -> OrgMembers:
        """Return members of the installation's organisation, with public addresses only.

        Raises NotFound, BadRequest for a person's account, NotAllowed when the App's permissions must be accepted
        anew, Throttled with 60 s to wait.
        """
        wanted = installation_number(number)
        response = await self._get(
            f"/api/github/installations/{wanted}/org-members", f"the members of installation {wanted}"
        )
        return response.one(OrgMembers)

    async def owners(self) -> Rows[GithubOwner]:
        """Return the accounts where a repository may be made, one's own first; none without a GitHub sign-in."""
        return (await self._get("/api/github/owners", "the GitHub accounts")).rows(GithubOwner)

    async def sync(self) -> Rows[BareRepo]:
        """Import what GitHub has, then return the repositories, favourites first; deletes nothing.

        A reading verb that writes, so it goes out as an action. Raises BadRequest with the code NO_GITHUB_CONNECTION
        when nothing is connected; in a team it takes a role that may write.
        """
        response = await self._change("GET", "/api/github/repos", "the sync with GitHub", extra_wait=120)
        return response.rows(BareRepo)

    async def pulls(self, repo_id: str, number: int | None = None) -> Pulls:
        """Return up to five open pull requests and the diff of `number`, without it that of the first.

        The service answers every failure with nothing, so nothing may mean either.
        """
        record = path_id(repo_id, "repository")
        response = await self._get(
            "/api/github/pulls",
            f"the pull requests of repository {short_id(record)}",
            repo_id=record,
            pr=number,
        )
        return response.one(Pulls)
