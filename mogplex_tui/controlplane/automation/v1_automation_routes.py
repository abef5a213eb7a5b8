"""/api/v1/mogplex/automations: automations and their runs (v1.md §5)."""

from __future__ import annotations

import base64
import binascii
import json
import re

from starlette.responses import Response
from starlette.routing import Route

from ..db.clock import iso_db, parse_instant
from ..db.database import Row
from ..http import params
from ..http.endpoints import (
    ApiRequest,
    MethodHandler,
    Service,
    V1Endpoint,
    bad_request,
    not_found,
    route,
    v1_response,
)
from . import flow_run_queries
from . import v1_write_routes as writes
from .v1_serializers import automation, own_automation, summary

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def _cursor(row: Row) -> str:
    text = json.dumps({"createdAt": iso_db(row["created_at"]), "id": row["id"]}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _position(cursor: str) -> tuple[int, str]:
    """Return the creation time (µs) and id of the row that a page cursor names.

    Raises RefusedError for a malformed cursor.
    """
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        decoded = params.parsed(raw)
        created_at, row_id = decoded["createdAt"], decoded["id"]
    except (binascii.Error, ValueError, TypeError, KeyError, params.NotJsonError):
        raise bad_request("Invalid cursor") from None
    if not isinstance(created_at, str) or not isinstance(row_id, str):
        raise bad_request("Invalid cursor")
    at = parse_instant(created_at) if _INSTANT.fullmatch(created_at) else None
    if at is None or not params.is_uuid(row_id):
        raise bad_request("Invalid cursor")
    return at, row_id.lower()


async def list_automations(request: ApiRequest) -> Response:
    """Return a page of the caller's automations, newest first."""
    limit = params.clamped(request.query("limit"), 50, 1, 100)
    sql, values = "SELECT * FROM flows WHERE user_id = ?", [request.user_id]
    cursor = request.query("cursor")
    after: tuple[object, ...] = ()
    if cursor:
        sql += " AND (created_at, id) < (?, ?)"
        after = _position(cursor)
    rows = request.plane.db.all(
        f"{sql} ORDER BY created_at DESC, id DESC LIMIT ?", (*values, *after, limit + 1)
    )
    page = rows[:limit]
    next_cursor = _cursor(page[-1]) if len(rows) > limit else None
    return v1_response({"automations": [summary(row) for row in page], "nextCursor": next_cursor})


async def read_automation(request: ApiRequest) -> Response:
    """Return one automation with its normalised draft and published graphs."""
    return v1_response({"automation": automation(own_automation(request))})


async def list_runs(request: ApiRequest) -> Response:
    """Return the newest job runs of one automation; older runs cannot be requested."""
    flow = own_automation(request)
    limit = params.clamped(request.query("limit"), 20, 1, 50)
    rows = flow_run_queries.newest(request.plane, flow["id"], limit)
    return v1_response({"runs": flow_run_queries.records(request.plane, rows)})


async def read_automation_run(request: ApiRequest) -> Response:
    """Return one job run of the automation with all details.

    The details are its newest call, dispatch events, calls, review findings and waits.
    """
    flow = own_automation(request)
    row = flow_run_queries.one(request.plane, flow["id"], request.path_id("run_id"))
    if row is None:
        raise not_found("Run not found")
    return v1_response({"run": flow_run_queries.detail(request.plane, row)})


def routes(service: Service) -> list[Route]:
    """Return the routes of v1 automations."""
    prefix = "/api/v1/mogplex/automations"
    one = prefix + "/{automation_id}"
    paths = {
        prefix: {
            "GET": MethodHandler(list_automations, "read", "Failed to list automations"),
            "POST": MethodHandler(writes.create_automation, "write", "Failed to create automation"),
        },
        one: {
            "GET": MethodHandler(read_automation, "read", "Failed to load automation"),
            "PUT": MethodHandler(writes.update_automation, "write", "Failed to update automation"),
        },
        one + "/publish": {
            "POST": MethodHandler(writes.publish_automation, "write", "Failed to publish automation")
        },
        one + "/model": {
            "PUT": MethodHandler(writes.set_model, "write", "Failed to update automation model")
        },
        one + "/trigger": {
            "POST": MethodHandler(writes.trigger_automation, "write", "Failed to trigger automation")
        },
        one + "/runs": {"GET": MethodHandler(list_runs, "read", "Failed to list automation runs")},
        one + "/runs/{run_id}": {
            "GET": MethodHandler(read_automation_run, "read", "Failed to load automation run logs")
        },
    }
    return [route(path, V1Endpoint(service, handlers)) for path, handlers in paths.items()]
