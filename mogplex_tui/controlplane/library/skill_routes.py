"""/api/skills: reusable instructions of an account (library.md §6.1)."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from ..db.database import Row
from ..db.row_json import timed
from ..http.endpoints import ApiRequest, MethodHandler, PlainEndpoint, Service, json_response, refusal, route
from . import request_fields

TYPES = ("runbook", "tool", "prompt", "workflow")

_LISTED = "id, name, description, content, is_public, tags, usage_count, created_at, updated_at"
_FULL = "id, user_id, name, description, type, content, model, is_public, tags, usage_count, created_at, updated_at"
_NO_SKILL = "Skill not found"


def _skill(row: Row) -> dict[str, Any]:
    out = timed(row, "created_at", "updated_at", json_columns=("tags",))
    return {**out, "is_public": bool(row["is_public"]), "scope": "global"}


def _stored(request: ApiRequest, skill_id: str) -> Response:
    return json_response(
        _skill(request.plane.db.only(f"SELECT {_FULL} FROM skills WHERE id = ?", (skill_id,)))
    )


async def list_skills(request: ApiRequest) -> Response:
    """Return up to 200 of the caller's skills, most recently changed first.

    In `q` the characters % and _ are wildcards.
    """
    sql, values = f"SELECT {_LISTED} FROM skills WHERE user_id = ?", [request.user_id]
    if q := request.query("q"):
        sql += " AND name LIKE ?"
        values.append(f"%{q}%")
    rows = request.plane.db.all(sql + " ORDER BY updated_at DESC, rowid DESC LIMIT 200", values)
    return json_response([_skill(row) for row in rows])


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_text_or_null(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_tags(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(tag, str) for tag in value)


_RULES = {
    "name": (_is_text, "name must be a string"),
    "content": (_is_text, "content must be a string"),
    "description": (_is_text_or_null, "description must be a string"),
    "type": (lambda value: value in TYPES, "type must be runbook, tool, prompt or workflow"),
    "model": (_is_text_or_null, "model must be a string"),
    "is_public": (lambda value: isinstance(value, bool), "is_public must be a boolean"),
    "tags": (_is_tags, "tags must be an array of strings"),
}


def _changes(body: dict[str, Any], *, whole: bool) -> dict[str, Any]:
    """Return the columns of a skill from a request body.

    With `whole` the body must contain a name and content. Raises RefusedError 400 for an invalid value.
    """
    changes: dict[str, Any] = {}
    for column in ("name", "content"):
        if (whole or column in body) and body.get(column) in (None, ""):
            raise refusal(400, f"{column} is required")
    for column, (fits, text) in _RULES.items():
        if column not in body:
            continue
        value = body[column]
        if not fits(value):
            raise refusal(400, text)
        changes[column] = request_fields.compact(value) if column == "tags" else value
    return changes


async def create_skill(request: ApiRequest) -> Response:
    """Create a skill and return it.

    Raises 400 for a missing or invalid field.
    """
    changes = _changes(await request_fields.strict_body(request), whole=True)
    skill_id, now = request.service.ids.uuid(), request.plane.clock.now_us()
    with request.plane.db.transaction() as tx:
        tx.insert("skills", id=skill_id, user_id=request.user_id, created_at=now, updated_at=now, **changes)
    return _stored(request, skill_id)


async def change_skill(request: ApiRequest) -> Response:
    """Change fields and `updated_at` of a skill, and return it.

    Raises 404 if the skill is unknown or another user's.
    """
    body = await request_fields.strict_body(request)
    row = request_fields.owned(request, "skills", body.get("id"), _NO_SKILL)
    changes = _changes(body, whole=False)
    with request.plane.db.transaction() as tx:
        tx.update("skills", row["id"], updated_at=request.plane.clock.now_us(), **changes)
    return _stored(request, row["id"])


async def delete_skill(request: ApiRequest) -> Response:
    """Delete a skill; succeed if it does not exist."""
    skill_id = request_fields.id_to_delete(request, _NO_SKILL)
    with request.plane.db.transaction() as tx:
        tx.execute("DELETE FROM skills WHERE id = ? AND user_id = ?", (skill_id, request.user_id))
    return json_response({"ok": True})


def routes(service: Service) -> list[Route]:
    """Return the routes of this module."""
    handlers = {
        "GET": MethodHandler(list_skills),
        "POST": MethodHandler(create_skill),
        "PUT": MethodHandler(change_skill),
        "DELETE": MethodHandler(delete_skill),
    }
    return [route("/api/skills", PlainEndpoint(service, handlers))]
