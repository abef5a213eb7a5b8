"""The states of a sandbox and the changes between them (sandboxes.md §2).

A change is written only if the sandbox has one of the expected states and, if these are given,
the expected machine and boot number. Otherwise nothing is written, the function returns False,
and the change is not tried again.
"""

from __future__ import annotations

import sqlite3
from enum import Enum
from typing import Any

from ..db.clock import SECOND_US
from ..db.database import Row, Tx

PENDING = "pending"
ACTIVE = ("creating", "installing", "running", "pausing")
BOOTING = ("creating", "installing")
# States that count against a user's limit of sandboxes; `pausing` does not (sandboxes.md §3.2).
COUNTED = ("creating", "installing", "running")
STATUSES = (*ACTIVE, "paused", "stopped", "error")

CENTS_PER_SECOND = 0.0028
_CLOSED = ("stopped", "paused")


class Change(Enum):
    """A permitted change of a sandbox's state: the old states, and the new state.

    sandboxes.md §2.1.
    """

    VM_CREATED = (("creating",), "installing")
    BOOTED = (COUNTED, "running")
    BOOT_FOUND_STOPPED = (COUNTED, "stopped")
    FAILED = (ACTIVE, "error")
    PAUSED = (("running",), "paused")
    AUTO_PAUSING = (("running",), "pausing")
    AUTO_PAUSED = (("pausing",), "paused")
    PAUSE_GIVEN_UP = (("pausing",), "running")
    RESUMED = (("paused",), "installing")
    RESTARTED = ((*COUNTED, "paused", "stopped", "error"), "installing")
    STOPPED = ((*ACTIVE, "paused"), "stopped")
    VM_GONE = (ACTIVE, "stopped")
    SEEN_RUNNING = (("stopped", "error", "paused"), "running")
    KEPT_FOR_CLEAN_UP = ((*COUNTED, "paused", "error"), "error")
    KEPT_PAUSED = ((*COUNTED, "paused", "error"), "paused")

    @property
    def sources(self) -> tuple[str, ...]:
        """The states in which this change is allowed."""
        sources: tuple[str, ...] = self.value[0]
        return sources

    @property
    def target(self) -> str:
        """The state that a sandbox has after this change."""
        target: str = self.value[1]
        return target


def apply_change(
    tx: Tx,
    record_id: str,
    change: Change,
    at: int,
    *,
    vm: str | None = None,
    boot: int | None = None,
    **columns: Any,
) -> bool:
    """Change the state of a sandbox and publish it; return whether it was changed.

    `vm` is the name of the machine and `boot` the number of the boot that the sandbox must have;
    None accepts any. `columns` are stored with the new state, and override the columns that the
    state itself sets. A working tree cannot have a second active sandbox: the function then returns
    False (sandboxes.md §1.2).
    """
    row = tx.one("SELECT * FROM sandboxes WHERE id = ?", (record_id,))
    if row is None or row["status"] not in change.sources:
        return False
    if (vm is not None and row["sandbox_id"] != vm) or (boot is not None and row["boot_attempts"] != boot):
        return False
    sets = {**_status_columns(change.target, at), **columns, "status": change.target}
    sets |= _session_totals(row, change.target, sets.get("stopped_at") or at)
    try:
        tx.update("sandboxes", record_id, **sets)
    except sqlite3.IntegrityError as error:
        if "UNIQUE" not in str(error):
            raise
        return False
    if change.target == "stopped":
        # The machine and its disk are removed, with everything written on it.
        tx.execute("DELETE FROM sandbox_files WHERE sandbox_id = ?", (record_id,))
    tx.record_change("sandboxes", "UPDATE", row["user_id"], record_id)
    return True


def _status_columns(target: str, at: int) -> dict[str, Any]:
    """Return the columns that are set whenever a sandbox gets the state `target`."""
    sets: dict[str, Any] = {"provider_view": None}
    if target == "installing":
        sets |= {"health_status": "starting", "stop_reason": None, "stopped_at": None, "error": None}
    elif target == "running":
        sets |= {"health_status": "running", "stop_reason": None, "stopped_at": None, "error": None}
    elif target == "pausing":
        sets |= {"health_status": "pausing", "stop_reason": "auto_pause"}
    elif target == "paused":
        sets |= {"health_status": "paused", "stopped_at": at}
    elif target == "stopped":
        sets |= {"health_status": "stopped", "stopped_at": at, "preview_url": None}
    else:
        sets |= {"health_status": "error"}
    if target not in ACTIVE:
        sets |= {"exec_lock_token": None, "exec_lock_started_at": None}
    return sets


def _session_totals(row: Row, target: str, end: int) -> dict[str, float]:
    """Return the new totals of compute time (s) and price (cents) of a sandbox.

    The result is empty if the change ends no session, for example if a paused sandbox is stopped
    (sandboxes.md §2.5).
    """
    if target not in _CLOSED or row["status"] in _CLOSED:
        return {}
    boot_started_at = (
        row["created_at"] if row["last_boot_started_at"] is None else row["last_boot_started_at"]
    )
    seconds = max(0.0, (end - boot_started_at) / SECOND_US)
    return {
        "compute_seconds": row["compute_seconds"] + seconds,
        "cost_cents_estimate": row["cost_cents_estimate"] + round(seconds * CENTS_PER_SECOND, 4),
    }
