"""Routes of the v1 API that create, change, publish and trigger automations.

v1.md §5.3.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from ..core import refusable_backends
from ..http import params
from ..http.endpoints import ApiRequest, bad_request, not_found, v1_refusal, v1_response
from ..identity import model_catalogue
from .events import work_queue
from .events.matching import Target
from .flow_service import FlowService
from .flow_store import FlowError, own_flow
from .graphs import v1_validation
from .graphs.normalizer import normalize, start_of
from .starter_graphs import starter_graph
from .v1_serializers import automation, flow_refusal, own_automation

_LONGEST_KEY = 200


def _service(request: ApiRequest) -> FlowService:
    return FlowService(request.plane, request.service.ids, request.user_id)


async def _object(request: ApiRequest) -> dict[str, Any]:
    """Return the request body as an object; an array or scalar counts as an empty one.

    Raises 400 for `null` and for a body that is not JSON.
    """
    try:
        value = await params.json_body(request)
    except params.NotJsonError:
        value = None
    if value is None:
        raise bad_request("Invalid JSON body")
    return value if isinstance(value, dict) else {}


def _installation(value: Any) -> int | None:
    """Return the value if it is a positive safe integer, else None."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= params.SAFE_INTEGER:
        return None
    return value


def _graph(body: dict[str, Any]) -> dict[str, Any] | None:
    """Return the `graph` of the request body, or None if the body has none.

    Raises 400 for an invalid graph; the message has the path of its first invalid value.
    """
    if "graph" not in body:
        return None
    fault = v1_validation.first_error_path(body["graph"])
    if fault is not None:
        place = "" if fault == "graph" else f" at {fault}"
        raise bad_request(f"graph must be a valid Flow graph{place}")
    return v1_validation.trimmed(body["graph"])


def _columns(body: dict[str, Any]) -> dict[str, Any]:
    """Return the valid ones of name, description and notes; leave out invalid ones."""
    columns: dict[str, Any] = {}
    if isinstance(body.get("name"), str) and params.trim(body["name"]):
        columns["name"] = params.trim(body["name"])
    for name in ("description", "notes"):
        if name in body and (body[name] is None or isinstance(body[name], str)):
            columns[name] = body[name]
    return columns


def _answer(request: ApiRequest, flow_id: str, status: int = 200) -> Response:
    return v1_response(
        {"automation": automation(own_flow(request.plane.db, request.user_id, flow_id))}, status
    )


async def create_automation(request: ApiRequest) -> Response:
    """Create an automation, then save its graph, then publish it if requested.

    If a step fails, the effects of the earlier steps remain.
    """
    body = await _object(request)
    installation_id = _installation(body.get("installationId"))
    if installation_id is None:
        raise bad_request("installationId must be a positive integer")
    graph, columns = _graph(body), _columns(body)
    service = _service(request)
    try:
        service.check_installation(installation_id)
        draft = starter_graph(request.plane.db, request.user_id, "blank", installation_id)
        flow_id = service.create(columns.get("name", "Untitled flow"), installation_id, draft)
        if graph is not None or columns:
            service.edit(flow_id, columns, graph, has_graph=graph is not None)
        if body.get("publish") is True:
            service.publish(flow_id)
    except FlowError as error:
        raise flow_refusal(error, "Failed to create automation") from None
    return _answer(request, flow_id, 201)


async def update_automation(request: ApiRequest) -> Response:
    """Update the valid fields of an automation and ignore invalid ones.

    A graph in the body replaces the whole draft.
    """
    body = await _object(request)
    graph, columns = _graph(body), _columns(body)
    installation_id = _installation(body.get("installationId"))
    service = _service(request)
    try:
        if installation_id is not None:
            service.check_installation(installation_id)
            columns["installation_id"] = installation_id
        flow_id = own_automation(request)["id"]
        service.edit(flow_id, columns, graph, has_graph=graph is not None)
    except FlowError as error:
        raise flow_refusal(error, "Failed to update automation") from None
    return _answer(request, flow_id)


async def publish_automation(request: ApiRequest) -> Response:
    """Validate the draft and publish it as the active version.

    If the draft is invalid, the response contains only the first error.
    """
    flow_id = own_automation(request)["id"]
    try:
        _service(request).publish(flow_id)
    except FlowError as error:
        raise flow_refusal(error, "Failed to publish automation") from None
    return _answer(request, flow_id)


