"""Invites to teams, as sent and as received.

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
    """The roles that an invite can give. Ownership is transferred instead."""

    ADMIN = "admin"
    DEVELOPER = "developer"
    VIEWER = "viewer"


class Delivery(StrEnum):
    """Delivery of an invite; with `log`, its link is in the service's log only."""

    RESEND = "resend"
    LOG = "log"
    FAILED = "resend_error"


class Invite(Inbound):
    """An open invite, without its link."""

    id: str
    email: Text = ""
    role: Text = ""
    expires_at: Time | None = None
    created_at: Time | None = None


class SentInvite(Inbound):
    """A sent invite, and how it was sent."""

    invite: Invite
    delivery: Text = ""


class BulkResult(Inbound):
    """The result for one address."""

    email: Text = ""
    status: Text = ""
    invite_id: str | None = None


class BulkSummary(Inbound):
    """The number of addresses by result."""

    total_requested: Count = None
    invited: Count = None
    skipped_member: Count = None
    skipped_invalid: Count = None
    skipped_duplicate: Count = None
    delivery_failed: Count = None
    insert_failed: Count = None


class BulkInvites(Inbound):
    """The results for several addresses, in their order."""

    results: Annotated[Rows[BulkResult], nested(BulkResult)] = empty_rows()
    summary: BulkSummary = Field(default_factory=BulkSummary)


class InvitationText(Inbound):
    """Data of an invitation: team, inviter, role and expiry."""

    team_name: Text = ""
    team_slug: Text = ""
    inviter_name: str | None = None
    role: Text = ""
    expires_at: Time | None = None
    expired: Flag = False
    already_accepted: Flag = False


class Invitation(Inbound):
    """A received invite. Without `email_match`, accepting it needs a confirmation."""

    invite: InvitationText
    email_match: Flag = False
    invite_email: Text = ""
    current_email: str | None = None


class JoinedTeam(Inbound):
    """The team of an accepted invite."""

    id: str
    slug: Text = ""


def _role(value: str) -> str:
    if value not in tuple(InvitedRole):
        raise ValueError("Role must be admin, developer, or viewer")
    return str(value)


class RoleDraft(OutboundSnake):
    """A new role of a member."""

    role: str

    @field_validator("role")
    @classmethod
    def _check_role(cls, value: str) -> str:
        return _role(value)


class InviteDraft(RoleDraft):
    """An address to invite, with a role."""

    email: str

    @field_validator("email")
    @classmethod
    def _check_email(cls, value: str) -> str:
        if not _EMAIL.fullmatch(value.strip()):
            raise ValueError("Valid email required")
        return value.strip()


class BulkInviteDraft(RoleDraft):
    """1 to 100 addresses to invite; each gets a result of its own."""

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
