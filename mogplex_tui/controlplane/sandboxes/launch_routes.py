"""POST /api/sandbox: find or launch the sandbox of a working tree.

sandboxes.md §3.2.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any, NamedTuple

from starlette.responses import Response

from ..calls.run_request_validation import InvalidRunError, is_branch, root_directory
from ..core.event_channel import Channel
from ..db.clock import SECOND_US
from ..db.database import Row
from ..http import params
from ..http.bodies import body_of
from ..http.endpoints import ApiRequest, json_response, refusal
from . import sandbox_writes
from .event_streams import EventStream
from .quotas import admit_boot, claim_boot
from .sandbox_endpoint import BASH, NO_FUNDS, has_hosted_compute, require_capability, team_of, text_of
from .sandbox_serializers import record
from .states import ACTIVE, PENDING, Change, apply_change
from .vm import sandbox_lookup
from .vm.boot import Boot, Kind

_STUCK_PENDING_US = 90 * SECOND_US
_NO_ACCESS = f"{NO_FUNDS}. Add funds or choose a plan in Settings > Billing."


class LaunchRequest(NamedTuple):
    """A validated request to launch a sandbox.

    `base` is the base branch and `branch` the working branch. `root` is the root directory, or None
    for the whole repository.
    """

    repo: Row
    base: str
    branch: str
    root: str | None
    snapshot: str | None
    snapshot_project: str | None
    snapshot_team: str | None
    team_id: str | None


class Launched(NamedTuple):
    """The result of a launch: the sandbox's record id and the events of its boot.

    `channel` is None unless the launch has started a boot that is still in progress.
    """

    record_id: str
    channel: Channel | None


async def launch_sandbox(request: ApiRequest) -> Response:
    """Find the sandbox of a working tree, or launch a new one.

    If a new machine is booted, the response is a stream of the boot's events. Otherwise it is the
    sandbox as JSON.
    """
    require_capability(request, BASH)
    launched = await launch(request, check(request, await body_of(request), team_of(request)))
    if launched.channel is not None:
        return EventStream(launched.channel)
    return json_response({"sandbox": record(_require_record(request, launched.record_id))})


def check(request: ApiRequest, body: Mapping[str, Any], team_id: str | None) -> LaunchRequest:
    """Validate the body of a launch request and fill in its defaults.

    Raises RefusedError. The checks are in the same order as the service's.
    """
    repo_id = params.trim(text_of(body, "repoId")).lower()
    if not repo_id:
        raise refusal(400, "repoId required")
    repo = request.plane.db.one(
        "SELECT r.*, p.github_oauth FROM repos r JOIN profiles p ON p.id = r.user_id WHERE r.id = ? AND r.user_id = ?",
        (repo_id, request.user_id),
    )
    if repo is None:
        raise refusal(404, "Repo not found")
    if not repo["github_oauth"] and repo["github_installation_id"] is None:
        raise refusal(400, "Connect GitHub account first")
    base = _text(body, "baseBranch") or repo["default_branch"] or "main"
    if not is_branch(base):
        raise refusal(400, "Invalid base branch")
    branch = _working_branch(body, repo, base)
    try:
        root = root_directory(body["rootDirectory"]) if "rootDirectory" in body else repo["root_directory"]
    except InvalidRunError as error:
        raise refusal(400, str(error)) from None
    if not has_hosted_compute(request):
        raise refusal(403, _NO_ACCESS)
    return LaunchRequest(
        repo,
        base,
        branch,
        root,
        _text(body, "restoreSnapshotId"),
        _text(body, "restoreSnapshotProjectId"),
        _text(body, "restoreSnapshotTeamId"),
        team_id,
    )


def _text(body: Mapping[str, Any], name: str) -> str | None:
    return params.trim(text_of(body, name)) or None


def _working_branch(body: Mapping[str, Any], repo: Row, base: str) -> str:
    wanted, create = _text(body, "workingBranch"), body.get("createBranch") is True
    if (create and wanted is None) or not is_branch(wanted or base):
        raise refusal(400, "Invalid working branch")
    if create and wanted in (base, repo["default_branch"] or "main"):
        raise refusal(400, "New branch name must differ from the default branch")
    return wanted or base


async def launch(request: ApiRequest, launch_request: LaunchRequest) -> Launched:
    """Find the sandbox of a working tree, resume it, or insert and boot a new one.

    The function waits for the end of a resume, but not for the end of a new sandbox's boot. Raises
    429 if the caller's quota of boots is used up.
    """
    active = _existing(request, launch_request)
    if active is not None:
        return Launched(active["id"], None)
    asleep = _latest(request, launch_request, "s.status = 'paused' AND s.persistent")
    if asleep is not None:
        admit_boot(request, launch_request.repo["id"])
        await _resume(request, asleep)
        return Launched(asleep["id"], None)
    orphan = _latest(
        request, launch_request, "s.status IN ('stopped', 'error') AND s.provider_view = 'running'"
    )
    claim = admit_boot(request, launch_request.repo["id"])
    try:
        record_id = _insert(request, launch_request, claim, orphan)
    except sqlite3.IntegrityError as error:
        rival = _existing(request, launch_request)
        if rival is None:
            raise refusal(500, str(error)) from None
        return Launched(rival["id"], None)
    if orphan is not None:
        request.plane.callbacks.sandbox_running(record_id)
        return Launched(record_id, None)
    return Launched(record_id, start(request, record_id, Kind.LAUNCH, launch_request.snapshot))


def start(request: ApiRequest, record_id: str, kind: Kind, snapshot: str | None = None) -> Channel:
    """Start a boot in the background and return the channel of its events.

    The boot continues even if nothing reads the channel.
    """
    channel = Channel()
    boot = Boot(request.plane, request.service.ids, record_id, kind, channel.put, snapshot)

    async def work() -> None:
        try:
            await boot.run()
        finally:
            channel.end()

    request.plane.sandbox_tasks.spawn(work(), f"boot {record_id}")
    return channel


async def _resume(request: ApiRequest, row: Row) -> None:
    """Resume a paused sandbox and wait until its boot has succeeded or failed."""
    now = request.plane.clock.now_us()
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        moved = apply_change(
            tx, row["id"], Change.RESUMED, now, vm=row["sandbox_id"], **reboot_columns(row, now)
        )
    if not moved:
        return
    channel = start(request, row["id"], Kind.RESUME)
    while await channel.next() is not None:
        pass


def reboot_columns(row: Row, now: int) -> dict[str, Any]:
    """Return the columns to set when a sandbox's machine boots again."""
    return {
        "boot_attempts": row["boot_attempts"] + 1,
        "last_boot_started_at": now,
        "last_boot_completed_at": None,
        "last_active_at": now,
    }


