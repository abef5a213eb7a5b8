"""Cancel runs, calls and jobs.

runtime-model.md §5, v1.md §9, observability.md §3.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from .core import upstreams
from .core.plane import Plane
from .db.database import Row
from .db.ids import Ids
from .engine import dispatch
from .writes import calls, job_control, jobs, runs


class CancelError(Exception):
    """A cancel that did not end the call: HTTP status, v1 code and text.

    The request itself is recorded.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class RunCancel(NamedTuple):
    """The result of a v1 cancel: the run's status, and whether it had ended before."""

    status: str
    already_terminal: bool


def cancel_run(plane: Plane, ids: Ids, run: Row) -> RunCancel:
    """Cancel a run and its call (v1.md §9).

    `run` has id, status, ai_call_id and sandbox_record_id. Raises CancelError if the call cannot be reached; the
    request then stays recorded.
    """
    if run["status"] in runs.TERMINAL:
        return RunCancel(run["status"], already_terminal=True)
    with plane.db.transaction(ids=ids) as tx:
        settled = runs.mirror_call(tx, run["id"], plane.clock.now_us())
    if settled is not None:
        return RunCancel(settled, already_terminal=True)
    call = _call(plane, run["ai_call_id"])
    command = call["runtime_command_id"]
    payload = {"external_run_id": run["id"]} | ({"runtime_command_id": command} if command else {})
    with plane.db.transaction(ids=ids) as tx:
        if not calls.request_cancel(tx, call["id"], plane.clock.now_us(), payload):
            raise CancelError(409, "CONFLICT", "Run is no longer active")
    if command:
        if run["sandbox_record_id"] is None:
            raise CancelError(400, "BAD_REQUEST", "Run has no sandbox metadata")
        _check_sandbox(plane, run["sandbox_record_id"])
        if upstreams.kill_command(plane, run["sandbox_record_id"]) is not None:
            raise CancelError(500, "INTERNAL_ERROR", "Failed to cancel run")
    with plane.db.transaction(ids=ids) as tx:
        at = plane.clock.now_us()
        calls.finalize_cancel(tx, call["id"], at, "External Mogplex run cancelled", payload)
        status = runs.mirror_call(tx, run["id"], at) or run["status"]
    plane.wake.cancelled(call["id"])
    return RunCancel(status, already_terminal=False)


def _call(plane: Plane, call_id: str) -> Row:
    row = plane.db.one(
        "SELECT id, status, runtime_command_id, metadata, user_id FROM ai_calls WHERE id = ?", (call_id,)
    )
    if row is None:
        raise CancelError(409, "CONFLICT", "Run state is inconsistent")
    return row


def _check_sandbox(plane: Plane, record_id: str) -> None:
    """Check that the command's machine exists. Raises CancelError otherwise."""
    row = plane.db.one("SELECT sandbox_id FROM sandboxes WHERE id = ?", (record_id,))
    refused = upstreams.reach_sandbox(plane, record_id)
    if refused is not None:
        raise CancelError(refused.status, "CONFLICT", refused.text)
    if row is None:
        raise CancelError(404, "CONFLICT", "Not found")
    if row["sandbox_id"] == "pending":
        raise CancelError(409, "CONFLICT", "Sandbox is not ready")


def cancel_call(plane: Plane, ids: Ids, call_id: str) -> str:
    """Cancel a call and return its status; its v1 run is unchanged.

    Raises CancelError; after the first check the request stays recorded (observability.md §3).
    """
    call = _call(plane, call_id)
    command = call["runtime_command_id"]
    with plane.db.transaction(ids=ids) as tx:
        if not calls.request_cancel(tx, call_id, plane.clock.now_us(), {"runtime_command_id": command}):
            raise CancelError(409, "CONFLICT", "Call is no longer active")
    message: str = "Run cancelled without runtime command"
    payload: dict[str, Any] = {"reason": "NO_RUNTIME_COMMAND"}
    if command:
        record_id = json.loads(call["metadata"]).get("sandbox_record_id")
        if not record_id:
            raise CancelError(400, "BAD_REQUEST", "Missing sandbox metadata")
        _check_sandbox(plane, record_id)
        refused = upstreams.kill_command(plane, record_id)
        if refused is not None:
            raise CancelError(500, "INTERNAL_ERROR", refused.text)
        message, payload = "Run cancelled", {"runtime_command_id": command}
    with plane.db.transaction(ids=ids) as tx:
        calls.finalize_cancel(tx, call_id, plane.clock.now_us(), message, payload)
    plane.wake.cancelled(call_id)
    status: str = _call(plane, call_id)["status"]
    return status


class JobCancel(NamedTuple):
    """The result of a job's cancel: its row, asked calls, and started jobs."""

    asked: int
    released: list[job_control.Released]


def cancel_job(plane: Plane, ids: Ids, job: Row) -> JobCancel:
    """Cancel a pending or running job (observability.md §7.3).

    `job` has id and owner_installation_id. Raises CancelError if the runtime does not stop it: the request stays
    recorded, and the job as it was.
    """
    now = plane.clock.now_us()
    reason = "USER_REQUESTED"
    with plane.db.transaction(ids=ids) as tx:
        job_control.request_cancel(tx, job["id"], now, reason)
    with plane.db.transaction(ids=ids) as tx:
        asked = job_control.ask_children(tx, job["id"], now)
    handle = plane.db.value("SELECT runtime_run_id FROM job_runs WHERE id = ?", (job["id"],))
    refused = upstreams.stop_task(plane, handle)
    if refused is not None:
        with plane.db.transaction(ids=ids) as tx:
            job_control.cancel_failed(tx, job["id"], plane.clock.now_us(), refused.text)
        # Its calls were asked to end all the same.
        _wake_calls(plane, asked)
        raise CancelError(500, "INTERNAL_ERROR", refused.text)
    with plane.db.transaction(ids=ids) as tx:
        job_control.finalize_cancel(tx, job["id"], plane.clock.now_us(), reason, len(asked))
    plane.wake.job_cancelled(job["id"])
    _wake_calls(plane, asked)
    released = dispatch.release(plane, ids, job["owner_installation_id"], plane.clock.now_us())
    return JobCancel(len(asked), released)


def _wake_calls(plane: Plane, asked: list[str]) -> None:
    for call_id in asked:
        plane.wake.cancelled(call_id)


LIVE_JOB = jobs.LIVE
