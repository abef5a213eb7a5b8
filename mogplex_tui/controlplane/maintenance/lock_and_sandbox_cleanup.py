"""Release stale locks and end unused sandboxes.

system.md §3, §3.1; sandboxes.md §2.4.
"""

from __future__ import annotations

from typing import Any

from ..core.plane import Plane
from ..db.clock import MINUTE_US
from ..db.database import Tx
from ..db.ids import Ids
from ..sandboxes.busy_check import EXEC_LOCK_STALE_US
from ..sandboxes.idle_reaper import reap

SNAPSHOT_LOCK_US = 15 * MINUTE_US
TESTING_US = 15 * MINUTE_US
_SAMPLES = 5


def release_locks(plane: Plane, ids: Ids, at: int) -> list[dict[str, Any]]:
    """Release locks that have been held too long.

    Returns one entry for each table, for the response of the zombie-row-reaper route.
    """
    with plane.db.transaction(ids=ids) as tx:
        return [_snapshot_locks(tx, at), _exec_locks(tx, at), _tests(tx, at)]


def table(name: str, scanned: int, reaped: list[str]) -> dict[str, Any]:
    """Return the entry of one table in the response of the zombie-row-reaper route."""
    return {"table": name, "scanned": scanned, "reaped": len(reaped), "sample_ids": reaped[:_SAMPLES]}


def _snapshot_locks(tx: Tx, at: int) -> dict[str, Any]:
    rows = tx.all(
        "SELECT id, user_id, snapshot_build_started_at AS since FROM repos WHERE snapshot_build_token IS NOT NULL"
    )
    reaped = []
    for row in rows:
        if at - (row["since"] or 0) >= SNAPSHOT_LOCK_US:
            tx.update("repos", row["id"], snapshot_build_token=None, snapshot_build_started_at=None)
            tx.record_change("repos", "UPDATE", row["user_id"], row["id"])
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
            tx.record_change("sandboxes", "UPDATE", row["user_id"], row["id"])
            reaped.append(row["id"])
    return table("sandboxes", len(rows), reaped)


def _tests(tx: Tx, at: int) -> dict[str, Any]:
    rows = tx.all("SELECT id, user_id, updated_at FROM connections WHERE health_status = 'testing'")
    reaped = []
    for row in rows:
        if at - row["updated_at"] >= TESTING_US:
            tx.update("connections", row["id"], health_status="unknown", active_test_token=None)
            tx.record_change("connections", "UPDATE", row["user_id"], row["id"])
            reaped.append(row["id"])
    return table("connections", len(rows), reaped)


def reap_sandboxes(plane: Plane, ids: Ids, at: int) -> dict[str, Any]:
    """End sandboxes that are no longer used, and return the response body."""
    results = reap(plane, ids, at)
    body: dict[str, Any] = {"message": f"Reaped {len(results)} sandbox(es)", "reaped": len(results)}
    return body | ({"results": results} if results else {})
