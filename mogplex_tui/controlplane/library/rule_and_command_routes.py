"""/api/rules and /api/commands (library.md §7 and §11).

Rules are stored in two tables: `agent_rules` and the legacy table `agent_skills`.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from ..db.database import Row
from ..db.row_json import timed
from ..http.endpoints import ApiRequest, MethodHandler, PlainEndpoint, Service, json_response, refusal, route
from . import request_fields

_RULE_COLUMNS = "id, user_id, name, content, type, created_at"
_COMMAND_COLUMNS = "id, user_id, name, description, template, created_at"
_NO_RULE = "Rule not found"


def _table(name: Any) -> str:
    """Return the database table that a request's `table` value selects.

    It is the legacy table `agent_skills` if `name` is "agent_skills", or else `agent_rules`.
    """
    return "agent_skills" if name == "agent_skills" else "agent_rules"


def _row(request: ApiRequest, table: str, row_id: str) -> Row:
    return request.plane.db.only(f"SELECT {_RULE_COLUMNS} FROM {table} WHERE id = ?", (row_id,))


async def list_rules(request: ApiRequest) -> Response:
    """Return all of the caller's rules from the table that the query selects."""
    table = _table(request.query("table"))
    rows = request.plane.db.all(f"SELECT {_RULE_COLUMNS} FROM {table} WHERE user_id = ?", (request.user_id,))
    return json_response([timed(row, "created_at") for row in rows])


def _rule_changes(body: dict[str, Any], *, whole: bool) -> dict[str, str]:
    """Return the columns of a rule from a request body.

    With `whole` the body must contain a name. Raises RefusedError 400 if the name is missing or if
    a value is not a text.
    """
    name = body.get("name")
    if (whole or "name" in body) and not (isinstance(name, str) and name):
        raise refusal(400, "Name is required")
    changes: dict[str, str] = {}
    for column in ("name", "content", "type"):
        value = body.get(column)
        if whole and value is None:
            continue
        if column in body:
            if not isinstance(value, str):
                raise refusal(400, f"{column} must be a string")
            changes[column] = value
    return changes


async def create_rule(request: ApiRequest) -> Response:
    """Create a rule and return it.

    Several rules may have the same name. Raises 400 if the body contains no name.
    """
    body = await request_fields.strict_body(request)
    table, changes = _table(body.get("table")), _rule_changes(body, whole=True)
    row_id = request.service.ids.uuid()
    with request.plane.db.transaction() as tx:
        tx.insert(
            table, id=row_id, user_id=request.user_id, created_at=request.plane.clock.now_us(), **changes
        )
    return json_response(timed(_row(request, table, row_id), "created_at"))


async def change_rule(request: ApiRequest) -> Response:
    """Change fields of a rule and return it.

    Raises 404 if the rule is unknown or another user's.
    """
    body = await request_fields.strict_body(request)
    table = _table(body.get("table"))
    row = request_fields.owned(request, table, body.get("id"), _NO_RULE)
    changes = _rule_changes(body, whole=False)
    if changes:
        with request.plane.db.transaction() as tx:
            tx.update(table, row["id"], **changes)
    return json_response(timed(_row(request, table, row["id"]), "created_at"))


async def delete_rule(request: ApiRequest) -> Response:
    """Delete a rule; succeed if it does not exist."""
    _delete(request, _table(request.query("table")), request_fields.id_to_delete(request, _NO_RULE))
    return json_response({"ok": True})


def _delete(request: ApiRequest, table: str, row_id: str) -> None:
    with request.plane.db.transaction() as tx:
        tx.execute(f"DELETE FROM {table} WHERE id = ? AND user_id = ?", (row_id, request.user_id))


async def list_commands(request: ApiRequest) -> Response:
    """Return the caller's slash commands, at most 100."""
    rows = request.plane.db.all(
        f"SELECT {_COMMAND_COLUMNS} FROM custom_commands WHERE user_id = ? LIMIT 100", (request.user_id,)
    )
    return json_response([timed(row, "created_at") for row in rows])


async def create_command(request: ApiRequest) -> Response:
    """Create a slash command and return it.

    Raises 400 if the body contains no name or no template.
    """
    body = await request_fields.strict_body(request)
    for name in ("name", "template"):
        if not isinstance(body.get(name), str) or not body[name]:
            raise refusal(400, f"{name} is required")
    description = body.get("description")
    if description is not None and not isinstance(description, str):
        raise refusal(400, "description must be a string")
    row_id = request.service.ids.uuid()
    with request.plane.db.transaction() as tx:
        tx.insert(
            "custom_commands",
            id=row_id,
            user_id=request.user_id,
            name=body["name"],
            description=description or "",
            template=body["template"],
            created_at=request.plane.clock.now_us(),
        )
    row = request.plane.db.only(f"SELECT {_COMMAND_COLUMNS} FROM custom_commands WHERE id = ?", (row_id,))
    return json_response(timed(row, "created_at"))


async def delete_command(request: ApiRequest) -> Response:
    """Delete a slash command; succeed if it does not exist."""
    _delete(request, "custom_commands", request_fields.id_to_delete(request, "Command not found"))
    return json_response({"ok": True})


def routes(service: Service) -> list[Route]:
    """Return the routes of this module."""
    rules = {
        "GET": MethodHandler(list_rules),
        "POST": MethodHandler(create_rule),
        "PUT": MethodHandler(change_rule),
        "DELETE": MethodHandler(delete_rule),
    }
    commands = {
        "GET": MethodHandler(list_commands),
        "POST": MethodHandler(create_command),
        "DELETE": MethodHandler(delete_command),
    }
    return [
        route("/api/rules", PlainEndpoint(service, rules)),
        route("/api/commands", PlainEndpoint(service, commands)),
    ]
