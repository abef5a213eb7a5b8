"""/api/teams/{id}/audit-events: a team's audit log, in pages (identity.md §8)."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from ..db.clock import iso_db, parse_instant
from ..db.database import Row
from ..http import params
from ..http.endpoints import ApiRequest, MethodHandler, PlainEndpoint, Service, json_response, refusal, route
from .team_access import require_manager

PAGE = 25

_KEYS = {
    "id": "id",
    "action": "action",
    "decisionCode": "decision_code",
    "targetType": "target_type",
    "targetId": "target_id",
    "actorUserId": "actor_user_id",
    "repoId": "repo_id",
    "sandboxRecordId": "sandbox_record_id",
    "aiCallId": "ai_call_id",
    "jobRunId": "job_run_id",
    "requestId": "request_id",
    "authSource": "auth_source",
}


def _event(row: Row) -> dict[str, Any]:
    out: dict[str, Any] = {key: row[column] for key, column in _KEYS.items()}
    out["payload"] = json.loads(row["payload"])
    out["createdAt"] = iso_db(row["created_at"])
    return out


def _cursor(row: Row) -> str:
    place = json.dumps({"createdAt": iso_db(row["created_at"]), "id": row["id"]}, separators=(",", ":"))
    return base64.urlsafe_b64encode(place.encode()).rstrip(b"=").decode()


def _place(cursor: str) -> tuple[int, str]:
    """Return the time (µs) and the event id that a page cursor encodes.

    Raises RefusedError 400 for an invalid cursor.
    """
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        place = params.parsed(base64.b64decode(padded, b"-_", validate=True))
        at = parse_instant(place["createdAt"])
        event_id = place["id"]
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error, params.NotJsonError):
        raise refusal(400, "Invalid cursor") from None
    if at is None or not isinstance(event_id, str) or not params.is_uuid(event_id):
        raise refusal(400, "Invalid cursor")
    return at, event_id.lower()


async def list_events(request: ApiRequest) -> Response:
    """Return a page of 25 audit events, newest first.

    With a `cursor` in the query the page starts after the event that the cursor encodes.
    """
    here, cursor = require_manager(request), request.query("cursor")
    sql = "SELECT * FROM team_audit_events WHERE team_id = ?"
    values: list[Any] = [here.team_id]
    if cursor:
        at, event_id = _place(cursor)
        sql += " AND (created_at, id) < (?, ?)"
        values += [at, event_id]
    sql += " ORDER BY created_at DESC, id DESC LIMIT ?"
    rows = request.plane.db.all(sql, (*values, PAGE + 1))
    page = rows[:PAGE]
    return json_response(
        {
            "events": [_event(row) for row in page],
            "nextCursor": _cursor(page[-1]) if len(rows) > PAGE else None,
            "viewer": {"canManage": True},
        }
    )


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this module."""
    endpoint = PlainEndpoint(service, {"GET": MethodHandler(list_events)})
    return [route("/api/teams/{team_id}/audit-events", endpoint)]
