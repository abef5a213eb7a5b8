"""Rows of runs, calls and events as the JSON of the wire (v1.md §7.5 and §8, observability.md §2.1 and
§4).
"""

from __future__ import annotations

import json
from typing import Any

from .db.clock import iso_db, iso_db_or_none
from .db.database import Row

RUN_COLUMNS = (
    "r.id, r.ai_call_id, r.sandbox_record_id, s.sandbox_id, r.repo_id, r.harness, r.status, r.base_branch,"
    " r.working_branch, r.create_branch, r.root_directory, r.created_at, r.updated_at, r.error,"
    " r.runtime_provider, r.runtime_run_id"
)
RUN_TABLES = "external_agent_runs r LEFT JOIN sandboxes s ON s.id = r.sandbox_record_id"

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

SANDBOX_COLUMNS = (
    "id, sandbox_id, repo_id, status, base_branch, working_branch, root_directory, preview_url, created_at,"
    " last_active_at, error"
)


def run_detail(row: Row) -> dict[str, Any]:
    """A RunDetail from RUN_COLUMNS."""
    path = f"/api/v1/mogplex/runs/{row['id']}"
    return {
        "runId": row["id"],
        "aiCallId": row["ai_call_id"],
        "sandboxRecordId": row["sandbox_record_id"],
        "sandboxId": row["sandbox_id"],
        "repoId": row["repo_id"],
        "harness": row["harness"],
        "status": row["status"],
        "branch": {
            "base": row["base_branch"],
            "working": row["working_branch"],
            "createBranch": bool(row["create_branch"]),
        },
        "rootDirectory": row["root_directory"],
        "eventsUrl": path + "/events",
        "cancelUrl": path + "/cancel",
        "createdAt": iso_db(row["created_at"]),
        "updatedAt": iso_db(row["updated_at"]),
        "error": row["error"],
        "runtime": {"provider": row["runtime_provider"], "runId": row["runtime_run_id"]},
    }


def call(row: Row) -> dict[str, Any]:
    """A raw AiCall from CALL_COLUMNS."""
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
    """A raw AiCallEvent from EVENT_COLUMNS."""
    out = dict(row)
    out["payload"] = json.loads(row["payload"])
    out["created_at"] = iso_db(row["created_at"])
    return out


def sandbox(row: Row) -> dict[str, Any]:
    """A v1 Sandbox from SANDBOX_COLUMNS, or a superset of them (v1.md §4)."""
    out = dict(row)
    out["created_at"] = iso_db(row["created_at"])
    out["last_active_at"] = iso_db(row["last_active_at"])
    return out


def timed(row: Row, *instants: str, json_columns: tuple[str, ...] = ()) -> dict[str, Any]:
    """Any row as an object: the named columns as instants and as parsed JSON, null where they are null."""
    out = dict(row)
    for name in instants:
        out[name] = iso_db_or_none(row[name])
    for name in json_columns:
        out[name] = None if row[name] is None else json.loads(row[name])
    return out
