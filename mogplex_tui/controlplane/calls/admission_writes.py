"""Record starts of calls and sandboxes that a quota allowed or denied.

Quotas and the displayed limits are computed from these rows (observability.md §10).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..db.database import Tx
from ..db.payload_redaction import dumps


def record_limit(
    tx: Tx,
    *,
    user_id: str,
    route_key: str,
    decision: str,
    at: int,
    id: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    **columns: Any,
) -> str:
    """Insert a row for one allowed or denied start and return the row's id.

    `columns`: resource_id, repo_id, sandbox_id, reason, limit_name, window_seconds, limit_value,
    remaining, retry_after_seconds, claim_id.
    """
    event_id = id or tx.new_id()
    tx.insert(
        "limit_events",
        id=event_id,
        user_id=user_id,
        route_key=route_key,
        decision=decision,
        metadata=dumps(dict(metadata or {})),
        created_at=at,
        **columns,
    )
    tx.record_change("limit_events", "INSERT", user_id, event_id)
    return event_id
