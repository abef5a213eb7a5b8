"""JSON objects of automations, and flow errors, as the v1 API sends them.

v1.md §5.1, errors.md §2.1.
"""

from __future__ import annotations

import json
from typing import Any

from ..db.clock import iso_db
from ..db.database import Row
from ..http.endpoints import ApiRequest, RefusedError, not_found, v1_refusal
from .flow_store import FlowError, own_flow
from .graphs.normalizer import normalize

# The loader behind v1 does not compute it (v1.md §5.1).
_RUN_SUMMARY = {
    "lastRunId": None,
    "lastRunStatus": None,
    "runningCount": 0,
    "pendingCount": 0,
    "failed24h": 0,
}


def own_automation(request: ApiRequest) -> Row:
    """Return the caller's automation that the path names. Raises 404.

    The row includes the published version.
    """
    try:
        return own_flow(request.plane.db, request.user_id, request.path_id("automation_id"))
    except FlowError:
        raise not_found("Automation not found") from None


def summary(row: Row) -> dict[str, Any]:
    """Return the JSON object of an automation in a list."""
    return {
        "id": row["id"],
        "installationId": row["installation_id"],
        "name": row["name"],
        "description": row["description"],
        "status": row["status"],
        "publishedVersionId": row["published_version_id"],
        "createdAt": iso_db(row["created_at"]),
        "updatedAt": iso_db(row["updated_at"]),
    }


def automation(row: Row) -> dict[str, Any]:
    """Return the JSON object of an automation with its normalised graphs.

    `row` is a row of own_flow.
    """
    published = None
    if row["version_id"] is not None:
        published = {
            "id": row["version_id"],
            "versionNumber": row["version_number"],
            "graph": normalize(json.loads(row["version_graph"])),
            "createdAt": iso_db(row["version_created_at"]),
        }
    return {
        "id": row["id"],
        "installationId": row["installation_id"],
        "name": row["name"],
        "description": row["description"],
        "notes": row["notes"],
        "status": row["status"],
        "draftGraph": normalize(json.loads(row["draft_graph"])),
        "publishedVersion": published,
        "createdAt": iso_db(row["created_at"]),
        "updatedAt": iso_db(row["updated_at"]),
        "runSummary": dict(_RUN_SUMMARY),
    }


def flow_refusal(error: FlowError, failure: str) -> RefusedError:
    """Return a flow error as an error response of the v1 API.

    404 becomes NOT_FOUND, 5xx INTERNAL_ERROR, anything else BAD_REQUEST. A BAD_REQUEST keeps the
    error's message; an INTERNAL_ERROR has the message `failure`.
    """
    if error.status == 404:
        return not_found("Automation not found" if error.code == "FLOW_NOT_FOUND" else error.message)
    if error.status >= 500:
        return v1_refusal(500, "INTERNAL_ERROR", failure)
    return v1_refusal(error.status, "BAD_REQUEST", error.message)
