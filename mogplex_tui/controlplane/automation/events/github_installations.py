"""Update stored installations and repositories from GitHub's deliveries.

system.md §2.1.
"""

from __future__ import annotations

from typing import Any

from ...core.plane import Plane
from ...db.database import Row, Tx
from ...db.ids import Ids
from ...projects import repo_writes
from ..jobs import dispatch_ledger
from . import work_queue
from .github_events import REVIEW_CHECK, Payload, number, part, sender_of, text

_HANDLED = ("installation", "installation_repositories", "repository")


def apply(plane: Plane, ids: Ids, event: str, payload: Payload, at: int) -> dict[str, Any]:
    """Update the stored rows from one delivery; return the response's `sync` object."""
    if event not in _HANDLED:
        return {"handled": False, "matchedUsers": 0}
    with plane.db.transaction(ids=ids) as tx:
        if event == "installation":
            users = _installation(tx, payload, at)
        elif event == "installation_repositories":
            users = _coverage(tx, payload, at)
        else:
            users = _repository(tx, payload)
    return {"handled": True, "matchedUsers": len(users)}


def _installation(tx: Tx, payload: Payload, at: int) -> set[str]:
    """Create, update or delete an installation; return the ids of its users.

    A new installation belongs to the user whose GitHub account installed it.
    """
    installation = part(payload, "installation")
    installation_id = number(installation.get("id"))
    rows = tx.all(
        "SELECT id, user_id FROM github_installations WHERE installation_id = ?", (installation_id,)
    )
    users = {row["user_id"] for row in rows}
    action = payload.get("action")
    if action == "deleted":
        for row in rows:
            tx.execute("DELETE FROM github_installations WHERE id = ?", (row["id"],))
            tx.record_change("github_installations", "DELETE", row["user_id"], row["id"])
        _set_installation(
            tx, tx.all("SELECT * FROM repos WHERE github_installation_id = ?", (installation_id,)), None
        )
        return users
    account = part(installation, "account")
    login, kind = text(account.get("login")), text(account.get("type")) or "User"
    if login is None or installation_id is None:
        return users
    for row in rows:
        tx.update("github_installations", row["id"], account_login=login, account_type=kind)
        tx.record_change("github_installations", "UPDATE", row["user_id"], row["id"])
    if not rows and action == "created":
        sender = text(sender_of(payload).get("login"))
        for person in tx.all("SELECT id FROM profiles WHERE github_username = ? COLLATE NOCASE", (sender,)):
            users.add(person["id"])
            row_id = tx.new_id()
            tx.insert(
                "github_installations",
                id=row_id,
                user_id=person["id"],
                installation_id=installation_id,
                account_login=login,
                account_type=kind,
                created_at=at,
            )
            tx.record_change("github_installations", "INSERT", person["id"], row_id)
            _add_repositories(tx, person["id"], installation_id, payload.get("repositories"), at)
            break
    return users


def _coverage(tx: Tx, payload: Payload, at: int) -> set[str]:
    """Add or remove repositories of an installation; return the ids of its users.

    Added repositories are imported as rows without a root directory (projects.md §1).
    """
    installation_id = number(part(payload, "installation").get("id"))
    owners = tx.all("SELECT user_id FROM github_installations WHERE installation_id = ?", (installation_id,))
    for owner in owners:
        _add_repositories(tx, owner["user_id"], installation_id, payload.get("repositories_added"), at)
        for entry in _with_full_name(payload.get("repositories_removed")):
            _set_installation(tx, _rows(tx, owner["user_id"], entry), None)
    return {owner["user_id"] for owner in owners}


def _with_full_name(entries: Any) -> list[dict[str, Any]]:
    """Return the entries of a repository list that are objects with a full name."""
    listed = entries if isinstance(entries, list) else []
    return [entry for entry in listed if isinstance(entry, dict) and text(entry.get("full_name"))]


def _rows(tx: Tx, user_id: str, entry: dict[str, Any]) -> list[Row]:
    return tx.all(
        "SELECT * FROM repos WHERE user_id = ? AND full_name = ? COLLATE NOCASE",
        (user_id, entry["full_name"]),
    )


def _add_repositories(tx: Tx, user_id: str, installation_id: int | None, entries: Any, at: int) -> None:
    for entry in _with_full_name(entries):
        rows = _rows(tx, user_id, entry)
        _set_installation(tx, rows, installation_id)
        github_id = number(entry.get("id"))
        taken = "SELECT 1 FROM repos WHERE user_id = ? AND github_id = ? AND root_directory IS NULL"
        if rows or github_id is None or tx.one(taken, (user_id, github_id)) is not None:
            continue
        owner = {
            "user_id": user_id,
            "owner_type": "user",
            "owner_user_id": user_id,
            "product_team_id": None,
            "created_by_user_id": user_id,
        }
        login, _, name = entry["full_name"].partition("/")
        repo_writes.insert_repo(
            tx,
            at=at,
            **owner,
            workspace_id=repo_writes.default_workspace(tx, owner, at),
            github_id=github_id,
            full_name=entry["full_name"],
            owner=login,
            name=name,
            default_branch=text(entry.get("default_branch")) or "main",
            github_installation_id=installation_id,
        )


def _set_installation(tx: Tx, rows: list[Row], installation_id: int | None) -> None:
    for row in rows:
        tx.update("repos", row["id"], github_installation_id=installation_id)
        tx.record_change("repos", "UPDATE", row["user_id"], row["id"])


def _repository(tx: Tx, payload: Payload) -> set[str]:
    """Update a repository's name and default branch; return its owners' user ids."""
    about = part(payload, "repository")
    name, old = text(about.get("full_name")), text(part(payload, "changes", "repository", "name").get("from"))
    known = name
    if name is not None and old is not None and payload.get("action") == "renamed":
        known = f"{name.partition('/')[0]}/{old}"
    rows = tx.all("SELECT * FROM repos WHERE full_name = ? COLLATE NOCASE", (known,))
    for row in rows:
        branch = text(about.get("default_branch")) or row["default_branch"]
        tx.update("repos", row["id"], full_name=name, default_branch=branch)
        tx.record_change("repos", "UPDATE", row["user_id"], row["id"])
    return {row["user_id"] for row in rows}


def rerun_review(plane: Plane, ids: Ids, payload: Payload, at: int) -> str | None:
    """Run a review job again if the delivery asks to re-run its GitHub check.

    Returns the new job's id, or None if the check is not the service's own review check, its job
    is unknown or has not ended, or the new job was not queued.
    """
    run = part(payload, "check_run")
    if run.get("name") != REVIEW_CHECK:
        return None
    with plane.db.transaction(ids=ids) as tx:
        latest_review = tx.one(
            "SELECT id FROM job_runs WHERE id = ? AND status IN ('success', 'failed', 'cancelled')",
            (text(run.get("external_id")),),
        )
        if latest_review is None:
            return None
        job = dispatch_ledger.job_context(tx, latest_review["id"])
        enqueued = work_queue.enqueue(tx, work_queue.retry_work(job, job["flow_version_id"], {}), at)
    if enqueued.job_id is not None and enqueued.queued:
        work_queue.start(plane, ids, enqueued.job_id, "manual_retry", at)
    return enqueued.job_id
