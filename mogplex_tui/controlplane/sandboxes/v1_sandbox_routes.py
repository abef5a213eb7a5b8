"""/api/v1/mogplex/sandboxes: list, launch and logs (v1.md §4).

The response to a launch is sent only when the boot has ended.
"""

from __future__ import annotations

import json

from starlette.responses import Response
from starlette.routing import Route

from ..db import row_json
from ..http import params
from ..http.endpoints import (
    ApiRequest,
    MethodHandler,
    RefusedError,
    Service,
    V1Endpoint,
    bad_request,
    not_found,
    route,
    v1_refusal,
    v1_response,
)
from . import v1_serializers
from .launch_routes import check, launch


async def list_sandboxes(request: ApiRequest) -> Response:
    """Return the caller's sandboxes of every status, last used first."""
    limit = params.clamped(request.query("limit"), 100, 1, 200)
    sql = f"SELECT {v1_serializers.SANDBOX_COLUMNS} FROM sandboxes WHERE user_id = ?"
    values: list[object] = [request.user_id]
    repo_id = params.trim(request.query("repo_id")).lower()
    if repo_id:
        if not params.is_uuid(repo_id):
            raise not_found("Repo not found")
        sql += " AND repo_id = ?"
        values.append(repo_id)
    if request.query("status"):
        sql += " AND status = ?"
        values.append(request.query("status"))
    rows = request.plane.db.all(sql + " ORDER BY last_active_at DESC LIMIT ?", (*values, limit))
    return v1_response({"sandboxes": [v1_serializers.sandbox(row) for row in rows]})


async def create_sandbox(request: ApiRequest) -> Response:
    """Find or launch the sandbox of a working tree; respond when its boot has ended.

    The status is 202. Errors of the launch keep their HTTP status; their code is BAD_REQUEST for a
    status below 500 and SERVICE_UNAVAILABLE for others (errors.md §1.2). 429 responses have no
    Retry-After.
    """
    try:
        body = await params.json_object(request)
    except params.NotJsonError:
        body = {}
    repo_id = body.get("repoId")
    if not isinstance(repo_id, str) or not params.trim(repo_id):
        raise bad_request("repoId is required")
    try:
        launched = await launch(request, check(request, body, None))
    except RefusedError as refused:
        raise _translated(refused.response) from None
    failure: str | None = None
    while launched.channel is not None and (event := await launched.channel.next()) is not None:
        if event["type"] == "error":
            failure = event["message"]
    if failure is not None:
        raise v1_refusal(502, "SERVICE_UNAVAILABLE", failure)
    row = request.plane.db.one(
        f"SELECT {v1_serializers.SANDBOX_COLUMNS} FROM sandboxes WHERE id = ?", (launched.record_id,)
    )
    if row is None:
        message = "Sandbox launch completed without a sandbox record"
        raise v1_refusal(502, "SERVICE_UNAVAILABLE", message)
    return v1_response({"sandbox": v1_serializers.sandbox(row)}, 202)


def _translated(inner: Response) -> RefusedError:
    code = "SERVICE_UNAVAILABLE" if inner.status_code >= 500 else "BAD_REQUEST"
    return v1_refusal(inner.status_code, code, json.loads(bytes(inner.body))["error"])


async def read_logs(request: ApiRequest) -> Response:
    """Return one sandbox with its logs and its first 200 lifecycle events.

    Events are ordered from oldest to newest.
    """
    row = request.plane.db.one(
        f"SELECT {v1_serializers.SANDBOX_COLUMNS}, install_log, dev_log FROM sandboxes WHERE id = ? AND user_id = ?",
        (request.path_id("sandbox_id"), request.user_id),
    )
    if row is None:
        raise not_found("Sandbox not found")
    events = request.plane.db.all(
        "SELECT id, event_type, decision_code, worker_run_id, payload, created_at"
        " FROM sandbox_lifecycle_events WHERE sandbox_id = ? ORDER BY created_at, rowid LIMIT 200",
        (row["id"],),
    )
    lifecycle = [row_json.timed(event, "created_at", json_columns=("payload",)) for event in events]
    return v1_response({"sandbox": v1_serializers.sandbox(row), "lifecycle_events": lifecycle})


def routes(service: Service) -> list[Route]:
    """Return the routes of v1 sandboxes."""
    prefix = "/api/v1/mogplex/sandboxes"
    return [
        route(
            prefix,
            V1Endpoint(
                service,
                {
                    "GET": MethodHandler(list_sandboxes, failure="Failed to list sandboxes"),
                    "POST": MethodHandler(create_sandbox, "write", "Failed to launch sandbox"),
                },
            ),
        ),
        route(
            prefix + "/{sandbox_id}/logs",
            V1Endpoint(service, {"GET": MethodHandler(read_logs, "read", "Failed to load sandbox logs")}),
        ),
    ]
