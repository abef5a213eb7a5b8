"""A repository's own connections, and its exclusions of connections and models.

projects.md §4.1, §4.2.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from starlette.responses import Response

from ..db.clock import iso_db
from ..http.bodies import body_of
from ..http.endpoints import ApiRequest, json_response, refusal
from ..identity import model_catalogue
from ..integrations import connections
from .project_scope import own_repo

_MODEL = ("id", "provider", "name", "context_length")
_ALL = (
    f"SELECT {connections.COLUMNS} FROM connections WHERE user_id = :user"
    " AND (scope = 'global' OR repo_id = :repo) ORDER BY scope <> 'global', created_at, id"
)


async def list_connections(request: ApiRequest) -> Response:
    """Return the global connections, the repository's own ones, and its overrides.

    `resolved_mcp_count` is the number of MCP servers that a run in the repository uses.
    """
    db, repo = request.plane.db, own_repo(request)
    overrides = db.all(
        "SELECT id, repo_id, connection_id, excluded, created_at FROM repo_connection_overrides"
        " WHERE repo_id = ? ORDER BY created_at, id",
        (repo["id"],),
    )
    rows = db.all(_ALL, {"user": request.user_id, "repo": repo["id"]})
    runnable = connections.runnable(db, request.user_id, repo["id"])
    return json_response(
        {
            "connections": [connections.connection(row) for row in rows],
            "overrides": [
                {**dict(row), "excluded": bool(row["excluded"]), "created_at": iso_db(row["created_at"])}
                for row in overrides
            ],
            "resolved_mcp_count": connections.mcp_count(runnable),
        }
    )


async def override_connection(request: ApiRequest) -> Response:
    """Exclude a global connection from the repository, or include it again (§4.1)."""
    repo = own_repo(request)
    body = await body_of(request)
    connection_id, excluded = body.get("connection_id"), body.get("excluded")
    if not isinstance(connection_id, str) or not connection_id or not isinstance(excluded, bool):
        raise refusal(400, "connection_id + excluded required")
    global_connection = "SELECT id FROM connections WHERE id = ? AND user_id = ? AND scope = 'global'"
    global_id = request.plane.db.value(global_connection, (connection_id.lower(), request.user_id))
    if global_id is None:
        raise refusal(404, "Global connection not found")
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        pair = "FROM repo_connection_overrides WHERE repo_id = ? AND connection_id = ?"
        old = tx.one(f"SELECT id {pair}", (repo["id"], global_id))
        table = "repo_connection_overrides"
        if not excluded:
            if old is not None:
                tx.execute(f"DELETE FROM {table} WHERE id = ?", (old["id"],))
                tx.record_change(table, "DELETE", None, old["id"])
        elif old is not None:
            tx.update(table, old["id"], excluded=1)
            tx.record_change(table, "UPDATE", None, old["id"])
        else:
            row_id, now = tx.new_id(), request.plane.clock.now_us()
            tx.insert(
                table, id=row_id, repo_id=repo["id"], connection_id=global_id, excluded=1, created_at=now
            )
            tx.record_change(table, "INSERT", None, row_id)
    return json_response({"ok": True})


async def delete_connection_override(request: ApiRequest) -> Response:
    """Delete one override of a connection by its id; succeed if it does not exist."""
    repo = own_repo(request)
    wanted = request.query("overrideId")
    if not wanted:
        raise refusal(400, "overrideId required")
    with request.plane.db.transaction() as tx:
        gone = tx.execute(
            "DELETE FROM repo_connection_overrides WHERE id = ? AND repo_id = ?", (wanted.lower(), repo["id"])
        )
        if gone.rowcount:
            tx.record_change("repo_connection_overrides", "DELETE", None, wanted.lower())
    return json_response({"ok": True})


async def list_models(request: ApiRequest) -> Response:
    """Return the models that the repository may use and its overrides (§4.2).

    Models are sorted by provider.
    """
    db, repo = request.plane.db, own_repo(request)
    overrides = db.all(
        "SELECT model_id, excluded FROM repo_model_overrides WHERE repo_id = ? ORDER BY model_id",
        (repo["id"],),
    )
    excluded = {row["model_id"] for row in overrides if row["excluded"]}
    profile = db.only("SELECT * FROM profiles WHERE id = ?", (request.user_id,))
    models: list[dict[str, Any]] = [
        {
            **{name: row[name] for name in _MODEL},
            "capabilities": json.loads(row["capabilities"]),
            "is_available": bool(row["is_available"]),
            "is_hidden": False,
            "is_enabled": True,
        }
        for row in model_catalogue.everything(db, profile)
        if not row["is_hidden"] and row["is_enabled"] and row["id"] not in excluded
    ]
    shown = [{"model_id": row["model_id"], "excluded": bool(row["excluded"])} for row in overrides]
    return json_response({"models": models, "overrides": shown})


async def override_model(request: ApiRequest) -> Response:
    """Exclude a model from the repository, or include it again.

    Raises 500 for an attempt to exclude an unknown model (projects.md §4.2).
    """
    repo = own_repo(request)
    body = await body_of(request)
    model_id, excluded = body.get("model_id"), body.get("excluded")
    if not isinstance(model_id, str) or not model_id or not isinstance(excluded, bool):
        raise refusal(400, "model_id and excluded required")
    try:
        with request.plane.db.transaction() as tx:
            if excluded:
                tx.execute(
                    "INSERT INTO repo_model_overrides (repo_id, model_id, excluded) VALUES (?, ?, 1)"
                    " ON CONFLICT (repo_id, model_id) DO UPDATE SET excluded = 1",
                    (repo["id"], model_id),
                )
            else:
                tx.execute(
                    "DELETE FROM repo_model_overrides WHERE repo_id = ? AND model_id = ?",
                    (repo["id"], model_id),
                )
    except sqlite3.IntegrityError:
        text = 'insert or update on table "repo_model_overrides" violates foreign key constraint'
        raise refusal(500, text) from None
    return json_response({"ok": True})
