"""Serialize runs to JSON (v1.md §7.5)."""

from __future__ import annotations

from typing import Any

from ..db.clock import iso_db
from ..db.database import Row

RUN_COLUMNS = (
    "r.id, r.ai_call_id, r.sandbox_record_id, s.sandbox_id, r.repo_id, r.harness, r.status, r.base_branch,"
    " r.working_branch, r.create_branch, r.root_directory, r.created_at, r.updated_at, r.error,"
    " r.runtime_provider, r.runtime_run_id"
)
RUN_TABLES = "external_agent_runs r LEFT JOIN sandboxes s ON s.id = r.sandbox_record_id"


def run_detail(row: Row) -> dict[str, Any]:
    """Return the JSON object of a run; `row` must contain the columns in RUN_COLUMNS."""
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
