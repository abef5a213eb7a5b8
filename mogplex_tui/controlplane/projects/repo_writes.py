"""Write workspaces and repositories, and publish the changes.

projects.md §3, §5.
"""

from __future__ import annotations

from typing import Any

from ..db.database import Row, Tx

DEFAULT_NAME = "Imported Repos"
DEFAULT_DESCRIPTION = "Holds the repositories that were imported without a project of their own."
LIFETIME_MS = 18_000_000
IDLE_MS = 1_800_000


def insert_workspace(tx: Tx, *, at: int, **columns: Any) -> str:
    """Insert one workspace, created at `at` µs, and return its id.

    `columns` are the values of its other columns, including the owner and the name. Raises
    sqlite3.IntegrityError if the owner already has a workspace with this name.
    """
    workspace_id = tx.new_id()
    tx.insert("workspaces", id=workspace_id, created_at=at, updated_at=at, **columns)
    return workspace_id


def default_workspace(tx: Tx, owner: dict[str, Any], at: int) -> str:
    """Return the id of the owner's default workspace, and create it if necessary.

    `owner` is the result of Owner.columns (projects.md §5.1).
    """
    team = owner["product_team_id"]
    column, value = ("owner_user_id", owner["owner_user_id"]) if team is None else ("product_team_id", team)
    existing = tx.one(f"SELECT id FROM workspaces WHERE is_default AND {column} = ?", (value,))
    if existing is not None:
        return str(existing["id"])
    return insert_workspace(
        tx,
        at=at,
        **owner,
        name=DEFAULT_NAME,
        description=DEFAULT_DESCRIPTION,
        is_default=1,
        sandbox_timeout_ms=LIFETIME_MS,
        sandbox_idle_timeout_ms=IDLE_MS,
    )


def insert_repo(tx: Tx, *, at: int, **columns: Any) -> str:
    """Insert one repository, created at `at` µs, publish it and return its id.

    Raises sqlite3.IntegrityError if a unique constraint is violated.
    """
    repo_id = tx.new_id()
    tx.insert("repos", id=repo_id, created_at=at, **columns)
    tx.record_change("repos", "INSERT", columns["user_id"], repo_id)
    return repo_id


def update_repo(tx: Tx, row: Row, **columns: Any) -> None:
    """Update columns of one repository and publish the change."""
    tx.update("repos", row["id"], **columns)
    tx.record_change("repos", "UPDATE", row["user_id"], row["id"])


# Rows that are deleted with a repository or keep existing, as realtime announces them (realtime.md §3).
_TAKEN = (
    ("assignments", "NULL"),
    ("connections", "user_id"),
    ("repo_connection_overrides", "NULL"),
    ("sandboxes", "user_id"),
)
_LEFT = (
    ("ai_calls", "user_id"),
    ("ai_call_events", "user_id"),
    ("automation_dispatch_events", "user_id"),
    ("limit_events", "user_id"),
)


def delete_repo(tx: Tx, row: Row) -> None:
    """Delete one repository, and publish all changes that follow from the deletion.

    Foreign keys of the schema delete the dependent rows, or set their `repo_id` to null
    (projects.md §3.6).
    """
    for op, tables in (("DELETE", _TAKEN), ("UPDATE", _LEFT)):
        for table, user in tables:
            for other in tx.all(f"SELECT id, {user} AS user_id FROM {table} WHERE repo_id = ?", (row["id"],)):
                tx.record_change(table, op, other["user_id"], other["id"])
    jobs = "SELECT id FROM job_runs WHERE assignment_id IN (SELECT id FROM assignments WHERE repo_id = ?)"
    for job in tx.all(jobs, (row["id"],)):
        tx.record_change("job_runs", "DELETE", None, job["id"])
    for child in tx.all("SELECT id, user_id FROM repos WHERE parent_repo_id = ?", (row["id"],)):
        tx.record_change("repos", "UPDATE", child["user_id"], child["id"])
    tx.execute("DELETE FROM repos WHERE id = ?", (row["id"],))
    tx.record_change("repos", "DELETE", row["user_id"], row["id"])
