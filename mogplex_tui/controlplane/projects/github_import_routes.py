"""GET /api/github/repos: import and list GitHub repositories (projects.md §7)."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from ..db.database import Row, Tx
from ..http.endpoints import ApiRequest, json_response, refusal
from . import github, repo_writes
from .project_scope import Owner, github_token, writer
from .repo_serializers import bare_repo, listed


async def sync_repos(request: ApiRequest) -> Response:
    """Import the caller's repositories on GitHub, and return the owner's visible ones.

    Repositories that were imported before are updated, and none is deleted. Raises 400
    `NO_GITHUB_CONNECTION` if GitHub is not connected and the owner has no repositories.
    """
    owner, db = writer(request), request.plane.db
    installation_ids = [
        row["installation_id"]
        for row in db.all(
            "SELECT installation_id FROM github_installations WHERE user_id = ? ORDER BY created_at",
            (request.user_id,),
        )
    ]
    login = db.value("SELECT github_username FROM profiles WHERE id = ?", (request.user_id,))
    remote_repos: list[Row] = []
    if installation_ids:
        remote_repos = [
            row for installation in installation_ids for row in github.of_installation(db, installation)
        ]
    elif github_token(request.plane, request.user_id):
        remote_repos = github.of_person(db, login or "")
    elif db.one(f"SELECT 1 FROM repos WHERE {owner.where}", (owner.value,)) is None:
        raise refusal(400, "NO_GITHUB_CONNECTION")
    now = request.plane.clock.now_us()
    with db.transaction(ids=request.service.ids) as tx:
        for row in remote_repos:
            _import(tx, owner, row, bool(installation_ids), now)
        if owner.team_id is None and len(installation_ids) == 1:
            _rebind(tx, request.user_id, installation_ids[0])
    return json_response([bare_repo(row) for row in listed(db, owner, hidden=False)])


def _import(tx: Tx, owner: Owner, row: Row, covered: bool, at: int) -> None:
    """Insert or update the row of a GitHub repository, and update its sub-projects.

    If the user has already imported the repository for another owner, no second row is inserted.
    `covered` says whether an installation of the GitHub App gives the user access to it.
    """
    names: dict[str, Any] = {
        "full_name": f"{row['owner_login']}/{row['name']}",
        "owner": row["owner_login"],
        "name": row["name"],
        "default_branch": row["default_branch"],
    }
    access = {"github_installation_id": row["installation_id"]} if covered else {}
    same = f"SELECT * FROM repos WHERE github_id = ? AND {owner.where}"
    imported = tx.all(same, (row["github_id"], owner.value))
    root_row = next((repo for repo in imported if repo["root_directory"] is None), None)
    if root_row is None and not _imported_by_caller(tx, owner, row["github_id"]):
        repo_writes.insert_repo(
            tx,
            at=at,
            **owner.columns(),
            workspace_id=repo_writes.default_workspace(tx, owner.columns(), at),
            github_id=row["github_id"],
            **names,
            **access,
        )
    for repo in imported:
        more = access if repo is root_row else {}
        repo_writes.update_repo(tx, repo, **names, **more)


def _imported_by_caller(tx: Tx, owner: Owner, github_id: int) -> bool:
    """Return whether the user has already imported the repository for any owner.

    A user imports a repository's root directory only once (projects.md §8).
    """
    sql = "SELECT 1 FROM repos WHERE user_id = ? AND github_id = ? AND root_directory IS NULL"
    return tx.one(sql, (owner.user_id, github_id)) is not None


def _rebind(tx: Tx, user_id: str, installation_id: int) -> None:
    """Make all flows and triggers of a user use the given installation.

    This is called if the user has only one installation, because flows and triggers may still refer
    to a removed one.
    """
    for table in ("flows", "triggers"):
        sql = f"SELECT id FROM {table} WHERE user_id = ? AND installation_id <> ?"
        for row in tx.all(sql, (user_id, installation_id)):
            tx.update(table, row["id"], installation_id=installation_id)
            if table == "triggers":
                tx.record_change(table, "UPDATE", user_id, row["id"])
