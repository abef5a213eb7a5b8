"""Routes under /api/observability/jobs: list, read, cancel (observability.md §7)."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from ..automation import job_cancellation
from ..automation.jobs import job_serializers, job_writes
from ..db.clock import iso_app
from ..db.database import Row
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
from ..http.params import page_and_limit
from ..runs.cancellation import CancelError
from . import job_queries
from .call_queries import BadInstantError
from .error_sanitizer import clean


async def list_jobs(request: ApiRequest) -> Response:
    """Return one page of the caller's jobs, without internal error texts.

    The response to an invalid time is a 500 (observability.md §0).
    """
    page, limit = page_and_limit(request)
    try:
        found = job_queries.find_jobs(request.plane, request.user_id, request.query, page, limit)
    except BadInstantError:
        raise empty_500() from None
    lookups = job_serializers.Lookups(request.plane.db)
    jobs = []
    for row in found.rows:
        job = job_serializers.record(request.plane, lookups, row)
        job["latest_ai_call"] = job_serializers.latest_call(request.plane.db, row["id"])
        job["latest_dispatch_event"] = job_serializers.latest_dispatch(request.plane.db, row["id"])
        jobs.append(clean(job, "JOB", row["id"]))
    return json_response({"jobs": jobs, "total": found.total, "page": page, "limit": limit})


def _job_row(request: ApiRequest) -> Row:
    row = request.plane.db.one(
        f"SELECT {job_serializers.COLUMNS}, o.owner_installation_id FROM job_runs j"
        " JOIN job_owners o ON o.job_run_id = j.id WHERE j.id = ? AND o.owner_id = ?",
        (request.path_id("job_id"), request.user_id),
    )
    if row is None:
        raise refusal(404, "Job run not found")
    return row


async def read_job(request: ApiRequest) -> Response:
    """Return a job with its dispatch events, calls and findings.

    Internal error texts are replaced. The response contains no node runs.
    """
    row = _job_row(request)
    db = request.plane.db
    run = job_serializers.record(request.plane, job_serializers.Lookups(db), row)
    del run["owner_installation_id"]
    latest = job_serializers.latest_call(db, row["id"])
    if latest is not None:
        del latest["job_run_id"]
    run |= {
        "latest_ai_call": latest,
        "latest_dispatch_event": job_serializers.latest_dispatch(db, row["id"]),
        "dispatch_events": job_serializers.dispatch_events(db, row["id"]),
        "review_findings": job_serializers.findings(db, row["id"]),
    }
    cleaned: dict[str, Any] = clean(run, "JOB", row["id"])
    # A call of a failed job is judged by its own status, and keeps its own incident ids.
    cleaned["ai_calls"] = [_clean_call(call) for call in job_serializers.calls_with_events(db, row["id"])]
    return json_response({"run": cleaned})


def _clean_call(call: dict[str, Any]) -> dict[str, Any]:
    events = call.pop("events")
    cleaned: dict[str, Any] = clean(call, "CALL", call["id"])
    cleaned["events"] = [clean(event, "EVENT", event["id"]) for event in events]
    return cleaned


def _instant(value: int | None) -> str | None:
    return None if value is None else iso_app(value)


async def cancel_job(request: ApiRequest) -> Response:
    """Cancel a pending or running job (observability.md §7.3).

    If the job has already ended, the response is a 409 with the job's state.
    """
    row = _job_row(request)
    if row["status"] not in job_writes.LIVE:
        raise refusal(409, "Job run is not cancelable", status=row["status"], **_cancel_state(row))
    try:
        done = job_cancellation.cancel_job(request.plane, request.service.ids, row)
    except CancelError as error:
        raise refusal(error.status, error.message) from None
    after = _job_row(request)
    released = [
        {"jobRunId": entry.job_id, "started": entry.started, "reason": entry.reason}
        for entry in done.released
    ]
    return json_response(
        {
            "ok": True,
            "status": after["status"],
            **_cancel_state(after),
            "runtimeProvider": after["runtime_provider"],
            "runtimeRunId": after["runtime_run_id"],
            "aiCallsCancellationRequested": done.calls_requested,
            "releasedJobs": released,
        }
    )


def _cancel_state(row: Row) -> dict[str, Any]:
    return {
        "cancelRequestedAt": _instant(row["cancel_requested_at"]),
        "cancelledAt": _instant(row["cancelled_at"]),
        "cancelReason": row["cancel_reason"],
        "cancelError": row["cancel_error"],
    }


def routes(service: Service) -> list[Route]:
    """Return the routes of this module."""
    prefix = "/api/observability/jobs"
    return [
        route(prefix, PlainEndpoint(service, {"GET": MethodHandler(list_jobs)})),
        route(prefix + "/{job_id}", PlainEndpoint(service, {"GET": MethodHandler(read_job)})),
        route(prefix + "/{job_id}/cancel", PlainEndpoint(service, {"POST": MethodHandler(cancel_job)})),
    ]
