"""Routes for calls under /api/observability: list, events, tool calls and cancel.

observability.md §2 to §5.
"""

from __future__ import annotations

import json
from itertools import chain
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from ..db.clock import iso_db
from ..db.database import Row
from ..http.endpoints import (
    ApiRequest,
    MethodHandler,
    PlainEndpoint,
    Service,
    json_pieces_response,
    json_response,
    json_text_response,
    refusal,
    route,
)
from ..http.params import page_and_limit
from ..runs import cancellation
from . import call_queries
from .call_json import SLICE, calls_pieces, sandbox_of
from .error_sanitizer import clean_output
from .event_json import events_body

_WITH_TOOLS = (
    "SELECT id, tool_calls, model, type, started_at FROM ai_calls"
    " WHERE user_id = ? AND tool_calls_count > 0 ORDER BY started_at DESC LIMIT 50"
)


async def list_calls(request: ApiRequest) -> Response:
    """Return one page of the caller's calls, with the sandboxes that they used.

    Internal error texts are replaced. The response to an invalid time is a 500.
    """
    page, limit = page_and_limit(request)
    try:
        found = call_queries.find_calls(request.plane, request.user_id, request.query, page, limit)
    except call_queries.BadInstantError:
        raise refusal(500, "Failed to fetch calls") from None
    calls = calls_pieces(found.rows, _sandboxes(request, found.rows))
    about = f',"total":{found.total},"page":{page},"limit":{limit}}}'
    if len(found.rows) > SLICE:
        return await json_pieces_response(chain(['{"calls":'], calls, [about]))
    return json_text_response(f'{{"calls":{"".join(calls)}{about}')


def _sandboxes(request: ApiRequest, rows: list[Row]) -> dict[str, dict[str, Any]]:
    """Return the caller's sandboxes to which the calls refer, keyed by record id."""
    wanted = {record for row in rows if (record := sandbox_of(row))}
    if not wanted:
        return {}
    marks = ", ".join("?" * len(wanted))
    known = request.plane.db.all(
        "SELECT id, sandbox_id, billing_source, billing_project_id, billing_team_id, preview_url FROM sandboxes"
        f" WHERE user_id = ? AND id IN ({marks})",
        (request.user_id, *wanted),
    )
    return {row["id"]: _sandbox_context(row) for row in known}


def _sandbox_context(row: Row) -> dict[str, Any]:
    return {
        "sandbox_record_id": row["id"],
        "sandbox_id": row["sandbox_id"],
        "compute_billing_source": row["billing_source"],
        "billing_project_id": row["billing_project_id"],
        "billing_team_id": row["billing_team_id"],
        "preview_url": row["preview_url"],
    }


def _own_call(request: ApiRequest, call_id: str) -> str:
    row = request.plane.db.one(
        "SELECT id FROM ai_calls WHERE id = ? AND user_id = ?", (call_id, request.user_id)
    )
    if row is None:
        raise refusal(404, "Call not found")
    found: str = row["id"]
    return found


async def call_events(request: ApiRequest) -> Response:
    """Return all events of one call, oldest first, without paging."""
    wanted = request.query("ai_call_id").strip()
    if not wanted:
        raise refusal(400, "Missing ai_call_id")
    call_id = _own_call(request, wanted.lower())
    return await json_pieces_response(events_body(request.plane.db, call_id))


async def tool_calls(request: ApiRequest) -> Response:
    """Return the tool calls of several calls as one array.

    These are the 50 newest calls that have tool calls.
    """
    out = []
    for row in request.plane.db.all(_WITH_TOOLS, (request.user_id,)):
        for index, entry in enumerate(json.loads(row["tool_calls"])):
            out.append(_tool_call(row, f"{row['id']}-{index}", entry))
    return json_response(out)


def _tool_call(row: Any, entry_id: str, entry: dict[str, Any]) -> dict[str, Any]:
    input_preview = entry.get("input_preview")
    output_preview = entry.get("output_preview")
    output = entry.get("output")
    return {
        "id": entry_id,
        "name": entry.get("name"),
        "input_preview": input_preview,
        "output_preview": clean_output(output_preview, entry_id),
        "input": entry.get("input", input_preview),
        "output": clean_output(output_preview if output is None else output, entry_id),
        "model": row["model"],
        "type": row["type"],
        "started_at": iso_db(row["started_at"]),
    }


async def cancel_call(request: ApiRequest) -> Response:
    """Cancel a call; answer 409 for a call that has ended (observability.md §3)."""
    call_id = _own_call(request, request.path_id("call_id"))
    try:
        status = cancellation.cancel_call(request.plane, request.service.ids, call_id)
    except cancellation.CancelError as error:
        raise refusal(error.status, error.message) from None
    return json_response({"ok": True, "status": status})


def routes(service: Service) -> list[Route]:
    """Return the routes of this module."""
    prefix = "/api/observability"
    return [
        route(
            prefix + "/calls",
            PlainEndpoint(service, {"GET": MethodHandler(list_calls, failure="Failed to fetch calls")}),
        ),
        route(prefix + "/call-events", PlainEndpoint(service, {"GET": MethodHandler(call_events)})),
        route(
            prefix + "/tool-calls",
            PlainEndpoint(service, {"GET": MethodHandler(tool_calls, failure="Failed to fetch tool calls")}),
        ),
        route(
            prefix + "/calls/{call_id}/cancel", PlainEndpoint(service, {"POST": MethodHandler(cancel_call)})
        ),
    ]