def _working_tree_condition(launch_request: LaunchRequest) -> tuple[str, tuple[object, ...]]:
    return (
        "s.user_id = ? AND s.product_team_id IS ? AND s.repo_id = ? AND s.working_branch = ?"
        " AND s.root_directory IS ?",
        (
            launch_request.repo["user_id"],
            launch_request.team_id,
            launch_request.repo["id"],
            launch_request.branch,
            launch_request.root,
        ),
    )


def _latest(request: ApiRequest, launch_request: LaunchRequest, state: str) -> Row | None:
    where, values = _working_tree_condition(launch_request)
    sql = f"{sandbox_lookup.SELECT} WHERE {where} AND {state} ORDER BY s.created_at DESC LIMIT 1"
    return request.plane.db.one(sql, values)


def _existing(request: ApiRequest, launch_request: LaunchRequest) -> Row | None:
    """Return the active sandbox of the working tree, or None.

    If no machine has been created within 90 s, the record is stopped and None is returned.
    """
    marks = ", ".join(f"'{status}'" for status in ACTIVE)
    row = _latest(request, launch_request, f"s.status IN ({marks})")
    if row is None or row["sandbox_id"] != PENDING:
        return row
    now = request.plane.clock.now_us()
    if now - row["created_at"] < _STUCK_PENDING_US or row["id"] in request.plane.sandbox_tasks.booting:
        return row
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        apply_change(tx, row["id"], Change.STOPPED, now, vm=PENDING, stop_reason="stuck_boot")
    return None


def _insert(request: ApiRequest, launch_request: LaunchRequest, claim: str, orphan: Row | None) -> str:
    """Insert the record of a launched sandbox and return its id.

    Its status is `creating`. But if `orphan` is given, the record of an ended sandbox whose machine
    still runs, the new record takes over that machine and its status is `running`.
    """
    now, repo = request.plane.clock.now_us(), launch_request.repo
    columns: dict[str, Any] = {"status": "creating"}
    if orphan is not None:
        columns = {
            "status": "running",
            "sandbox_id": orphan["sandbox_id"],
            "health_status": "running",
            "preview_url": sandbox_lookup.preview_address(orphan["sandbox_id"]),
            "last_boot_completed_at": now,
            "install_log": orphan["install_log"],
            "dev_log": orphan["dev_log"],
        }
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        record_id = sandbox_writes.insert_sandbox(
            tx,
            user_id=repo["user_id"],
            repo_id=repo["id"],
            base_branch=launch_request.base,
            working_branch=launch_request.branch,
            root_directory=launch_request.root,
            created_at=now,
            runtime=repo["runtime"] or "node24",
            boot_attempts=1,
            last_boot_started_at=now,
            limit_claim_id=claim,
            product_team_id=launch_request.team_id,
            actor_user_id=request.user_id,
            sandbox_billing_target="personal" if launch_request.team_id is None else "team",
            snapshot_billing_project_id=launch_request.snapshot_project,
            snapshot_billing_team_id=launch_request.snapshot_team,
            **columns,
        )
        claim_boot(tx, claim, record_id)
        if orphan is not None:
            sandbox_writes.set_sandbox(tx, orphan["id"], provider_view=None)
    return record_id


def _require_record(request: ApiRequest, record_id: str) -> Row:
    row = sandbox_lookup.sandbox(request.plane.db, record_id)
    if row is None:
        raise refusal(500, "Sandbox record vanished during its launch")
    return row
