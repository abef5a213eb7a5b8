"""Invites to teams: sent with an id, received with the token of a link (identity.md §8). Hosted: session alone."""

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
from mogplex_tui.api.request_rules import invite_token, path_id
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.safe_text import short_id

_INVITATION = "the invitation"
# Each with what it means and what helps.
_REFUSALS = {
    "already_accepted": ("This invitation has been accepted already", "Look at your teams"),
    "mismatch_unconfirmed": (
        "This invitation was sent to another address than yours",
        "Confirm to join with your own address all the same",
    ),
    "expired": ("This invitation has expired", "Ask for a new one"),
}


class InvitesResource(Resource):
    """`/api/teams/{id}/invites` and `/api/invites/{token}`; open invites are listed by `teams.roster`."""

    async def send(self, team_id: str, email: str, role: str) -> SentInvite:
        """Invite one address for seven days; raises Conflict for a member."""
        path, about = _sent(team_id)
        draft = InviteDraft(email=email, role=role)
        return (await self._change("POST", path, about, body=draft.set_fields(), extra_wait=15)).one(
            SentInvite
        )

    async def send_many(self, team_id: str, emails: Iterable[str], role: str) -> BulkInvites:
        """Invite 1 to 100 addresses; each has a status of its own and none stops the others."""
        path, about = _sent(team_id)
        draft = BulkInviteDraft(emails=list(emails), role=role)
        # The service sends a hundred letters before it answers.
        response = await self._change("POST", f"{path}/bulk", about, body=draft.body(), extra_wait=120)
        return response.one(BulkInvites)

    async def resend(self, team_id: str, invite_id: str) -> SentInvite:
        """Send an open invite again: a new link, the old one is void, and seven more days."""
        path, about = _sent(team_id, invite_id)
        return (await self._change("POST", path, about, extra_wait=15)).one(SentInvite)

    async def revoke(self, team_id: str, invite_id: str) -> None:
        """Take an open invite back; raises NotFound when it is accepted or gone."""
        path, about = _sent(team_id, invite_id)
        await self._change("DELETE", path, about)

    async def read(self, token: str) -> Invitation:
        """Return what an invite says, by its token or its whole link; raises NotFound for an unknown one."""
        return (await self._get(f"/api/invites/{invite_token(token)}", _INVITATION)).one(Invitation)

    async def accept(self, token: str, *, confirm_mismatch: bool = False) -> JoinedTeam:
        """Join the team of an invite.

        Raises Conflict with the code already_accepted, expired or mismatch_unconfirmed; the last one means that the
        invite went to another address, which `confirm_mismatch` overrides.
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
    path, about = f"/api/teams/{record}/invites", f"the invites of team {short_id(record)}"
    return (path, about) if invite_id is None else (f"{path}/{path_id(invite_id, 'invite')}", about)
