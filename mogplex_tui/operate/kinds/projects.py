"""Projects: repositories grouped by workspace, with what works on them and what they cost (projects.md §3, §5)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live.around import Around
from mogplex_tui.operate.filters import quoted
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds import parts as p
from mogplex_tui.operate.kinds.base import Kind, Lender, dressed, listed, road

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.collection import Item, Listing, Read
    from mogplex_tui.live.session import Session


def _dress(repo: Any, shared: bool) -> dict[str, Any]:
    project = getattr(getattr(repo, "workspace", None), "name", None)
    # Sub-projects share the repository's name: their directory tells them apart.
    owner = repo.full_name.partition("/")[0]
    called = f"{repo.full_name} {repo.root_directory or ''}".strip()
    return dressed(repo, project=project, owner=owner, called=called, shared=shared)


def _reading(call: Callable[[ClientView], Awaitable[Any]]) -> Read:
    async def read(client: ClientView, _: Session) -> Listing:
        repos = await call(client)
        often = Counter(repo.full_name for repo in repos)
        return listed(repos, dress=lambda repo: _dress(repo, often[repo.full_name] > 1))

    return read


def _its(kind: str) -> p.Way:
    """The way to what belongs to the project; where others share its name, the beginning of its id tells it apart."""

    def narrowed(item: Item) -> str | None:
        apart = " project:{id:8}" if c.value(item, "shared") else ""
        return c.filled(item, f"repo:={{full_name}}{apart}", quoted)

    return p.among(kind, kind, f"its {kind}", narrowed)


def _lent(session: Session) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    around = Around(session)
    return lambda repo: around.of(repo["id"])


KIND = Kind(
    name="projects",
    title="Projects",
    noun="repository",
    aliases=("project", "repos", "repo", "pr"),
    contract="projects.md §3, §5; v1.md §1",
    roads=(
        road(
            Family.REPOS,
            _reading(lambda client: client.imported_repos.list()),
            "repos",
            every=90,
            blind=45,
        ),
        road(Family.V1, _reading(lambda client: client.repos.list()), "repos", every=120, blind=60).hiding(
            p.token_shows(
                "visible repositories", "projects, GitHub coverage, hidden repositories and assignments"
            ),
            "project github assigned cron",
        ),
    ),
    beside={
        "sandboxes": Lender("sandbox"),
        "assignments": Lender("assigned cron"),
        "runs": Lender("runs cost"),
    },
    lend=_lent,
    fields=(
        c.text("called", "REPO", 24, key="repo", flex=2, min_width=20, cut="middle"),
        c.text("project", "PROJECT", 16, "dim", priority=1, flex=1, min_width=10),
        c.text("default_branch", "BRANCH", 10, "dim", key="branch", priority=4),
        c.state("sandbox", "SANDBOX", 12, priority=1),
        c.text("github_coverage_label", "GITHUB", 14, "dim", key="github", priority=3),
        c.count("assigned", "ASGN", 4, priority=2),
        c.count("schedules", "CRON", 4, key="cron", priority=3),
        c.at_least(c.count("runs_day", "RUNS 24H", 8, key="runs", priority=0), "day_is_cut"),
        c.at_least(c.money("cost_day", "COST 24H", key="cost", priority=0), "cost_is_cut"),
    ),
    search=c.searching("full_name owner root_directory"),
    default_sort=c.by("project", "full_name", "root_directory"),
    descending=False,
    label=c.named("{called}"),
    facts=c.groups(
        "repo: full_name; root: root_directory; branch: default_branch; project",
        "GitHub: github_coverage_label; detail: github_coverage_detail;"
        " installation: github_installation_id|installation_id",
        "sandbox: sandbox as state; assigned; schedules",
        "runs 24 h: runs_day; cost 24 h: cost_day|cost_missing; counted from?: counted_from",
        "install: install_command; dev server: dev_command; port: dev_port; runtime; snapshot: snapshot_id",
        "imported: created_at",
    ),
    links=p.links(
        p.to("projects", "part of", "parent_repo_id", "full_name"),
        *map(_its, ("runs", "sandboxes", "assignments", "jobs")),
    ),
    url=lambda item: f"https://github.com/{c.value(item, 'full_name')}",
    empty="No repository is connected. Connect GitHub in the browser, under Projects.",
    needs=p.login_needed("Repositories"),
)
