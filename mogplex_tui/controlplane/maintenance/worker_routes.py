"""Routes with which workers start a job, and disabled routes (system.md §3 to §5)."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from ..automation.events import work_queue
from ..automation.jobs import job_writes
from ..core import refusable_backends
from ..http.endpoints import ApiRequest, MethodHandler, Service, empty_500, json_response, refusal, route
from ..http.params import NotJsonError, is_uuid, json_object
from ..http.signatures import MachineEndpoint, SenderEndpoint


async def process(request: ApiRequest) -> Response:
    """Start a pending job; the dispatch ledger records the source `repair`."""
    return await _start(request, "jobId", "JOB_NOT_FOUND", "repair")


async def review(request: ApiRequest) -> Response:
    """Start a pending job; the dispatch ledger records the source `manual_retry`."""
    return await _start(request, "jobRunId", "Job not found", "manual_retry")


async def _start(request: ApiRequest, key: str, unknown: str, source: str) -> Response:
    try:
        job_id = (await json_object(request)).get(key)
    except NotJsonError:
        raise refusal(400, "Invalid JSON body") from None
    if not isinstance(job_id, str) or not job_id:
        raise refusal(400, f"Missing {key}")
    if not is_uuid(job_id):
        raise empty_500()
    job_id = job_id.lower()
    db = request.plane.db
    status = db.value("SELECT status FROM job_runs WHERE id = ?", (job_id,))
    if status is None:
        raise refusal(404, unknown)
    # A job that is not pending is left alone.
    result = job_writes.StartResult(False, "JOB_RUN_CANCELLED" if status == "cancelled" else None)
    if status == "pending":
        result = work_queue.start(request.plane, request.service.ids, job_id, source)
    if result.reason == refusable_backends.QUEUE_DOWN:
        raise refusal(500, result.reason)
    row = db.only("SELECT * FROM job_runs WHERE id = ?", (job_id,))
    body: dict[str, Any] = {
        "ok": True,
        "started": result.started,
        "deferred": result.reason == job_writes.FULL,
        "reason": result.reason,
        "status": row["status"],
        "runtimeProvider": row["runtime_provider"],
        "runtimeRunId": row["runtime_run_id"],
        "workflowRunId": row["workflow_run_id"],
    }
    return json_response(body)


async def disabled(_: ApiRequest) -> Response:
    """Raise 404, as for every route that the service has disabled."""
    raise refusal(404, "Not found")


def routes(service: Service) -> list[Route]:
    """Return the routes of this module."""
    not_found = MethodHandler(disabled)
    return [
        route("/api/jobs/process", MachineEndpoint(service, {"POST": MethodHandler(process)})),
        route("/api/agent/review", MachineEndpoint(service, {"POST": MethodHandler(review)})),
        route("/api/migrate", SenderEndpoint(service, {"POST": not_found})),
        route(
            "/api/test/e2e/flows",
            SenderEndpoint(service, {"GET": not_found, "POST": not_found, "DELETE": not_found}),
        ),
    ]
