"""Projects, which are named groups of repositories.

The routes call projects workspaces. Contract: projects.md §5.
"""

from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from mogplex_tui.api.models import field_validators
from mogplex_tui.api.models.base import Flag, Inbound, Int64, OutboundSnake, Text, Time


class Owned(Inbound):
    """Base class of records that belong to a user or a team.

    `owner_type` says whether the owner is `owner_user_id` or `product_team_id`.
    """

    user_id: str | None = None
    owner_type: str | None = None
    owner_user_id: str | None = None
    product_team_id: str | None = None
    created_by_user_id: str | None = None


class Project(Owned):
    """A group of repositories that share limits on their sandboxes.

    Durations are in milliseconds. `repo_count` is None if the response does not contain it.
    """

    id: str
    name: Text = ""
    description: str | None = None
    is_default: Flag = False
    sandbox_billing_mode: Text = ""
    sandbox_timeout_ms: Int64 | None = None
    sandbox_idle_timeout_ms: Int64 | None = None
    sandbox_vercel_team_id: str | None = None
    sandbox_vercel_project_id: str | None = None
    vercel_link_status: Text = ""
    vercel_link_checked_at: Time | None = None
    vercel_link_error_code: str | None = None
    vercel_link_message: str | None = None
    created_at: Time | None = None
    updated_at: Time | None = None
    repo_count: Int64 | None = None

    @property
    def lifetime_ms(self) -> int:
        """The longest time that a sandbox of the project may live, in milliseconds.

        Contract: projects.md §5.1.
        """
        return self.sandbox_timeout_ms or 18_000_000

    @property
    def idle_ms(self) -> int:
        """The longest time that a sandbox of the project may be idle, in milliseconds.

        It is never longer than `lifetime_ms`.
        """
        return min(self.sandbox_idle_timeout_ms or 1_800_000, self.lifetime_ms)


_Name = field_validators.text("Workspace name is required")
# The service takes null and "" for the shortest time and clamps other values, so both are refused here.
_Lifetime = Annotated[int, Field(ge=600_000, le=18_000_000)]


class ProjectDraft(OutboundSnake):
    """The fields of a project to create.

    `sandbox_timeout_ms` is the longest lifetime of a sandbox, 600,000 to 18,000,000 milliseconds;
    None means 18,000,000.
    """

    name: Annotated[str, _Name]
    description: str | None = None
    sandbox_timeout_ms: _Lifetime | None = None

    def body(self) -> dict[str, Any]:
        """Return the JSON body."""
        return self.model_dump(exclude_none=True)


class ProjectUpdate(OutboundSnake):
    """A change of a project.

    Fields that are not set keep their values; None removes the description.
    """

    name: Annotated[str | None, _Name] = None
    description: str | None = None
    sandbox_timeout_ms: _Lifetime | None = None

    @field_validator("name")
    @classmethod
    def _check_name(cls, value: str | None) -> str:
        if value is None:
            raise ValueError("Workspace name is required")
        return value

    @field_validator("sandbox_timeout_ms")
    @classmethod
    def _check_lifetime(cls, value: int | None) -> int:
        if value is None:
            raise ValueError("A project needs a lifetime; leave it out to keep it")
        return value

    @model_validator(mode="after")
    def _check_any(self) -> "ProjectUpdate":
        if not self.model_fields_set:
            raise ValueError("There is nothing to change")
        return self


class NewRepository(OutboundSnake):
    """A repository to create on GitHub.

    `visibility` is private or public. The repository is created in the GitHub account
    `owner_login`, or in the user's own GitHub account if `owner_login` is None.
    Contract: projects.md §5.3.
    """

    name: str
    description: str | None = None
    owner_login: str | None = None
    visibility: str = "private"

    @field_validator("name")
    @classmethod
    def _check_name(cls, value: str) -> str:
        if not value.strip() or "/" in value:
            raise ValueError("Repository name is required")
        return value.strip()

    @field_validator("visibility")
    @classmethod
    def _check_visibility(cls, value: str) -> str:
        # The service takes any word but public for private.
        if value not in ("public", "private"):
            raise ValueError("The visibility must be public or private")
        return value

    def body(self) -> dict[str, Any]:
        """Return the JSON body."""
        return self.model_dump(exclude_none=True)
