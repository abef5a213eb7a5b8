"""Write sandbox records and their lifecycle log (sandboxes.md §1, v1.md §4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..db.database import Tx
from ..db.payload_redaction import dumps


def insert_sandbox(
    tx: Tx,
    *,
    user_id: str,
    repo_id: str,
    base_branch: str,
    working_branch: str,
    status: str,
    created_at: int,
    id: str | None = None,
    last_active_at: int | None = None,
    **columns: Any,
) -> str:
    """Insert a sandbox record and return its id.

    `columns` can set further columns; the logs are empty texts by default (sandboxes.md §1.1).
    """
    record_id = id or tx.new_id()
    columns = {"install_log": "", "dev_log": ""} | columns
    tx.insert(
        "sandboxes",
        id=record_id,
        user_id=user_id,
        repo_id=repo_id,
        base_branch=base_branch,
        working_branch=working_branch,
        status=status,
        created_at=created_at,
        last_active_at=created_at if last_active_at is None else last_active_at,
        **columns,
    )
    tx.record_change("sandboxes", "INSERT", user_id, record_id)
    return record_id


def set_sandbox(tx: Tx, record_id: str, **columns: Any) -> None:
    """Update columns of a sandbox record, and publish the change.

    Raises LookupError for an unknown record, and ValueError for the column `status`, which only the
    `states` module may change.
    """
    if "status" in columns:
        raise ValueError("the status of a sandbox is changed by states.change")
    row = tx.one("SELECT user_id FROM sandboxes WHERE id = ?", (record_id,))
    if row is None:
        raise LookupError(record_id)
    tx.update("sandboxes", record_id, **columns)
    tx.record_change("sandboxes", "UPDATE", row["user_id"], record_id)


def lifecycle_event(
    tx: Tx,
    record_id: str,
    event_type: str,
    at: int,
    *,
    decision_code: str | None = None,
    worker_run_id: str | None = None,
    payload: Mapping[str, Any] | None = None,
    id: str | None = None,
) -> str:
    """Append an event to a sandbox's lifecycle log and return its id.

    Lifecycle events are not published to realtime clients.
    """
    event_id = id or tx.new_id()
    tx.insert(
        "sandbox_lifecycle_events",
        id=event_id,
        sandbox_id=record_id,
        event_type=event_type,
        decision_code=decision_code,
        worker_run_id=worker_run_id,
        payload=dumps(dict(payload or {})),
        created_at=at,
    )
    return event_id


def active_sandbox(tx: Tx, user_id: str, repo_id: str, working_branch: str, root: str | None) -> str | None:
    """Return the id of the newest active sandbox of a working tree, or None.

    A working tree is identified by user, repository, branch and root directory (v1.md §7.4).
    """
    row = tx.one(
        "SELECT id FROM sandboxes WHERE user_id = ? AND repo_id = ? AND working_branch = ?"
        " AND root_directory IS ?"
        " AND status IN ('creating', 'installing', 'running', 'pausing') ORDER BY created_at DESC LIMIT 1",
        (user_id, repo_id, working_branch, root),
    )
    return None if row is None else row["id"]
