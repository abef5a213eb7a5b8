"""Installations of the GitHub App: whose account, and how much of it the service sees (projects.md §7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.operate import answers
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds import parts as p
from mogplex_tui.operate.kinds.base import Kind, dressed, reading, road
from mogplex_tui.operate.kinds.verb import verb

if TYPE_CHECKING:
    from mogplex_tui.live.session import Session


def _dress(session: Session, row: Any) -> dict[str, Any]:
    # Directories of one repository share its name; the projects tell them apart.
    called = session.names.called()
    there, imported = row.repository_count, row.synced_repo_count
    missing = None if there is None or imported is None else max(0, there - imported)
    return dressed(
        row, missing=missing, names=[called.get(repo.id, repo.full_name) for repo in row.repositories]
    )


_read = reading(lambda client: client.github.installations(), _dress)

KIND = Kind(
    name="installations",
    title="GitHub installations",
    noun="installation",
    aliases=("installation", "github", "gh", "in"),
    contract="projects.md §7",
    roads=(road(Family.GITHUB, _read, "github_installations", every=300, blind=120),),
    fields=(
        c.text("account_login", "ACCOUNT", 20, key="account", flex=1, min_width=12),
        c.text("scope_label", "WHAT", 8, "dim", key="what", priority=2),
        c.count("repository_count", "REPOS", 5, key="repos", priority=0),
        c.count("synced_repo_count", "IMPORTED", 8, key="imported", priority=0),
        c.count("missing", "MISSING", 7, priority=1),
        c.text("installation_id", "INSTALLATION", 12, "dim", key="installation", priority=3),
    ),
    search=c.searching("names"),
    default_sort=c.by("account_login"),
    descending=False,
    label=c.named("{account_login|installation_id}"),
    facts=c.groups(
        "account: account_login; what: account_type|scope_label; installation: installation_id",
        "repositories: repository_count; imported: synced_repo_count; not imported: missing",
        "managed at: manage_url",
    ),
    links=p.links(
        p.among("projects", "repos", "its repositories", "owner:={account_login}"),
        p.among("triggers", "triggers", "what listens to it", "installation:={installation_id}"),
    ),
    texts=c.texts(("Repositories", "names")),
    url=lambda item: str(c.value(item, "manage_url") or "/projects/repositories"),
    verbs=(
        verb("sync", "R", "Import what GitHub has; nothing is deleted.")
        .sends(lambda client, *_: client.github.sync())
        .tells("syncing", answers.synced),
    ),
    empty="The GitHub App is installed nowhere. Install it in the browser, under Projects.",
    needs=p.session_needed("GitHub installations"),
)
