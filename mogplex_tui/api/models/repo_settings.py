"""Connections, models, rules, skills, presets and secrets of one repository.

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
    """A connection that a repository uses.

    Its scope is `global`, or `project` if the connection belongs to the repository alone.
    """

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
    """The setting of a repository whether it excludes a certain global connection."""

    id: str
    repo_id: str | None = None
    connection_id: Text = ""
    excluded: Flag = False
    created_at: Time | None = None


class RepoConnections(Inbound):
    """The connections of a repository, including those that it excludes.

    `overrides` says which connections are excluded. `resolved_mcp_count` is the number of MCP
    servers that a run on the repository can use, at most 5. Contract: projects.md §4.1.
    """

    connections: Annotated[Rows[RepoConnection], nested(RepoConnection)] = empty_rows()
    overrides: Annotated[Rows[ConnectionOverride], nested(ConnectionOverride)] = empty_rows()
    resolved_mcp_count: Count = None

    @property
    def excluded_ids(self) -> frozenset[str]:
        """The ids of the connections that the repository excludes."""
        return frozenset(row.connection_id for row in self.overrides if row.excluded)


class RepoModel(Inbound):
    """A model that a repository may use, without prices."""

    id: str
    provider: Text = ""
    name: Text = ""
    context_length: Int64 | None = None
    capabilities: Tags = Field(default_factory=list)
    is_available: Flag = False
    is_hidden: Flag = False
    is_enabled: Flag = False


class ModelOverride(Inbound):
    """The setting of a repository whether it excludes a certain model."""

    model_id: str
    excluded: Flag = False


class RepoModels(Inbound):
    """The models that a repository may use, sorted by provider.

    `overrides` says which models the repository excludes.
    """

    models: Annotated[Rows[RepoModel], nested(RepoModel)] = empty_rows()
    overrides: Annotated[Rows[ModelOverride], nested(ModelOverride)] = empty_rows()


class Source(StrEnum):
    """The place where a rule or a skill is defined: globally or in one repository."""

    GLOBAL = "global"
    REPO = "repo"


class RepoRule(Inbound):
    """A rule that applies to a repository, or that the repository excludes.

    `content_preview` is the first 80 characters of the rule. `source` is `global` or `repo`, or
    empty for an excluded rule. If it is `repo`, `id` is the id of the repository's override, not of
    a rule.
    """

    id: str
    name: Text = ""
    content_preview: Text = ""
    source: Text = ""


class RepoRules(Inbound):
    """The rules that apply to a repository, and the rules that it excludes.

    Global rules come before the rules of the repository.
    """

    rules: Annotated[Rows[RepoRule], nested(RepoRule)] = empty_rows()
    excluded_inherited: Annotated[Rows[RepoRule], nested(RepoRule)] = empty_rows()


class RepoSkill(Inbound):
    """A skill that a repository uses, or that the repository excludes.

    `source` is `global` or `repo`, or empty for an excluded skill. If it is `repo`, `id` is the id
    of the repository's override, not of a skill.
    """

    id: str
    name: Text = ""
    description: str | None = None
    source: Text = ""


class RepoSkills(Inbound):
    """The skills that a repository uses, and the skills that it excludes.

    Global skills come before the skills of the repository.
    """

    skills: Annotated[Rows[RepoSkill], nested(RepoSkill)] = empty_rows()
    excluded_inherited: Annotated[Rows[RepoSkill], nested(RepoSkill)] = empty_rows()


class LaunchPreset(Inbound):
    """Stored branches and a root directory with which sandboxes are launched."""

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
    """A launch preset to save; it replaces a preset with the same name.

    A repository has at most 25 presets. The name has 1 to 64 characters. If `root_directory` is
    None, sandboxes start in the root of the repository.
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
        """Return the JSON body, whose names are in camelCase."""
        return self.model_dump(by_alias=True)


class Package(Inbound):
    """A package of a monorepo.

    `is_imported` says whether its directory was imported as a repository of its own.
    """

    path: str
    name: Text = ""
    has_package_json: Flag = False
    framework: str | None = None
    is_imported: Flag = Field(default=False, validation_alias="has_space")


class Packages(Inbound):
    """Whether a repository is a monorepo, and the packages in it.

    `marker` is the name of the file by which the service recognized the monorepo.
    """

    is_monorepo: Flag = False
    marker: str | None = None
    packages: Annotated[Rows[Package], nested(Package)] = Field(
        default_factory=Rows, validation_alias="workspaces"
    )


class ActionsSecret(Inbound):
    """A GitHub Actions secret of a repository, without its value."""

    name: str
    created_at: Time | None = None
    updated_at: Time | None = None


class ActionsSecretDraft(OutboundSnake):
    """A GitHub Actions secret to set.

    On GitHub, names consist of upper-case letters, digits and underscores.
    """

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
    """A prebuilt sandbox image of a repository.

    `status` is the status that the sandbox provider reports. `commit_sha` is None for an image that
    was just built.
    """

    id: str
    status: Text = ""
    size_bytes: Int64 | None = None
    created_at: Time | None = None
    expires_at: Time | None = None
    commit_sha: str | None = None
    lockfile_hash: str | None = None
