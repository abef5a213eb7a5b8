"""Calls and their events as JSON (v1.md §8, observability.md §2.1 and §4)."""

from __future__ import annotations

import json
from typing import Any

from ..db.clock import iso_db, iso_db_or_none
from ..db.database import Row

CALL_COLUMNS = (
    "id, user_id, type, model, input_tokens, output_tokens, cache_read_input_tokens,"
    " cache_creation_input_tokens, reasoning_tokens, total_tokens, cost_usd, cost_source,"
    " gateway_generation_id, gateway_generation_ids, duration_ms, started_at, completed_at, status, error,"
    " conversation_id, job_run_id, repo_id, limit_claim_id, cancel_requested_at, control_state,"
    " runtime_command_id, tool_calls_count, tool_calls, metadata"
)

EVENT_COLUMNS = (
    "id, ai_call_id, user_id, conversation_id, repo_id, event_type, tool_name, message, payload, created_at"
)


def call(row: Row) -> dict[str, Any]:
    """Return the JSON object of a call (AiCall); `row` has CALL_COLUMNS."""
    out = dict(row)
    out["started_at"] = iso_db(row["started_at"])
    out["completed_at"] = iso_db_or_none(row["completed_at"])
    out["cancel_requested_at"] = iso_db_or_none(row["cancel_requested_at"])
    ids = row["gateway_generation_ids"]
    out["gateway_generation_ids"] = None if ids is None else json.loads(ids)
    out["tool_calls"] = json.loads(row["tool_calls"])
    out["metadata"] = json.loads(row["metadata"])
    return out


def event(row: Row) -> dict[str, Any]:
    """Return the JSON object of a call's event (AiCallEvent); `row` has EVENT_COLUMNS."""
    out = dict(row)
    out["payload"] = json.loads(row["payload"])
    out["created_at"] = iso_db(row["created_at"])
    return out
