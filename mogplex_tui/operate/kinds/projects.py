"""Projects: repositories by workspace, with their activity (projects.md §3, §5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from mogplex_tui.api.route_access import Family
from mogplex_tui.live.reasons import PartialList, Requirement
from mogplex_tui.live.usage_by_owner import UNKNOWN, DayActivity, DayFigures
from mogplex_tui.operate import column_formats as formats
from mogplex_tui.operate import toggle_delete_actions
from mogplex_tui.operate.filters import quoted
from mogplex_tui.operate.kinds.assignments import AssignmentRow
from mogplex_tui.operate.model import (
    Action,
    Cell,
    Change,
    Creation,
    Fact,
    HiddenRows,
    Join,
    Kind,
    Layout,
    Link,
    Parameter,
    Related,
    RenderTime,
    Result,
    RowPage,
    Secrets,
    Source,
    Values,
    column,
    fact,
)
from mogplex_tui.operate.row_pages import page_of

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.repos import ImportedRepo
    from mogplex_tui.api.models.v1_catalogue import Repo
    from mogplex_tui.config.secret import Secret
    from mogplex_tui.live.collection import Entry
    from mogplex_tui.live.session import Session
    from mogplex_tui.live.store import RowSet
    from mogplex_tui.operate.kinds.sandboxes import SandboxRow

_SECRET_FIELDS = ("sandbox_env_vars", "webhook_secret")


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """A repository, or a directory of a repository that is a project of its own.

    `is_shared` tells whether other rows have the same name. `sandbox` is the state of the project's
    first sandbox. `assigned` is the number of assignments, and `schedules` the number of assignments
    with a schedule; both are None if not known.
    """

    id: str
    full_name: str
    root_directory: str | None
    default_branch: str | None
    installation_id: int | None
    is_shared: bool
    project: str | None = None
    is_favorite: bool | None = None
    is_hidden: bool | None = None
    parent_repo_id: str | None = None
    github_coverage_label: str | None = None
    github_coverage_detail: str | None = None
    install_command: str | None = None
    dev_command: str | None = None
    dev_port: int | None = None
    runtime: str | None = None
    snapshot_id: str | None = None
    env_vars: Mapping[str, Secret] = field(default_factory=dict)
    created_at: datetime | None = None
    sandbox: str | None = None
    assigned: int | None = None
    schedules: int | None = None
    day: DayFigures = UNKNOWN

    @property
    def owner(self) -> str:
        """The GitHub account that owns the repository."""
        return self.full_name.partition("/")[0]

    @property
    def name(self) -> str:
        """The name of the repository, followed by the project's directory.

        The directory distinguishes projects of one repository.
        """
        return f"{self.full_name} {self.root_directory or ''}".strip()

    @property
    def cost_24h(self) -> Decimal | str | None:
        """The project's cost in the last 24 hours, or the reason why it is not known."""
        return self.day.cost_missing if self.day.cost is None else self.day.cost


def _row(repo: ImportedRepo, is_shared: bool) -> ProjectRow:
    return ProjectRow(
        id=repo.id,
        full_name=repo.full_name,
        root_directory=repo.root_directory,
        default_branch=repo.default_branch,
        installation_id=repo.github_installation_id,
        is_shared=is_shared,
        project=None if repo.workspace is None else repo.workspace.name,
        is_favorite=repo.is_favorite,
        is_hidden=repo.is_hidden,
        parent_repo_id=repo.parent_repo_id,
        github_coverage_label=repo.github_coverage_label,
        github_coverage_detail=repo.github_coverage_detail,
        install_command=repo.install_command,
        dev_command=repo.dev_command,
        dev_port=repo.dev_port,
        runtime=repo.runtime,
        snapshot_id=repo.snapshot_id,
        env_vars=repo.sandbox_env_vars,
        created_at=repo.created_at,
    )


def _short_row(repo: Repo, is_shared: bool) -> ProjectRow:
    return ProjectRow(
        id=repo.id,
        full_name=repo.full_name,
        root_directory=repo.root_directory,
        default_branch=repo.default_branch,
        installation_id=repo.installation_id,
        is_shared=is_shared,
    )


