"""Prebuilt sandbox images of a repository: read, build and delete.

projects.md §4.8.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from typing import Any, NamedTuple

from starlette.responses import Response

from ..calls import admission_writes
from ..db.clock import HOUR_US, MINUTE_US, SECOND_US, iso_app
from ..db.database import Row, Tx
from ..http.endpoints import ApiRequest, RefusedError, json_response, refusal
from . import repo_writes
from .project_scope import github_token, own_repo

LOCK_US = 15 * MINUTE_US
_BUILD_SECONDS = 12.0
_ROUTE_KEY = "snapshot_build"
_KEPT_US = 30 * 24 * HOUR_US
_CLEARED: dict[str, Any] = {
    "snapshot_id": None,
    "snapshot_commit_sha": None,
    "snapshot_lockfile_hash": None,
    "snapshot_created_at": None,
    "snapshot_billing_source": None,
    "snapshot_billing_project_id": None,
    "snapshot_billing_team_id": None,
}
_UNLOCKED: dict[str, Any] = {"snapshot_build_token": None, "snapshot_build_started_at": None}


class _Limit(NamedTuple):
    name: str
    value: int
    window_us: int
    of_repo: bool


_LIMITS = (
    _Limit("snapshot_builds_per_hour", 3, HOUR_US, of_repo=False),
    _Limit("snapshot_builds_per_day", 10, 24 * HOUR_US, of_repo=False),
    _Limit("snapshot_build_cooldown", 1, 15 * MINUTE_US, of_repo=True),
)


async def read_snapshot(request: ApiRequest) -> Response:
    """Return the repository's snapshot, or null if it has none.

    If the snapshot has expired or the provider has deleted it, the repository's reference to it is
    removed, and the response is null.
    """
    db, repo = request.plane.db, own_repo(request)
    if repo["snapshot_id"] is None:
        return json_response({"snapshot": None})
    kept = db.one(
        "SELECT * FROM provider_snapshots WHERE id = ? AND status <> 'deleted'", (repo["snapshot_id"],)
    )
    if kept is None or (
        kept["expires_at"] is not None and kept["expires_at"] <= request.plane.clock.now_us()
    ):
        with db.transaction() as tx:
            repo_writes.update_repo(tx, repo, **_CLEARED)
        return json_response({"snapshot": None})
    expires = kept["expires_at"]
    return json_response(
        {
            "snapshot": {
                **_built(kept),
                "expiresAt": None if expires is None else iso_app(expires),
                "commitSha": repo["snapshot_commit_sha"],
                "lockfileHash": repo["snapshot_lockfile_hash"],
            }
        }
    )


def _built(kept: Row) -> dict[str, Any]:
    return {
        "id": kept["id"],
        "status": kept["status"],
        "sizeBytes": kept["size_bytes"],
        "createdAt": iso_app(kept["created_at"]),
    }


async def build_snapshot(request: ApiRequest) -> Response:
    """Build a snapshot of the repository, and respond when it is ready.

    Raises 409 while another build of the repository is running.
    """
    repo = own_repo(request)
    if repo["github_installation_id"] is None and not github_token(request.plane, request.user_id):
        raise refusal(400, "Connect GitHub account first")
    funded = "SELECT allow_platform_sandbox FROM profiles WHERE id = ?"
    if not request.plane.db.value(funded, (request.user_id,)):
        raise refusal(403, "Hosted sandbox access is not funded for this account")
    started = repo["snapshot_build_started_at"]
    now = request.plane.clock.now_us()
    if repo["snapshot_build_token"] is not None and started is not None and now - started < LOCK_US:
        raise refusal(409, "Snapshot build already in progress")
    token = request.service.ids.opaque("build_", 16)
    _claim(request, repo, token, now)
    speed = request.plane.settings.speed
    try:
        if speed > 0:
            await asyncio.sleep(_BUILD_SECONDS / speed)
        kept = _finish(request, repo, token)
    finally:
        _unlock(request, repo, token)
    return json_response({"snapshot": _built(kept)})


def _claim(request: ApiRequest, repo: Row, token: str, now: int) -> None:
    """Lock the repository for a build, and count the build against the limits.

    If a limit is reached, nothing is locked: the refusal is recorded and RefusedError 429 raised.
    """
    refused = None
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        columns: dict[str, Any] = {"user_id": request.user_id, "route_key": _ROUTE_KEY, "at": now}
        columns["repo_id"] = repo["id"]
        refused = _refused(tx, request.user_id, repo["id"], now)
        if refused is None:
            admission_writes.record_limit(tx, **columns, decision="allowed", claim_id=tx.new_id())
            repo_writes.update_repo(tx, repo, snapshot_build_token=token, snapshot_build_started_at=now)
        else:
            limit, wait = refused
            admission_writes.record_limit(
                tx,
                **columns,
                decision="denied",
                reason=limit.name,
                limit_name=limit.name,
                window_seconds=limit.window_us // SECOND_US,
                limit_value=limit.value,
                remaining=0,
                retry_after_seconds=wait,
            )
    if refused is not None:
        raise _too_many(*refused)


def _refused(tx: Tx, user_id: str, repo_id: str, now: int) -> tuple[_Limit, int] | None:
    """Return the first limit that is reached, and the seconds until it allows a build.

    Returns None if no limit is reached.
    """
    for limit in _LIMITS:
        counted = tx.all(
            "SELECT created_at FROM limit_events WHERE user_id = ? AND route_key = ? AND created_at > ?"
            " AND decision = 'allowed' AND (? OR repo_id = ?) ORDER BY created_at DESC LIMIT ?",
            (user_id, _ROUTE_KEY, now - limit.window_us, not limit.of_repo, repo_id, limit.value),
        )
        if len(counted) >= limit.value:
            free = counted[-1]["created_at"] + limit.window_us
            return limit, max(1, math.ceil((free - now) / SECOND_US))
    return None


def _too_many(limit: _Limit, wait: int) -> RefusedError:
    body = {
        "error": "Snapshot build rate limit exceeded",
        "code": "snapshot_rate_limited",
        "retryAfterSeconds": wait,
        "limit": {
            "name": limit.name,
            "value": limit.value,
            "windowSeconds": limit.window_us // SECOND_US,
        },
    }
    return RefusedError(json_response(body, 429, {"Retry-After": str(wait)}))


def _finish(request: ApiRequest, repo: Row, token: str) -> Row:
    """Store a built snapshot, release the lock and return the snapshot's row.

    Raises 404 if the repository was deleted during the build, 409 if another build has taken the
    lock.
    """
    now = request.plane.clock.now_us()
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        row = tx.one("SELECT * FROM repos WHERE id = ?", (repo["id"],))
        if row is None:
            raise refusal(404, "Repo not found")
        if row["snapshot_build_token"] != token:
            raise refusal(409, "Snapshot build superseded by a newer one")
        snapshot_id = request.service.ids.opaque("snap_")
        weight = hashlib.sha256(f"{row['full_name']}/{row['root_directory']}".encode()).digest()
        tx.insert(
            "provider_snapshots",
            id=snapshot_id,
            size_bytes=420_000_000 + int.from_bytes(weight[:4]) % 900_000_000,
            created_at=now,
            expires_at=now + _KEPT_US,
        )
        _forget(tx, row)
        repo_writes.update_repo(
            tx,
            row,
            snapshot_id=snapshot_id,
            snapshot_commit_sha=hashlib.sha1(f"{snapshot_id}".encode(), usedforsecurity=False).hexdigest(),
            snapshot_lockfile_hash=weight.hex(),
            snapshot_created_at=now,
            snapshot_billing_source="platform",
            **_UNLOCKED,
        )
    return request.plane.db.only("SELECT * FROM provider_snapshots WHERE id = ?", (snapshot_id,))


def _unlock(request: ApiRequest, repo: Row, token: str) -> None:
    """Release the build lock of a repository if it still has this token."""
    row = request.plane.db.one(
        "SELECT * FROM repos WHERE id = ? AND snapshot_build_token = ?", (repo["id"], token)
    )
    if row is not None:
        with request.plane.db.transaction() as tx:
            repo_writes.update_repo(tx, row, **_UNLOCKED)


def _forget(tx: Tx, row: Row) -> None:
    tx.execute("UPDATE provider_snapshots SET status = 'deleted' WHERE id = ?", (row["snapshot_id"],))


async def delete_snapshot(request: ApiRequest) -> Response:
    """Delete the repository's snapshot from the database and at the provider.

    The response is a success even if the repository has no snapshot.
    """
    repo = own_repo(request)
    if repo["snapshot_id"] is not None:
        with request.plane.db.transaction() as tx:
            _forget(tx, repo)
            repo_writes.update_repo(tx, repo, **_CLEARED)
    return json_response({"ok": True})
