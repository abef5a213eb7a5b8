"""/api/workspaces: groups of repositories, which the UI calls projects.

projects.md §5.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from starlette.responses import Response

from ..db.database import Row
from ..http import params
from ..http.bodies import body_of
from ..http.endpoints import ApiRequest, empty_500, json_response, refusal
from . import repo_writes
from .project_scope import Owner, reader, text_or_none, timeout_ms, writer
from .repo_fields import LINK_RESET
from .repo_serializers import bare_workspace, full_workspace

_TAKEN = "A project with that name already exists"
_BILLING = ("sandbox_billing_mode", "sandbox_vercel_team_id", "sandbox_vercel_project_id")


def _is_taken(error: sqlite3.IntegrityError) -> bool:
    return "UNIQUE" in str(error)


async def list_workspaces(request: ApiRequest) -> Response:
    """Return the owner's workspaces with repository counts, the default one first."""
    owner, db = reader(request), request.plane.db
    rows = db.all(
        "SELECT w.*, (SELECT COUNT(*) FROM repos r WHERE r.workspace_id = w.id) AS repo_count FROM workspaces w"
        f" WHERE {owner.where} ORDER BY is_default DESC, created_at, id",
        (owner.value,),
    )
    return json_response([{**bare_workspace(row), "repo_count": row["repo_count"]} for row in rows])


async def create_workspace(request: ApiRequest) -> Response:
    """Create a workspace without repositories (§5.2)."""
    owner = writer(request)
    body = await body_of(request)
    name = _name(body)
    timeout = (
        timeout_ms(body["sandbox_timeout_ms"]) if "sandbox_timeout_ms" in body else repo_writes.LIFETIME_MS
    )
    try:
        with request.plane.db.transaction(ids=request.service.ids) as tx:
            workspace_id = repo_writes.insert_workspace(
                tx,
                at=request.plane.clock.now_us(),
                **owner.columns(),
                name=name,
                description=text_or_none(body.get("description")),
                sandbox_timeout_ms=timeout,
            )
    except sqlite3.IntegrityError as error:
        if _is_taken(error):
            raise refusal(409, _TAKEN) from None
        raise
    return json_response(full_workspace(request.plane.db, workspace_id))


def _name(body: dict[str, Any]) -> str:
    name = text_or_none(body.get("name"))
    if name is None:
        raise refusal(400, "Workspace name is required")
    return name


def own_workspace(request: ApiRequest, owner: Owner) -> Row:
    """Return the owner's workspace whose id is in the path.

    Raises RefusedError 404 if it is unknown or belongs to another owner.
    """
    sql = f"SELECT * FROM workspaces WHERE id = ? AND {owner.where}"
    row = request.plane.db.one(sql, (request.path_id("id"), owner.value))
    if row is None:
        raise refusal(404, "Workspace not found")
    return row


def _changes(body: dict[str, Any]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if "name" in body:
        changes["name"] = _name(body)
    if "description" in body:
        changes["description"] = text_or_none(body["description"])
    if "sandbox_timeout_ms" in body:
        changes["sandbox_timeout_ms"] = timeout_ms(body["sandbox_timeout_ms"])
    if any(name in body for name in _BILLING):
        changes |= LINK_RESET
        changes |= {
            "sandbox_billing_mode": "platform",
            "sandbox_vercel_team_id": None,
            "sandbox_vercel_project_id": None,
        }
    return changes


async def update_workspace(request: ApiRequest) -> Response:
    """Update a workspace; an empty body still changes `updated_at` (§5.2)."""
    owner = writer(request)
    if not params.is_uuid(request.path_id("id")):
        raise empty_500()
    body = await body_of(request)
    row = own_workspace(request, owner)
    changes = _changes(body)
    try:
        with request.plane.db.transaction(ids=request.service.ids) as tx:
            tx.update("workspaces", row["id"], **changes, updated_at=request.plane.clock.now_us())
    except sqlite3.IntegrityError as error:
        if _is_taken(error):
            raise refusal(409, _TAKEN) from None
        raise
    return json_response(full_workspace(request.plane.db, row["id"]))


async def delete_workspace(request: ApiRequest) -> Response:
    """Delete a workspace (§5.2).

    Raises 409 if it is the default workspace or contains repositories.
    """
    row = own_workspace(request, writer(request))
    if row["is_default"]:
        raise refusal(409, "The default project cannot be deleted")
    if request.plane.db.one("SELECT 1 FROM repos WHERE workspace_id = ?", (row["id"],)) is not None:
        raise refusal(409, "Move or remove this project's repositories before deleting it")
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        tx.execute("DELETE FROM workspaces WHERE id = ?", (row["id"],))
    return json_response({"ok": True})
