"""Seed past decisions of quotas: on sandbox boots and on commands in sandboxes."""

from __future__ import annotations

from typing import Any

from ..db.batch_insert import Rows
from ..db.clock import MINUTE_US
from ..db.database import Row, Tx
from ..workload.rng import new_uuid, stream, whole

_BOOTS = ("sandbox_boots_per_hour", 3_600, 120)
_EXECS = ("sandbox_execs_per_minute", 60, 20)
_IN_FLIGHT = ("sandbox_exec_in_flight", 0, 1)
_BUSY = "Another sandbox command is already running"
_RETRY_S = 15


def write_admissions(rows: Rows, tx: Tx, user_id: str, seed: int, now: int) -> None:
    """Collect rows of quota decisions: on each sandbox's boot and on some commands.

    observability.md §10.
    """
    for box in tx.all(
        "SELECT id, repo_id, created_at, last_active_at FROM sandboxes WHERE user_id = ?", (user_id,)
    ):
        # One random stream for each, independent of earlier draws.
        rng = stream(seed, "admission", box["id"])
        claim = new_uuid(rng)
        _add(
            rows,
            user_id,
            box,
            new_uuid(rng),
            "sandbox_boot",
            box["created_at"],
            claim,
            _BOOTS,
            whole(rng, 60, 118),
        )
        tx.update("sandboxes", box["id"], limit_claim_id=claim)
        first, last = box["created_at"] + MINUTE_US, min(box["last_active_at"], now)
        for _ in range(whole(rng, 0, 3) if first < last else 0):
            at, refused = int(rng.uniform(first, last)), rng.random() < 0.12
            limit, left = (_IN_FLIGHT, 0) if refused else (_EXECS, whole(rng, 3, 19))
            _add(rows, user_id, box, new_uuid(rng), "sandbox_exec", at, None, limit, left)


def _add(
    rows: Rows,
    user_id: str,
    box: Row,
    event_id: str,
    route: str,
    at: int,
    claim: str | None,
    limit: tuple[str, int, int],
    left: int,
) -> None:
    refused = left == 0
    columns: dict[str, Any] = {
        "id": event_id,
        "user_id": user_id,
        "route_key": route,
        "repo_id": box["repo_id"],
        "sandbox_id": box["id"],
        "decision": "denied" if refused else "allowed",
        "reason": _BUSY if refused else None,
        "limit_name": limit[0],
        "window_seconds": limit[1],
        "limit_value": limit[2],
        "remaining": left,
        "retry_after_seconds": _RETRY_S if refused else None,
        "claim_id": claim,
        "created_at": at,
    }
    # Under its own name the table has a fixed set of columns.
    rows.add("main.limit_events", **columns)
