"""/api/v1/mogplex/runs: start, read and cancel runs (v1.md §7 to §9)."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from ..calls.run_request_validation import InvalidRunError, RunRequest, normalise
from ..db.clock import iso_db
from ..db.database import Row
from ..http import params
from ..http.authentication import Caller
from ..http.endpoints import (
    ApiRequest,
    MethodHandler,
    RefusedError,
    Service,
    V1Endpoint,
    bad_request,
    empty_500,
    not_found,
    route,
    v1_refusal,
    v1_response,
)
from . import cancellation, run_serializers, run_service
from .event_redaction import redact

_RUN = (
    f"SELECT {run_serializers.RUN_COLUMNS} FROM {run_serializers.RUN_TABLES} WHERE r.id = ? AND r.user_id = ?"
)
_EVENTS = (
    "SELECT id, event_type, tool_name, message, payload, created_at FROM ai_call_events"
    " WHERE ai_call_id = ? ORDER BY created_at, seq LIMIT ?"
)


def _run_row(request: ApiRequest, run_id: str) -> Row:
    row = request.plane.db.one(_RUN, (run_id, request.user_id))
    if row is None:
        raise not_found("Run not found")
    return row


async def read_run(request: ApiRequest) -> Response:
    """Return one run. Raises 404 if it is unknown or another user's."""
    return v1_response({"run": run_serializers.run_detail(_run_row(request, request.path_id("run_id")))})


async def read_events(request: ApiRequest) -> Response:
    """Return a run and its 200 oldest events, with redacted payloads.

    Later events cannot be read on this route (v1.md §8).
    """
    row = _run_row(request, request.path_id("run_id"))
    limit = params.clamped(request.query("limit"), 100, 1, 200)
    events = [
        {
            "id": event["id"],
            "type": event["event_type"],
            "toolName": event["tool_name"],
            "message": event["message"],
            "payload": redact(json.loads(event["payload"])),
            "createdAt": iso_db(event["created_at"]),
        }
        for event in request.plane.db.all(_EVENTS, (row["ai_call_id"], limit))
    ]
    return v1_response({"run": run_serializers.run_detail(row), "events": events})


def _key(request: ApiRequest) -> str:
    key = params.trim(request.http.headers.get("idempotency-key", ""))
    if not key:
        raise bad_request("Idempotency-Key is required")
    if len(key) > 200:
        raise bad_request("Idempotency-Key exceeds maximum length of 200 characters")
    return key


async def start_run(request: ApiRequest) -> Response:
    """Start a run, or return the run that the same idempotency key has started before.

    The request is checked in the order of v1.md §7.2.
    """
    key = _key(request)
    try:
        parsed = await params.json_body(request)
    except params.NotJsonError:
        raise bad_request("Invalid JSON body") from None
    if parsed is None:
        raise empty_500()
    body: dict[str, Any] = parsed if isinstance(parsed, dict) else {}
    _claim(request, request.known_caller, body.get("repoId"))
    repo = _repo(request, body.get("repoId"))
    try:
        run_request = normalise(body, key, repo["id"], repo["default_branch"], repo["root_directory"])
    except InvalidRunError as error:
        raise bad_request(str(error)) from None
    accepted = _accept(request, request.known_caller, repo["full_name"], key, run_request)
    detail = run_serializers.run_detail(_run_row(request, accepted.run_id))
    return v1_response({**detail, "replayed": accepted.replayed}, status=202)


def _claim(request: ApiRequest, caller: Caller, raw_repo_id: Any) -> None:
    """Count the run against the quota of the caller's key.

    Raises RefusedError: 429 if the quota is used up, 503 if the repository id is unknown or not a
    UUID, because the service's quota check then fails (auth.md §7).
    """
    repo_id = None
    if isinstance(raw_repo_id, str):
        repo_id = params.trim(raw_repo_id).lower()
        known = request.plane.db.one("SELECT 1 FROM repos WHERE id = ?", (repo_id,))
        if not params.is_uuid(repo_id) or known is None:
            message = "External Mogplex run rate limit unavailable"
            raise v1_refusal(503, "SERVICE_UNAVAILABLE", message, {"Retry-After": "60"})
    try:
        run_service.claim_quota(request.plane, request.service.ids, caller, repo_id)
    except run_service.QuotaError as error:
        headers = {"Retry-After": str(error.retry_after)}
        raise v1_refusal(429, "RATE_LIMITED", str(error), headers) from None


def _repo(request: ApiRequest, raw_repo_id: Any) -> Row:
    if not isinstance(raw_repo_id, str):
        raise bad_request("repoId is required")
    row = request.plane.db.one(
        "SELECT id, full_name, default_branch, root_directory FROM repos WHERE id = ? AND user_id = ?",
        (params.trim(raw_repo_id).lower(), request.user_id),
    )
    if row is None:
        raise not_found("Repo not found")
    return row


def _accept(
    request: ApiRequest, caller: Caller, repo_name: str, key: str, run_request: RunRequest
) -> run_service.Accepted:
    try:
        return run_service.accept(request.plane, request.service.ids, caller, repo_name, key, run_request)
    except run_service.IdempotencyConflictError:
        message = "Idempotency key already used for a different request"
        raise v1_refusal(409, "IDEMPOTENCY_CONFLICT", message) from None
    except run_service.QueueDownError:
        raise v1_refusal(500, "INTERNAL_ERROR", "Failed to start run") from None


async def cancel_run(request: ApiRequest) -> Response:
    """Cancel a run and return it (v1.md §9).

    If the run has already ended, the response is a success in which `alreadyTerminal` is true.
    """
    row = _run_row(request, request.path_id("run_id"))
    try:
        done = cancellation.cancel_run(request.plane, request.service.ids, row)
    except cancellation.CancelError as error:
        raise _cancel_refusal(error) from None
    run = run_serializers.run_detail(_run_row(request, row["id"]))
    return v1_response({"run": run, "status": run["status"], "alreadyTerminal": done.already_terminal})


def _cancel_refusal(error: cancellation.CancelError) -> RefusedError:
    return v1_refusal(error.status, error.code, error.message)


def routes(service: Service) -> list[Route]:
    """Return the routes of this module."""
    prefix = "/api/v1/mogplex/runs"
    return [
        route(
            prefix + "/{run_id}/events",
            V1Endpoint(service, {"GET": MethodHandler(read_events, failure="Failed to list events")}),
        ),
        route(
            prefix + "/{run_id}",
            V1Endpoint(service, {"GET": MethodHandler(read_run, failure="Failed to load run")}),
        ),
        route(
            prefix + "/{run_id}/cancel",
            V1Endpoint(
                service, {"POST": MethodHandler(cancel_run, scope="write", failure="Failed to cancel run")}
            ),
        ),
        route(
            prefix,
            V1Endpoint(
                service, {"POST": MethodHandler(start_run, scope="write", failure="Failed to start run")}
            ),
        ),
    ]
