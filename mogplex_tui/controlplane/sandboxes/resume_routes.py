"""Resume and restart sandboxes (sandboxes.md §4.5 and §4.6)."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from ..db.database import Row
from ..http.endpoints import ApiRequest, json_response, refusal
from . import sandbox_writes
from .event_streams import EventStream, finished_stream
from .launch_routes import check, launch, reboot_columns, start
from .quotas import admit_boot, claim_boot
from .sandbox_endpoint import (
    BASH,
    NO_FUNDS,
    SANDBOX_NOT_FOUND,
    current_record,
    has_hosted_compute,
    own_sandbox,
    require_capability,
    require_created,
)
from .sandbox_serializers import record
from .states import ACTIVE, PENDING, Change, apply_change
from .vm.boot import Kind

_PAUSING = "Sandbox is pausing. Wait for pause to finish, or stop the sandbox to recover."
_NO_RESUME = "Sandbox is not persistent — use the legacy snapshot-restore launch path instead."


async def resume(request: ApiRequest) -> Response:
    """Resume a paused, persistent sandbox and stream the events of its boot."""
    require_capability(request, BASH)
    row = own_sandbox(request, SANDBOX_NOT_FOUND)
    if row["status"] == "pausing":
        raise refusal(409, _PAUSING)
    if row["status"] != "paused":
        raise refusal(400, "Sandbox is not paused")
    if not row["persistent"]:
        raise refusal(400, _NO_RESUME)
    require_created(row, "Sandbox is not ready to resume")
    _check_repo(row)
    if row["provider_view"] in ("silent", "gone", "closing"):
        raise refusal(502, f"Sandbox VM {row['sandbox_id']} could not be woken")
    return _boot(request, row, Kind.RESUME, _admitted(request, row))


async def restart(request: ApiRequest) -> Response:
    """Restart a sandbox.

    A persistent sandbox boots again with the same record. Any other sandbox is stopped, and a new
    one is launched for its working tree.
    """
    require_capability(request, BASH)
    row = own_sandbox(request, SANDBOX_NOT_FOUND)
    if not row["persistent"]:
        return await _relaunch(request, row)
    _check_repo(row)
    require_created(row, "Sandbox is still booting")
    claim = None if row["status"] in ACTIVE else _admitted(request, row)
    request.plane.sandbox_tasks.kill(row["id"])
    return _boot(request, row, Kind.RESTART, claim)


def _check_repo(row: Row) -> None:
    if row["full_name"] is None:
        raise refusal(404, "Sandbox repo not found")


def _admitted(request: ApiRequest, row: Row) -> str:
    """Check that the caller may boot the sandbox, and return the claim id of the boot.

    Raises 402 if the caller has no funds, and 429 if the boot quota is used up.
    """
    if not has_hosted_compute(request):
        raise refusal(402, NO_FUNDS)
    return admit_boot(request, row["repo_id"])


def _boot(request: ApiRequest, row: Row, kind: Kind, claim: str | None) -> Response:
    """Set the record to installing and stream the events of the boot.

    If another request has changed the sandbox in the meantime, the response has the status 409 and
    consists of one `cancelled` event.
    """
    now = request.plane.clock.now_us()
    how = Change.RESUMED if kind is Kind.RESUME else Change.RESTARTED
    more: dict[str, Any] = (
        reboot_columns(row, now) if claim is None else {**reboot_columns(row, now), "limit_claim_id": claim}
    )
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        if claim is not None:
            claim_boot(tx, claim, row["id"])
        moved = apply_change(tx, row["id"], how, now, vm=row["sandbox_id"], **more)
        if moved and row["stop_reason"] == "auto_pause":
            sandbox_writes.lifecycle_event(tx, row["id"], "resume_after_auto_pause", now)
    if not moved:
        message = f"Sandbox {kind.value} was cancelled before it started."
        return finished_stream({"type": "cancelled", "reason": "conflict", "message": message}, status=409)
    return EventStream(start(request, row["id"], kind))


async def _relaunch(request: ApiRequest, row: Row) -> Response:
    """Stop the sandbox, and launch a new one for the same working tree.

    The new one is restored from a snapshot, unless the old one's machine was never created.
    """
    snapshot = None if row["sandbox_id"] == PENDING else f"snap_{row['id'][:8]}"
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        apply_change(tx, row["id"], Change.STOPPED, request.plane.clock.now_us(), stop_reason="manual")
    request.plane.sandbox_tasks.kill(row["id"])
    body = {
        "repoId": row["repo_id"],
        "baseBranch": row["base_branch"],
        "workingBranch": row["working_branch"],
        "rootDirectory": row["root_directory"],
        "restoreSnapshotId": snapshot,
    }
    launched = await launch(request, check(request, body, row["product_team_id"]))
    if launched.channel is not None:
        return EventStream(launched.channel)
    return json_response({"sandbox": record(current_record(request, launched.record_id))})
