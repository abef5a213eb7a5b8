"""Slack workspaces, the rules for starting runs from them, and linked channels.

Contract: library.md §14.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, PlainValidator, field_validator, model_validator

from mogplex_tui.api.models import field_validators
from mogplex_tui.api.models.base import Flag, Inbound, Int64, Outbound, Text, Time

_MAX_USERS = 100
_MAX_RUNS = 10_000


def _listed(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


class SlackInstallation(Inbound):
    """A Slack workspace that is connected to the account.

    `team_id` is Slack's id of the workspace. If `allowed_slack_user_ids` is None, every user of
    the workspace may start runs; if it is an empty list, nobody may.
    """

    team_id: str
    team_name: str | None = None
    bot_user_id: Text = ""
    scopes: Annotated[list[str], PlainValidator(_listed)] = Field(default_factory=list)
    installed_at: Time | None = None
    repo_agent_enabled: Flag = False
    allowed_slack_user_ids: list[str] | None = None
    monthly_repo_run_limit: Int64 | None = None


class SlackChannel(Inbound):
    """A channel of a Slack workspace."""

    id: str
    name: str | None = None
    is_private: Flag = False


class SlackLink(Inbound):
    """A link between a Slack channel and a repository."""

    id: str
    channel_id: Text = ""
    channel_name: str | None = None
    repo_id: Text = ""
    created_at: Time | None = None


class SlackPolicy(Outbound):
    """A change of the rules for starting runs from a Slack workspace.

    The rules say who may start runs, and how many runs may be started in a month. Fields that are
    not set keep their values.
    """

    repo_agent_enabled: bool | None = None
    allowed_slack_user_ids: Annotated[list[str] | None, field_validators.json_value()] = None
    monthly_repo_run_limit: int | None = None

    @field_validator("allowed_slack_user_ids")
    @classmethod
    def _check_users(cls, value: list[str] | None) -> list[str] | None:
        if value is None:
            return None
        users = [name for name in dict.fromkeys(item.strip() for item in value) if name]
        if value and not users:
            # A list of blank ids would be sent as an empty list, which allows nobody.
            raise ValueError("Name a Slack user, or give an empty list for nobody")
        if len(value) > _MAX_USERS:
            raise ValueError(f"At most {_MAX_USERS} Slack users can be named")
        return users

    @field_validator("monthly_repo_run_limit")
    @classmethod
    def _check_limit(cls, value: int | None) -> int | None:
        if value is not None and not 1 <= value <= _MAX_RUNS:
            raise ValueError(f"The monthly limit is a number from 1 to {_MAX_RUNS:,}, or none")
        return value

    @model_validator(mode="after")
    def _check_change(self) -> SlackPolicy:
        field_validators.require_a_change(self.model_fields_set)
        if "repo_agent_enabled" in self.model_fields_set and self.repo_agent_enabled is None:
            raise ValueError("Runs from a workspace are either on or off")
        return self

    def body(self) -> dict[str, Any]:
        """Return the JSON body."""
        return self.set_fields()


class SlackLinkDraft(Outbound):
    """The request to link a Slack channel to a repository.

    A channel can be linked to only one repository.
    """

    channel_id: Annotated[
        str, field_validators.text("channelId and repoId are required"), field_validators.json_value()
    ]
    repo_id: Annotated[str, field_validators.uuid("The repository id is not a UUID")]
    channel_name: Annotated[str | None, field_validators.text(), field_validators.json_value()] = None

    def body(self) -> dict[str, Any]:
        """Return the JSON body."""
        return self.model_dump(by_alias=True, exclude_none=True)