async def _read_imported(client: ClientView, *, show_hidden: bool) -> RowPage[ProjectRow]:
    repos = await client.imported_repos.list(show_hidden=show_hidden)
    names = Counter(repo.full_name for repo in repos)
    return page_of(
        repos,
        lambda repo: _row(repo, names[repo.full_name] > 1),
        lambda row: row.id,
        hide=_SECRET_FIELDS,
    )


async def _read(client: ClientView, _: Session) -> RowPage[ProjectRow]:
    return await _read_imported(client, show_hidden=False)


async def _read_with_hidden(client: ClientView) -> RowPage[ProjectRow]:
    return await _read_imported(client, show_hidden=True)


async def _read_short(client: ClientView, _: Session) -> RowPage[ProjectRow]:
    repos = await client.repos.list()
    names = Counter(repo.full_name for repo in repos)
    return page_of(repos, lambda repo: _short_row(repo, names[repo.full_name] > 1), lambda row: row.id)


def _fill(session: Session) -> Callable[[ProjectRow], ProjectRow]:
    sandboxes: dict[str, str] = {}
    sandbox_rows: RowSet[Entry[SandboxRow]] = session.store.set("sandboxes")
    for entry in sandbox_rows.rows.values():
        if entry.row is not None and entry.row.repo_id:
            sandboxes.setdefault(entry.row.repo_id, entry.row.status)
    assignments: RowSet[Entry[AssignmentRow]] = session.store.set("assignments")
    rows = [entry.row for entry in assignments.rows.values() if entry.row is not None]
    assigned = Counter(row.assignment.repo_id for row in rows)
    scheduled = Counter(row.assignment.repo_id for row in rows if row.assignment.cron_schedule)
    all_are_known = assignments.freshness.as_of is not None and session.may_request(Family.ASSIGNMENTS)
    activity = DayActivity(session, lambda run: run.repo_id)

    def fill(row: ProjectRow) -> ProjectRow:
        is_known = all_are_known or assigned[row.id] > 0
        return replace(
            row,
            sandbox=sandboxes.get(row.id),
            assigned=assigned[row.id] if is_known else None,
            schedules=scheduled[row.id] if is_known else None,
            day=activity.of(row.id),
        )

    return fill


def _link_to(kind: str) -> Link[ProjectRow]:
    """Return a link from a project to a kind's list, filtered by its repository.

    If other projects have the same name, the filter also has the beginning of the repository's
    id.
    """

    def filter_text(row: ProjectRow) -> str:
        id_term = f" project:{row.id[:8]}" if row.is_shared else ""
        return f"repo:={quoted(row.full_name)}{id_term}"

    return Link(kind, kind, lambda _: f"all {kind}", filter=filter_text)


def _full_name(text: str) -> str:
    owner, slash, name = text.strip().partition("/")
    if not (owner and slash and name) or "/" in name:
        raise ValueError("A repository is named owner/name.")
    return text.strip()


FULL_NAME = Parameter("full_name", "repository on GitHub, as owner/name", _full_name, positional=True)


async def _import(client: ClientView, values: Values) -> Result:
    from mogplex_tui.api.models.repos import RepoDraft

    repo = await client.imported_repos.add(RepoDraft(full_name=values[FULL_NAME]))
    sentence = "{} is imported."
    if repo.github_installation_id is None:
        # If the App covers any repository, the list leaves out the others (projects.md §3.2).
        sentence += (
            " The GitHub App does not cover it, so the list may leave it out: add it to the App on GitHub."
        )
    return Result(True, sentence, new_id=repo.id)


async def _sync(client: ClientView, _: Values) -> Result:
    repos = await client.github.sync()
    return Result(True, f"Synced with GitHub: {len(repos)} repositories.")


async def _hide(change: Change[ProjectRow], is_hidden: bool) -> None:
    from mogplex_tui.api.models.repos import RepoUpdate

    await change.client.imported_repos.update(change.key, RepoUpdate(is_hidden=is_hidden))


