"""/api/repos: list, import, change and delete repositories (projects.md §3)."""

from __future__ import annotations

import json
import re
import sqlite3
from typing import Any

from starlette.responses import Response

from ..http import params
from ..http.bodies import body_of
from ..http.endpoints import ApiRequest, RefusedError, json_response, refusal
from . import repo_fields, repo_writes
from .project_scope import Owner, bad_uuid, own_repo, reader, writer
from .repo_serializers import bare_repo, full_repo, full_repos, listed

_MAX_INTEGER = 2**31 - 1
# From here on the service's language writes a number with an exponent.
_MOST_IN_DIGITS = 1e21
_MAX_BIGINT = 2**63 - 1


async def list_repos(request: ApiRequest) -> Response:
    """Return the owner's repositories, or the one whose id is in the query (§3.2).

    A repository that is requested by id is returned even if it is hidden.
    """
    owner, db = reader(request), request.plane.db
    wanted = request.query("id")
    if wanted:
        if not params.is_uuid(wanted):
            raise bad_uuid(wanted)
        sql = f"SELECT * FROM repos WHERE id = ? AND {owner.where}"
        rows = db.all(sql, (wanted.lower(), owner.value))
    else:
        rows = listed(db, owner, request.query("show_hidden") == "true")
    return json_response(full_repos(db, rows, request.user_id))


def _github_id(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < _MOST_IN_DIGITS:
        value = int(value)
    text = params.trim(value) if isinstance(value, str) else json.dumps(value)
    if re.fullmatch(r"[+-]?\d{1,30}", text, re.ASCII) is None:
        raise refusal(500, f'invalid input syntax for type bigint: "{text}"')
    if abs(int(text)) > _MAX_BIGINT:
        raise refusal(500, f'value "{text}" is out of range for type bigint')
    return int(text)


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _stored_sizes(columns: dict[str, Any]) -> None:
    port = columns.get("dev_port")
    if port is not None and port > _MAX_INTEGER:
        raise refusal(500, f'value "{port}" is out of range for type integer')


def duplicate(error: sqlite3.IntegrityError) -> RefusedError:
    """Return the 500 error for a row that violates a unique constraint.

    Its text contains the message of `error`. The caller raises it.
    """
    return refusal(500, f"duplicate key value violates unique constraint: {error}")


def _workspace_of(request: ApiRequest, owner: Owner, wanted: Any) -> str | None:
    if not wanted:
        return None
    found = None
    if isinstance(wanted, str):
        sql = f"SELECT id FROM workspaces WHERE id = ? AND {owner.where}"
        found = request.plane.db.value(sql, (wanted.lower(), owner.value))
    if found is None:
        raise refusal(404, "Workspace not found")
    return str(found)


async def create_repo(request: ApiRequest) -> Response:
    """Import one repository into the workspace in the body (§3.4).

    If the body contains no `workspace_id`, it is imported into the default workspace.
    """
    owner = writer(request)
    body = await body_of(request)
    workspace_id = _workspace_of(request, owner, body.get("workspace_id"))
    columns = repo_fields.for_create(body)
    _stored_sizes(columns)
    columns["github_id"] = _github_id(body.get("github_id"))
    for name in ("full_name", "owner", "name"):
        columns[name] = _text(body.get(name))
    if columns["full_name"] is None:
        text = 'null value in column "full_name" of relation "repos" violates not-null constraint'
        raise refusal(500, text)
    now = request.plane.clock.now_us()
    try:
        with request.plane.db.transaction(ids=request.service.ids) as tx:
            columns["workspace_id"] = workspace_id or repo_writes.default_workspace(tx, owner.columns(), now)
            repo_id = repo_writes.insert_repo(tx, at=now, **owner.columns(), **columns)
    except sqlite3.IntegrityError as error:
        raise duplicate(error) from error
    return json_response(full_repo(request.plane.db, repo_id, request.user_id))


async def update_repo(request: ApiRequest) -> Response:
    """Update the fields of a repository that the body contains.

    The workspace cannot be changed (projects.md §3.5).
    """
    owner = writer(request)
    body = await body_of(request)
    repo_id = body.get("id")
    if not repo_id:
        raise refusal(400, "Missing id")
    changes = repo_fields.for_update(body)
    if not changes:
        raise refusal(400, "No repo updates provided")
    _stored_sizes(changes)
    sql = f"SELECT * FROM repos WHERE id = ? AND {owner.where}"
    row = request.plane.db.one(sql, (str(repo_id).lower(), owner.value))
    if row is None:
        raise refusal(404, "Repo not found")
    try:
        with request.plane.db.transaction(ids=request.service.ids) as tx:
            repo_writes.update_repo(tx, row, **changes)
    except sqlite3.IntegrityError as error:
        raise duplicate(error) from error
    return json_response(full_repo(request.plane.db, row["id"], request.user_id))


async def delete_repo(request: ApiRequest) -> Response:
    """Delete one repository and its dependent rows; succeed if it does not exist.

    projects.md §3.6.
    """
    owner = writer(request)
    wanted = request.query("id")
    if not wanted:
        raise refusal(400, "Missing id")
    sql = f"SELECT * FROM repos WHERE id = ? AND {owner.where}"
    row = request.plane.db.one(sql, (wanted.lower(), owner.value))
    if row is not None:
        with request.plane.db.transaction(ids=request.service.ids) as tx:
            repo_writes.delete_repo(tx, row)
    return json_response({"ok": True})


async def create_subproject(request: ApiRequest) -> Response:
    """Create a sub-project, which is a row for a directory of an imported repository.

    The sub-project has the workspace and the owner of the repository (projects.md §4.6).
    """
    body = await body_of(request)
    root = repo_fields.root_directory(body.get("root_directory"))
    if root is None:
        raise refusal(400, "root_directory is required")
    parent = own_repo(request)
    copied = (
        "user_id",
        "owner_type",
        "owner_user_id",
        "product_team_id",
        "workspace_id",
        "github_id",
        "github_installation_id",
        "full_name",
        "owner",
        "name",
        "default_branch",
        "vercel_project_id",
        "vercel_team_id",
        "sandbox_billing_target",
        "sandbox_billing_mode_override",
    )
    columns = {name: parent[name] for name in copied}
    taken = (
        "SELECT 1 FROM repos WHERE user_id = ? AND full_name = ? AND root_directory = ?"
        " AND owner_type = ? AND product_team_id IS ?"
    )
    same = (parent["user_id"], parent["full_name"], root, parent["owner_type"], parent["product_team_id"])
    if request.plane.db.one(taken, same) is not None:
        raise refusal(409, "Space already exists for this path")
    try:
        with request.plane.db.transaction(ids=request.service.ids) as tx:
            repo_id = repo_writes.insert_repo(
                tx,
                at=request.plane.clock.now_us(),
                **columns,
                created_by_user_id=request.user_id,
                root_directory=root,
                parent_repo_id=parent["id"],
            )
    except sqlite3.IntegrityError:
        raise refusal(409, "Space already exists for this path") from None
    return json_response(bare_repo(request.plane.db.only("SELECT * FROM repos WHERE id = ?", (repo_id,))))
