"""JSON objects of sandboxes on the routes without a version (sandboxes.md §1.1)."""

from __future__ import annotations

from typing import Any

from ..db.clock import iso_db, iso_db_or_none
from ..db.database import Row

MAX_LIFETIME_MS = 18_000_000
DEFAULT_IDLE_MS = 1_800_000

_LABELS = {"platform": "Mogplex billing", "user_vercel_project": "Your Vercel project"}


def record(row: Row, *, persistent: bool = True, timeout_ms: int | None = None) -> dict[str, Any]:
    """Return the JSON object of a sandbox row, which must contain all columns.

    If `persistent` is False, the key `persistent` is left out, as on the health and reconcile
    routes. `timeout_ms` is given for lists: their objects contain it, and null as the time of the
    last health check.
    """
    created, active = row["created_at"], row["last_active_at"]
    return {
        "id": row["id"],
        "user_id": row["user_id"],
        "repo_id": row["repo_id"],
        "sandbox_id": row["sandbox_id"],
        "base_branch": row["base_branch"],
        "working_branch": row["working_branch"],
        "snapshot_id": row["snapshot_id"],
        "stop_reason": row["stop_reason"],
        "install_log": row["install_log"],
        "dev_log": row["dev_log"],
        "runtime": row["runtime"],
        "terminal_cwd": row["terminal_cwd"],
        "root_directory": row["root_directory"],
        "created_at": iso_db(created),
        "last_active_at": iso_db(active),
        "billing_summary": {
            "source": row["billing_source"],
            "label": _LABELS[row["billing_source"]],
            "project_id": row["billing_project_id"],
            "team_id": row["billing_team_id"],
            "team_label": row["billing_team_id"] or "Personal",
        },
        "runtime_summary": _runtime(row, persistent, timeout_ms),
        "error_summary": _errors(row),
    }


def _runtime(row: Row, persistent: bool, timeout_ms: int | None) -> dict[str, Any]:
    out: dict[str, Any] = {
        "sandbox_id": row["sandbox_id"],
        "status": row["status"],
        "health_status": row["health_status"],
        "preview_url": row["preview_url"],
        "last_health_check_at": None
        if timeout_ms is not None
        else iso_db_or_none(row["last_health_check_at"]),
        "last_preview_http_status": row["last_preview_http_status"],
        "boot_attempts": row["boot_attempts"],
        "last_boot_started_at": iso_db_or_none(row["last_boot_started_at"]),
        "last_boot_completed_at": iso_db_or_none(row["last_boot_completed_at"]),
    }
    if timeout_ms is not None:
        out["effective_timeout_ms"] = timeout_ms
    if persistent:
        out["persistent"] = bool(row["persistent"])
    return out


def _errors(row: Row) -> dict[str, Any]:
    found = [row["error"] or None, row["last_preview_error"] or None, row["last_boot_error"] or None]
    shown = next((text for text in found if text), None)
    return {
        "current_error": found[0],
        "last_preview_error": found[1],
        "last_boot_error": found[2],
        "display_error": shown,
        "has_errors": shown is not None,
    }
