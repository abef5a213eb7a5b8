"""/api/flows/templates: list, create and delete templates (routing.md §3.17).

A template is created from an existing flow.
"""

from __future__ import annotations

import json
import re
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from ..db.clock import iso_db
from ..db.database import Row
from ..db.payload_redaction import dumps
from ..http import params
from ..http.bodies import body_of
from ..http.endpoints import ApiRequest, MethodHandler, PlainEndpoint, Service, json_response, refusal, route
from ..identity.active_team import active_team, may, team_scope
from .flow_store import FlowError, own_flow
from .graphs.normalizer import normalize
from .starter_graphs import template_of

_PAGE = 25
_LONGEST_NAME = 80
_CURSOR = re.compile(r"\d+", re.ASCII)
_COLUMNS = (
    "id",
    "owner_type",
    "owner_user_id",
    "product_team_id",
    "created_by_user_id",
    "name",
    "description",
    "source_flow_id",
    "trigger_event",
)


def _template(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in _COLUMNS} | {
        "reconnect": json.loads(row["reconnect"]),
        "requires_repository": bool(row["requires_repository"]),
        "created_at": iso_db(row["created_at"]),
        "updated_at": iso_db(row["updated_at"]),
    }


def _owner(team_id: str | None, user_id: str) -> tuple[str, str]:
    """Return the owner column, and its value, of templates in the active scope.

    The scope is the active team, or the user if `team_id` is None.
    """
    return ("owner_user_id", user_id) if team_id is None else ("product_team_id", team_id)


async def list_templates(request: ApiRequest) -> Response:
    """Return a page of the active scope's templates, last changed first."""
    team_id = team_scope(request)
    cursor = request.query("cursor")
    if cursor and not _CURSOR.fullmatch(cursor):
        raise refusal(400, "cursor must be a non-negative integer")
    column, owner = _owner(team_id, request.user_id)
    offset = min(params.leading_int(cursor) or 0, 2**31)
    rows = request.plane.db.all(
        f"SELECT * FROM flow_templates WHERE {column} = ? ORDER BY updated_at DESC, id DESC LIMIT ? OFFSET ?",
        (owner, _PAGE + 1, offset),
    )
    body: dict[str, Any] = {
        "templates": [_template(row) for row in rows[:_PAGE]],
        "next_cursor": str(offset + _PAGE) if len(rows) > _PAGE else None,
    }
    team = active_team(request)
    if team is not None:
        body["can_write"] = may(team.role, "projects.write")
    return json_response(body)


async def save_template(request: ApiRequest) -> Response:
    """Store a flow's draft as a template, without agents, channels and repositories."""
    team_id = team_scope(request, "projects.write")
    body = await body_of(request)
    flow_id, name = body.get("flow_id"), body.get("name")
    if not isinstance(flow_id, str) or not params.trim(flow_id):
        raise refusal(400, "flow_id is required")
    # A character that no text of the database can hold.
    name = params.trim(name.replace("\0", "")) if isinstance(name, str) else ""
    if len(name) > _LONGEST_NAME:
        raise refusal(400, "Template names must be 80 characters or fewer")
    try:
        flow = own_flow(request.plane.db, request.user_id, params.trim(flow_id))
    except FlowError as error:
        raise refusal(error.status, error.message) from None
    made = template_of(normalize(json.loads(flow["draft_graph"])))
    now = request.plane.clock.now_us()
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        template_id = tx.new_id()
        tx.insert(
            "flow_templates",
            id=template_id,
            owner_type="user" if team_id is None else "team",
            owner_user_id=request.user_id if team_id is None else None,
            product_team_id=team_id,
            created_by_user_id=request.user_id,
            name=name or flow["name"][:_LONGEST_NAME],
            description=flow["description"],
            source_flow_id=flow["id"],
            trigger_event=made.trigger_event,
            reconnect=dumps(made.reconnect),
            requires_repository=int(made.requires_repository),
            graph=dumps(made.graph),
            created_at=now,
            updated_at=now,
        )
    return json_response(
        _template(request.plane.db.only("SELECT * FROM flow_templates WHERE id = ?", (template_id,))), 201
    )


async def delete_template(request: ApiRequest) -> Response:
    """Delete a template of the active scope (team or user)."""
    column, owner = _owner(team_scope(request, "projects.write"), request.user_id)
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        gone = tx.execute(
            f"DELETE FROM flow_templates WHERE id = ? AND {column} = ?",
            (request.path_id("template_id"), owner),
        )
    if gone.rowcount == 0:
        raise refusal(404, "Workflow template not found")
    return json_response({"ok": True})


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this module."""
    prefix = "/api/flows/templates"
    return [
        route(
            prefix,
            PlainEndpoint(
                service, {"GET": MethodHandler(list_templates), "POST": MethodHandler(save_template)}
            ),
        ),
        route(prefix + "/{template_id}", PlainEndpoint(service, {"DELETE": MethodHandler(delete_template)})),
    ]
