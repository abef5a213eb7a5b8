"""JSON objects of sandboxes in the v1 API (v1.md §4)."""

from __future__ import annotations

from typing import Any

from ..db.clock import iso_db
from ..db.database import Row

SANDBOX_COLUMNS = (
    "id, sandbox_id, repo_id, status, base_branch, working_branch, root_directory, preview_url, created_at,"
    " last_active_at, error"
)


def sandbox(row: Row) -> dict[str, Any]:
    """Return the v1 JSON object of a sandbox row (v1.md §4).

    The row must contain SANDBOX_COLUMNS; all other columns in it are copied into the object.
    """
    out = dict(row)
    out["created_at"] = iso_db(row["created_at"])
    out["last_active_at"] = iso_db(row["last_active_at"])
    return out
