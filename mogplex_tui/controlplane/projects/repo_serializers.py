"""JSON of repositories and workspaces, and the query that lists repositories.

projects.md §3, §5.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..db.clock import iso_db, iso_db_or_none
from ..db.database import Database, Row
from .project_scope import Owner

_COLUMNS = (
    "id",
    "user_id",
    "github_id",
    "full_name",
    "webhook_secret",
    "created_at",
    "root_directory",
    "install_command",
    "dev_command",
    "dev_port",
    "sandbox_timeout_ms",
    "sandbox_env_vars",
    "owner",
    "name",
    "default_branch",
    "is_favorite",
    "vercel_team_id",
    "vercel_project_id",
    "sandbox_billing_target",
    "env_sync_mode",
    "github_installation_id",
    "is_hidden",
    "snapshot_build_token",
    "snapshot_build_started_at",
    "dev_port_auto",
    "workspace_id",
    "sandbox_billing_mode_override",
    "snapshot_billing_source",
    "snapshot_billing_team_id",
    "snapshot_billing_project_id",
    "vercel_link_status",
    "vercel_link_checked_at",
    "vercel_link_error_code",
    "vercel_link_message",
    "snapshot_id",
    "snapshot_lockfile_hash",
    "snapshot_created_at",
    "snapshot_commit_sha",
    "is_monorepo",
    "parent_repo_id",
    "runtime",
    "sandbox_idle_timeout_ms",
    "owner_type",
    "owner_user_id",
    "product_team_id",
    "created_by_user_id",
)
_FLAGS = ("is_favorite", "is_hidden", "is_monorepo", "dev_port_auto")
_INSTANTS = ("vercel_link_checked_at", "snapshot_created_at", "snapshot_build_started_at")

_WORKSPACE = (
    "id",
    "user_id",
    "owner_type",
    "owner_user_id",
    "product_team_id",
    "created_by_user_id",
    "name",
    "description",
    "is_default",
    "sandbox_billing_mode",
    "sandbox_timeout_ms",
    "sandbox_idle_timeout_ms",
    "sandbox_vercel_team_id",
    "sandbox_vercel_project_id",
    "vercel_link_status",
    "vercel_link_checked_at",
    "vercel_link_error_code",
    "vercel_link_message",
    "created_at",
    "updated_at",
)

_COVERED = ("Trigger-ready", "The GitHub App covers this repository, so that its events start automations.")
_ELSEWHERE = ("Not covered", "The GitHub App is installed, but not for this repository.")
_NOWHERE = ("Synced only", "The repository came through your own GitHub sign-in; no App reports its events.")


def bare_repo(row: Row) -> dict[str, Any]:
    """Return the JSON object of a repository without the fields from other tables.

    These are the workspace and the coverage by the GitHub App. `webhook_secret` is always null: the
    plane stores none.
    """
    out: dict[str, Any] = {name: None if name == "webhook_secret" else row[name] for name in _COLUMNS}
    for name in _FLAGS:
        out[name] = bool(out[name])
    for name in _INSTANTS:
        out[name] = iso_db_or_none(out[name])
    out["created_at"] = iso_db(row["created_at"])
    out["default_branch"] = row["default_branch"] or "main"
    out["sandbox_env_vars"] = json.loads(row["sandbox_env_vars"])
    return out


def bare_workspace(row: Row) -> dict[str, Any]:
    """Return the JSON object of a workspace, without the number of repositories."""
    out: dict[str, Any] = {name: row[name] for name in _WORKSPACE}
    out["is_default"] = bool(out["is_default"])
    out["vercel_link_checked_at"] = iso_db_or_none(out["vercel_link_checked_at"])
    for name in ("created_at", "updated_at"):
        out[name] = iso_db(out[name])
    return out


def full_workspace(db: Database, workspace_id: str) -> dict[str, Any]:
    """Return the JSON object of a workspace with the number of its repositories.

    Hidden repositories are counted.
    """
    out = bare_workspace(db.only("SELECT * FROM workspaces WHERE id = ?", (workspace_id,)))
    count = db.value("SELECT COUNT(*) FROM repos WHERE workspace_id = ?", (workspace_id,))
    return {**out, "repo_count": count}


def has_installation(db: Database, user_id: str) -> bool:
    """Return whether the user has an installation of the GitHub App."""
    return db.one("SELECT 1 FROM github_installations WHERE user_id = ?", (user_id,)) is not None


def _coverage(row: Row, installed: bool) -> dict[str, Any]:
    covered = row["github_installation_id"] is not None
    label, detail = _COVERED if covered else _ELSEWHERE if installed else _NOWHERE
    return {
        "github_has_app_installation": installed,
        "github_app_covered": covered,
        "github_triggerable": covered,
        "github_access_state": "app_covered" if covered else "synced_only",
        "github_coverage_label": label,
        "github_coverage_detail": detail,
    }


def _embedded(workspace: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in workspace.items() if name != "sandbox_idle_timeout_ms"}


def full_repos(db: Database, rows: Sequence[Row], user_id: str) -> list[dict[str, Any]]:
    """Return the JSON objects of repositories with their workspaces.

    They also say whether the GitHub App covers the repository, as the user `user_id` sees it
    (projects.md §3.1).
    """
    installed = has_installation(db, user_id)
    workspaces: dict[str, dict[str, Any]] = {}
    out = []
    for row in rows:
        found = row["workspace_id"]
        if found not in workspaces:
            workspaces[found] = _embedded(
                bare_workspace(db.only("SELECT * FROM workspaces WHERE id = ?", (found,)))
            )
        out.append({**bare_repo(row), "workspace": workspaces[found], **_coverage(row, installed)})
    return out


def full_repo(db: Database, repo_id: str, user_id: str) -> dict[str, Any]:
    """Return the JSON object of one repository, in the form that full_repos returns.

    Raises LookupError if the id is unknown.
    """
    return full_repos(db, [db.only("SELECT * FROM repos WHERE id = ?", (repo_id,))], user_id)[0]


def listed(db: Database, owner: Owner, hidden: bool) -> list[Row]:
    """Return an owner's repositories, favourites first, then by full name.

    With `hidden` all repositories are returned. Otherwise hidden ones are left out; and if the user
    has installed the GitHub App and it covers any of the repositories, only covered ones are
    returned (§3.2).
    """
    sql = f"SELECT * FROM repos WHERE {owner.where}"
    if not hidden:
        sql += " AND is_hidden = 0"
    rows = db.all(sql + " ORDER BY is_favorite DESC, full_name, root_directory, id", (owner.value,))
    if not hidden and has_installation(db, owner.user_id):
        covered = [row for row in rows if row["github_installation_id"] is not None]
        return covered or rows
    return rows
