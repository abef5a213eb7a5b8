"""Invites to teams; sent ones have an id, received ones a token in their link."""

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

    The hosted service accepts only a session cookie on these routes. The open invites of a team are
    part of `client.teams.members`. Contract: identity.md §8.
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
        """Invite 1 to 100 e-mail addresses to a team, and return a result for each.

        If one invite fails, the others are sent all the same.
        """
        path, resource = _sent(team_id)
        draft = BulkInviteDraft(emails=list(emails), role=role)
        # Seconds. The service sends up to a hundred e-mails before it responds.
        response = await self._change("POST", f"{path}/bulk", resource, body=draft.body(), extra_wait=120)
        return response.one(BulkInvites)

    async def resend(self, team_id: str, invite_id: str) -> SentInvite:
        """Send an open invite again with a new link, and return the invite.

        The new link is valid for seven days; the old link becomes invalid. Raises NotFound if there is
        no such open invite.
        """
        path, resource = _sent(team_id, invite_id)
        return (await self._change("POST", path, resource, extra_wait=15)).one(SentInvite)

    async def revoke(self, team_id: str, invite_id: str) -> None:
        """Revoke an open invite.

        Raises NotFound if there is no such invite or if it was accepted.
        """
        path, resource = _sent(team_id, invite_id)
        await self._change("DELETE", path, resource)

    async def read(self, token: str) -> Invitation:
        """Return the received invite with the given token.

        `token` may also be the link that contains the token. Raises NotFound if there is no such
        invite.
        """
        return (await self._get(f"/api/invites/{invite_token(token)}", _INVITATION)).one(Invitation)

    async def accept(self, token: str, *, confirm_mismatch: bool = False) -> JoinedTeam:
        """Accept an invite, and return the team that the account has joined.

        Raises Conflict with code already_accepted, expired or mismatch_unconfirmed. The last code means
        that the invite was sent to another address than the account's. With `confirm_mismatch` such an
        invite is accepted.
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
