"""Whether somebody uses a sandbox, which keeps it from being paused or stopped (sandboxes.md §2.4)."""

from __future__ import annotations

from .clock import HOUR_US
from .database import Database, Tx

EXEC_LOCK_STALE_US = 5 * HOUR_US


def is_busy(source: Database | Tx, record_id: str, now: int) -> bool:
    """Whether a command runs in it, a tab is attached to it, or a live call or run is tied to it."""
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
