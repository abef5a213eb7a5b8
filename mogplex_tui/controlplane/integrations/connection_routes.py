"""Routes under /api/connections: list, change and test (library.md §8.2 to §8.4)."""

from __future__ import annotations

import asyncio
import math
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from ..db.clock import iso_app
from ..db.database import Row
from ..http import params
from ..http.endpoints import ApiRequest, MethodHandler, PlainEndpoint, Service, json_response, refusal, route
from . import connection_probe
from . import connection_writes as writes
from .connection_fields import Columns, invalid, new_connection
from .connections import COLUMNS, MCP_CAP, connection, mcp_count, runnable

# How long a target takes to answer at a human pace.
_PROBE_SECONDS = 0.6


async def _body(request: ApiRequest) -> Any:
    try:
        return await params.json_body(request)
    except params.NotJsonError:
        raise refusal(400, "Invalid JSON body") from None


def own_connection(request: ApiRequest, connection_id: str) -> Row | None:
    """Return one of the caller's connections with all columns, or None if unknown."""
    return request.plane.db.one(
        "SELECT * FROM connections WHERE id = ? AND user_id = ?", (connection_id.lower(), request.user_id)
    )


async def list_connections(request: ApiRequest) -> Response:
    """Return the caller's connections, oldest first, without credentials."""
    rows = request.plane.db.all(
        f"SELECT {COLUMNS} FROM connections WHERE user_id = ? ORDER BY created_at, rowid", (request.user_id,)
    )
    return json_response({"connections": [connection(row) for row in rows]})


async def create_connection(request: ApiRequest) -> Response:
    """Create a connection (library.md §8.3)."""
    columns = new_connection(request, await _body(request))
    if columns["source_preset"] is not None:
        _refuse_double(request, columns["source_preset"])
    if columns["type"] == "mcp_server":
        _refuse_too_many(request, columns)
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        made = writes.insert_connection(
            tx, user_id=request.user_id, at=request.plane.clock.now_us(), **columns
        )
    row = request.plane.db.only(f"SELECT {COLUMNS} FROM connections WHERE id = ?", (made,))
    return json_response({"connection": connection(row)}, 201)


def _refuse_double(request: ApiRequest, preset: str) -> None:
    row = request.plane.db.one(
        f"SELECT {COLUMNS} FROM connections WHERE user_id = ? AND source_preset = ? ORDER BY created_at",
        (request.user_id, preset),
    )
    if row is not None:
        text = f"{row['name']} is already connected"
        raise refusal(409, text, code="PRESET_ALREADY_CONNECTED", connection=connection(row))


def _refuse_too_many(request: ApiRequest, columns: Columns) -> None:
    db = request.plane.db
    if columns["scope"] == "project":
        count = mcp_count(runnable(db, request.user_id, columns["repo_id"]))
    else:
        count = db.value(
            "SELECT COUNT(*) FROM connections WHERE user_id = ? AND type = 'mcp_server' AND is_enabled = 1",
            (request.user_id,),
        )
    if count >= MCP_CAP:
        raise invalid(f"Maximum {MCP_CAP} MCP connections allowed")


async def _named(request: ApiRequest) -> tuple[Row, dict[str, Any]]:
    """Return the connection whose id is in the JSON body, and the body.

    Raises RefusedError: 400 if the body contains no id, 403 if the caller has no connection with
    this id (library.md §8.2).
    """
    parsed = await _body(request)
    body = parsed if isinstance(parsed, dict) else {}
    wanted = body.get("id")
    if not isinstance(wanted, str) or not wanted:
        raise refusal(400, "id required")
    row = own_connection(request, wanted)
    if row is None:
        raise refusal(403, "Forbidden")
    return row, body


async def switch_connection(request: ApiRequest) -> Response:
    """Enable or disable a connection.

    The other fields of a connection cannot be changed.
    """
    row, body = await _named(request)
    enabled = body.get("is_enabled")
    if not isinstance(enabled, bool):
        raise refusal(400, "is_enabled must be a boolean")
    with request.plane.db.transaction() as tx:
        now = request.plane.clock.now_us()
        writes.update_connection(tx, request.user_id, row["id"], now, is_enabled=int(enabled))
    return json_response({"ok": True})


async def delete_connection(request: ApiRequest) -> Response:
    """Delete the connection whose id is in the JSON body."""
    row, _ = await _named(request)
    with request.plane.db.transaction() as tx:
        writes.delete_connection(tx, request.user_id, row["id"])
    return json_response({"ok": True})


async def try_connection(request: ApiRequest) -> Response:
    """Test a connection; the status is 200 even if the test fails (library.md §8.4)."""
    row = own_connection(request, request.path_id("connection_id"))
    if row is None:
        raise refusal(404, "Connection not found")
    plane = request.plane
    with plane.db.transaction(ids=request.service.ids) as tx:
        token = writes.begin_test(tx, request.user_id, row["id"], plane.clock.now_us())
    await asyncio.sleep(_PROBE_SECONDS / (plane.settings.speed or math.inf))
    # Instants that the answer and the row share have milliseconds.
    at = plane.clock.now_us() // 1000 * 1000
    result = connection_probe.probe(row, at)
    with plane.db.transaction(ids=request.service.ids) as tx:
        kept = writes.end_test(
            tx,
            request.user_id,
            row["id"],
            token,
            at,
            status=result.status,
            error=result.error,
            http_status=result.http_status,
            tool_count=result.tool_count,
        )
    return json_response(_tested(result, at) | ({} if kept else {"persisted": False, "superseded": True}))


def _tested(found: connection_probe.ProbeResult, at: int) -> dict[str, Any]:
    optional = {"error": found.error, "httpStatus": found.http_status, "toolCount": found.tool_count}
    return {
        "healthy": found.status == "healthy",
        "status": found.status,
        "summary": found.summary,
        **{key: value for key, value in optional.items() if value is not None},
        "testedAt": iso_app(at),
    }


def routes(service: Service) -> list[Route]:
    """Return the routes of this module."""
    handlers = {
        "GET": MethodHandler(list_connections),
        "POST": MethodHandler(create_connection),
        "PATCH": MethodHandler(switch_connection),
        "DELETE": MethodHandler(delete_connection),
    }
    return [
        route("/api/connections", PlainEndpoint(service, handlers)),
        route(
            "/api/connections/{connection_id}/test",
            PlainEndpoint(service, {"POST": MethodHandler(try_connection)}),
        ),
    ]
