"""Quotas of sandbox boots and of commands, and their 429 responses.

sandboxes.md §3.2, §4.8; errors.md §2 shape E4.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from ..calls import admission_writes
from ..db.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from ..db.database import Row, Tx
from ..http.endpoints import ApiRequest, RefusedError, json_response
from .busy_check import EXEC_LOCK_STALE_US
from .states import COUNTED

BOOT = "sandbox_boot"
EXEC = "sandbox_exec"
MAX_ACTIVE = 3
_RETRY_S = 15
# An admission that no record has claimed counts as one for so long.
_UNCLAIMED_US = 5 * MINUTE_US


class _Window(NamedTuple):
    name: str
    window_us: int
    budget: int
    text: str


class _Denial(NamedTuple):
    code: str
    limit: _Window
    retry_s: int


_BOOTS = (
    _Window("sandbox_boots_per_hour", HOUR_US, 120, "Sandbox boot rate limit exceeded"),
    _Window("sandbox_boots_per_day", DAY_US, 10_000, "Daily sandbox boot quota exceeded"),
)
_EXECS = (
    _Window("sandbox_execs_per_minute", MINUTE_US, 20, "Sandbox exec rate limit exceeded"),
    _Window("sandbox_execs_per_hour", HOUR_US, 120, "Hourly sandbox exec quota exceeded"),
)
# Starts that came over HTTP name what they let in; those of the story are other people's, and leave the budget alone.
_OWN = "user_id = ? AND route_key = ? AND created_at > ? AND decision = 'allowed' AND resource_id IS NOT NULL"
_ACTIVE = _Window("active_sandboxes", 0, MAX_ACTIVE, "Too many active sandboxes")
_IN_FLIGHT = _Window("sandbox_exec_in_flight", 0, 1, "Another sandbox command is already running")


def admit_boot(request: ApiRequest, repo_id: str | None) -> str:
    """Check the caller's boot quota and return the claim id of the admitted boot.

    Raises 429 if the quota is used up. The decision is recorded in the database in both cases.
    """
    now = request.plane.clock.now_us()
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        denial: _Denial | None = None
        if _active(tx, request.user_id, now) >= MAX_ACTIVE:
            denial = _Denial("sandbox_boot_rate_limited", _ACTIVE, _RETRY_S)
        else:
            denial = _over(tx, request.user_id, BOOT, _BOOTS, "sandbox_boot_rate_limited", now)
        claim = tx.new_id()
        _record(tx, request.user_id, BOOT, now, denial, _BOOTS[0], claim, repo_id=repo_id, sandbox_id=None)
    if denial is not None:
        raise _refused(denial)
    return claim


def _active(tx: Tx, user_id: str, now: int) -> int:
    marks = ", ".join("?" * len(COUNTED))
    row = tx.one(
        f"SELECT COUNT(*) FROM sandboxes WHERE user_id = ? AND status IN ({marks})", (user_id, *COUNTED)
    )
    unclaimed = tx.one(
        "SELECT COUNT(*) FROM limit_events l WHERE user_id = ? AND route_key = ? AND decision = 'allowed'"
        " AND claim_id IS NOT NULL AND sandbox_id IS NULL AND created_at > ?"
        " AND NOT EXISTS (SELECT 1 FROM sandboxes s WHERE s.limit_claim_id = l.claim_id)",
        (user_id, BOOT, now - _UNCLAIMED_US),
    )
    return int((row or [0])[0]) + int((unclaimed or [0])[0])


def claim_boot(tx: Tx, claim: str, record_id: str) -> None:
    """Store in the record of an admitted boot which sandbox it belongs to.

    Before that, the boot counts as one more active sandbox.
    """
    tx.execute("UPDATE limit_events SET sandbox_id = ? WHERE claim_id = ?", (record_id, claim))


def admit_exec(request: ApiRequest, row: Row) -> str:
    """Check the caller's command quota and lock the sandbox; return the lock's token.

    The quota covers all of the caller's sandboxes. A lock older than the maximum lifetime of a
    sandbox is ignored. Raises 429 if the quota is used up or another command runs. The decision is
    recorded whether or not the command is admitted.
    """
    now = request.plane.clock.now_us()
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        token = tx.new_id()
        held = tx.one(
            "SELECT 1 FROM sandboxes WHERE id = ? AND exec_lock_token IS NOT NULL AND exec_lock_started_at > ?",
            (row["id"], now - EXEC_LOCK_STALE_US),
        )
        if held is not None:
            denial: _Denial | None = _Denial("sandbox_exec_concurrency_limited", _IN_FLIGHT, _RETRY_S)
        else:
            denial = _over(tx, request.user_id, EXEC, _EXECS, "sandbox_exec_rate_limited", now)
        if denial is None:
            tx.update(
                "sandboxes", row["id"], exec_lock_token=token, exec_lock_started_at=now, last_active_at=now
            )
            tx.record_change("sandboxes", "UPDATE", request.user_id, row["id"])
        _record(
            tx,
            request.user_id,
            EXEC,
            now,
            denial,
            _EXECS[0],
            token,
            repo_id=row["repo_id"],
            sandbox_id=row["id"],
        )
    if denial is not None:
        raise _refused(denial)
    return token


def _over(
    tx: Tx, user_id: str, route_key: str, windows: tuple[_Window, ...], code: str, now: int
) -> _Denial | None:
    """Return the denial for the first time window whose quota is used up, or None.

    The denial contains the number of seconds after which the window admits another request.
    """
    for limit in windows:
        rows = tx.all(
            f"SELECT created_at FROM limit_events WHERE {_OWN} ORDER BY created_at DESC LIMIT ?",
            (user_id, route_key, now - limit.window_us, limit.budget),
        )
        if len(rows) >= limit.budget:
            left = rows[-1]["created_at"] + limit.window_us - now
            return _Denial(code, limit, max(1, math.ceil(left / SECOND_US)))
    return None


def _record(
    tx: Tx,
    user_id: str,
    route_key: str,
    now: int,
    denial: _Denial | None,
    usual: _Window,
    claim: str,
    *,
    repo_id: str | None,
    sandbox_id: str | None,
) -> None:
    limit = usual if denial is None else denial.limit
    admission_writes.record_limit(
        tx,
        user_id=user_id,
        route_key=route_key,
        decision="allowed" if denial is None else "denied",
        resource_id=claim if denial is None else None,
        at=now,
        repo_id=repo_id,
        sandbox_id=sandbox_id,
        reason=None if denial is None else limit.text,
        limit_name=limit.name,
        window_seconds=limit.window_us // SECOND_US,
        limit_value=limit.budget,
        remaining=_left(tx, user_id, route_key, limit, now) if denial is None else 0,
        retry_after_seconds=None if denial is None else denial.retry_s,
        claim_id=claim if denial is None else None,
    )


def _left(tx: Tx, user_id: str, route_key: str, limit: _Window, now: int) -> int:
    row = tx.one(
        f"SELECT COUNT(*) FROM limit_events WHERE {_OWN}",
        (user_id, route_key, now - limit.window_us),
    )
    return max(0, limit.budget - int((row or [0])[0]) - 1)


def _refused(denial: _Denial) -> RefusedError:
    limit = denial.limit
    body = {
        "error": limit.text,
        "code": denial.code,
        "retryAfterSeconds": denial.retry_s,
        "limit": {
            "name": limit.name,
            "value": limit.budget,
            "windowSeconds": limit.window_us // SECOND_US,
        },
    }
    return RefusedError(json_response(body, 429, {"Retry-After": str(denial.retry_s)}))