async def _mark(change: Change[ProjectRow], is_favorite: bool) -> None:
    from mogplex_tui.api.models.repos import RepoUpdate

    await change.client.imported_repos.update(change.key, RepoUpdate(is_favorite=is_favorite))


_ACTIONS: Sequence[Action[ProjectRow]] = (
    Action(
        "hide",
        "",
        "Hide the repository from lists",
        lambda change: _hide(change, True),
        in_progress="hiding",
        help_has_title=True,
        families=(Family.REPOS,),
        done="{} is hidden.",
        unavailable_reason=lambda row: "It is hidden already." if row.is_hidden else None,
        is_bulk=True,
    ),
    Action(
        "show",
        "",
        "Show a hidden repository in lists again",
        lambda change: _hide(change, False),
        in_progress="showing",
        help_has_title=True,
        families=(Family.REPOS,),
        done="{} is listed again.",
        unavailable_reason=lambda row: None if row.is_hidden else "It is not hidden.",
        is_bulk=True,
    ),
    Action(
        "favorite",
        "",
        "Add to the favorites, which are listed first",
        lambda change: _mark(change, True),
        in_progress="marking",
        families=(Family.REPOS,),
        done="{} is a favourite.",
        unavailable_reason=lambda row: "It is a favourite already." if row.is_favorite else None,
        is_bulk=True,
    ),
    Action(
        "unfavorite",
        "",
        "Remove from the favorites",
        lambda change: _mark(change, False),
        in_progress="unmarking",
        families=(Family.REPOS,),
        done="{} is no longer a favourite.",
        unavailable_reason=lambda row: None if row.is_favorite else "It is not a favourite.",
        is_bulk=True,
    ),
    Action(
        "snapshot",
        "",
        "Build the base image of the project's sandboxes (takes minutes)",
        lambda change: change.client.imported_repos.build_snapshot(change.key),
        in_progress="building",
        families=(Family.REPOS,),
        done="The snapshot of {name} is built.",
    ),
    toggle_delete_actions.delete(
        lambda change: change.client.imported_repos.delete(change.key),
        "Its assignments, presets and sandboxes are deleted too.",
        Family.REPOS,
    ),
)


def _shown_name(row: ProjectRow, _: RenderTime) -> Cell:
    return Cell(f"{row.name} (hidden)" if row.is_hidden else row.name)


