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
    Ask,
    RefusedError,
    Service,
    V1Endpoint,
    Verb,
    bad_request,
    data,
    empty_crash,
    not_found,
    route,
    v1_refusal,
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


def _run_row(ask: Ask, run_id: str) -> Row:
    row = ask.plane.db.one(_RUN, (run_id, ask.user_id))
    if row is None:
        raise not_found("Run not found")
    return row


async def read_run(ask: Ask) -> Response:
    """Return one run. Raises 404 if it is unknown or another user's."""
    return data({"run": run_serializers.run_detail(_run_row(ask, ask.path_id("run_id")))})


async def read_events(ask: Ask) -> Response:
    """Return a run and its OLDEST events, at most 200, with redacted payloads.

    Later events cannot be read on this route (v1.md §8).
    """
    row = _run_row(ask, ask.path_id("run_id"))
    limit = params.clamped(ask.query("limit"), 100, 1, 200)
    events = [
        {
            "id": event["id"],
            "type": event["event_type"],
            "toolName": event["tool_name"],
            "message": event["message"],
            "payload": redact(json.loads(event["payload"])),
            "createdAt": iso_db(event["created_at"]),
        }
        for event in ask.plane.db.all(_EVENTS, (row["ai_call_id"], limit))
    ]
    return data({"run": run_serializers.run_detail(row), "events": events})


def _key(ask: Ask) -> str:
    key = params.trim(ask.request.headers.get("idempotency-key", ""))
    if not key:
        raise bad_request("Idempotency-Key is required")
    if len(key) > 200:
        raise bad_request("Idempotency-Key exceeds maximum length of 200 characters")
    return key


async def start_run(ask: Ask) -> Response:
    """Start a run, or return the run that the same idempotency key started before.

    Checks come in the order of v1.md §7.2.
    """
    key = _key(ask)
    try:
        parsed = await params.json_body(ask)
    except params.NotJsonError:
        raise bad_request("Invalid JSON body") from None
    if parsed is None:
        raise empty_crash()
    body: dict[str, Any] = parsed if isinstance(parsed, dict) else {}
    _claim(ask, ask.known_caller, body.get("repoId"))
    repo = _repo(ask, body.get("repoId"))
    try:
        request = normalise(body, key, repo["id"], repo["default_branch"], repo["root_directory"])
    except InvalidRunError as error:
        raise bad_request(str(error)) from None
    accepted = _accept(ask, ask.known_caller, repo["full_name"], key, request)
    detail = run_serializers.run_detail(_run_row(ask, accepted.run_id))
    return data({**detail, "replayed": accepted.replayed}, status=202)


def _claim(ask: Ask, caller: Caller, raw_repo_id: Any) -> None:
    """Count the run against the quota of the caller's key.

    Raises RefusedError: 429 if the quota is used up, 503 if the repository id is no UUID or unknown,
    because the service's quota check fails for it (auth.md §7).
    """
    repo_id = None
    if isinstance(raw_repo_id, str):
        repo_id = params.trim(raw_repo_id).lower()
        known = ask.plane.db.one("SELECT 1 FROM repos WHERE id = ?", (repo_id,))
        if not params.is_uuid(repo_id) or known is None:
            message = "External Mogplex run rate limit unavailable"
            raise v1_refusal(503, "SERVICE_UNAVAILABLE", message, {"Retry-After": "60"})
    try:
        run_service.claim_quota(ask.plane, ask.service.ids, caller, repo_id)
    except run_service.QuotaError as error:
        headers = {"Retry-After": str(error.retry_after)}
        raise v1_refusal(429, "RATE_LIMITED", str(error), headers) from None


def _repo(ask: Ask, raw_repo_id: Any) -> Row:
    if not isinstance(raw_repo_id, str):
        raise bad_request("repoId is required")
    row = ask.plane.db.one(
        "SELECT id, full_name, default_branch, root_directory FROM repos WHERE id = ? AND user_id = ?",
        (params.trim(raw_repo_id).lower(), ask.user_id),
    )
    if row is None:
        raise not_found("Repo not found")
    return row


def _accept(ask: Ask, caller: Caller, repo_name: str, key: str, request: RunRequest) -> run_service.Accepted:
    try:
        return run_service.accept(ask.plane, ask.service.ids, caller, repo_name, key, request)
    except run_service.IdempotencyConflictError:
        message = "Idempotency key already used for a different request"
        raise v1_refusal(409, "IDEMPOTENCY_CONFLICT", message) from None
    except run_service.QueueDownError:
        raise v1_refusal(500, "INTERNAL_ERROR", "Failed to start run") from None


async def cancel_run(ask: Ask) -> Response:
    """Cancel a run and return it (v1.md §9).

    A run that has already ended is a success with `alreadyTerminal`.
    """
    row = _run_row(ask, ask.path_id("run_id"))
    try:
        done = cancellation.cancel_run(ask.plane, ask.service.ids, row)
    except cancellation.CancelError as error:
        raise _cancel_refusal(error) from None
    run = run_serializers.run_detail(_run_row(ask, row["id"]))
    return data({"run": run, "status": run["status"], "alreadyTerminal": done.already_terminal})


def _cancel_refusal(error: cancellation.CancelError) -> RefusedError:
    return v1_refusal(error.status, error.code, error.message)


def routes(service: Service) -> list[Route]:
    """Return the routes of this module."""
    prefix = "/api/v1/mogplex/runs"
    return [
        route(
            prefix + "/{run_id}/events",
            V1Endpoint(service, {"GET": Verb(read_events, failure="Failed to list events")}),
        ),
        route(
            prefix + "/{run_id}",
            V1Endpoint(service, {"GET": Verb(read_run, failure="Failed to load run")}),
        ),
        route(
            prefix + "/{run_id}/cancel",
            V1Endpoint(service, {"POST": Verb(cancel_run, scope="write", failure="Failed to cancel run")}),
        ),
        route(
            prefix,
            V1Endpoint(service, {"POST": Verb(start_run, scope="write", failure="Failed to start run")}),
        ),
    ]
