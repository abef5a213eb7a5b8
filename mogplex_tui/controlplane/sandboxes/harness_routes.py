"""POST …/harness: run a coding CLI in a sandbox (sandboxes.md §4.15)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from ..calls import call_writes
from ..calls.run_request_validation import HARNESSES
from ..core.sandbox_processes import Process
from ..db.database import Row, Tx
from ..http import params
from ..http.bodies import body_of
from ..http.endpoints import ApiRequest, RefusedError, json_response, refusal
from .detail_routes import view_of
from .event_streams import EventStream
from .exec_routes import has_ai
from .harness_run import HarnessRun, about
from .sandbox_endpoint import BASH, NOT_READY, own_sandbox, require_capability, text_of, wake_machine
from .states import Change, apply_change

_STOPPED = "Sandbox has stopped. Launch a new sandbox to continue."
_NO_AI = "Add an AI provider key in Settings, or choose a plan that includes AI"


async def run_harness(request: ApiRequest) -> Response:
    """Run a coding CLI in a sandbox and stream its output.

    If the body contains `prepareOnly: true`, only a call is created, for a later request that runs
    the CLI. If the run cannot start, its call ends as failed.
    """
    require_capability(request, BASH)
    body = await body_of(request)
    if body.get("harness") not in HARNESSES:
        raise refusal(400, "Invalid harness")
    if not params.trim(text_of(body, "prompt")):
        raise refusal(400, "Prompt is required")
    row = own_sandbox(request)
    if body.get("prepareOnly") is True:
        return json_response({"aiCallId": _written(request, row, body, prepared=True)})
    call_id = _attached(request, row, body) or _written(request, row, body, prepared=False)
    if row["sandbox_id"] == "pending":
        raise refusal(409, NOT_READY)
    try:
        _check(request, row)
    except RefusedError as refused:
        _give_up(request, call_id, json.loads(bytes(refused.response.body))["error"])
        raise
    process = Process(row["id"], request.service.ids.opaque("cmd_"))
    run = HarnessRun(request, row, call_id, body, process)
    request.plane.sandbox_tasks.add_process(process)
    request.plane.sandbox_tasks.spawn(run.work(), f"harness {call_id}")
    return EventStream(run.channel, left=process.abandon)


def _written(request: ApiRequest, row: Row, body: Mapping[str, Any], *, prepared: bool) -> str:
    """Insert a pending call for a harness run and return its id.

    `prepared` says that the call is only prepared, for a later run.
    """
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        return call_writes.insert_call(
            tx,
            user_id=request.user_id,
            type="agent",
            model=f"harness:{body['harness']}",
            started_at=request.plane.clock.now_us(),
            repo_id=row["repo_id"],
            conversation_id=params.trim(text_of(body, "conversationId")) or None,
            metadata=about(request, row, body, prepared=prepared),
        )


def _attached(request: ApiRequest, row: Row, body: Mapping[str, Any]) -> str | None:
    """Return the id of the existing call that the run uses, or None to create a call.

    It is the body's `aiCallId`. Raises 404 if the caller has no such call, and 409 if the call is
    not pending or was not made for this run.
    """
    named = body.get("aiCallId")
    if named is None or named == "":
        return None
    call = request.plane.db.one(
        "SELECT id, status, metadata FROM ai_calls WHERE id = ? AND user_id = ?",
        (str(named).lower(), request.user_id),
    )
    if call is None:
        raise refusal(404, "ai_call not found")
    metadata = json.loads(call["metadata"])
    prepared = (
        metadata.get("source") == "cli"
        and metadata.get("prepared") is True
        and metadata.get("sandbox_record_id") == row["id"]
        and metadata.get("harness_id") == body["harness"]
    )
    if metadata.get("source") != "external-api" and not prepared:
        raise refusal(409, "ai_call is not available for this harness run")
    if call["status"] != "pending":
        raise refusal(409, "ai_call is not pending")
    return str(call["id"])


def _check(request: ApiRequest, row: Row) -> None:
    """Check that a harness can run in the sandbox, and wake the machine.

    Raises 401 if the caller has no AI access, 410 if the machine is gone, and the errors of
    wake_machine.
    """
    if not has_ai(request):
        raise refusal(401, _NO_AI)
    if view_of(row) in ("gone", "closing", "halted"):
        with request.plane.db.transaction(ids=request.service.ids) as tx:
            _stop(request, tx, row)
        raise refusal(410, _STOPPED)
    wake_machine(request, row)


def _stop(request: ApiRequest, tx: Tx, row: Row) -> None:
    now = request.plane.clock.now_us()
    apply_change(tx, row["id"], Change.VM_GONE, now, vm=row["sandbox_id"], stop_reason="vm_gone")


def _give_up(request: ApiRequest, call_id: str, error: str) -> None:
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        at = request.plane.clock.now_us()
        message, payload = "Harness run failed to start", {"error": error}
        call_writes.finish_call(tx, call_id, "failed", at, error=error, message=message, payload=payload)
