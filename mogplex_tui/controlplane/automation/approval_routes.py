"""Approval requests: /api/flows/approvals and /api/control/approvals.

routing.md §3.15, §3.16.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from starlette.responses import Response
from starlette.routing import BaseRoute

from ..db import row_json
from ..http import params
from ..http.endpoints import ApiRequest, MethodHandler, PlainEndpoint, Service, json_response, refusal, route
from .jobs import node_writes

_PAGE = 50
_LONGEST_NOTE = 2_000
_HUMAN = "wait_kind IN ('tool_approval', 'manual_approval')"
_GONE = "Approval is no longer pending"
_CONTROL = (
    "SELECT id, user_id, run_id, ai_call_id, tool_name, tool_call_id, tool_input, summary, urgency, status,"
    " resolution_source, expires_at, resolved_at, resolved_by, resolution_note, created_at FROM control_approvals"
)


class Decision(NamedTuple):
    """A person's answer to an approval request: `approve` or `deny`, and a note.

    `note` is None if the person sent none.
    """

    word: str
    note: str | None


async def _decision(request: ApiRequest, unparsable: str) -> Decision:
    """Parse the request body of an approval decision.

    Raises RefusedError 400 for an invalid body (routing.md §3.15); `unparsable` is the message for a
    body that is not JSON.
    """
    try:
        body = await params.json_body(request)
    except params.NotJsonError:
        raise refusal(400, unparsable) from None
    if not isinstance(body, dict | list):
        raise refusal(400, "Request body must be a JSON object")
    fields: dict[str, Any] = body if isinstance(body, dict) else {}
    word = fields.get("decision")
    if word not in ("approve", "deny"):
        raise refusal(400, 'decision must be "approve" or "deny"')
    note = fields.get("note")
    if "note" in fields and not isinstance(note, str):
        raise refusal(400, "note must be a string")
    if note is not None and len(note.encode("utf-16-le")) // 2 > _LONGEST_NOTE:
        raise refusal(400, "note must be at most 2000 characters")
    return Decision(word, note)


async def list_flow_approvals(request: ApiRequest) -> Response:
    """Return the oldest 50 approval requests of paused job runs that are still open.

    An approval request is open while it is unanswered and has not expired.
    """
    rows = request.plane.db.all(
        "SELECT id, job_run_id, flow_id, node_id, wait_config, created_at, expires_at FROM flow_waits"
        f" WHERE user_id = ? AND status = 'waiting' AND {_HUMAN} AND (expires_at IS NULL OR expires_at > ?)"
        " ORDER BY created_at, rowid LIMIT ?",
        (request.user_id, request.plane.clock.now_us(), _PAGE + 1),
    )
    found = [
        row_json.timed(row, "created_at", "expires_at", json_columns=("wait_config",)) for row in rows[:_PAGE]
    ]
    return json_response({"approvals": found, "hasMore": len(rows) > _PAGE})


async def decide_flow_approval(request: ApiRequest) -> Response:
    """Approve or deny an approval request of a job run, and resume the run.

    The response repeats the decision as it was sent, `approve` or `deny`.
    """
    decision = await _decision(request, "Request body must be valid JSON")
    wait_id, now = request.path_id("approval_id"), request.plane.clock.now_us()
    payload = node_writes.decision_output(decision.word, decision.note)
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        row = tx.one(
            f"SELECT status, expires_at FROM flow_waits WHERE id = ? AND user_id = ? AND {_HUMAN}",
            (wait_id, request.user_id),
        )
        if row is None:
            raise refusal(404, "Approval not found")
        if row["status"] == "resumed":
            raise refusal(409, "Approval was already resolved")
        if row["expires_at"] is not None and row["expires_at"] <= now:
            raise refusal(409, _GONE)
        if not node_writes.end_wait(tx, wait_id, "resumed", now, payload):
            raise refusal(409, _GONE)
    request.plane.callbacks.wait_resumed(wait_id)
    return json_response({"ok": True, "decision": decision.word})


async def list_control_approvals(request: ApiRequest) -> Response:
    """Return the newest 50 pending approval requests of the orchestrator.

    Expired requests are included.
    """
    run_id = request.query("runId")
    narrowed, values = (" AND run_id = ?", (run_id.lower(),)) if run_id else ("", ())
    rows = request.plane.db.all(
        f"{_CONTROL} WHERE user_id = ? AND status = 'pending'{narrowed} ORDER BY created_at DESC, rowid DESC LIMIT ?",
        (request.user_id, *values, _PAGE),
    )
    instants = ("expires_at", "resolved_at", "created_at")
    found = [row_json.timed(row, *instants, json_columns=("tool_input",)) for row in rows]
    return json_response({"approvals": found})


async def decide_control_approval(request: ApiRequest) -> Response:
    """Approve or deny an approval request of the orchestrator.

    Responds 409 if the request is unknown, decided or expired; there is no 404.
    """
    decision = await _decision(request, "Request body must be JSON")
    status = "approved" if decision.word == "approve" else "denied"
    now = request.plane.clock.now_us()
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        done = tx.execute(
            "UPDATE control_approvals SET status = ?, resolution_source = 'api', resolved_at = ?, resolved_by = ?,"
            " resolution_note = ? WHERE id = ? AND user_id = ? AND status = 'pending'"
            " AND (expires_at IS NULL OR expires_at > ?)",
            (
                status,
                now,
                request.user_id,
                decision.note,
                request.path_id("approval_id"),
                request.user_id,
                now,
            ),
        )
    if done.rowcount == 0:
        raise refusal(409, _GONE)
    return json_response({"ok": True, "decision": status})


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this module."""
    flow, control = "/api/flows/approvals", "/api/control/approvals"
    failed, unresolved = "Failed to load approvals", "Failed to resolve approval"
    return [
        route(flow, PlainEndpoint(service, {"GET": MethodHandler(list_flow_approvals, failure=failed)})),
        route(flow + "/{approval_id}", PlainEndpoint(service, {"POST": MethodHandler(decide_flow_approval)})),
        route(
            control, PlainEndpoint(service, {"GET": MethodHandler(list_control_approvals, failure=failed)})
        ),
        route(
            control + "/{approval_id}",
            PlainEndpoint(service, {"POST": MethodHandler(decide_control_approval, failure=unresolved)}),
        ),
    ]
