"""Start runs: check quota and idempotency key, and insert the rows of a new run.

v1.md §7, §9; auth.md §7.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..calls import admission_writes, call_writes
from ..calls.run_request_validation import RunRequest
from ..core import refusable_backends
from ..core.plane import Plane
from ..db.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from ..db.database import Tx
from ..db.ids import Ids
from ..http.authentication import Caller
from ..sandboxes import sandbox_writes
from . import run_writes

ROUTE_KEY = "external_agent_run"

_MINUTE_TEXT = "External Mogplex run rate limit exceeded"
_WINDOWS = (
    ("external_agent_runs_per_minute", MINUTE_US, 10, _MINUTE_TEXT),
    ("external_agent_runs_per_hour", HOUR_US, 30, _MINUTE_TEXT),
    ("external_agent_runs_per_day", DAY_US, 150, "Daily external Mogplex run quota exceeded"),
)


class QuotaError(Exception):
    """The quota of run starts is used up.

    `retry_after` is in whole seconds.
    """

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class QueueDownError(Exception):
    """The background runtime has not accepted a run, which is stored as failed."""


class IdempotencyConflictError(Exception):
    """The idempotency key has already been used for a different request."""


class Accepted(NamedTuple):
    """The id of an accepted run.

    `replayed` is True if an earlier request with the same idempotency key created the run.
    """

    run_id: str
    replayed: bool


def claim_quota(plane: Plane, ids: Ids, caller: Caller, repo_id: str | None) -> None:
    """Count one run start against the quota of the caller's key.

    Raises QuotaError if the limit for a minute, an hour or a day is reached. Refused starts do not
    count; a start counts even if the run fails (auth.md §7).
    """
    now = plane.clock.now_us()
    with plane.db.transaction(ids=ids) as tx:
        refused = None
        for name, window, budget, message in _WINDOWS:
            counted = _counted(tx, caller, now - window, budget)
            if len(counted) >= budget:
                wait = max(1, math.ceil((counted[-1] + window - now) / SECOND_US))
                refused = (name, window, budget, message, wait)
                break
        if refused is None:
            _record(tx, caller, now, repo_id, "allowed", claim_id=tx.new_id())
            return
        name, window, budget, message, wait = refused
        _record(
            tx,
            caller,
            now,
            repo_id,
            "denied",
            reason=name,
            limit_name=name,
            window_seconds=window // SECOND_US,
            limit_value=budget,
            remaining=0,
            retry_after_seconds=wait,
        )
    raise QuotaError(message, wait)


def _counted(tx: Tx, caller: Caller, after: int, budget: int) -> list[int]:
    """Return the times (µs) of the newest starts with the caller's key after `after`.

    At most `budget` times are returned; starts that were refused are left out.
    """
    rows = tx.all(
        "SELECT created_at FROM limit_events WHERE user_id = ? AND route_key = ? AND created_at > ?"
        " AND resource_id = ? AND decision = 'allowed' ORDER BY created_at DESC LIMIT ?",
        (caller.user_id, ROUTE_KEY, after, caller.key_id, budget),
    )
    return [row[0] for row in rows]


def _record(tx: Tx, caller: Caller, at: int, repo_id: str | None, decision: str, **columns: Any) -> None:
    admission_writes.record_limit(
        tx,
        user_id=caller.user_id,
        route_key=ROUTE_KEY,
        decision=decision,
        at=at,
        resource_id=caller.key_id,
        repo_id=repo_id,
        **columns,
    )


def accept(plane: Plane, ids: Ids, caller: Caller, repo_name: str, key: str, request: RunRequest) -> Accepted:
    """Create a run, or return the run that an earlier request with `key` created.

    Raises IdempotencyConflictError if `key` was used for a different request. Raises QueueDownError
    if the runtime does not accept the run; the run is then stored as failed, and a later request
    with the same key returns it (v1.md §7.4).
    """
    replay = _replay(plane, caller, key, request)
    if replay is not None:
        return replay
    try:
        with plane.db.transaction(ids=ids) as tx:
            run_id = _create(plane, tx, ids, caller, repo_name, key, request)
    except sqlite3.IntegrityError:
        replay = _replay(plane, caller, key, request)
        if replay is None:
            raise
        return replay
    refused = refusable_backends.queue_task(plane)
    if refused is not None:
        with plane.db.transaction(ids=ids) as tx:
            tx.update("external_agent_runs", run_id, runtime_provider=None, runtime_run_id=None)
            run_writes.give_up(tx, run_id, plane.clock.now_us(), refused.text, hosted=plane.is_hosted)
        raise QueueDownError(refused.text)
    plane.callbacks.run_started(run_id)
    return Accepted(run_id, replayed=False)


def _replay(plane: Plane, caller: Caller, key: str, request: RunRequest) -> Accepted | None:
    row = plane.db.one(
        "SELECT id, request_hash FROM external_agent_runs WHERE user_id = ? AND idempotency_key = ?",
        (caller.user_id, key),
    )
    if row is None:
        return None
    if row["request_hash"] != request.request_hash:
        raise IdempotencyConflictError
    return Accepted(row["id"], replayed=True)


def _create(
    plane: Plane,
    tx: Tx,
    ids: Ids,
    caller: Caller,
    repo_name: str,
    key: str,
    request: RunRequest,
) -> str:
    now = plane.clock.now_us()
    run_id, call_id = tx.new_id(), tx.new_id()
    record_id = sandbox_writes.active_sandbox(
        tx, caller.user_id, request.repo_id, request.working_branch, request.root_directory
    )
    sandbox = tx.one("SELECT sandbox_id FROM sandboxes WHERE id = ?", (record_id,))
    metadata: dict[str, Any] = {
        "source": "external-api",
        "external_request_id": key,
        "request_hash": request.request_hash,
        "api_key_id": caller.key_id,
        "api_key_scopes": list(caller.scopes),
        "harness_id": request.harness,
        "repo_id": request.repo_id,
        "repo": repo_name,
        "base_branch": request.base_branch,
        "working_branch": request.working_branch,
        "root_directory": request.root_directory,
        "sandbox_record_id": record_id,
        "sandbox_id": None if sandbox is None else sandbox["sandbox_id"],
    }
    call_writes.insert_call(
        tx,
        id=call_id,
        user_id=caller.user_id,
        type="agent",
        model=f"harness:{request.harness}",
        repo_id=request.repo_id,
        started_at=now,
        metadata=metadata,
        conversation_id=request.conversation_id,
    )
    _insert_run(tx, run_id, call_id, caller, key, request, record_id, metadata, now, ids.opaque("run_"))
    payload = {
        "external_run_id": run_id,
        "harness_id": request.harness,
        "working_branch": request.working_branch,
    }
    call_writes.append_event(
        tx,
        call_id=call_id,
        type="started",
        message="External Mogplex run accepted",
        payload=payload,
        at=now,
    )
    return run_id


def _insert_run(
    tx: Tx,
    run_id: str,
    call_id: str,
    caller: Caller,
    key: str,
    request: RunRequest,
    record_id: str | None,
    metadata: Mapping[str, Any],
    now: int,
    runtime_run_id: str,
) -> None:
    run_writes.insert_run(
        tx,
        id=run_id,
        user_id=caller.user_id,
        repo_id=request.repo_id,
        ai_call_id=call_id,
        idempotency_key=key,
        request_hash=request.request_hash,
        harness=request.harness,
        prompt=request.prompt,
        base_branch=request.base_branch,
        working_branch=request.working_branch,
        create_branch=request.create_branch,
        root_directory=request.root_directory,
        conversation_id=request.conversation_id,
        workspace_session_id=request.workspace_session_id,
        mode=request.mode,
        sandbox_record_id=record_id,
        metadata=metadata,
        runtime_provider="trigger",
        runtime_run_id=runtime_run_id,
        created_at=now,
    )
