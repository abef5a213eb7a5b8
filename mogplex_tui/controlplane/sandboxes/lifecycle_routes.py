"""Pause, stop, delete and extend sandboxes (sandboxes.md §4.2 to §4.4, §4.7)."""

from __future__ import annotations

import math
from typing import Any

from starlette.responses import Response

from ..db.clock import SECOND_US
from ..db.database import Row
from ..http import params
from ..http.bodies import body_of
from ..http.endpoints import ApiRequest, json_response, refusal
from . import sandbox_writes
from .sandbox_endpoint import (
    BASH,
    SANDBOX_NOT_FOUND,
    current_record,
    own_sandbox,
    require_caller,
    require_capability,
    require_created,
)
from .sandbox_serializers import record
from .states import PENDING, Change, apply_change

_NOT_RUNNING = "Sandbox is not running"
_BILL_OPEN = "Remote sandbox is gone. Billing closure is still reconciling; retry delete shortly."
_UNVERIFIED = (
    "Remote VM could not be verified as deleted. Record marked for reaper cleanup instead of deleted."
)


async def pause(request: ApiRequest) -> Response:
    """Pause a running sandbox, without changing its stored stop reason."""
    require_capability(request, BASH)
    row = own_sandbox(request, SANDBOX_NOT_FOUND)
    if row["status"] != "running":
        raise refusal(400, _NOT_RUNNING)
    require_created(row, "Sandbox is still booting")
    if row["provider_view"] is not None and row["provider_view"] != "running":
        raise refusal(500, f"Sandbox VM {row['sandbox_id']} could not be paused")
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        apply_change(tx, row["id"], Change.PAUSED, request.plane.clock.now_us(), vm=row["sandbox_id"])
    request.plane.sandbox_tasks.kill(row["id"])
    return json_response({"sandbox": record(current_record(request, row["id"]))})


async def stop(request: ApiRequest) -> Response:
    """Stop a sandbox and its machine.

    If the provider does not answer, the sandbox stays active and its record gets an error.
    """
    require_capability(request, BASH)
    row = own_sandbox(request, SANDBOX_NOT_FOUND)
    now = request.plane.clock.now_us()
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        if row["provider_view"] == "silent":
            text = (
                f"Remote VM {row['sandbox_id']} could not be confirmed stopped."
                " The record remains active for reconciliation."
            )
            sandbox_writes.set_sandbox(tx, row["id"], error=text)
        elif not apply_change(tx, row["id"], Change.STOPPED, now, stop_reason="manual"):
            # Nothing was active: the machine of a failed boot goes, its record keeps its state.
            sandbox_writes.set_sandbox(tx, row["id"], provider_view=None)
    if row["provider_view"] != "silent":
        request.plane.sandbox_tasks.kill(row["id"])
    return json_response({"sandbox": record(current_record(request, row["id"]))})


async def delete(request: ApiRequest) -> Response:
    """Delete a sandbox's record if the provider confirms that its machine has ended.

    Without this confirmation the record is kept, and the response contains a `warning`.
    """
    require_capability(request, BASH)
    row = own_sandbox(request, SANDBOX_NOT_FOUND)
    body: dict[str, Any] = {"ok": True, "sandboxId": row["id"]}
    if row["provider_view"] == "closing":
        _keep(request, row, Change.KEPT_FOR_CLEAN_UP, _BILL_OPEN, "closing")
        return json_response({**body, "warning": _BILL_OPEN}, 202)
    if row["provider_view"] == "silent":
        persistent = row["persistent"] and row["sandbox_id"] != PENDING
        _keep(
            request,
            row,
            Change.KEPT_PAUSED if persistent else Change.KEPT_FOR_CLEAN_UP,
            _UNVERIFIED,
            "silent",
        )
        return json_response({**body, "warning": _UNVERIFIED})
    request.plane.sandbox_tasks.kill(row["id"])
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        tx.execute("DELETE FROM sandboxes WHERE id = ?", (row["id"],))
        tx.record_change("sandboxes", "DELETE", request.user_id, row["id"])
    return json_response(body)


def _keep(request: ApiRequest, row: Row, change: Change, text: str, view: str) -> None:
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        apply_change(tx, row["id"], change, request.plane.clock.now_us(), error=text, provider_view=view)
    request.plane.sandbox_tasks.kill(row["id"])


async def extend(request: ApiRequest) -> Response:
    """Store that a running sandbox was used now, and report an extension of its life.

    `minutes` in the body is validated before the caller is authenticated.
    """
    minutes = _number((await body_of(request)).get("minutes", math.nan))
    if not 1 <= minutes <= 300:
        raise refusal(400, "minutes must be between 1 and 300")
    require_caller(request)
    require_capability(request, BASH)
    row = own_sandbox(request)
    if row["status"] != "running":
        raise refusal(400, _NOT_RUNNING)
    require_created(row)
    by_us = round(minutes * 60 * SECOND_US)
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        sandbox_writes.set_sandbox(tx, row["id"], last_active_at=request.plane.clock.now_us())
    return json_response({"ok": True, "extendedByMs": by_us // 1000})


def _number(value: Any) -> float:
    """Convert a JSON value as JavaScript's Number() does.

    Returns NaN if the value is not a number.
    """
    if value is None or value == "" or value == []:
        return 0.0
    if isinstance(value, bool | int | float):
        return float(value)
    if isinstance(value, str):
        try:
            return float(params.trim(value) or "0")
        except ValueError:
            return math.nan
    return math.nan
