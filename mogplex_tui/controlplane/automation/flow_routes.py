"""/api/flows: manage automations and their signing secrets (routing.md §3)."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from ..http import params
from ..http.bodies import body_of
from ..http.endpoints import ApiRequest, MethodHandler, PlainEndpoint, Service, json_response, refusal, route
from ..identity.active_team import active_team, team_scope
from .flow_route_helpers import flow_refusal, positive_number, service_of
from .flow_store import FlowError, flow_json, own_flow, own_flows, repair_flows
from .graphs.normalizer import Graph, normalize
from .run_summaries import summaries
from .starter_graphs import STARTERS, limit_to_installation, starter_graph

_TEMPLATE_FIELDS = ("template_id", "personal_template_id", "team_template_id")
_NO_TEMPLATE = FlowError(404, "FLOW_NOT_FOUND", "Workflow template not found")


def read(request: ApiRequest, flow_id: str) -> dict[str, Any]:
    """Return the caller's flow as a Flow object. Raises FlowError 404."""
    return flow_json(own_flow(request.plane.db, request.user_id, flow_id))


async def list_flows(request: ApiRequest) -> Response:
    """Return all flows of the caller as an array, newest first.

    Each flow includes the summary of its job runs.
    """
    repair_flows(request.plane, request.service.ids, request.user_id)
    rows = own_flows(request.plane.db, request.user_id)
    about = summaries(request.plane, "flow_id", [row["id"] for row in rows])
    return json_response([flow_json(row) | about[row["id"]] for row in rows])


async def create_flow(request: ApiRequest) -> Response:
    """Create an inactive flow from a starter or a stored template (§3.4)."""
    body = await body_of(request)
    installation_id = positive_number(body.get("installation_id"))
    if installation_id is None:
        raise refusal(400, "installation_id is required")
    starter = body.get("template_id")
    if starter is not None and (not isinstance(starter, str) or starter not in STARTERS):
        raise refusal(400, "Unknown workflow template")
    chosen = [name for name in _TEMPLATE_FIELDS if isinstance(body.get(name), str) and body[name]]
    if len(chosen) > 1:
        raise refusal(400, "Choose one workflow template")
    if chosen == ["team_template_id"]:
        if active_team(request) is None:
            raise refusal(400, "Team workflow template requires an active team")
        team_scope(request)
    try:
        flow_id = _create(request, body, installation_id, chosen[0] if chosen else None)
        return json_response(read(request, flow_id), 201)
    except FlowError as error:
        raise flow_refusal(error) from None


def _create(request: ApiRequest, body: dict[str, Any], installation_id: int, field: str | None) -> str:
    service = service_of(request)
    service.check_installation(installation_id)
    repo_name = body.get("repo_full_name")
    repo = None
    if isinstance(repo_name, str) and params.trim(repo_name):
        repo = service.check_repository(installation_id, params.trim(repo_name))
    if field in (None, "template_id"):
        starter = body.get("template_id") or "blank"
        name = STARTERS[starter].name
        graph = starter_graph(request.plane.db, request.user_id, starter, installation_id)
    else:
        name, graph = _from_template(request, str(field), str(body[field]), repo)
    given = body.get("name")
    if isinstance(given, str) and params.trim(given):
        name = params.trim(given)
    return service.create(
        name or "Untitled flow", installation_id, limit_to_installation(graph, installation_id, repo)
    )


def _from_template(request: ApiRequest, field: str, template_id: str, repo: str | None) -> tuple[str, Graph]:
    """Return the name and graph of a template of the caller or of the active team.

    `field` is the name of the body field that holds `template_id`, and decides which of the two
    owns the template. Raises FlowError.
    """
    owner, owner_id = "owner_user_id", request.user_id
    if field == "team_template_id":
        team = active_team(request)
        owner, owner_id = "product_team_id", "" if team is None else team.id
    row = request.plane.db.one(
        f"SELECT name, graph, requires_repository FROM flow_templates WHERE id = ? AND {owner} = ?",
        (template_id.lower(), owner_id),
    )
    if row is None:
        raise _NO_TEMPLATE
    if row["requires_repository"] and repo is None:
        raise FlowError(400, "FLOW_GRAPH_INVALID", "This workflow template requires a repository.")
    return row["name"], normalize(json.loads(row["graph"]))


