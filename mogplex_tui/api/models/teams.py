"""Teams: memberships, members, models, keys, installations and the audit log.

Contract: identity.md §7 and §8.
"""

import re
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, field_validator

from mogplex_tui.api.models.base import (
    Flag,
    Inbound,
    Int64,
    JsonObject,
    OutboundSnake,
    Rows,
    Text,
    Time,
    empty_rows,
    nested,
)
from mogplex_tui.api.models.invites import Invite
from mogplex_tui.api.models.keys import ProviderKey
from mogplex_tui.api.request_checks import utf16_length

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9]|-(?=[a-z0-9])){0,38}")


class TeamRole(StrEnum):
    """The roles that members of a team can have.

    Only owners and admins can manage the team.
    """

    OWNER = "owner"
    ADMIN = "admin"
    DEVELOPER = "developer"
    VIEWER = "viewer"


MANAGERS = frozenset({TeamRole.OWNER, TeamRole.ADMIN})


class PersonalScope(Inbound):
    """The account itself, as an alternative to working in one of its teams."""

    slug: str | None = None
    name: str | None = None
    avatar_url: str | None = None


class Membership(Inbound):
    """A team to which the account belongs, with the account's role in the team."""

    id: str
    slug: Text = ""
    name: Text = ""
    icon_url: str | None = None
    role: Text = ""

    @property
    def can_manage(self) -> bool:
        """Whether the account is the owner or an admin of the team, and may manage it."""
        return self.role in MANAGERS


class Memberships(Inbound):
    """The account itself and its teams.

    The teams are sorted by name.
    """

    personal: PersonalScope = Field(default_factory=PersonalScope)
    teams: Annotated[Rows[Membership], nested(Membership)] = empty_rows()


class Team(Inbound):
    """The name, the slug and the icon of a team.

    `icon_url` is None if the response contains no icon.
    """

    id: str
    name: Text = ""
    slug: Text = ""
    icon_url: str | None = None


class Viewer(Inbound):
    """The role of the account in the team that a response describes.

    `role` is empty if the response contains no role.
    """

    role: Text = ""
    can_manage: Flag = False


class Member(Inbound):
    """A member of a team."""

    user_id: str
    name: str | None = None
    username: str | None = None
    email: str | None = None
    avatar_url: str | None = None
    role: Text = ""
    joined_at: Time | None = None
    is_current_user: Flag = False

    @property
    def label(self) -> str:
        """The name to show for the member.

        It is the first one that is not empty of: the name, the user name, the e-mail address, the first
        eight characters of the id.
        """
        return self.name or self.username or self.email or self.user_id[:8]


class Roster(Inbound):
    """A team with its members and its open invites.

    The members are sorted by the time at which they joined. The newest invite comes first; expired
    invites are included.
    """

    team: Team
    viewer: Viewer = Field(default_factory=Viewer)
    members: Annotated[Rows[Member], nested(Member)] = empty_rows()
    invites: Annotated[Rows[Invite], nested(Invite)] = empty_rows()


class SlugCheck(Inbound):
    """The answer whether a slug can be used for a new team.

    If it cannot be used, `reason` is invalid, reserved or taken.
    """

    available: Flag = False
    reason: str | None = None


class TeamModels(Inbound):
    """The ids of the models that a team allows.

    None in place of a list means all models, an empty list no model.
    """

    model_allowlist: list[str] | None = None
    viewer: Viewer = Field(default_factory=Viewer)


class TeamKeys(Inbound):
    """The names of the model providers for which a team has stored a key."""

    keys: Annotated[Rows[ProviderKey], nested(ProviderKey)] = empty_rows()
    viewer: Viewer = Field(default_factory=Viewer)


class TeamInstallation(Inbound):
    """An installation of the GitHub App that belongs to a team.

    `id` is the service's id of the installation; `installation_id` is the number that GitHub has
    given it.
    """

    id: str
    installation_id: Int64 | None = None
    account_login: str | None = None
    account_type: str | None = None
    target_type: str | None = None
    product_team_id: str | None = None
    attached_by_user_id: str | None = None


class AuditEvent(Inbound):
    """One entry of a team's audit log: an action that was carried out or denied.

    The service removes text that looks like a secret.
    """

    id: str
    action: Text = ""
    decision_code: str | None = None
    target_type: str | None = None
    target_id: str | None = None
    actor_user_id: str | None = None
    repo_id: str | None = None
    sandbox_record_id: str | None = None
    ai_call_id: str | None = None
    job_run_id: str | None = None
    request_id: str | None = None
    auth_source: str | None = None
    payload: JsonObject = Field(default_factory=dict)
    created_at: Time | None = None


class TeamIcon(Inbound):
    """The URL of a team's icon, or None if the team has no icon."""

    icon_url: str | None = None


class TeamDraft(OutboundSnake):
    """A team to create.

    The name has 1 to 80 characters, the slug 1 to 39.
    """

    name: str
    slug: str

    @field_validator("name")
    @classmethod
    def _check_name(cls, value: str) -> str:
        if not 1 <= utf16_length(value.strip()) <= 80:
            raise ValueError("Team name must be 1-80 characters")
        return value.strip()

    @field_validator("slug")
    @classmethod
    def _check_slug(cls, value: str) -> str:
        slug = value.strip().lower()
        if not _SLUG.fullmatch(slug):
            raise ValueError(
                "A slug is 1 to 39 lower-case letters and digits with single hyphens between them"
            )
        return slug


class Allowlist(OutboundSnake):
    """The request to set the models that a team allows.

    None allows all models, an empty list allows no model.
    """

    model_allowlist: list[str] | None

    @field_validator("model_allowlist")
    @classmethod
    def _check_ids(cls, value: list[str] | None) -> list[str] | None:
        if value is None:
            return None
        ids = sorted({model.strip() for model in value})
        if "" in ids:
            raise ValueError("A model id is empty")
        return ids

    def body(self) -> dict[str, Any]:
        """Return the JSON body; None is sent as null."""
        return self.model_dump()
