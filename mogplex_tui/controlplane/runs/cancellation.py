"""Cancel runs and calls (runtime-model.md §5, v1.md §9, observability.md §3)."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from ..calls import call_writes
from ..core import refusable_backends
from ..core.plane import Plane
from ..db.database import Row
from ..db.ids import Ids
from . import run_writes


class CancelError(Exception):
    """A call or run cannot be cancelled.

    `status` is the HTTP status, `code` the v1 error code and `message` the text. A cancel request
    that was recorded before the error stays recorded.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class RunCancel(NamedTuple):
    """The result of cancelling a run.

    `already_terminal` is True if the run had ended before the request.
    """

    status: str
    already_terminal: bool


def cancel_run(plane: Plane, ids: Ids, run: Row) -> RunCancel:
    """Cancel a run and its call (v1.md §9).

    `run` must contain id, status, ai_call_id and sandbox_record_id. Raises CancelError if the call
    is not active or if its command cannot be stopped. If the command cannot be stopped, the cancel
    request stays recorded.
    """
    if run["status"] in run_writes.TERMINAL:
        return RunCancel(run["status"], already_terminal=True)
    with plane.db.transaction(ids=ids) as tx:
        settled = run_writes.mirror_call(tx, run["id"], plane.clock.now_us())
    if settled is not None:
        return RunCancel(settled, already_terminal=True)
    call = _call(plane, run["ai_call_id"])
    command = call["runtime_command_id"]
    payload = {"external_run_id": run["id"]} | ({"runtime_command_id": command} if command else {})
    with plane.db.transaction(ids=ids) as tx:
        if not call_writes.request_cancel(tx, call["id"], plane.clock.now_us(), payload):
            raise CancelError(409, "CONFLICT", "Run is no longer active")
    if command:
        if run["sandbox_record_id"] is None:
            raise CancelError(400, "BAD_REQUEST", "Run has no sandbox metadata")
        _check_sandbox(plane, run["sandbox_record_id"])
        if refusable_backends.kill_command(plane, run["sandbox_record_id"]) is not None:
            raise CancelError(500, "INTERNAL_ERROR", "Failed to cancel run")
    with plane.db.transaction(ids=ids) as tx:
        at = plane.clock.now_us()
        call_writes.finalize_cancel(tx, call["id"], at, "External Mogplex run cancelled", payload)
        status = run_writes.mirror_call(tx, run["id"], at) or run["status"]
    plane.callbacks.must_cancel(call["id"])
    return RunCancel(status, already_terminal=False)


def _call(plane: Plane, call_id: str) -> Row:
    row = plane.db.one(
        "SELECT id, status, runtime_command_id, metadata, user_id FROM ai_calls WHERE id = ?", (call_id,)
    )
    if row is None:
        raise CancelError(409, "CONFLICT", "Run state is inconsistent")
    return row


def _check_sandbox(plane: Plane, record_id: str) -> None:
    """Raise CancelError if the sandbox in which the command runs cannot be reached."""
    row = plane.db.one("SELECT sandbox_id FROM sandboxes WHERE id = ?", (record_id,))
    refused = refusable_backends.reach_sandbox(plane, record_id)
    if refused is not None:
        raise CancelError(refused.status, "CONFLICT", refused.text)
    if row is None:
        raise CancelError(404, "CONFLICT", "Not found")
    if row["sandbox_id"] == "pending":
        raise CancelError(409, "CONFLICT", "Sandbox is not ready")


def cancel_call(plane: Plane, ids: Ids, call_id: str) -> str:
    """Cancel a call and return its status; a v1 run of the call is not changed.

    Raises CancelError if the call is not active or if its command cannot be stopped. If the command
    cannot be stopped, the cancel request stays recorded (observability.md §3).
    """
    call = _call(plane, call_id)
    command = call["runtime_command_id"]
    with plane.db.transaction(ids=ids) as tx:
        if not call_writes.request_cancel(tx, call_id, plane.clock.now_us(), {"runtime_command_id": command}):
            raise CancelError(409, "CONFLICT", "Call is no longer active")
    message: str = "Run cancelled without runtime command"
    payload: dict[str, Any] = {"reason": "NO_RUNTIME_COMMAND"}
    if command:
        record_id = json.loads(call["metadata"]).get("sandbox_record_id")
        if not record_id:
            raise CancelError(400, "BAD_REQUEST", "Missing sandbox metadata")
        _check_sandbox(plane, record_id)
        refused = refusable_backends.kill_command(plane, record_id)
        if refused is not None:
            raise CancelError(500, "INTERNAL_ERROR", refused.text)
        message, payload = "Run cancelled", {"runtime_command_id": command}
    with plane.db.transaction(ids=ids) as tx:
        call_writes.finalize_cancel(tx, call_id, plane.clock.now_us(), message, payload)
    plane.callbacks.must_cancel(call_id)
    status: str = _call(plane, call_id)["status"]
    return status
