"""Slack workspaces and the links of their channels to repositories."""

from __future__ import annotations

from mogplex_tui.api.models.base import Page, Rows
from mogplex_tui.api.models.slack import (
    SlackChannel,
    SlackInstallation,
    SlackLink,
    SlackLinkDraft,
    SlackPolicy,
)
from mogplex_tui.api.request_checks import path_segment
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.safe_text import visible

_ROOT = "/api/integrations/slack"
_WORKSPACES = f"{_ROOT}/installations"


def _workspace(team_id: str) -> tuple[str, str]:
    step = path_segment(team_id, "Slack workspace")
    return f"{_WORKSPACES}/{step}", f"Slack workspace {visible(team_id.strip(), 40)}"


class SlackResource(Resource):
    """Slack workspaces, at `/api/integrations/slack`.

    A workspace belongs to the account that last installed the Slack app in it.
    Contract: library.md §14.
    """

    async def workspaces(self) -> Rows[SlackInstallation]:
        """Return the Slack workspaces of the account, the newest first."""
        return (await self._get(_WORKSPACES, "the Slack workspaces")).rows(SlackInstallation, "installations")

    async def change_policy(self, team_id: str, policy: SlackPolicy) -> SlackInstallation:
        """Change the rules for starting runs from a workspace, and return the workspace.

        Raises NotFound if there is no such workspace or if it belongs to another account.
        """
        path, name = _workspace(team_id)
        response = await self._change("PATCH", path, name, body=policy.body())
        return response.one(SlackInstallation, "installation")

    async def disconnect(self, team_id: str) -> None:
        """Remove a workspace and the links of its channels.

        Does nothing if there is no such workspace.
        """
        path, name = _workspace(team_id)
        await self._change("DELETE", path, name)

    async def channels(self, team_id: str, cursor: str | None = None) -> Page[SlackChannel]:
        """Return at most 200 channels of a workspace, and the cursor of the next page.

        Raises NotAllowed if the workspace belongs to another account, ServiceFailed if the service has
        no bot token for the workspace, and Unavailable if Slack refuses the service's request.
        """
        path, name = _workspace(team_id)
        response = await self._get(f"{path}/channels", f"the channels of {name}", cursor=cursor or None)
        following = response.data.get("nextCursor") if isinstance(response.data, dict) else None
        # After the last page the cursor is null or an empty text.
        return Page(
            response.rows(SlackChannel, "channels"),
            following if isinstance(following, str) and following else None,
        )

    async def links(self, team_id: str) -> Rows[SlackLink]:
        """Return the links of a workspace's channels to repositories, the newest first."""
        path, name = _workspace(team_id)
        return (await self._get(f"{path}/links", f"the links of {name}")).rows(SlackLink, "links")

    async def link(self, team_id: str, draft: SlackLinkDraft) -> SlackLink:
        """Link a channel to a repository, and return the link.

        Raises Conflict if the channel is linked to a repository already.
        """
        path, name = _workspace(team_id)
        response = await self._change("POST", f"{path}/links", f"the new link of {name}", body=draft.body())
        return response.one(SlackLink, "link")

    async def unlink(self, team_id: str, link_id: str) -> None:
        """Remove a link of a channel; do nothing if there is no such link."""
        path, name = _workspace(team_id)
        await self._change("DELETE", f"{path}/links/{path_segment(link_id, 'link')}", f"a link of {name}")

    def install_address(self) -> str:
        """Return the URL at which the user installs the Slack app in a browser.

        The browser must be signed in to the service. This method sends no request.
        """
        return f"{self._transport.target.base_url}{_ROOT}/install"
