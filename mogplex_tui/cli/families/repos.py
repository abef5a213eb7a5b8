"""`mogplex-tui repos`: the imported repositories (projects.md §3, §7; v1.md §1)."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from mogplex_tui.cli.families.base import Column, Desk, Family, Verb, off, option, v1
from mogplex_tui.cli.families.machine import command

if TYPE_CHECKING:
    from mogplex_tui.api.models.repos import RepoDraft

MOST_BY_TOKEN = 200


async def _all(desk: Desk) -> Any:
    # A verb that names a repository must find a hidden one, too.
    found = await desk.client.imported_repos.list(show_hidden=getattr(desk.args, "show_hidden", True))
    if query := getattr(desk.args, "query", None):
        found[:] = [repo for repo in found if repo.matches(query)]
    return found


async def _short(desk: Desk) -> Any:
    found = await desk.client.repos.list(q=getattr(desk.args, "query", None))
    if found.total >= MOST_BY_TOKEN:
        desk.notes.append(f"The token API lists {MOST_BY_TOKEN} at most; --query narrows them.")
    return found


async def _short_one(desk: Desk) -> Any:
    from mogplex_tui.api.errors import NotFound

    found = await desk.client.repos.list(id=desk.key)
    if not found:
        raise NotFound(f"The service does not know repository {desk.key[:8]}")
    return found[0]


def _update(**change: Any) -> Any:
    async def call(desk: Desk) -> Any:
        from mogplex_tui.api.models.repos import RepoUpdate

        return await desk.client.imported_repos.update(desk.key, RepoUpdate(**change))

    return (off(call),)


def _draft(args: argparse.Namespace) -> RepoDraft:
    from mogplex_tui.api.models.repos import RepoDraft

    return RepoDraft(full_name=args.full_name)


async def _import(desk: Desk) -> Any:
    return await desk.client.imported_repos.add(_draft(desk.args))


async def _sync(desk: Desk) -> Any:
    return await desk.client.github.sync()


FAMILY = Family(
    name="repos",
    noun="repository",
    columns=(
        Column("ID", "id"),
        Column("REPOSITORY", "full_name"),
        Column("ROOT", "root_directory", priority=3),
        Column("BRANCH", "default_branch", priority=2),
        Column("PROJECT", "workspace.name", priority=2),
        Column("GITHUB", "github_access_state", priority=1),
        Column("FAVOURITE", "is_favorite", wide=True),
        Column("HIDDEN", "is_hidden", wide=True),
        Column("INSTALLATION", "github_installation_id|installation_id", wide=True),
        Column("RUNTIME", "runtime", wide=True),
        Column("SNAPSHOT", "snapshot_id", wide=True),
        Column("CREATED", "created_at", wide=True),
    ),
    roads=(off(_all), v1(_short, "names, branches and installations; no projects, coverage or hidden ones.")),
    one=(
        off(lambda desk: desk.client.imported_repos.get(desk.key)),
        v1(_short_one, "its name, branch and installation alone."),
    ),
    names=("full_name",),
    options=(
        option("--query", "-q", metavar="TEXT", help="a part of owner/name"),
        option("--show-hidden", action="store_true", help="hidden ones too"),
    ),
    verbs=(
        Verb("hide", "take a repository out of the lists", _update(is_hidden=True), done="{} is hidden."),
        Verb(
            "show",
            "put a hidden repository back into the lists",
            _update(is_hidden=False),
            done="{} is listed.",
        ),
        Verb("favorite", "put a repository first", _update(is_favorite=True), done="{} is a favourite."),
        Verb(
            "unfavorite", "put a repository among the others", _update(is_favorite=False), done="{} is none."
        ),
        Verb(
            "import",
            "import a repository by its name",
            (off(_import),),
            draft=_draft,
            options=(option("full_name", metavar="OWNER/NAME", help="as GitHub calls it"),),
            takes_one=False,
            done="It is imported.",
        ),
        Verb(
            "sync",
            "import what the GitHub App covers, and list what there is then",
            (off(_sync),),
            takes_one=False,
            doing="Reading GitHub",
        ),
        Verb(
            "snapshot",
            "build the prebuilt sandbox image; takes minutes",
            (off(lambda desk: desk.client.imported_repos.build_snapshot(desk.key)),),
            doing="Building the snapshot of {}",
            done="The snapshot of {} is built.",
        ),
        Verb(
            "delete",
            "delete a repository with its assignments, presets and sandboxes",
            (off(lambda desk: desk.client.imported_repos.delete(desk.key)),),
            question="Delete {} with its assignments, presets and sandboxes?",
            done="{} is deleted.",
        ),
    ),
)
add_arguments, run = command(FAMILY)
