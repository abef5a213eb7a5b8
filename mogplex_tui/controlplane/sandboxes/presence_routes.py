"""Track the browser tabs that have a sandbox open (sandboxes.md §4.14).

After a tab is released, the plane checks whether auto-pause would pause the sandbox.
"""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from starlette.responses import Response

from ..core.sandbox_processes import real_seconds
from ..http import params
from ..http.endpoints import ApiRequest, empty_500, json_response, refusal
from . import sandbox_writes
from .busy_check import is_busy
from .sandbox_endpoint import SANDBOX_NOT_FOUND, own_sandbox
from .vm import sandbox_lookup

GRACE_MS = 90_000
_MOST_REASON = 64


class _Report(NamedTuple):
    event: str
    tab_id: str
    session_id: str
    seq: int | None
    reason: str | None


async def report(request: ApiRequest) -> Response:
    """Record that a browser tab has been attached to a sandbox or released from it.

    Outdated and repeated reports change nothing.
    """
    message = _read(await _body(request))
    row = own_sandbox(request, SANDBOX_NOT_FOUND)
    now = request.plane.clock.now_us()
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        connection = tx.one(
            "SELECT event_seq, attached FROM sandbox_presence WHERE sandbox_id = ? AND tab_id = ? AND session_id = ?",
            (row["id"], message.tab_id, message.session_id),
        )
        stale = connection is not None and message.seq is not None and message.seq < connection["event_seq"]
        attach = message.event == "attach"
        if stale or (not attach and (connection is None or not connection["attached"])):
            return json_response({"attached": True} if attach else {"released": False, "queued": False})
        seq = message.seq if message.seq is not None else 0 if connection is None else connection["event_seq"]
        tx.execute(
            "INSERT OR REPLACE INTO sandbox_presence (sandbox_id, tab_id, session_id, event_seq, attached, reason,"
            " changed_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (row["id"], message.tab_id, message.session_id, seq, int(attach), message.reason, now),
        )
        payload = {"tab_id": message.tab_id, "session_id": message.session_id} | (
            {"reason": message.reason} if message.reason else {}
        )
        if attach:
            if connection is None or not connection["attached"]:
                sandbox_writes.lifecycle_event(tx, row["id"], "tab_attached", now, payload=payload)
            return json_response({"attached": True})
        sandbox_writes.lifecycle_event(tx, row["id"], "tab_released", now, payload=payload)
        sandbox_writes.lifecycle_event(
            tx, row["id"], "auto_pause_queued", now, payload={"grace_period_ms": GRACE_MS}
        )
    if request.plane.settings.speed > 0:
        request.plane.sandbox_tasks.spawn(_decide_later(request, row["id"], now), f"presence {row['id']}")
    return json_response({"released": True, "queued": True, "gracePeriodMs": GRACE_MS})


async def _body(request: ApiRequest) -> dict[str, Any]:
    try:
        value = await params.json_body(request)
    except params.NotJsonError as error:
        raise refusal(400, str(error.__cause__ or "Unexpected end of JSON input")) from None
    if value is None:
        raise empty_500()
    return value if isinstance(value, dict) else {}


def _read(body: dict[str, Any]) -> _Report:
    event, seq, reason = body.get("event"), body.get("eventSeq"), body.get("reason")
    if event not in ("attach", "release"):
        raise refusal(400, "event must be attach or release")
    names = [_name(body, name) for name in ("tabId", "sessionId")]
    if seq is not None and (
        isinstance(seq, bool) or not _is_whole(seq) or not 0 <= seq <= params.SAFE_INTEGER
    ):
        raise refusal(400, "eventSeq must be a non-negative integer")
    kept = params.trim(reason)[:_MOST_REASON] if isinstance(reason, str) else ""
    return _Report(event, names[0], names[1], None if seq is None else int(seq), kept or None)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) or (isinstance(value, float) and value.is_integer())


def _name(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise refusal(400, f"{name} is required")
    text = params.trim(value)
    if not 1 <= len(text) <= 128:
        raise refusal(400, f"{name} must be between 1 and 128 characters")
    return text


async def _decide_later(request: ApiRequest, record_id: str, released: int) -> None:
    """Wait for the grace period, then log whether auto-pause would pause the sandbox.

    The sandbox itself is not paused. `released` is when the tab was released, in µs.
    """
    await asyncio.sleep(real_seconds(GRACE_MS / 1000, request.plane.settings.speed))
    now = request.plane.clock.now_us()
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        row = sandbox_lookup.sandbox(tx, record_id)
        if row is None:
            return
        newer = tx.one(
            "SELECT 1 FROM sandbox_presence WHERE sandbox_id = ? AND attached AND changed_at > ?",
            (record_id, released),
        )
        if row["status"] != "running":
            code = "auto_pause_skipped_not_running"
        elif not row["persistent"]:
            code = "auto_pause_skipped_not_persistent"
        elif newer is not None:
            code = "auto_pause_skipped_new_session"
        elif is_busy(tx, record_id, now):
            code = "auto_pause_skipped_busy"
        else:
            code = "would_auto_pause"
        sandbox_writes.lifecycle_event(
            tx, record_id, "auto_pause_decision", now, decision_code=code, payload={"mode": "observe"}
        )
