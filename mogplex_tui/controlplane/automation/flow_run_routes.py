"""/api/flows/{id}: the runs of a flow, one run, and a test of the flow's trigger.

routing.md §3.11, §3.13, §3.14.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from ..http import params
from ..http.endpoints import (
    ApiRequest,
    MethodHandler,
    PlainEndpoint,
    Service,
    empty_500,
    json_response,
    refusal,
    route,
)
from . import flow_run_queries
from .events import named_flow_start
from .flow_route_helpers import flow_refusal
from .flow_store import FlowError, own_flow
from .graphs.normalizer import normalize, start_of

_INACTIVE = "Publish and activate this workflow before testing it."


def _flow_id(request: ApiRequest) -> str:
    try:
        return str(own_flow(request.plane.db, request.user_id, request.path_id("flow_id"))["id"])
    except FlowError as error:
        raise flow_refusal(error) from None


async def list_runs(request: ApiRequest) -> Response:
    """Return the newest runs of a flow: 12, or the number in `limit` (1 to 50).

    If `limit` is not a number, the response is a 500 without a body (§3.13).
    """
    limit = 12
    if request.query("limit"):
        given = params.leading_int(request.query("limit"))
        if given is None:
            raise empty_500()
        limit = max(1, min(50, given))
    rows = flow_run_queries.newest(request.plane, _flow_id(request), limit)
    return json_response({"runs": flow_run_queries.records(request.plane, rows)})


async def read_run(request: ApiRequest) -> Response:
    """Return one run of a flow with its details."""
    row = flow_run_queries.one(request.plane, _flow_id(request), request.path_id("run_id"))
    if row is None:
        raise refusal(404, "Run not found", code="FLOW_RUN_NOT_FOUND")
    return json_response({"run": flow_run_queries.detail(request.plane, row)})


async def test_trigger(request: ApiRequest) -> Response:
    """Start one run of a flow's published graph with a test event.

    Responds 202 if the run was queued, otherwise 200 with the reason. routing.md §3.11.
    """
    payload = await _payload(request)
    flow_id = request.path_id("flow_id")
    flow = named_flow_start.active_flow(request.plane, flow_id)
    if flow is None or flow["user_id"] != request.user_id:
        raise refusal(400, _INACTIVE)
    if start_of(normalize(json.loads(flow["graph"]))) is None:
        raise refusal(400, "Workflow trigger is missing.")
    key = named_flow_start.trial_key(flow_id, request.service.ids.uuid())
    fired = named_flow_start.start_flow(
        request.plane, request.service.ids, flow, key=key, payload=payload, source="api"
    )
    return json_response(fired.body(), 202 if fired.outcome == "queued" else 200)


async def _payload(request: ApiRequest) -> dict[str, Any]:
    """Return the `payload` of the request body, or a default payload if it is missing."""
    try:
        sent = (await params.json_object(request)).get("payload")
    except params.NotJsonError:
        sent = None
    return sent if isinstance(sent, dict) else named_flow_start.trial_payload(request.plane.clock.now_us())


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this module."""
    one = "/api/flows/{flow_id}"
    return [
        route(one + "/runs", PlainEndpoint(service, {"GET": MethodHandler(list_runs)})),
        route(one + "/runs/{run_id}", PlainEndpoint(service, {"GET": MethodHandler(read_run)})),
        route(one + "/test-trigger", PlainEndpoint(service, {"POST": MethodHandler(test_trigger)})),
    ]
