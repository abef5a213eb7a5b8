"""The records of one imported repository: overrides, presets, secrets, snapshot.

Contract: projects.md §4.
"""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from mogplex_tui.api.models import field_validators
from mogplex_tui.api.models.base import (
    Count,
    Flag,
    Inbound,
    Int64,
    Outbound,
    OutboundSnake,
    Rows,
    Text,
    Time,
    empty_rows,
    nested,
)
from mogplex_tui.api.models.hidden_fields import Hidden
from mogplex_tui.api.models.model_catalog import Tags
from mogplex_tui.api.request_checks import utf16_length
from mogplex_tui.config.secret import Secret


class RepoConnection(Inbound):
    """A connection that a repository uses: a global one, or its own (scope `project`)."""

    id: str
    name: Text = ""
    type: Text = ""
    scope: Text = ""
    repo_id: str | None = None
    is_enabled: Flag = False
    health_status: Text = ""
    base_url: str | None = None
    mcp_url: str | None = None
    mcp_transport: str | None = None
    auth_type: Text = ""
    description: str | None = None
    created_at: Time | None = None


class ConnectionOverride(Inbound):
    """The override by which a repository excludes a global connection."""

    id: str
    repo_id: str | None = None
    connection_id: Text = ""
    excluded: Flag = False
    created_at: Time | None = None


class RepoConnections(Inbound):
    """The connections of a repository, excluded ones too, and its overrides.

    `resolved_mcp_count` is the number of MCP servers that a run gets, at most 5. Contract: projects.md §4.1.
    """

    connections: Annotated[Rows[RepoConnection], nested(RepoConnection)] = empty_rows()
    overrides: Annotated[Rows[ConnectionOverride], nested(ConnectionOverride)] = empty_rows()
    resolved_mcp_count: Count = None

    @property
    def excluded_ids(self) -> frozenset[str]:
        """The ids of the excluded connections."""
        return frozenset(row.connection_id for row in self.overrides if row.excluded)


class RepoModel(Inbound):
    """A model that the repository may use, without prices."""

    id: str
    provider: Text = ""
    name: Text = ""
    context_length: Int64 | None = None
    capabilities: Tags = Field(default_factory=list)
    is_available: Flag = False
    is_hidden: Flag = False
    is_enabled: Flag = False


class ModelOverride(Inbound):
    """The override by which a repository excludes a model."""

    model_id: str
    excluded: Flag = False


class RepoModels(Inbound):
    """The models that a repository may use, by provider, and its overrides."""

    models: Annotated[Rows[RepoModel], nested(RepoModel)] = empty_rows()
    overrides: Annotated[Rows[ModelOverride], nested(ModelOverride)] = empty_rows()


class Source(StrEnum):
    """Origin of a rule or a skill of a repository."""

    GLOBAL = "global"
    REPO = "repo"


class RepoRule(Inbound):
    """A rule of a repository with its first 80 characters.

    With the source `repo`, the id is that of the override. The source of an excluded rule is empty.
    """

    id: str
    name: Text = ""
    content_preview: Text = ""
    source: Text = ""


class RepoRules(Inbound):
    """The rules of a repository, global ones first, and the excluded inherited rules."""

    rules: Annotated[Rows[RepoRule], nested(RepoRule)] = empty_rows()
    excluded_inherited: Annotated[Rows[RepoRule], nested(RepoRule)] = empty_rows()


class RepoSkill(Inbound):
    """A skill of a repository.

    With the source `repo`, the id is that of the override. The source of an excluded skill is empty.
    """

    id: str
    name: Text = ""
    description: str | None = None
    source: Text = ""


class RepoSkills(Inbound):
    """The skills of a repository, global ones first, and the excluded ones."""

    skills: Annotated[Rows[RepoSkill], nested(RepoSkill)] = empty_rows()
    excluded_inherited: Annotated[Rows[RepoSkill], nested(RepoSkill)] = empty_rows()


class LaunchPreset(Inbound):
    """Named branches and a directory to launch a sandbox from."""

    id: str
    user_id: str | None = None
    repo_id: str | None = None
    name: Text = ""
    root_directory: str | None = None
    base_branch: Text = ""
    working_branch: Text = ""
    create_branch: Flag = False
    created_at: Time | None = None
    updated_at: Time | None = None


class LaunchPresetDraft(Outbound):
    """A preset to save; one of the same name is replaced. At most 25 a repository.

    The name has 1 to 64 characters. `root_directory` None is the root of the repository.
    """

    name: str
    base_branch: Annotated[str, field_validators.branch(required=True)]
    working_branch: Annotated[str, field_validators.branch(required=True)]
    create_branch: bool = False
    root_directory: Annotated[str | None, field_validators.directory(None)] = None

    @field_validator("name")
    @classmethod
    def _check_name(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("Preset name is required")
        # The service would cut a longer name, and might replace another preset.
        if utf16_length(value.strip()) > 64:
            raise ValueError("A preset's name has at most 64 characters")
        return value.strip()

    @model_validator(mode="after")
    def _check_new_branch(self) -> "LaunchPresetDraft":
        if self.create_branch and self.working_branch == self.base_branch:
            raise ValueError("A new branch must have another name than its base")
        return self

    def body(self) -> dict[str, Any]:
        """Return the JSON body, in camelCase for this route."""
        return self.model_dump(by_alias=True)


class Package(Inbound):
    """A package of a monorepo. `has_space` says whether it is imported already."""

    path: str
    name: Text = ""
    has_package_json: Flag = False
    framework: str | None = None
    has_space: Flag = False


class Packages(Inbound):
    """Whether a repository is a monorepo, by which file, and its packages."""

    is_monorepo: Flag = False
    marker: str | None = None
    packages: Annotated[Rows[Package], nested(Package)] = Field(
        default_factory=Rows, validation_alias="workspaces"
    )


class ActionsSecret(Inbound):
    """The name of a GitHub Actions secret, without its value."""

    name: str
    created_at: Time | None = None
    updated_at: Time | None = None


class ActionsSecretDraft(OutboundSnake):
    """A secret to set. GitHub's names have upper-case letters, digits and underscores."""

    name: str
    value: Hidden

    @field_validator("name")
    @classmethod
    def _check_name(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("name and value are required")
        return value.strip()

    @field_validator("value")
    @classmethod
    def _check_value(cls, value: Secret) -> Secret:
        if not value:
            raise ValueError("name and value are required")
        return value

    def body(self) -> dict[str, Any]:
        """Return the JSON body, with the value in plain text."""
        return {"name": self.name, "value": self.value.reveal()}


class Snapshot(Inbound):
    """A prebuilt sandbox image, with its size in bytes and the provider's status.

    An image that was just built has no commit.
    """

    id: str
    status: Text = ""
    size_bytes: Int64 | None = None
    created_at: Time | None = None
    expires_at: Time | None = None
    commit_sha: str | None = None
    lockfile_hash: str | None = None
