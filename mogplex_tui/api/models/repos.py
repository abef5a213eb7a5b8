"""Repositories that the account has imported.

Contract: projects.md §2 and §3.
"""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, field_validator

from mogplex_tui.api.env_quoting import quoted_env_value
from mogplex_tui.api.models import field_validators
from mogplex_tui.api.models.base import Flag, Int64, OutboundSnake, Text, Time
from mogplex_tui.api.models.hidden_fields import Hidden, HiddenMap
from mogplex_tui.api.models.projects import Owned, Project
from mogplex_tui.api.request_checks import path_id

SHORTEST_LIFE_MS = 600_000
LONGEST_LIFE_MS = 18_000_000


class Runtime(StrEnum):
    """The runtimes that a sandbox can have.

    The service detects the runtime of a repository that has no setting for it.
    """

    NODE22 = "node22"
    NODE24 = "node24"
    PYTHON313 = "python3.13"


class EnvSync(StrEnum):
    """Where the service sets the environment variables of a repository.

    It sets them only in sandboxes, or in sandboxes and in preview deployments.
    """

    SANDBOX_ONLY = "sandbox-only"
    SANDBOX_AND_PREVIEW = "sandbox-and-preview"


class GithubAccess(StrEnum):
    """Whether the installed GitHub App has access to a repository."""

    APP_COVERED = "app_covered"
    SYNCED_ONLY = "synced_only"


class RepoRecord(Owned):
    """An imported repository: one GitHub repository at one root directory.

    It belongs to a user or a team. If `root_directory` is None, it is the root of the GitHub
    repository. If `parent_repo_id` is set, the record is a sub-project: a directory of another
    imported repository. `repr` does not show variables and the webhook secret. The timeouts of
    sandboxes stored here have no effect; the timeouts of the project apply.
    """

    id: str
    workspace_id: str | None = None
    github_id: Int64 | None = None
    github_installation_id: Int64 | None = None
    full_name: Text = ""
    owner: str | None = None
    name: str | None = None
    default_branch: str | None = None
    root_directory: str | None = None
    is_monorepo: Flag = False
    parent_repo_id: str | None = None
    is_favorite: Flag = False
    is_hidden: Flag = False
    install_command: str | None = None
    dev_command: str | None = None
    dev_port: Int64 | None = None
    dev_port_auto: bool | None = None
    runtime: str | None = None
    sandbox_timeout_ms: Int64 | None = None
    sandbox_idle_timeout_ms: Int64 | None = None
    sandbox_env_vars: HiddenMap = Field(default_factory=dict)
    env_sync_mode: Text = ""
    sandbox_billing_target: Text = ""
    sandbox_billing_mode_override: str | None = None
    vercel_project_id: str | None = None
    vercel_team_id: str | None = None
    vercel_link_status: Text = ""
    vercel_link_error_code: str | None = None
    vercel_link_checked_at: Time | None = None
    vercel_link_message: str | None = None
    snapshot_id: str | None = None
    snapshot_commit_sha: str | None = None
    snapshot_lockfile_hash: str | None = None
    snapshot_created_at: Time | None = None
    snapshot_billing_source: str | None = None
    snapshot_billing_project_id: str | None = None
    snapshot_billing_team_id: str | None = None
    webhook_secret: Hidden | None = None
    created_at: Time | None = None

    @property
    def label(self) -> str:
        """The name to show: the full name, followed by the root directory if it is set."""
        return f"{self.full_name} {self.root_directory}" if self.root_directory else self.full_name

    def matches(self, text: str) -> bool:
        """Return whether the names, the branch or the directory contain a search term.

        The service offers no search, so this is the search of the web application.
        Contract: projects.md §3.2.
        """
        parts = (self.full_name, self.owner, self.name, self.default_branch, self.root_directory)
        return text.strip().lower() in " ".join(part for part in parts if part).lower()


class ImportedRepo(RepoRecord):
    """An imported repository with its project and its access by the GitHub App."""

    workspace: Project | None = None
    github_has_app_installation: Flag = False
    github_app_covered: Flag = False
    github_triggerable: Flag = False
    github_access_state: Text = ""
    github_coverage_label: Text = ""
    github_coverage_detail: Text = ""


