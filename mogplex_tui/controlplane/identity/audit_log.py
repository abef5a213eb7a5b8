"""The audit log of a team (identity.md §8)."""

from __future__ import annotations

import json
from typing import Any

from ..db.database import Tx
from ..db.payload_redaction import REDACTED, SECRET_KEY, TRUNCATED

MAX_DEPTH = 6


def _clean(value: Any, depth: int = 1) -> Any:
    """Return the value with secrets redacted and levels below MAX_DEPTH cut off."""
    if not isinstance(value, dict | list):
        return value
    if depth > MAX_DEPTH:
        return TRUNCATED
    if isinstance(value, list):
        return [_clean(item, depth + 1) for item in value]
    return {
        key: REDACTED if SECRET_KEY.search(key) else _clean(item, depth + 1) for key, item in value.items()
    }


def record(
    tx: Tx,
    team_id: str,
    action: str,
    now_us: int,
    *,
    target: tuple[str, str] | None = None,
    payload: dict[str, Any] | None = None,
    **columns: Any,
) -> str:
    """Append one event to a team's audit log and return the event's id.

    `target` is the kind and the id of the object that the action changed. `columns` are further columns
    of team_audit_events: actor_user_id, auth_source, decision_code, repo_id, sandbox_record_id,
    ai_call_id, job_run_id, request_id.
    """
    event_id = tx.new_id()
    kind, target_id = target or (None, None)
    tx.insert(
        "team_audit_events",
        id=event_id,
        team_id=team_id,
        action=action,
        target_type=kind,
        target_id=target_id,
        payload=json.dumps(_clean(payload or {}), ensure_ascii=False, separators=(",", ":")),
        created_at=now_us,
        **columns,
    )
    return event_id