KIND = Kind[ProjectRow](
    name="projects",
    title="Projects",
    noun="repository",
    aliases=("project", "repos", "repo", "pr"),
    contract="projects.md §3, §5; v1.md §1",
    sources=(
        Source(Family.REPOS, _read, poll=90, poll_without_realtime=45, tables=frozenset({"repos"})),
        Source(
            Family.V1,
            _read_short,
            poll=120,
            poll_without_realtime=60,
            tables=frozenset({"repos"}),
            notice=PartialList(
                "visible repositories",
                Requirement("projects, GitHub coverage, hidden repositories and assignments"),
            ),
            hides=frozenset({"project", "github", "assigned", "cron"}),
        ),
    ),
    hidden=HiddenRows("show-hidden", "include hidden repositories", Family.REPOS, _read_with_hidden),
    secrets=Secrets("sandbox_env_vars", lambda row: row.env_vars),
    join=Join(
        _fill,
        {
            "sandboxes": Related(columns=("sandbox",)),
            "assignments": Related(columns=("assigned", "cron")),
            "runs": Related(columns=("runs", "cost")),
        },
    ),
    columns=(
        column(
            "repo",
            "REPO",
            lambda row: row.name,
            formats.text(),
            Layout(24, flex=2, min_width=20, cut="middle"),
            field="full_name",
            is_text=True,
            show=_shown_name,
        ),
        column(
            "project",
            "PROJECT",
            lambda row: row.project,
            formats.text("dim"),
            Layout(16, 1, flex=1, min_width=10),
            field="workspace",
            is_text=True,
        ),
        column(
            "branch",
            "BRANCH",
            lambda row: row.default_branch,
            formats.text("dim"),
            Layout(10, 4),
            field="default_branch",
            is_text=True,
        ),
        column("sandbox", "SANDBOX", lambda row: row.sandbox, formats.state(), Layout(12, 1), is_text=True),
        column(
            "github",
            "GITHUB",
            lambda row: row.github_coverage_label,
            formats.text("dim"),
            Layout(14, 3),
            field="github_coverage_label",
            is_text=True,
        ),
        column("assigned", "ASSIGNED", lambda row: row.assigned, formats.count(), Layout(8, 2)),
        column("cron", "CRON", lambda row: row.schedules, formats.count(), Layout(4, 3)),
        formats.at_least(
            column(
                "runs", "RUNS 24H", lambda row: row.day.runs, formats.count(), Layout(8), field="runs_24h"
            ),
            lambda row: row.day.is_partial,
        ),
        formats.at_least(
            column("cost", "COST 24H", lambda row: row.day.cost, formats.MONEY, Layout(8), field="cost_24h"),
            lambda row: row.day.is_cost_partial,
        ),
    ),
    hidden_filters={
        "fullname": lambda row: row.full_name,
        "owner": lambda row: row.owner,
        "rootdirectory": lambda row: row.root_directory,
        "favorite": lambda row: "yes" if row.is_favorite else "no",
        "hidden": lambda row: "yes" if row.is_hidden else "no",
    },
    label=lambda row: row.name,
    is_quiet=lambda row: bool(row.is_hidden),
    default_sort=lambda row: (
        formats.sort_key(row.project),
        formats.sort_key(row.full_name),
        formats.sort_key(row.root_directory),
    ),
    facts=(
        (
            Fact("repo", lambda row: row.full_name),
            Fact("root directory", lambda row: row.root_directory),
            Fact("branch", lambda row: row.default_branch),
            Fact("project", lambda row: row.project),
        ),
        (
            Fact("GitHub", lambda row: row.github_coverage_label),
            Fact("detail", lambda row: row.github_coverage_detail),
            Fact(
                "installation", lambda row: None if row.installation_id is None else str(row.installation_id)
            ),
        ),
        (
            fact("sandbox", lambda row: row.sandbox, formats.state()),
            Fact("assignments", lambda row: row.assigned),
            Fact("schedules", lambda row: row.schedules),
        ),
        (
            Fact("runs 24 h", lambda row: row.day.runs),
            Fact("cost 24 h", lambda row: row.cost_24h),
            Fact("counted since", lambda row: row.day.complete_from, optional=True),
        ),
        (
            Fact("install", lambda row: row.install_command),
            Fact("dev server", lambda row: row.dev_command),
            Fact("port", lambda row: None if row.dev_port is None else str(row.dev_port)),
            Fact("runtime", lambda row: row.runtime),
            Fact("snapshot", lambda row: row.snapshot_id),
        ),
        (Fact("imported", lambda row: row.created_at),),
    ),
    links=(
        Link("parent", "projects", lambda row: row.full_name, key=lambda row: row.parent_repo_id),
        *map(_link_to, ("runs", "sandboxes", "assignments", "jobs")),
    ),
    page_in_browser=lambda row: f"https://github.com/{row.full_name}",
    creations=(
        Creation(
            "import",
            "",
            "Import a repository by name",
            (FULL_NAME,),
            lambda values: values.text(FULL_NAME),
            _import,
            in_progress="importing",
            families=(Family.REPOS,),
            help_has_title=True,
        ),
        Creation(
            "sync",
            "",
            "Import all repositories that the GitHub App can access",
            (),
            lambda _: "the list of repositories",
            _sync,
            in_progress="syncing",
            families=(Family.GITHUB,),
            makes_record=False,
        ),
    ),
    actions=tuple(_ACTIONS),
    created_at=lambda row: row.created_at,
    empty="No repositories. Connect GitHub in the browser, under Projects.",
    needs=Requirement("repositories", accepts_token=True),
)
