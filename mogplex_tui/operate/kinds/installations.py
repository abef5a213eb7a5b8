"""Installations of the GitHub App: whose account, and how much of it the service sees (projects.md §7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Item, Listing, Road
from mogplex_tui.operate import words
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds.base import Context, Fact, Kind, Link, Verb, listed
from mogplex_tui.operate.kinds.parts import session_needed

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.session import Session


async def _list(client: ClientView, _: Session) -> Listing:
    def dress(row: Any) -> dict[str, Any]:
        missing = max(0, row.repository_count - row.synced_repo_count)
        return {**row.__dict__, "missing": missing, "names": [repo.full_name for repo in row.repositories]}

    return listed(await client.github.installations(), dress=dress)


def _synced(rows: Any) -> tuple[bool, str]:
    return True, f"GitHub was read: {words.plural(len(rows), 'repository')} are here now."


def _facts(item: Item, _: Context) -> list[list[Fact]]:
    return [
        c.group(
            item,
            "account: account_login; what: account_type; sees: scope_label; installation: installation_id",
        ),
        c.group(item, "repositories: repository_count; imported: synced_repo_count; not imported: missing"),
        c.group(item, "managed at: manage_url"),
    ]


KIND = Kind(
    name="installations",
    title="GitHub installations",
    noun="installation",
    aliases=("installation", "github", "gh", "in"),
    contract="projects.md §7",
    roads=(Road(Family.GITHUB, _list, frozenset({"github_installations"}), every=300.0, blind=120.0),),
    fields=(
        c.text("account_login", "ACCOUNT", 20, key="account", flex=1, min_width=12),
        c.text("account_type", "WHAT", 12, "dim", key="what", priority=2),
        c.text("scope_label", "SEES", 20, "dim", key="sees", flex=1, priority=1),
        c.count("repository_count", "REPOS", 5, key="repos", priority=0),
        c.count("synced_repo_count", "IMPORTED", 8, key="imported", priority=0),
        c.count("missing", "MISSING", 7, priority=1),
        c.text("installation_id", "INSTALLATION", 12, "dim", key="installation", priority=3),
    ),
    search=c.searching("account_login", "account_type", "scope_label", "installation_id", "names"),
    default_sort=c.by("account_login"),
    descending=False,
    label=lambda record: str(c.value(record, "account_login") or c.value(record, "installation_id")),
    facts=_facts,
    links=lambda item: [
        Link("repos", "its repositories", "projects", filter=f"repo:{c.value(item, 'account_login') or ''}/"),
        Link(
            "triggers",
            "what listens to it",
            "triggers",
            filter=f"installationid:{c.value(item, 'installation_id')}",
        ),
    ],
    texts=lambda item: [("Repositories", "\n".join(names))] if (names := c.value(item, "names")) else [],
    url=lambda item: str(c.value(item, "manage_url") or "/projects/repositories"),
    verbs=(
        Verb(
            "sync",
            "sync",
            "R",
            "Import what GitHub has; nothing is deleted.",
            lambda client, *_: client.github.sync(),
            doing="syncing",
            told=_synced,
        ),
    ),
    empty="The GitHub App is installed nowhere. Install it in the browser, under Projects.",
    needs=session_needed("GitHub installations"),
)
