"""Stop or pause unused sandboxes (sandboxes.md §2.4).

The check runs every five minutes.
"""

from __future__ import annotations

from typing import Any

from ..core.plane import Plane
from ..db.clock import DAY_US, MINUTE_US
from ..db.database import Row, Tx
from ..db.ids import Ids
from . import sandbox_writes
from .busy_check import is_busy, pausing_since
from .states import BOOTING, PENDING, Change, apply_change
from .vm import sandbox_lookup

PERIOD_S = 300.0
STALE_PAUSING_US = 10 * MINUTE_US
STUCK_BOOT_US = 10 * MINUTE_US
PAUSED_US = 7 * DAY_US


def reap(plane: Plane, ids: Ids, at: int) -> list[dict[str, Any]]:
    """Check every live sandbox at the time `at` (µs) and act on those that need it.

    Returns the actions as `{id, action}`. `action` is restored, vm_gone, stuck_boot, paused,
    stopped, idle_warning, recovered, or (for a machine that was paused for a week) deleted.
    """
    found: list[dict[str, Any]] = []
    with plane.db.transaction(ids=ids) as tx:
        for row in tx.all(
            f"{sandbox_lookup.SELECT} WHERE s.status IN ('creating', 'installing', 'running', 'pausing', 'paused')"
            " ORDER BY s.last_active_at, s.id"
        ):
            action = _reap_one(tx, row, at)
            if action is not None:
                found.append({"id": row["id"], "action": action})
    for entry in found:
        if entry["action"] not in ("idle_warning", "recovered", "restored"):
            plane.sandbox_tasks.kill(entry["id"])
    return found


def _reap_one(tx: Tx, row: Row, at: int) -> str | None:
    """Check one sandbox and take the first action that it needs.

    Returns the action's name, or None if no action was taken.
    """
    if row["status"] == "paused":
        since = row["stopped_at"] or row["last_active_at"]
        over = at - since >= PAUSED_US
        return _set_state(tx, row, Change.STOPPED, at, "deleted", "lifetime_timeout") if over else None
    if row["status"] == "pausing" and at - pausing_since(tx, row) >= STALE_PAUSING_US:
        done = _set_state(tx, row, Change.PAUSE_GIVEN_UP, at, "restored")
        if done is not None:
            sandbox_writes.lifecycle_event(
                tx, row["id"], "auto_pause_failed", at, decision_code="auto_pause_failed"
            )
        return done
    if row["provider_view"] in ("gone", "closing", "halted") and row["sandbox_id"] != PENDING:
        return _set_state(tx, row, Change.VM_GONE, at, "vm_gone", "vm_gone")
    boot_started_at = (
        row["created_at"] if row["last_boot_started_at"] is None else row["last_boot_started_at"]
    )
    if row["status"] in BOOTING:
        stuck = at - boot_started_at >= STUCK_BOOT_US
        return _set_state(tx, row, Change.STOPPED, at, "stuck_boot", "stuck_boot") if stuck else None
    if row["status"] != "running":
        return None
    if at - boot_started_at >= sandbox_lookup.lifetime_ms(row) * 1000:
        return _pause_or_stop(tx, row, at, "lifetime_timeout")
    return _idle(tx, row, at)


def _idle(tx: Tx, row: Row, at: int) -> str | None:
    """Set a warning on an idle sandbox, or end it if the warning was already set.

    If the sandbox is in use, the warning is removed. Returns the action's name, or None if no
    action was taken.
    """
    warned = row["health_status"] == "idle_warning"
    idles = at - row["last_active_at"] >= sandbox_lookup.idle_ms(row) * 1000
    if not idles or is_busy(tx, row["id"], at):
        if warned:
            sandbox_writes.set_sandbox(tx, row["id"], health_status="running")
        return "recovered" if warned else None
    if warned:
        return _pause_or_stop(tx, row, at, "idle_timeout")
    sandbox_writes.set_sandbox(tx, row["id"], health_status="idle_warning")
    return "idle_warning"


def _pause_or_stop(tx: Tx, row: Row, at: int, reason: str) -> str | None:
    """Pause a sandbox if it is persistent, and stop it otherwise.

    `reason` is stored only if it is stopped. Returns the action's name, or None if another request
    has changed the sandbox's state in the meantime.
    """
    if row["persistent"]:
        return _set_state(tx, row, Change.PAUSED, at, "paused")
    return _set_state(tx, row, Change.STOPPED, at, "stopped", reason)


def _set_state(
    tx: Tx, row: Row, change: Change, at: int, action: str, reason: str | None = None
) -> str | None:
    more: dict[str, Any] = {} if reason is None else {"stop_reason": reason}
    return action if apply_change(tx, row["id"], change, at, vm=row["sandbox_id"], **more) else None
