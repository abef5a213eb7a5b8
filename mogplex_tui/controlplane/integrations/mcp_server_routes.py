"""Routes of custom MCP servers, and the v1 list of all MCP servers with secrets.

library.md §9, v1.md §6.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from ..db.clock import iso_db
from ..db.database import Row
from ..http import params
from ..http.endpoints import (
    ApiRequest,
    MethodHandler,
    PlainEndpoint,
    Service,
    V1Endpoint,
    json_response,
    refusal,
    route,
    v1_response,
)
from . import mcp_configs
from .mcp_server_fields import Server, body_object, changed, created, refused

_JSON_COLUMNS = ("args", "env_plain", "env_secrets", "header_plain", "header_secrets", "extra")


def _shown(row: Row) -> dict[str, Any]:
    """Return the JSON object of a server, with names but not values of its secrets."""
    return {
        "id": row["id"],
        "name": row["name"],
        "enabled": bool(row["enabled"]),
        "transport": row["transport"],
        "command": row["command"],
        "args": json.loads(row["args"]),
        "envPlain": json.loads(row["env_plain"]),
        "envSecretNames": sorted(json.loads(row["env_secrets"])),
        "url": row["url"],
        "headerPlain": json.loads(row["header_plain"]),
        "headerSecretNames": sorted(json.loads(row["header_secrets"])),
        "extra": json.loads(row["extra"]),
        "createdAt": iso_db(row["created_at"]),
        "updatedAt": iso_db(row["updated_at"]),
    }


def _columns(server: Server) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "name": server.name,
        "enabled": int(server.enabled),
        "transport": server.transport,
        "command": server.command,
        "url": server.url,
    }
    return columns | {name: json.dumps(getattr(server, name), ensure_ascii=False) for name in _JSON_COLUMNS}


def _stored(row: Row) -> Server:
    parsed = {name: json.loads(row[name]) for name in _JSON_COLUMNS}
    return Server(
        name=row["name"],
        enabled=bool(row["enabled"]),
        transport=row["transport"],
        command=row["command"],
        url=row["url"],
        **parsed,
    )


def _row(request: ApiRequest, server_id: str) -> Row:
    row = request.plane.db.one(
        "SELECT * FROM user_mcp_servers WHERE id = ? AND user_id = ?", (server_id, request.user_id)
    )
    if row is None:
        raise refusal(404, "Server not found")
    return row


async def _body(request: ApiRequest) -> dict[str, Any]:
    try:
        return body_object(await params.json_body(request))
    except params.NotJsonError:
        raise refusal(400, "Invalid JSON body") from None


async def list_servers(request: ApiRequest) -> Response:
    """Return the caller's custom MCP servers, without secrets.

    With `format=cli` in the query, MCP connections and all secrets are included (library.md §9.1).
    """
    if request.query("format") == "cli":
        return json_response(
            mcp_configs.merged(request.plane.db, request.user_id, request.plane.clock.now_us())
        )
    rows = request.plane.db.all(
        "SELECT * FROM user_mcp_servers WHERE user_id = ? ORDER BY created_at DESC, rowid DESC",
        (request.user_id,),
    )
    return json_response({"servers": [_shown(row) for row in rows]})


async def v1_servers(request: ApiRequest) -> Response:
    """Return the caller's custom MCP servers and MCP connections (v1.md §6).

    The response contains secrets.
    """
    return v1_response(
        {"servers": mcp_configs.merged(request.plane.db, request.user_id, request.plane.clock.now_us())}
    )


async def create_server(request: ApiRequest) -> Response:
    """Create a server; answer 409 if the caller has a server with the same name."""
    server = created(await _body(request))
    now = request.plane.clock.now_us()
    try:
        with request.plane.db.transaction(ids=request.service.ids) as tx:
            server_id = tx.new_id()
            tx.insert(
                "user_mcp_servers",
                id=server_id,
                user_id=request.user_id,
                created_at=now,
                updated_at=now,
                **_columns(server),
            )
    except sqlite3.IntegrityError:
        raise _duplicate(request, server.name) from None
    return json_response({"server": _shown(_row(request, server_id))}, 201)


def _duplicate(request: ApiRequest, name: str) -> Exception:
    known = request.plane.db.one(
        "SELECT 1 FROM user_mcp_servers WHERE user_id = ? AND name = ?", (request.user_id, name)
    )
    if known is None:
        return LookupError(f"{name} was refused by something else than its name")
    return refused("A server with that name already exists", "DUPLICATE_NAME", 409)


async def read_server(request: ApiRequest) -> Response:
    """Return one of the caller's servers; answer 404 for other ids."""
    return json_response({"server": _shown(_row(request, request.path_id("server_id")))})


async def change_server(request: ApiRequest) -> Response:
    """Change the fields of one of the caller's servers (library.md §9.3)."""
    row = _row(request, request.path_id("server_id"))
    server = changed(_stored(row), await _body(request))
    try:
        with request.plane.db.transaction(ids=request.service.ids) as tx:
            tx.update(
                "user_mcp_servers", row["id"], updated_at=request.plane.clock.now_us(), **_columns(server)
            )
    except sqlite3.IntegrityError:
        raise _duplicate(request, server.name) from None
    return json_response({"server": _shown(_row(request, row["id"]))})


async def delete_server(request: ApiRequest) -> Response:
    """Delete one of the caller's servers with its secrets; answer 404 for other ids."""
    row = _row(request, request.path_id("server_id"))
    with request.plane.db.transaction() as tx:
        tx.execute("DELETE FROM user_mcp_servers WHERE id = ?", (row["id"],))
    return json_response({"ok": True})


def routes(service: Service) -> list[Route]:
    """Return the routes of this module."""
    one = {
        "GET": MethodHandler(read_server),
        "PATCH": MethodHandler(change_server),
        "DELETE": MethodHandler(delete_server),
    }
    v1 = MethodHandler(v1_servers, "read", "Failed to list MCP servers")
    return [
        route(
            "/api/mcp-servers",
            PlainEndpoint(
                service, {"GET": MethodHandler(list_servers), "POST": MethodHandler(create_server)}
            ),
        ),
        route("/api/mcp-servers/{server_id}", PlainEndpoint(service, one)),
        route("/api/v1/mogplex/mcp/servers", V1Endpoint(service, {"GET": v1})),
    ]
