"""Read and repair the rows of automations, and format them as JSON.

routing.md §3.1.
"""

from __future__ import annotations

import json
from typing import Any

from ..core.plane import Plane
from ..db.clock import iso_db
from ..db.database import Database, Row
from ..db.ids import Ids
from .graphs.normalizer import normalize

_COLUMNS = (
    "f.*, v.id AS version_id, v.version_number, v.graph AS version_graph, v.created_at AS version_created_at"
)
_TABLES = "flows f LEFT JOIN flow_versions v ON v.id = f.published_version_id AND v.flow_id = f.id"
_BROKEN = (
    "SELECT f.id, (SELECT v.id FROM flow_versions v WHERE v.flow_id = f.id ORDER BY v.version_number DESC LIMIT 1)"
    " AS newest FROM flows f WHERE f.user_id = ? AND f.status = 'active' AND NOT EXISTS"
    " (SELECT 1 FROM flow_versions v WHERE v.id = f.published_version_id AND v.flow_id = f.id)"
)


class FlowError(Exception):
    """An error of the flow service: HTTP status, error code, message and details.

    `details` lists the errors of an invalid graph, and is None for other errors (routing.md §3.2).
    """

    def __init__(self, status: int, code: str, message: str, details: list[str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details


def no_flow() -> FlowError:
    """Return the error for an unknown flow: 404, FLOW_NOT_FOUND."""
    return FlowError(404, "FLOW_NOT_FOUND", "Flow not found")


def own_flow(db: Database, user_id: str, flow_id: str) -> Row:
    """Return a user's flow with its published version. Raises FlowError 404."""
    row = db.one(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE f.id = ? AND f.user_id = ?", (flow_id.lower(), user_id)
    )
    if row is None:
        raise no_flow()
    return row


def own_flows(db: Database, user_id: str) -> list[Row]:
    """Return all flows of the user, newest first."""
    return db.all(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE f.user_id = ? ORDER BY f.created_at DESC, f.id DESC",
        (user_id,),
    )


def repair_flows(plane: Plane, ids: Ids, user_id: str) -> None:
    """Repair a user's active flows whose published version does not exist.

    The newest version of such a flow is made its published version; a flow without versions becomes
    inactive (routing.md §3.1).
    """
    broken = plane.db.all(_BROKEN, (user_id,))
    if not broken:
        return
    with plane.db.transaction(ids=ids) as tx:
        for row in broken:
            if row["newest"] is None:
                tx.update("flows", row["id"], status="inactive", published_version_id=None)
            else:
                tx.update("flows", row["id"], published_version_id=row["newest"])


def flow_json(row: Row) -> dict[str, Any]:
    """Return the JSON object of a flow, without the summary of its runs."""
    published = None
    if row["version_id"] is not None:
        published = {
            "id": row["version_id"],
            "flow_id": row["id"],
            "version_number": row["version_number"],
            "graph": normalize(json.loads(row["version_graph"])),
            "created_at": iso_db(row["version_created_at"]),
        }
    out = {
        name: row[name]
        for name in (
            "id",
            "user_id",
            "installation_id",
            "name",
            "description",
            "notes",
            "source_kind",
            "status",
            "published_version_id",
            "trigger_schedule_id",
        )
    }
    return out | {
        "draft_graph": normalize(json.loads(row["draft_graph"])),
        "published_version": published,
        "webhook_configured": row["webhook_secret"] is not None,
        "created_at": iso_db(row["created_at"]),
        "updated_at": iso_db(row["updated_at"]),
    }