class _RepoFields(OutboundSnake):
    """Base class of the requests that import or change a repository.

    Invalid values raise InvalidInput, because the service would silently replace them.
    """

    default_branch: str | None = None
    root_directory: Annotated[str | None, field_validators.directory(None)] = None
    install_command: str | None = None
    dev_command: str | None = None
    dev_port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    dev_port_auto: bool | None = None
    runtime: str | None = None
    sandbox_timeout_ms: Annotated[int, Field(ge=SHORTEST_LIFE_MS, le=LONGEST_LIFE_MS)] | None = None
    env_sync_mode: str | None = None
    sandbox_env_vars: HiddenMap | None = None
    sandbox_billing_mode_override: str | None = None
    is_favorite: bool | None = None

    @field_validator("default_branch")
    @classmethod
    def _check_branch(cls, value: str | None) -> str | None:
        # The service would take a blank name for main.
        if value is None or not value.strip():
            raise ValueError("Name the default branch")
        return value.strip()

    @field_validator("dev_port", "dev_port_auto", "is_favorite", "env_sync_mode", "sandbox_env_vars")
    @classmethod
    def _check_not_empty(cls, value: Any) -> Any:
        # The service would take null for its default, but an unset field must stay as it is.
        if value is None:
            raise ValueError("This cannot be empty; leave it out to keep it")
        return value

    @field_validator("runtime")
    @classmethod
    def _check_runtime(cls, value: str | None) -> str | None:
        if value is not None and value not in tuple(Runtime):
            raise ValueError(f"The runtime must be {', '.join(Runtime)} or none")
        return value

    @field_validator("env_sync_mode")
    @classmethod
    def _check_sync(cls, value: str | None) -> str | None:
        if value not in tuple(EnvSync):
            raise ValueError(f"Variables are synchronised {' or '.join(EnvSync)}")
        return value

    @field_validator("sandbox_billing_mode_override")
    @classmethod
    def _check_billing(cls, value: str | None) -> str | None:
        if value not in (None, "platform"):
            raise ValueError("The billing mode must be platform or none")
        return value

    @field_validator("sandbox_env_vars")
    @classmethod
    def _check_names(cls, value: dict[str, Any]) -> dict[str, Any]:
        names = [name.strip() for name in value]
        if "" in names:
            raise ValueError("A variable has no name")
        if len(set(names)) < len(names):
            raise ValueError("Two variables have the same name")
        return dict(zip(names, value.values(), strict=True))

    def body(self) -> dict[str, Any]:
        """Return the JSON body with the fields that were set, nulls included.

        The values of variables are in plain text.
        """
        body = self.model_dump(exclude_unset=True, exclude={"sandbox_env_vars"})
        if self.sandbox_env_vars is not None:
            body["sandbox_env_vars"] = {
                name: quoted_env_value(value.reveal()) for name, value in self.sandbox_env_vars.items()
            }
        return body


class RepoDraft(_RepoFields):
    """A repository to import.

    If `workspace_id` is None, it is imported into the account's default project.
    Contract: projects.md §3.4.
    """

    full_name: str
    github_id: Int64 | None = None
    owner: str | None = None
    name: str | None = None
    workspace_id: str | None = None

    @field_validator("full_name")
    @classmethod
    def _check_full_name(cls, value: str) -> str:
        owner, slash, name = value.strip().partition("/")
        if not (owner and slash and name) or "/" in name:
            raise ValueError("A repository is named owner/name")
        return value.strip()

    @field_validator("workspace_id")
    @classmethod
    def _check_project(cls, value: str | None) -> str | None:
        return None if value is None else path_id(value, "project")


class RepoUpdate(_RepoFields):
    """A change of a repository; fields that are not set keep their values.

    `sandbox_env_vars` replaces all variables. No route can change the project of a repository.
    Contract: projects.md §3.5.
    """

    is_hidden: bool | None = None

    @field_validator("is_hidden")
    @classmethod
    def _check_hidden(cls, value: bool | None) -> bool:
        if value is None:
            raise ValueError("This cannot be empty; leave it out to keep it")
        return value