async def read_flow(request: ApiRequest) -> Response:
    """Return one flow without the summary of its runs."""
    repair_flows(request.plane, request.service.ids, request.user_id)
    try:
        return json_response(read(request, request.path_id("flow_id")))
    except FlowError as error:
        raise refusal(error.status, error.message) from None


async def edit_flow(request: ApiRequest) -> Response:
    """Pause or resume a flow if the body has `status`; otherwise edit it (§3.6)."""
    body = await body_of(request)
    flow_id = request.path_id("flow_id")
    service = service_of(request)
    try:
        if "status" in body:
            if body["status"] not in ("active", "inactive"):
                raise refusal(400, "Invalid status")
            service.set_status(flow_id, body["status"])
        else:
            own_flow(request.plane.db, request.user_id, flow_id)
            columns = _columns(request, body)
            service.edit(flow_id, columns, body.get("draft_graph"), has_graph="draft_graph" in body)
        return json_response(read(request, flow_id))
    except FlowError as error:
        raise flow_refusal(error) from None


def _columns(request: ApiRequest, body: dict[str, Any]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    if isinstance(body.get("name"), str) and params.trim(body["name"]):
        columns["name"] = params.trim(body["name"])
    for name in ("description", "notes"):
        if name in body:
            columns[name] = body[name] if isinstance(body[name], str) else None
    if "installation_id" in body:
        installation_id = positive_number(body["installation_id"])
        if installation_id is None:
            raise FlowError(400, "FLOW_INVALID_INSTALLATION_ID", "Invalid installation_id")
        service_of(request).check_installation(installation_id)
        columns["installation_id"] = installation_id
    return columns


async def delete_flow(request: ApiRequest) -> Response:
    """Delete a flow; its job runs remain without a flow (§3.7)."""
    try:
        service_of(request).delete(request.path_id("flow_id"))
    except FlowError as error:
        raise flow_refusal(error) from None
    return json_response({"ok": True})


async def duplicate_flow(request: ApiRequest) -> Response:
    """Copy a flow's draft into a new inactive flow."""
    try:
        return json_response(read(request, service_of(request).duplicate(request.path_id("flow_id"))), 201)
    except FlowError as error:
        raise flow_refusal(error) from None


async def publish_flow(request: ApiRequest) -> Response:
    """Validate a flow's draft and publish it as the active version (§3.9)."""
    flow_id = request.path_id("flow_id")
    try:
        service_of(request).publish(flow_id)
        return json_response(read(request, flow_id))
    except FlowError as error:
        raise flow_refusal(error) from None


async def make_secret(request: ApiRequest) -> Response:
    """Create or replace a flow's signing secret and return it.

    No other response ever contains the secret (§3.10).
    """
    try:
        return json_response({"secret": service_of(request).rotate_secret(request.path_id("flow_id"))})
    except FlowError as error:
        raise refusal(error.status, error.message) from None


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this module."""
    one = "/api/flows/{flow_id}"
    return [
        route(
            "/api/flows",
            PlainEndpoint(service, {"GET": MethodHandler(list_flows), "POST": MethodHandler(create_flow)}),
        ),
        route(
            one,
            PlainEndpoint(
                service,
                {
                    "GET": MethodHandler(read_flow),
                    "PUT": MethodHandler(edit_flow),
                    "DELETE": MethodHandler(delete_flow),
                },
            ),
        ),
        route(one + "/duplicate", PlainEndpoint(service, {"POST": MethodHandler(duplicate_flow)})),
        route(one + "/publish", PlainEndpoint(service, {"POST": MethodHandler(publish_flow)})),
        route(
            one + "/webhook-secret",
            PlainEndpoint(
                service, {"POST": MethodHandler(make_secret, failure="Failed to generate webhook secret")}
            ),
        ),
    ]
