"""Invites to teams, which the account has sent or received.

Contract: identity.md §8.
"""

import re
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, field_validator

from mogplex_tui.api.models.base import (
    Count,
    Flag,
    Inbound,
    OutboundSnake,
    Rows,
    Text,
    Time,
    empty_rows,
    nested,
)

MAX_ADDRESSES = 100
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")


class InvitedRole(StrEnum):
    """The roles that an invite can give.

    An invite cannot give the role of owner; the owner must transfer the ownership.
    """

    ADMIN = "admin"
    DEVELOPER = "developer"
    VIEWER = "viewer"


class Delivery(StrEnum):
    """The ways in which the service has delivered an invite.

    With LOG, no e-mail was sent, and the link of the invite is only in the service's log.
    """

    RESEND = "resend"
    LOG = "log"
    FAILED = "resend_error"


class Invite(Inbound):
    """An open invite of a team.

    The service does not return the link with which the invite is accepted.
    """

    id: str
    email: Text = ""
    role: Text = ""
    expires_at: Time | None = None
    created_at: Time | None = None


class SentInvite(Inbound):
    """An invite that was just created, and how it was delivered."""

    invite: Invite
    delivery: Text = ""


class BulkResult(Inbound):
    """The result for one address in a request that invites several addresses."""

    email: Text = ""
    status: Text = ""
    invite_id: str | None = None


class BulkSummary(Inbound):
    """The numbers of addresses that were invited, skipped or failed."""

    total_requested: Count = None
    invited: Count = None
    skipped_member: Count = None
    skipped_invalid: Count = None
    skipped_duplicate: Count = None
    delivery_failed: Count = None
    insert_failed: Count = None


class BulkInvites(Inbound):
    """The results of inviting several addresses, in the order of the request."""

    results: Annotated[Rows[BulkResult], nested(BulkResult)] = empty_rows()
    summary: BulkSummary = Field(default_factory=BulkSummary)


class InvitationText(Inbound):
    """The contents of a received invite: team, inviter, role and expiry."""

    team_name: Text = ""
    team_slug: Text = ""
    inviter_name: str | None = None
    role: Text = ""
    expires_at: Time | None = None
    expired: Flag = False
    already_accepted: Flag = False


class Invitation(Inbound):
    """An invite that the account has received.

    `email_match` is False if the invite was sent to another e-mail address than the account's. To
    accept such an invite, the user must confirm it.
    """

    invite: InvitationText
    email_match: Flag = False
    invite_email: Text = ""
    current_email: str | None = None


class JoinedTeam(Inbound):
    """The team that the account joined by accepting an invite."""

    id: str
    slug: Text = ""


def _role(value: str) -> str:
    if value not in tuple(InvitedRole):
        raise ValueError("Role must be admin, developer, or viewer")
    return str(value)


class RoleDraft(OutboundSnake):
    """The request to give a member of a team another role."""

    role: str

    @field_validator("role")
    @classmethod
    def _check_role(cls, value: str) -> str:
        return _role(value)


class InviteDraft(RoleDraft):
    """The request to invite one e-mail address to a team, with a role."""

    email: str

    @field_validator("email")
    @classmethod
    def _check_email(cls, value: str) -> str:
        if not _EMAIL.fullmatch(value.strip()):
            raise ValueError("Valid email required")
        return value.strip()


class BulkInviteDraft(RoleDraft):
    """The request to invite 1 to 100 e-mail addresses, all with the same role.

    The response has a result for each address.
    """

    emails: list[str]

    @field_validator("emails")
    @classmethod
    def _check_count(cls, value: list[str]) -> list[str]:
        if not 1 <= len(value) <= MAX_ADDRESSES:
            raise ValueError(f"Give 1 to {MAX_ADDRESSES} addresses")
        return value

    def body(self) -> dict[str, Any]:
        """Return the JSON body."""
        return self.model_dump()
