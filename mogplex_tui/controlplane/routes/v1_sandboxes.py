"""/api/v1/mogplex/sandboxes: the list and the logs of one (v1.md §4)."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from .. import present
from . import params
from .web import Ask, Service, V1Endpoint, Verb, data, not_found, route


async def list_sandboxes(ask: Ask) -> Response:
    """The caller's sandboxes of every status, the last active first."""
    limit = params.clamped(ask.query("limit"), 100, 1, 200)
    sql = f"SELECT {present.SANDBOX_COLUMNS} FROM sandboxes WHERE user_id = ?"
    values: list[object] = [ask.user_id]
    repo_id = params.trim(ask.query("repo_id")).lower()
    if repo_id:
        if not params.is_uuid(repo_id):
            raise not_found("Repo not found")
        sql += " AND repo_id = ?"
        values.append(repo_id)
    if ask.query("status"):
        sql += " AND status = ?"
        values.append(ask.query("status"))
    rows = ask.plane.db.all(sql + " ORDER BY last_active_at DESC LIMIT ?", (*values, limit))
    return data({"sandboxes": [present.sandbox(row) for row in rows]})


async def read_logs(ask: Ask) -> Response:
    """One sandbox with its logs and its first 200 lifecycle events, oldest first."""
    row = ask.plane.db.one(
        f"SELECT {present.SANDBOX_COLUMNS}, install_log, dev_log FROM sandboxes WHERE id = ? AND user_id = ?",
        (ask.path_id("sandbox_id"), ask.user_id),
    )
    if row is None:
        raise not_found("Sandbox not found")
    events = ask.plane.db.all(
        "SELECT id, event_type, decision_code, worker_run_id, payload, created_at"
        " FROM sandbox_lifecycle_events WHERE sandbox_id = ? ORDER BY created_at, rowid LIMIT 200",
        (row["id"],),
    )
    lifecycle = [present.timed(event, "created_at", json_columns=("payload",)) for event in events]
    return data({"sandbox": present.sandbox(row), "lifecycle_events": lifecycle})


def routes(service: Service) -> list[Route]:
    """The routes of this family."""
    prefix = "/api/v1/mogplex/sandboxes"
    return [
        route(prefix, V1Endpoint(service, {"GET": Verb(list_sandboxes, failure="Failed to list sandboxes")})),
        route(
            prefix + "/{sandbox_id}/logs",
            V1Endpoint(service, {"GET": Verb(read_logs, "read", "Failed to load sandbox logs")}),
        ),
    ]
