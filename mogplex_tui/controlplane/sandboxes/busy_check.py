"""Check whether a sandbox is in use; if it is, it must not be paused or stopped.

sandboxes.md §2.4.
"""

from __future__ import annotations

from ..db.clock import HOUR_US
from ..db.database import Database, Row, Tx

EXEC_LOCK_STALE_US = 5 * HOUR_US


def is_busy(source: Database | Tx, record_id: str, now: int) -> bool:
    """Return whether a sandbox is in use.

    It is in use while it runs a command, has an attached browser tab, or has a call or agent run in
    progress.
    """
    row = source.one(
        "SELECT 1 FROM sandboxes s WHERE s.id = ?1 AND ("
        " (s.exec_lock_token IS NOT NULL AND s.exec_lock_started_at > ?2)"
        " OR EXISTS (SELECT 1 FROM sandbox_presence p WHERE p.sandbox_id = s.id AND p.attached)"
        " OR EXISTS (SELECT 1 FROM ai_calls c LEFT JOIN external_agent_runs r ON r.ai_call_id = c.id"
        "  WHERE c.user_id = s.user_id AND c.status IN ('pending', 'streaming')"
        "  AND (r.sandbox_record_id = ?1 OR json_extract(c.metadata, '$.sandbox_record_id') = ?1)))",
        (record_id, now - EXEC_LOCK_STALE_US),
    )
    return row is not None


def pausing_since(source: Database | Tx, row: Row) -> int:
    """Return the time (µs) at which a sandbox began to pause.

    It is the time of the latest auto-pause event or of the last use, whichever is later.
    """
    found = source.one(
        "SELECT MAX(created_at) FROM sandbox_lifecycle_events WHERE sandbox_id = ?"
        " AND event_type IN ('auto_pause_queued', 'auto_pause_decision')",
        (row["id"],),
    )
    at: int | None = None if found is None else found[0]
    return int(row["last_active_at"]) if at is None else max(at, row["last_active_at"])
