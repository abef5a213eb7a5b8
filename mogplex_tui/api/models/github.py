"""GitHub installations, accounts, organization members and pull requests.

Contract: projects.md §7.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from mogplex_tui.api.models.base import Count, Inbound, Int64, Rows, Text, empty_rows, nested


class CoveredRepo(Inbound):
    """A repository to which an installation of the GitHub App has access."""

    id: str
    full_name: Text = ""


class Installation(Inbound):
    """An installation of the GitHub App.

    `id` is the service's id of the installation; `installation_id` is the number that GitHub has
    given it.
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
    """A member of a GitHub organization.

    `email` is None if the member has no public address.
    """

    login: str
    email: str | None = None


class OrgMembers(Inbound):
    """Up to 1,000 members of a GitHub organization.

    `no_email_count` is the number of members who have no public e-mail address.
    """

    members: Annotated[Rows[OrgMember], nested(OrgMember)] = empty_rows()
    no_email_count: Count = None


class OwnerKind(StrEnum):
    """The kind of a GitHub account."""

    PERSONAL = "personal"
    ORG = "org"


class GithubOwner(Inbound):
    """A GitHub account in which the user can create a repository.

    `source` says how the service knows it: `oauth`, `installation`, or both joined with a plus
    sign.
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
    """An open pull request.

    For most pull requests the service leaves out the numbers of changed lines and files.
    """

    number: Int64
    title: Text = ""
    state: Text = ""
    html_url: Text = ""
    user: GithubUser | None = None
    additions: Int64 | None = None
    deletions: Int64 | None = None
    changed_files: Int64 | None = None


class Pulls(Inbound):
    """Up to five open pull requests, and the diff of one of them.

    The last changed pull request comes first. The result is also empty if the service could not
    read from GitHub; this cannot be told from a repository without pull requests.
    Contract: projects.md §7.
    """

    pulls: Annotated[Rows[Pull], nested(Pull)] = Field(default_factory=Rows)
    diff: str | None = None
