"""Projects: repositories grouped by workspace, with what works on them and what they cost (projects.md §3, §5)."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Item, Listing, Road
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds.base import Context, Fact, Kind, Link, listed

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.session import Session


def _day(session: Session) -> tuple[Counter[str], dict[str, Decimal]]:
    """Runs and known cost of the last 24 h by repository, from the runs that the console holds."""
    since = session.clock.now() - timedelta(hours=24)
    runs: Counter[str] = Counter()
    costs: dict[str, Decimal] = {}
    for row in session.store.set("runs").rows.values():
        if row.repo_id and row.began is not None and row.began >= since:
            runs[row.repo_id] += 1
            if row.cost is not None:
                costs[row.repo_id] = costs.get(row.repo_id, Decimal(0)) + row.cost
    return runs, costs


def _beside(session: Session, repo_id: str) -> dict[str, Any]:
    """What other lists know of a repository, without asking for them."""
    boxes = [
        item.record
        for item in session.store.set("sandboxes").rows.values()
        if item.record is not None and item.record.get("repo_id") == repo_id
    ]
    assigned = [
        item.record
        for item in session.store.set("assignments").rows.values()
        if item.record is not None and item.record.get("repo_id") == repo_id
    ]
    return {
        "sandbox": next((box["status"] for box in boxes), None),
        "assigned": len(assigned) if assigned else None,
        "schedules": sum(bool(each.get("cron_schedule")) for each in assigned) if assigned else None,
    }


def _dressed(session: Session) -> Any:
    runs, costs = _day(session)

    def dress(repo: Any) -> dict[str, Any]:
        return {
            **repo.__dict__,
            **_beside(session, repo.id),
            "runs_day": runs.get(repo.id, 0),
            "cost_day": costs.get(repo.id),
            "project": getattr(getattr(repo, "workspace", None), "name", None),
        }

    return dress


async def _imported(client: ClientView, session: Session) -> Listing:
    return listed(await client.imported_repos.list(), dress=_dressed(session))


async def _v1(client: ClientView, session: Session) -> Listing:
    return listed(await client.repos.list(), dress=_dressed(session))


def _facts(item: Item, context: Context) -> list[list[Fact]]:
    return [
        c.facts(
            item,
            ("repo", "full_name"),
            ("root", "root_directory"),
            ("branch", "default_branch"),
            ("project", "project"),
        ),
        c.facts(
            item,
            ("GitHub", "github_coverage_label"),
            ("detail", "github_coverage_detail"),
            ("installation", "github_installation_id|installation_id"),
        ),
        c.facts(item, ("sandbox", "sandbox"), ("assigned", "assigned"), ("schedules", "schedules")),
        c.facts(item, ("runs 24 h", "runs_day"), ("cost 24 h", "cost_day")),
        c.facts(
            item,
            ("install", "install_command"),
            ("dev server", "dev_command"),
            ("port", "dev_port"),
            ("runtime", "runtime"),
            ("snapshot", "snapshot_id"),
        ),
        [c.when(item, "imported", "created_at", context)],
    ]


KIND = Kind(
    name="projects",
    title="Projects",
    noun="repository",
    aliases=("project", "repos", "repo", "pr"),
    contract="projects.md §3, §5; v1.md §1",
    roads=(
        Road(Family.REPOS, _imported, frozenset({"repos", "sandboxes"}), every=90.0, blind=45.0),
        Road(
            Family.V1,
            _v1,
            frozenset({"repos"}),
            every=120.0,
            blind=60.0,
            notice="v1 names the repositories; their projects and GitHub coverage need a browser session.",
        ),
    ),
    fields=(
        c.text("full_name", "REPO", 22, key="repo", flex=2, min_width=16, cut="middle"),
        c.text("project", "PROJECT", 16, "dim", priority=1, flex=1, min_width=10),
        c.text("root_directory", "ROOT", 12, "dim", key="root", priority=4),
        c.text("default_branch", "BRANCH", 10, "dim", key="branch", priority=4),
        c.state("sandbox", "SANDBOX", 12, priority=1),
        c.text("github_coverage_label", "GITHUB", 14, "dim", key="github", priority=3),
        c.count("assigned", "ASGN", 4, priority=2),
        c.count("schedules", "CRON", 4, key="cron", priority=3),
        c.count("runs_day", "RUNS 24H", 8, key="runs", priority=0),
        c.money("cost_day", "COST 24H", key="cost", priority=0),
    ),
    search=c.searching("full_name", "project", "root_directory", "sandbox", "github_coverage_label"),
    default_sort=c.by("project", "full_name", "root_directory"),
    descending=False,
    label=lambda record: f"{c.value(record, 'full_name')} {c.value(record, 'root_directory') or ''}".strip(),
    facts=_facts,
    links=lambda item: [
        Link("runs", "its runs", "runs", filter=f"repo:{c.value(item, 'full_name')}"),
        Link("sandboxes", "its sandboxes", "sandboxes", filter=f"reponame:{c.value(item, 'full_name')}"),
        Link(
            "assignments", "its assignments", "assignments", filter=f"reponame:{c.value(item, 'full_name')}"
        ),
    ],
    url=lambda item: f"https://github.com/{c.value(item, 'full_name')}",
    empty="No repository is connected. Connect GitHub in the browser, under Projects.",
    needs="Repositories need a token or a browser session that this service accepts.",
)
