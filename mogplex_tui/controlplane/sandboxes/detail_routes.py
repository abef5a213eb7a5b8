"""Routes that read one sandbox and update its record: detail, health, reconcile.

sandboxes.md §4.1, §4.12, §4.13.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from ..db.database import Row
from ..http.endpoints import ApiRequest, json_response
from . import sandbox_writes
from .busy_check import pausing_since
from .idle_reaper import STALE_PAUSING_US
from .sandbox_endpoint import current_record, own_sandbox
from .sandbox_serializers import record
from .states import ACTIVE, PENDING, Change, apply_change
from .vm import sandbox_lookup


def view_of(row: Row) -> str:
    """Return the state of a sandbox's machine as its provider reports it.

    It is running, paused, halted, gone, closing, or silent (the provider does not answer).
    """
    if row["provider_view"] is not None:
        return str(row["provider_view"])
    if row["status"] in ("stopped", "error") or row["sandbox_id"] == PENDING:
        return "gone"
    return "paused" if row["status"] == "paused" else "running"


async def read_sandbox(request: ApiRequest) -> Response:
    """Return one sandbox, after updating its record from its machine's state."""
    row = own_sandbox(request)
    return json_response({"sandbox": _sync_with_provider(request, row)})


def _sync_with_provider(request: ApiRequest, row: Row) -> dict[str, Any]:
    """Update a record to the state of its machine, and return its JSON object.

    If the machine of a failed sandbox is halted, the record does not change: only the JSON object
    shows the sandbox as stopped.
    """
    view = view_of(row)
    if view in ("silent", "gone", "closing"):
        # The look-up fails, and the record is all that is known.
        return record(row)
    change: Change | None = None
    if view == "running" and row["status"] in Change.SEEN_RUNNING.sources:
        change = Change.SEEN_RUNNING
    elif view == "halted" and row["status"] in ACTIVE:
        change = Change.VM_GONE
    if change is not None:
        _change(request, row, change)
        return record(current_record(request, row["id"]))
    if view == "halted" and row["status"] == "error":
        shown = record(row)
        shown["stop_reason"] = "vm_gone"
        shown["runtime_summary"]["status"] = "stopped"
        return shown
    return record(row)


def _change(request: ApiRequest, row: Row, change: Change) -> bool:
    now = request.plane.clock.now_us()
    more: dict[str, Any] = {"stop_reason": "vm_gone"} if change is Change.VM_GONE else {"last_active_at": now}
    if change is Change.SEEN_RUNNING:
        # A machine that runs again begins a new session, whose time counts from here.
        more |= {
            "last_boot_started_at": now,
            "preview_url": row["preview_url"] or sandbox_lookup.preview_address(row["sandbox_id"]),
        }
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        done = apply_change(tx, row["id"], change, now, vm=row["sandbox_id"], **more)
    if done and change is Change.VM_GONE:
        request.plane.sandbox_tasks.kill(row["id"])
    elif done:
        request.plane.callbacks.sandbox_running(row["id"])
    return done


async def read_health(request: ApiRequest) -> Response:
    """Check the sandbox's preview, and return the updated record and its health."""
    row = check_preview(request, own_sandbox(request))
    health = {"status": row["health_status"]}
    return json_response({"sandbox": record(row, persistent=False), "health": health})


def check_preview(request: ApiRequest, row: Row) -> Row:
    """Check the sandbox's preview, store the result, and return the updated record.

    Raises 404 if the record was deleted during the check.
    """
    view = view_of(row)
    if view in ("gone", "closing", "halted") and row["status"] in ("creating", "installing", "running"):
        if row["sandbox_id"] != PENDING:
            _change(request, row, Change.VM_GONE)
            row = current_record(request, row["id"])
    elif view == "running" and row["status"] in Change.SEEN_RUNNING.sources:
        _change(request, row, Change.SEEN_RUNNING)
        row = current_record(request, row["id"])
    health, status = probe(row)
    if health == "running" and row["health_status"] == "idle_warning":
        health = "idle_warning"
    error = f"HTTP {status} from the dev server" if status is not None and status >= 500 else None
    if health == "unreachable":
        error = "The preview did not answer within 5 s"
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        sandbox_writes.set_sandbox(
            tx,
            row["id"],
            health_status=health,
            last_health_check_at=request.plane.clock.now_us(),
            last_preview_http_status=status,
            last_preview_error=error,
        )
    return current_record(request, row["id"])


def probe(row: Row) -> tuple[str, int | None]:
    """Return the health and the HTTP status of a sandbox's preview.

    The status is None if the preview does not answer (sandboxes.md §2.2).
    """
    view = view_of(row)
    if row["preview_url"] is None:
        return "not_available", None
    if view == "silent":
        return "unreachable", None
    if view != "running":
        return "stopped", None
    # The dev server comes up at the end of a boot; until then nothing listens behind the address.
    return ("running", 200) if row["status"] == "running" else ("starting", 502)


async def reconcile(request: ApiRequest) -> Response:
    """Correct a sandbox's record according to the state of its machine.

    This is done before the response is sent. The response says that no task was queued, because
    there is no background runtime.
    """
    row = own_sandbox(request)
    now = request.plane.clock.now_us()
    if row["status"] == "pausing" and now - pausing_since(request.plane.db, row) >= STALE_PAUSING_US:
        with request.plane.db.transaction(ids=request.service.ids) as tx:
            apply_change(tx, row["id"], Change.PAUSE_GIVEN_UP, now, vm=row["sandbox_id"])
        row = current_record(request, row["id"])
    shown = record(check_preview(request, row), persistent=False)
    return json_response({"queued": False, "reason": "trigger_not_configured", "sandbox": shown})
