"""Launch presets: stored branches and directories for starting a sandbox.

projects.md §4.4.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from ..calls.run_request_validation import is_branch
from ..db import row_json
from ..db.database import Row
from ..http import params
from ..http.endpoints import ApiRequest, RefusedError, json_response, refusal
from .project_scope import own_repo, truthy
from .repo_fields import root_directory

CAP = 25
_NAME_LENGTH = 64


def valid_branch(value: Any) -> str | None:
    """Return the trimmed branch name, or None if GitHub would not accept it (§4.4)."""
    name = params.trim(value) if isinstance(value, str) else ""
    return name if is_branch(name) else None


def _invalid(text: str, field: str) -> RefusedError:
    return refusal(400, text, field=field)


def _root(value: Any) -> str | None:
    if value is None:
        return None
    bad = not isinstance(value, str) or "\0" in value or params.trim(value).startswith("/")
    parts = [] if bad else value.split("/")
    if bad or any(part.strip() == ".." or "%2e" in part.lower() for part in parts):
        raise _invalid("Invalid root directory", "rootDirectory")
    return root_directory(value)


async def _fields(request: ApiRequest) -> dict[str, Any]:
    try:
        body = await params.json_body(request)
    except params.NotJsonError:
        raise refusal(400, "Invalid JSON") from None
    if not isinstance(body, dict | list):
        raise _invalid("Preset payload required", "name")
    fields: dict[str, Any] = body if isinstance(body, dict) else {}
    name = params.trim(fields["name"]) if isinstance(fields.get("name"), str) else ""
    if not name:
        raise _invalid("Preset name is required", "name")
    base = valid_branch(fields.get("baseBranch"))
    if base is None:
        raise _invalid("Invalid base branch", "baseBranch")
    working = valid_branch(fields.get("workingBranch"))
    if working is None:
        raise _invalid("Invalid working branch", "workingBranch")
    create = truthy(fields.get("createBranch"))
    if create and working == base:
        raise _invalid("A new working branch must differ from the base branch", "workingBranch")
    return {
        "name": name[:_NAME_LENGTH],
        "root_directory": _root(fields.get("rootDirectory")),
        "base_branch": base,
        "working_branch": working,
        "create_branch": int(create),
    }


def _preset(row: Row) -> dict[str, Any]:
    return {**row_json.timed(row, "created_at", "updated_at"), "create_branch": bool(row["create_branch"])}


async def list_presets(request: ApiRequest) -> Response:
    """Return the caller's presets for the repository, newest first."""
    repo = own_repo(request) if params.is_uuid(request.path_id("id")) else _bad_id("load launch presets")
    rows = request.plane.db.all(
        "SELECT * FROM sandbox_launch_presets WHERE user_id = ? AND repo_id = ?"
        " ORDER BY created_at DESC, rowid DESC",
        (request.user_id, repo["id"]),
    )
    return json_response({"presets": [_preset(row) for row in rows]})


def _bad_id(what: str) -> Row:
    """Raise the 500 that the route returns if an id in the path is not a UUID.

    `what` completes the text "Failed to …" (projects.md §4).
    """
    raise refusal(500, f"Failed to {what}")


async def save_preset(request: ApiRequest) -> Response:
    """Create a preset, or overwrite the caller's preset with the same name.

    A new preset is refused if the caller already has 25 presets for the repository.
    """
    repo = own_repo(request) if params.is_uuid(request.path_id("id")) else _bad_id("save launch preset")
    fields = await _fields(request)
    now = request.plane.clock.now_us()
    mine = (request.user_id, repo["id"])
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        named = "SELECT id FROM sandbox_launch_presets WHERE user_id = ? AND repo_id = ? AND name = ?"
        old = tx.one(named, (*mine, fields["name"]))
        if old is not None:
            preset_id = old["id"]
            tx.update("sandbox_launch_presets", preset_id, **fields, updated_at=now)
        else:
            counted = tx.all("SELECT 1 FROM sandbox_launch_presets WHERE user_id = ? AND repo_id = ?", mine)
            if len(counted) >= CAP:
                raise _invalid(f"Preset cap reached ({CAP} per repo)", "name")
            preset_id = tx.new_id()
            tx.insert(
                "sandbox_launch_presets",
                id=preset_id,
                user_id=request.user_id,
                repo_id=repo["id"],
                **fields,
                created_at=now,
                updated_at=now,
            )
    row = request.plane.db.only("SELECT * FROM sandbox_launch_presets WHERE id = ?", (preset_id,))
    return json_response({"preset": _preset(row)})


async def delete_preset(request: ApiRequest) -> Response:
    """Delete one of the caller's presets. Raises 404 if it does not exist."""
    if not (params.is_uuid(request.path_id("id")) and params.is_uuid(request.path_id("preset_id"))):
        _bad_id("delete launch preset")
    repo = own_repo(request)
    with request.plane.db.transaction() as tx:
        gone = tx.execute(
            "DELETE FROM sandbox_launch_presets WHERE id = ? AND user_id = ? AND repo_id = ?",
            (request.path_id("preset_id"), request.user_id, repo["id"]),
        ).rowcount
    if not gone:
        raise refusal(404, "Preset not found")
    return json_response({"ok": True})
