"""Installations of the GitHub App and their repositories (projects.md §7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mogplex_tui.api.route_access import Family
from mogplex_tui.live.reasons import Requirement
from mogplex_tui.operate import change_results
from mogplex_tui.operate import column_formats as formats
from mogplex_tui.operate.filters import quoted
from mogplex_tui.operate.model import (
    Action,
    Change,
    Fact,
    Join,
    Kind,
    Layout,
    Link,
    Result,
    RowPage,
    Source,
    TextBlock,
    column,
)
from mogplex_tui.operate.row_pages import page_of

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.github import Installation
    from mogplex_tui.live.session import Session


@dataclass(frozen=True, slots=True)
class InstallationRow:
    """An installation of the GitHub App, with its repositories.

    `repos` are the ids and names of the repositories. `repo_names` have distinct names for
    sub-projects of one repository.
    """

    id: str
    installation_id: str | None
    account_login: str | None
    account_type: str | None
    scope_label: str
    repository_count: int | None
    synced_repo_count: int | None
    manage_url: str | None
    repos: tuple[tuple[str, str], ...]
    repo_names: tuple[str, ...] = ()

    @property
    def missing(self) -> int | None:
        """The number of the installation's repositories that were not imported.

        None if the service does not report the counts.
        """
        if self.repository_count is None or self.synced_repo_count is None:
            return None
        return max(0, self.repository_count - self.synced_repo_count)


def _row(installation: Installation) -> InstallationRow:
    return InstallationRow(
        id=installation.id,
        installation_id=None if installation.installation_id is None else str(installation.installation_id),
        account_login=installation.account_login,
        account_type=installation.account_type,
        scope_label=installation.scope_label,
        repository_count=installation.repository_count,
        synced_repo_count=installation.synced_repo_count,
        manage_url=installation.manage_url,
        repos=tuple((repo.id, repo.full_name) for repo in installation.repositories),
    )


async def _read(client: ClientView, _: Session) -> RowPage[InstallationRow]:
    return page_of(await client.github.installations(), _row, lambda row: row.id)


def _fill(session: Session) -> Callable[[InstallationRow], InstallationRow]:
    names = session.names.visible_names()
    return lambda row: replace(row, repo_names=tuple(names.get(key, name) for key, name in row.repos))


async def _sync(change: Change[InstallationRow]) -> Result:
    return Result(*change_results.sync_result(await change.client.github.sync()))


KIND = Kind[InstallationRow](
    name="installations",
    title="GitHub installations",
    noun="installation",
    aliases=("installation", "github", "gh", "in"),
    contract="projects.md §7",
    sources=(
        Source(
            Family.GITHUB,
            _read,
            poll=300,
            poll_without_realtime=120,
            tables=frozenset({"github_installations"}),
        ),
    ),
    join=Join(_fill, names=True),
    columns=(
        column(
            "account",
            "ACCOUNT",
            lambda row: row.account_login,
            formats.text(),
            Layout(20, flex=1, min_width=12),
            field="account_login",
            is_text=True,
        ),
        column(
            "type",
            "TYPE",
            lambda row: row.scope_label,
            formats.text("dim"),
            Layout(8, 2),
            field="scope_label",
            is_text=True,
        ),
        column(
            "repos",
            "REPOS",
            lambda row: row.repository_count,
            formats.count(),
            Layout(5),
            field="repository_count",
        ),
        column(
            "imported",
            "IMPORTED",
            lambda row: row.synced_repo_count,
            formats.count(),
            Layout(8),
            field="synced_repo_count",
        ),
        column("missing", "MISSING", lambda row: row.missing, formats.count(), Layout(7, 1)),
        column(
            "installation",
            "INSTALLATION",
            lambda row: row.installation_id,
            formats.text("dim"),
            Layout(12, 3),
            field="installation_id",
            is_text=True,
        ),
    ),
    hidden_filters={"names": lambda row: row.repo_names, "what": lambda row: row.scope_label},
    label=lambda row: row.account_login or row.installation_id or "",
    default_sort="account",
    facts=(
        (
            Fact("account", lambda row: row.account_login),
            Fact("type", lambda row: row.account_type or row.scope_label),
            Fact("installation", lambda row: row.installation_id),
        ),
        (
            Fact("repositories", lambda row: row.repository_count),
            Fact("imported", lambda row: row.synced_repo_count),
            Fact("not imported", lambda row: row.missing),
        ),
        (Fact("managed at", lambda row: row.manage_url),),
    ),
    links=(
        Link(
            "repos",
            "projects",
            lambda _: "all repositories",
            filter=lambda row: f"owner:={quoted(row.account_login)}" if row.account_login else None,
        ),
        Link(
            "triggers",
            "triggers",
            lambda _: "all triggers",
            filter=lambda row: f"installation:={row.installation_id}" if row.installation_id else None,
        ),
    ),
    texts=(TextBlock("Repositories", lambda row: "\n".join(row.repo_names)),),
    page_in_browser=lambda row: row.manage_url or "/projects/repositories",
    actions=(
        Action(
            "sync",
            "R",
            "Import repositories from GitHub; nothing is deleted",
            _sync,
            in_progress="syncing",
            families=(Family.GITHUB,),
        ),
    ),
    empty="The GitHub App is not installed. Install it in the browser, under Projects.",
    needs=Requirement("GitHub installations"),
)
