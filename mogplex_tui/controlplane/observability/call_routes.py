"""Routes under /api/observability of calls: list, events, tool calls and cancel.

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
    Ask,
    PlainEndpoint,
    Service,
    Verb,
    answer,
    answer_pieces,
    answer_text,
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


async def list_calls(ask: Ask) -> Response:
    """Return one page of the caller's calls, sanitised, with their sandboxes.

    An invalid time is answered with 500.
    """
    page, limit = page_and_limit(ask)
    try:
        found = call_queries.find_calls(ask.plane, ask.user_id, ask.query, page, limit)
    except call_queries.BadInstantError:
        raise refusal(500, "Failed to fetch calls") from None
    calls = calls_pieces(found.rows, _sandboxes(ask, found.rows))
    about = f',"total":{found.total},"page":{page},"limit":{limit}}}'
    if len(found.rows) > SLICE:
        return await answer_pieces(chain(['{"calls":'], calls, [about]))
    return answer_text(f'{{"calls":{"".join(calls)}{about}')


def _sandboxes(ask: Ask, rows: list[Row]) -> dict[str, dict[str, Any]]:
    """Return the caller's sandboxes that the calls name, by record id."""
    wanted = {record for row in rows if (record := sandbox_of(row))}
    if not wanted:
        return {}
    marks = ", ".join("?" * len(wanted))
    known = ask.plane.db.all(
        "SELECT id, sandbox_id, billing_source, billing_project_id, billing_team_id, preview_url FROM sandboxes"
        f" WHERE user_id = ? AND id IN ({marks})",
        (ask.user_id, *wanted),
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


def _own_call(ask: Ask, call_id: str) -> str:
    row = ask.plane.db.one("SELECT id FROM ai_calls WHERE id = ? AND user_id = ?", (call_id, ask.user_id))
    if row is None:
        raise refusal(404, "Call not found")
    found: str = row["id"]
    return found


async def call_events(ask: Ask) -> Response:
    """Return all events of one call, oldest first, without paging."""
    wanted = ask.query("ai_call_id").strip()
    if not wanted:
        raise refusal(400, "Missing ai_call_id")
    call_id = _own_call(ask, wanted.lower())
    return await answer_pieces(events_body(ask.plane.db, call_id))


async def tool_calls(ask: Ask) -> Response:
    """Return the tool calls of the 50 newest calls that have tool calls, as one array."""
    out = []
    for row in ask.plane.db.all(_WITH_TOOLS, (ask.user_id,)):
        for index, entry in enumerate(json.loads(row["tool_calls"])):
            out.append(_tool_call(row, f"{row['id']}-{index}", entry))
    return answer(out)


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


async def cancel_call(ask: Ask) -> Response:
    """Cancel a call; answer 409 for a call that has ended (observability.md §3)."""
    call_id = _own_call(ask, ask.path_id("call_id"))
    try:
        status = cancellation.cancel_call(ask.plane, ask.service.ids, call_id)
    except cancellation.CancelError as error:
        raise refusal(error.status, error.message) from None
    return answer({"ok": True, "status": status})


def routes(service: Service) -> list[Route]:
    """Return the routes of this module."""
    prefix = "/api/observability"
    return [
        route(
            prefix + "/calls",
            PlainEndpoint(service, {"GET": Verb(list_calls, failure="Failed to fetch calls")}),
        ),
        route(prefix + "/call-events", PlainEndpoint(service, {"GET": Verb(call_events)})),
        route(
            prefix + "/tool-calls",
            PlainEndpoint(service, {"GET": Verb(tool_calls, failure="Failed to fetch tool calls")}),
        ),
        route(prefix + "/calls/{call_id}/cancel", PlainEndpoint(service, {"POST": Verb(cancel_call)})),
    ]
