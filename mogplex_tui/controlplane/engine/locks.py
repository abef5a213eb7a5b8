"""Locks that nobody holds any more, and sandboxes that nobody uses (system.md §3 and §3.1, sandboxes.md §2.4)."""

from __future__ import annotations

from typing import Any

from ..clock import DAY_US, HOUR_US, MINUTE_US
from ..database import Row, Tx
from ..ids import Ids
from ..plane import Plane
from ..sandbox_states import Change, change
from ..sandbox_use import EXEC_LOCK_STALE_US, is_busy

SNAPSHOT_LOCK_US = 15 * MINUTE_US
TESTING_US = 15 * MINUTE_US
STUCK_BOOT_US = 10 * MINUTE_US
IDLE_US = 30 * MINUTE_US
LIFETIME_US = 5 * HOUR_US
PAUSED_US = 7 * DAY_US
_SAMPLES = 5


def release_locks(plane: Plane, ids: Ids, at: int) -> list[dict[str, Any]]:
    """Release what is held for too long; one entry a table as zombie-row-reaper answers it."""
    with plane.db.transaction(ids=ids) as tx:
        return [_snapshot_locks(tx, at), _exec_locks(tx, at), _tests(tx, at)]


def table(name: str, scanned: int, reaped: list[str]) -> dict[str, Any]:
    """One entry of the reaper's answer."""
    return {"table": name, "scanned": scanned, "reaped": len(reaped), "sample_ids": reaped[:_SAMPLES]}


def _snapshot_locks(tx: Tx, at: int) -> dict[str, Any]:
    rows = tx.all(
        "SELECT id, user_id, snapshot_build_started_at AS since FROM repos WHERE snapshot_build_token IS NOT NULL"
    )
    reaped = []
    for row in rows:
        if at - (row["since"] or 0) >= SNAPSHOT_LOCK_US:
            tx.update("repos", row["id"], snapshot_build_token=None, snapshot_build_started_at=None)
            tx.note("repos", "UPDATE", row["user_id"], row["id"])
            reaped.append(row["id"])
    return table("repos", len(rows), reaped)


def _exec_locks(tx: Tx, at: int) -> dict[str, Any]:
    rows = tx.all(
        "SELECT id, user_id, status, exec_lock_started_at AS since FROM sandboxes WHERE exec_lock_token IS NOT NULL"
    )
    reaped = []
    for row in rows:
        if row["status"] != "running" or at - (row["since"] or 0) >= EXEC_LOCK_STALE_US:
            tx.update("sandboxes", row["id"], exec_lock_token=None, exec_lock_started_at=None)
            tx.note("sandboxes", "UPDATE", row["user_id"], row["id"])
            reaped.append(row["id"])
    return table("sandboxes", len(rows), reaped)


def _tests(tx: Tx, at: int) -> dict[str, Any]:
    rows = tx.all("SELECT id, user_id, updated_at FROM connections WHERE health_status = 'testing'")
    reaped = []
    for row in rows:
        if at - row["updated_at"] >= TESTING_US:
            tx.update("connections", row["id"], health_status="unknown", active_test_token=None)
            tx.note("connections", "UPDATE", row["user_id"], row["id"])
            reaped.append(row["id"])
    return table("connections", len(rows), reaped)


def reap_sandboxes(plane: Plane, ids: Ids, at: int) -> dict[str, Any]:
    """Stop boots that are stuck, end what idles or is too old, delete what is paused for a week; the route's body."""
    results = []
    with plane.db.transaction(ids=ids) as tx:
        for row in tx.all(
            "SELECT * FROM sandboxes WHERE status IN ('creating', 'installing', 'running', 'paused')"
            " ORDER BY last_active_at"
        ):
            action = _reap(tx, row, at)
            if action is not None:
                results.append({"id": row["id"], "action": action})
    body: dict[str, Any] = {"message": f"Reaped {len(results)} sandbox(es)", "reaped": len(results)}
    return body | ({"results": results} if results else {})


def _reap(tx: Tx, row: Row, at: int) -> str | None:
    if row["status"] == "paused":
        if at - (row["stopped_at"] or row["last_active_at"]) < PAUSED_US:
            return None
        gone = change(tx, row["id"], Change.STOPPED, at, stop_reason="lifetime_timeout")
        return "deleted" if gone else None
    begun = row["created_at"] if row["last_boot_started_at"] is None else row["last_boot_started_at"]
    if row["status"] != "running":
        stuck = at - begun >= STUCK_BOOT_US and change(
            tx, row["id"], Change.STOPPED, at, stop_reason="stuck_boot"
        )
        return "stuck_boot" if stuck else None
    if is_busy(tx, row["id"], at):
        return None
    lifetime, idle = _limits(tx, row)
    reason = "lifetime_timeout" if at - begun >= lifetime else None
    if reason is None and at - row["last_active_at"] >= idle:
        reason = "idle_timeout"
    if reason is None:
        return None
    how = Change.PAUSED if row["persistent"] else Change.STOPPED
    ended = change(tx, row["id"], how, at, stop_reason=reason)
    return ("paused" if row["persistent"] else "stopped") if ended else None


def _limits(tx: Tx, row: Row) -> tuple[int, int]:
    """How long the sandbox may live and idle, in µs: its workspace's settings (sandboxes.md §2.4)."""
    found = tx.one(
        "SELECT w.sandbox_timeout_ms, w.sandbox_idle_timeout_ms FROM repos r JOIN workspaces w ON w.id = r.workspace_id"
        " WHERE r.id = ?",
        (row["repo_id"],),
    )
    if found is None:
        return LIFETIME_US, IDLE_US
    return (found[0] or LIFETIME_US // 1000) * 1000, (found[1] or IDLE_US // 1000) * 1000
