"""GitHub installations, accounts, members and pull requests.

Contract: projects.md §7.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from mogplex_tui.api.models.base import Count, Inbound, Int64, Rows, Text, empty_rows, nested


class CoveredRepo(Inbound):
    """A repository that an installation covers."""

    id: str
    full_name: Text = ""


class Installation(Inbound):
    """An installation of the GitHub App.

    `id` is the id of the row, `installation_id` GitHub's number.
    """

    id: str
    installation_id: Int64 | None = None
    account_login: str | None = None
    account_type: str | None = None
    target_type: str | None = None
    repositories: Annotated[Rows[CoveredRepo], nested(CoveredRepo)] = empty_rows()
    repository_count: Count = None
    synced_repo_count: Count = None
    scope_label: Text = ""
    manage_url: str | None = None


class OrgMember(Inbound):
    """A member of an organization, with a public address if there is one."""

    login: str
    email: str | None = None


class OrgMembers(Inbound):
    """At most 1,000 members, and how many of them have no public address."""

    members: Annotated[Rows[OrgMember], nested(OrgMember)] = empty_rows()
    no_email_count: Count = None


class OwnerKind(StrEnum):
    """The kind of a GitHub account."""

    PERSONAL = "personal"
    ORG = "org"


class GithubOwner(Inbound):
    """An account in which a repository can be created.

    `source` is oauth, installation or both with a plus.
    """

    login: str
    kind: Text = ""
    github_installation_id: Int64 | None = None
    scope_label: Text = ""
    source: Text = ""


class GithubUser(Inbound):
    """The author of a pull request."""

    login: Text = ""


class Pull(Inbound):
    """An open pull request. The sizes are unknown for most."""

    number: Int64
    title: Text = ""
    state: Text = ""
    html_url: Text = ""
    user: GithubUser | None = None
    additions: Int64 | None = None
    deletions: Int64 | None = None
    changed_files: Int64 | None = None


class Pulls(Inbound):
    """Up to five open pull requests, the last changed first, and the diff of one.

    An empty result may also mean that GitHub could not be read: the service does not say. Contract: projects.md §7.
    """

    pulls: Annotated[Rows[Pull], nested(Pull)] = Field(default_factory=Rows)
    diff: str | None = None
