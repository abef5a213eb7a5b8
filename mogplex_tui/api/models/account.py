"""The signed-in account and its settings.

Contract: identity.md §2 and §3.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field, field_validator, model_validator

from mogplex_tui.api.models.base import Count, Flag, Inbound, Outbound, Text


class GithubState(StrEnum):
    """The state of the account's connection to GitHub."""

    READY = "app_installed_with_synced_repos"
    APP_INSTALLED = "app_installed"
    INSTALL_PENDING = "app_install_pending"
    OAUTH_ONLY = "oauth_connected"
    DISCONNECTED = "disconnected"


class PlatformAccess(Inbound):
    """The account's permissions to use AI and sandboxes that the platform pays for."""

    allow_platform_ai: Flag = False
    allow_platform_sandbox: Flag = False


class VercelLink(Inbound):
    """The state of the account's connection to Vercel."""

    platform_state: Text = ""
    personal_state: Text = ""
    linked_project_state: Text = ""
    status_label: Text = ""
    status_detail: Text = ""
    can_use_platform_ops: Flag = False
    can_link_user_billing_project: Flag = False
    can_use_user_billing: Flag = False


class GithubAction(Inbound):
    """The next step that the service suggests for connecting a GitHub account.

    `href` is a path of the web application.
    """

    kind: Text = ""
    label: Text = ""
    href: Text = ""


class User(Inbound):
    """The signed-in account.

    `id` is the id of the account's profile.
    """

    id: str
    email: str | None = None
    username: str | None = None
    name: str | None = None
    avatar_url: str | None = None
    github_username: str | None = None
    github_state: Text = ""
    github_connected: Flag = False
    github_app_connected: Flag = False
    github_connection_mode: str | None = None
    github_app_available: Flag = False
    github_install_pending: Flag = False
    github_installation_count: Count = None
    github_synced_repo_count: Count = None
    github_covered_repo_count: Count = None
    github_status_label: Text = ""
    github_status_detail: Text = ""
    github_primary_action: GithubAction | None = None
    platform_access: PlatformAccess = Field(default_factory=PlatformAccess)
    vercel: VercelLink | None = None
    account_vercel_project_id: str | None = None
    account_vercel_team_id: str | None = None

    @property
    def label(self) -> str:
        """The name to show for the account.

        It is the first one that is not empty of: the name, the user name, the GitHub user name, the
        e-mail address, the first eight characters of the id.
        """
        return self.name or self.username or self.github_username or self.email or self.id[:8]


class Settings(Inbound):
    """The settings of the account.

    `default_model` is never empty.
    """

    default_model: Text = ""
    theme: str | None = None


class SettingsUpdate(Outbound):
    """A change of the account's settings; a field that is None is left unchanged.

    Contract: identity.md §3.
    """

    theme: str | None = None
    default_model: str | None = None

    @field_validator("theme")
    @classmethod
    def _check_theme(cls, value: str | None) -> str | None:
        if value not in (None, "dark", "light", "system"):
            raise ValueError("The theme must be dark, light or system")
        return value

    @field_validator("default_model")
    @classmethod
    def _check_model(cls, value: str | None) -> str | None:
        if value is not None and not value.strip():
            raise ValueError("Name a model; the default cannot be cleared")
        return value

    @model_validator(mode="after")
    def _check_any(self) -> SettingsUpdate:
        if self.theme is None and self.default_model is None:
            raise ValueError("There is nothing to change")
        return self

    def body(self) -> dict[str, Any]:
        """Return the JSON body, whose names are in snake_case."""
        return self.model_dump(exclude_none=True)
