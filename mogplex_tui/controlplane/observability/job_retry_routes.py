"""Routes that start a pending job, or run a failed job again.

observability.md §7.4, §7.5.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from starlette.responses import Response
from starlette.routing import BaseRoute

from ..automation.events import work_queue
from ..automation.graphs.normalizer import normalize, start_of
from ..automation.jobs import dispatch_ledger, job_writes
from ..automation.jobs.job_serializers import REPAIRABLE_US
from ..core import refusable_backends
from ..db.database import Row
from ..http import params
from ..http.endpoints import (
    ApiRequest,
    MethodHandler,
    PlainEndpoint,
    RefusedError,
    Service,
    json_response,
    refusal,
    route,
)

_MODES = ("same_version", "latest_published")
_NO_VERSION = "The flow does not have an owned published version to run"


def _job(request: ApiRequest) -> Row:
    """Return the caller's job whose id is in the path, or raise RefusedError 404."""
    row = request.plane.db.one(
        "SELECT j.*, o.owner_id FROM job_runs j JOIN job_owners o ON o.job_run_id = j.id"
        " WHERE j.id = ? AND o.owner_id = ?",
        (request.path_id("job_id"), request.user_id),
    )
    if row is None:
        raise refusal(404, "Job run not found")
    return row


def _started(request: ApiRequest, job_id: str, result: job_writes.StartResult) -> dict[str, Any]:
    """Return the response body after an attempt to start a job.

    It contains the result of the attempt and the job's new state.
    """
    row = request.plane.db.only(
        "SELECT status, runtime_provider, runtime_run_id, workflow_run_id FROM job_runs WHERE id = ?",
        (job_id,),
    )
    return {
        "started": result.started,
        "deferred": result.reason == job_writes.FULL,
        "reason": result.reason,
        "status": row["status"],
        "runtimeProvider": row["runtime_provider"],
        "runtimeRunId": row["runtime_run_id"],
        "workflowRunId": row["workflow_run_id"],
    }


async def repair(request: ApiRequest) -> Response:
    """Start a job that has been pending for two minutes.

    If the job cannot be started, the response is a 200 that contains the reason. It is a 500 if the
    runtime rejected the task.
    """
    row = _job(request)
    anchor = row["last_start_attempt_at"] or row["created_at"]
    if row["status"] != "pending" or request.plane.clock.now_us() - anchor < REPAIRABLE_US:
        raise refusal(400, "Job run is not repairable")
    result = work_queue.start(request.plane, request.service.ids, row["id"], "repair")
    if result.reason == refusable_backends.QUEUE_DOWN:
        raise refusal(500, result.reason)
    return json_response({"ok": True} | _started(request, row["id"], result))


class Version(NamedTuple):
    """The flow version that a retry runs.

    `mode` is "same_version" or "latest_published". `fell_back` is True if the same version is run
    because the published one could not be used.
    """

    id: str | None
    mode: str
    fell_back: bool


async def requeue(request: ApiRequest) -> Response:
    """Queue a new job that repeats a failed one.

    If the body names no mode, the published version of the flow is run (observability.md §7.5).
    """
    row = _job(request)
    if row["status"] != "failed":
        raise refusal(400, "Job run is not requeueable")
    version = _version(request, row, await _mode(request))
    if row["flow_id"] is not None and version.id is None:
        raise refusal(400, "Job run is not retryable")
    extra = work_queue.retry_metadata(row["flow_version_id"], version.id, version.mode)
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        work = work_queue.retry_work(dispatch_ledger.job_context(tx, row["id"]), version.id, extra)
        queued = work_queue.enqueue(tx, work, request.plane.clock.now_us())
    head: dict[str, Any] = {"ok": True, "queued": queued.queued, "suppressed": not queued.queued}
    if not queued.queued or queued.job_id is None:
        # Nothing runs, and the answer still speaks of something that waits.
        return json_response(
            head
            | {
                "reason": queued.reason,
                "jobRunId": None,
                "started": False,
                "deferred": False,
                "runtimeProvider": None,
                "runtimeRunId": None,
                "workflowRunId": None,
                "status": "pending",
                "versionFallbackUsed": version.fell_back,
            }
        )
    result = work_queue.start(request.plane, request.service.ids, queued.job_id, "manual_retry")
    if result.reason == refusable_backends.QUEUE_DOWN:
        raise refusal(500, result.reason, jobRunId=queued.job_id)
    head |= {"reused": False, "jobRunId": queued.job_id}
    return json_response(
        head | _started(request, queued.job_id, result) | {"versionFallbackUsed": version.fell_back}
    )


async def _mode(request: ApiRequest) -> str | None:
    """Return `versionMode` from the request body, or None if it is missing.

    A body whose content type is not JSON is ignored. Raises RefusedError 400 for an invalid body.
    """
    if "application/json" not in request.http.headers.get("content-type", ""):
        return None
    try:
        body = await params.json_body(request)
    except params.NotJsonError:
        raise _bad_mode() from None
    if not isinstance(body, dict):
        raise _bad_mode()
    mode = body.get("versionMode")
    if "versionMode" in body and mode not in _MODES:
        raise _bad_mode()
    return mode


def _bad_mode() -> RefusedError:
    return refusal(400, "versionMode must be same_version or latest_published")


def _version(request: ApiRequest, job: Row, mode: str | None) -> Version:
    """Return the flow version that the retry of `job` runs.

    Raises RefusedError 409 if `mode` requires the published version and it cannot be used.
    """
    same = Version(job["flow_version_id"], "same_version", False)
    if mode == "same_version" or (mode is None and job["flow_id"] is None):
        return same
    latest = _latest(request, job)
    if latest is not None:
        return Version(latest, "latest_published", False)
    if mode is not None:
        raise refusal(409, _NO_VERSION, code="LATEST_PUBLISHED_VERSION_UNAVAILABLE")
    return same._replace(fell_back=True)


def _latest(request: ApiRequest, job: Row) -> str | None:
    """Return the id of the published version of the job's flow, or None.

    None is returned if nothing is published, if the published graph does not start with the event
    that started the job, or if the flow's installation is a different one.
    """
    row = request.plane.db.one(
        "SELECT f.installation_id, v.id, v.graph FROM flows f JOIN flow_versions v ON v.id = f.published_version_id"
        " WHERE f.id = ? AND f.user_id = ?",
        (job["flow_id"], request.user_id),
    )
    if row is None:
        return None
    metadata = json.loads(job["metadata"])
    start = start_of(normalize(json.loads(row["graph"]))) or {}
    event, installation_id = metadata.get("source_type"), metadata.get("installation_id")
    if event is not None and start.get("event") != event:
        return None
    if installation_id is not None and row["installation_id"] != installation_id:
        return None
    return str(row["id"])


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this module."""
    one = "/api/observability/jobs/{job_id}"
    return [
        route(one + "/repair", PlainEndpoint(service, {"POST": MethodHandler(repair)})),
        route(one + "/requeue", PlainEndpoint(service, {"POST": MethodHandler(requeue)})),
    ]
