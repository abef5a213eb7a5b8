"""Invites to teams: sent ones by id, received ones by the token in their link."""

from __future__ import annotations

from collections.abc import Iterable

from mogplex_tui.api import errors
from mogplex_tui.api.models.invites import (
    BulkInviteDraft,
    BulkInvites,
    Invitation,
    InviteDraft,
    JoinedTeam,
    SentInvite,
)
from mogplex_tui.api.request_checks import invite_token, path_id
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.safe_text import short_id

_INVITATION = "the invitation"
# The message and the advice for each code.
_REFUSALS = {
    "already_accepted": ("This invitation has been accepted already", "Look at your teams"),
    "mismatch_unconfirmed": (
        "This invitation was sent to another address than yours",
        "Confirm to join with your own address all the same",
    ),
    "expired": ("This invitation has expired", "Ask for a new one"),
}


class InvitesResource(Resource):
    """Invites, at `/api/teams/{id}/invites` and `/api/invites/{token}`.

    The hosted service requires a session. `client.teams.members` lists the open invites of a team. Contract:
    identity.md §8.
    """

    async def send(self, team_id: str, email: str, role: str) -> SentInvite:
        """Invite an email address to a team, and return the invite.

        The invite is valid for seven days. Raises Conflict if the address belongs to a member.
        """
        path, resource = _sent(team_id)
        draft = InviteDraft(email=email, role=role)
        return (await self._change("POST", path, resource, body=draft.set_fields(), extra_wait=15)).one(
            SentInvite
        )

    async def send_many(self, team_id: str, emails: Iterable[str], role: str) -> BulkInvites:
        """Invite 1 to 100 email addresses to a team, and return a status for each.

        If one invite fails, the others are sent all the same.
        """
        path, resource = _sent(team_id)
        draft = BulkInviteDraft(emails=list(emails), role=role)
        # Seconds. The service sends up to a hundred e-mails before it responds.
        response = await self._change("POST", f"{path}/bulk", resource, body=draft.body(), extra_wait=120)
        return response.one(BulkInvites)

    async def resend(self, team_id: str, invite_id: str) -> SentInvite:
        """Send an open invite again with a new link, and return the invite.

        The new link is valid for seven days; the old link becomes invalid. Raises NotFound.
        """
        path, resource = _sent(team_id, invite_id)
        return (await self._change("POST", path, resource, extra_wait=15)).one(SentInvite)

    async def revoke(self, team_id: str, invite_id: str) -> None:
        """Revoke an open invite.

        Raises NotFound if it was accepted or does not exist.
        """
        path, resource = _sent(team_id, invite_id)
        await self._change("DELETE", path, resource)

    async def read(self, token: str) -> Invitation:
        """Return the invite that a token, or a link with the token, belongs to.

        Raises NotFound.
        """
        return (await self._get(f"/api/invites/{invite_token(token)}", _INVITATION)).one(Invitation)

    async def accept(self, token: str, *, confirm_mismatch: bool = False) -> JoinedTeam:
        """Accept an invite, and return the team that was joined.

        Raises Conflict with code already_accepted, expired or mismatch_unconfirmed. The code
        mismatch_unconfirmed means that the invite was sent to an address other than that of the
        account; with `confirm_mismatch` it is accepted all the same.
        """
        body = {"confirmMismatch": True} if confirm_mismatch else {}
        try:
            response = await self._change(
                "POST", f"/api/invites/{invite_token(token)}", _INVITATION, body=body
            )
        except errors.Conflict as refused:
            for code, (what, advice) in _REFUSALS.items():
                if code in refused.message:
                    refused.code, refused.message, refused.advice = code, what, advice
            raise
        return response.one(JoinedTeam, "team")


def _sent(team_id: str, invite_id: str | None = None) -> tuple[str, str]:
    record = path_id(team_id, "team")
    path, resource = f"/api/teams/{record}/invites", f"the invites of team {short_id(record)}"
    return (path, resource) if invite_id is None else (f"{path}/{path_id(invite_id, 'invite')}", resource)