async def set_model(request: ApiRequest) -> Response:
    """Set the model of one agent node in the draft, and publish if requested."""
    try:
        body = await params.json_object(request)
    except params.NotJsonError:
        body = {}
    node_id, model_id = body.get("nodeId"), body.get("modelId")
    if not isinstance(node_id, str) or not params.trim(node_id):
        raise bad_request("nodeId is required")
    if "modelId" not in body or not (model_id is None or isinstance(model_id, str)):
        raise bad_request("modelId must be a model id or null")
    row = own_automation(request)
    if model_id is not None:
        profile = request.plane.db.only("SELECT * FROM profiles WHERE id = ?", (request.user_id,))
        if model_id not in {model["id"] for model in model_catalogue.offered_now(request.plane.db, profile)}:
            raise bad_request("Model is not enabled and available for this user")
    graph = normalize(json.loads(row["draft_graph"]))
    node = next((entry for entry in graph["nodes"] if entry["id"] == node_id), None)
    if node is None:
        raise not_found("Automation node not found")
    if node["type"] != "agent":
        raise bad_request("Only agent nodes can have a model override")
    node["data"]["modelOverride"] = model_id
    service = _service(request)
    try:
        service.edit(row["id"], {}, graph, has_graph=True)
        if body.get("publish") is True:
            service.publish(row["id"])
    except FlowError as error:
        raise flow_refusal(error, "Failed to update automation model") from None
    return _answer(request, row["id"])


async def trigger_automation(request: ApiRequest) -> Response:
    """Queue and start one run of an automation for a repository.

    The response is a 202 even if the run was suppressed; `outcome` is then `suppressed`.
    """
    key = params.trim(request.http.headers.get("idempotency-key", ""))
    if not key:
        raise bad_request("Idempotency-Key is required")
    if len(key) > _LONGEST_KEY:
        raise bad_request("Idempotency-Key exceeds maximum length of 200 characters")
    try:
        body = await params.json_object(request)
    except params.NotJsonError:
        body = {}
    repo_id, given = body.get("repoId"), body.get("input", {})
    if not isinstance(repo_id, str) or not params.trim(repo_id):
        raise bad_request("repoId is required")
    if not isinstance(given, dict):
        raise bad_request("input must be an object")
    row = own_automation(request)
    if row["version_id"] is None:
        raise v1_refusal(409, "CONFLICT", "Publish the automation before triggering it")
    if row["status"] != "active":
        raise v1_refusal(409, "CONFLICT", "Activate the automation before triggering it")
    repo = request.plane.db.one(
        "SELECT * FROM repos WHERE id = ? AND user_id = ?", (params.trim(repo_id).lower(), request.user_id)
    )
    if repo is None:
        raise not_found("Repository not found")
    if repo["github_installation_id"] != row["installation_id"]:
        raise bad_request("Repository is outside this automation's GitHub installation")
    start = start_of(normalize(json.loads(row["version_graph"]))) or {}
    target = Target(
        "flow",
        row["id"],
        request.user_id,
        row["installation_id"],
        row["version_id"],
        repo["id"],
        repo["full_name"],
        str(start.get("event", "unknown")),
    )
    own = {"source": "mcp", "dispatch_source": "mcp", "default_branch": repo["default_branch"]}
    metadata = work_queue.work_metadata(target, {**given, **own})
    return v1_response({"run": _run(request, target, metadata, key)}, 202)


def _run(request: ApiRequest, target: Target, metadata: dict[str, Any], key: str) -> dict[str, Any]:
    """Queue and start a run; return the `run` object of the response.

    If the idempotency key is already in use, the dispatch event names the job that has the key (v1.md
    §5.3).
    """
    plane, ids = request.plane, request.service.ids
    now = plane.clock.now_us()
    work = work_queue.Work(target, metadata, key, marks_earlier=True)
    with plane.db.transaction(ids=ids) as tx:
        enqueued = work_queue.enqueue(tx, work, now)
    run: dict[str, Any] = {
        "automationId": target.id,
        "jobRunId": enqueued.job_id,
        "outcome": "suppressed",
        "reason": enqueued.reason,
        "started": False,
        "status": "suppressed",
        "runtime": None,
    }
    if not enqueued.queued or enqueued.job_id is None:
        return run
    result = work_queue.start(plane, ids, enqueued.job_id, "api")
    if result.reason == refusable_backends.QUEUE_DOWN:
        # The job is queued all the same, and repaired later (§5.3).
        raise v1_refusal(500, "INTERNAL_ERROR", "Failed to trigger automation")
    job = plane.db.only(
        "SELECT status, runtime_provider, runtime_run_id FROM job_runs WHERE id = ?", (enqueued.job_id,)
    )
    return run | {
        "outcome": "queued",
        "reason": result.reason,
        "started": result.started,
        "status": job["status"],
        "runtime": {"provider": job["runtime_provider"], "runId": job["runtime_run_id"]},
    }
