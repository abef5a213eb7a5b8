"""Limits on a user's chats: starts per hour and per day, and concurrent chats.

library.md §13.2, observability.md §10.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ..calls import admission_writes
from ..db.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from ..db.database import Tx

_ROUTE = "chat"
_AT_ONCE = 2
_AT_ONCE_RETRY_S = 15
_STALE_US = 5 * MINUTE_US
_WINDOWS = (
    ("chat_starts_per_hour", HOUR_US, 30, "Chat rate limit exceeded"),
    ("chat_starts_per_day", DAY_US, 150, "Daily chat quota exceeded"),
)
# Starts over HTTP name their call; simulated ones belong to other users and do not count.
_OWN = "user_id = ? AND route_key = 'chat' AND decision = 'allowed' AND resource_id IS NOT NULL"


class Denial(NamedTuple):
    """The refusal of a chat: error text, exceeded limit and seconds until a retry.

    `name` and `value` are those of the limit, `window_s` is its time window in seconds: 0 for the
    limit on concurrent chats.
    """

    text: str
    name: str
    value: int
    window_s: int
    retry_s: int


def check_and_record(tx: Tx, user_id: str, call_id: str, repo_id: str | None, now: int) -> str | Denial:
    """Check the limits for a chat that starts at `now` (µs), and record the result.

    Returns the id of the chat's quota claim, or a Denial if a limit is reached.
    """
    denial = _denial(tx, user_id, now)
    columns: dict[str, Any] = {"user_id": user_id, "route_key": _ROUTE, "at": now, "repo_id": repo_id}
    if denial is None:
        claim = tx.new_id()
        name, window, budget, _ = _WINDOWS[0]
        admission_writes.record_limit(
            tx,
            decision="allowed",
            resource_id=call_id,
            claim_id=claim,
            limit_name=name,
            window_seconds=window // SECOND_US,
            limit_value=budget,
            remaining=budget - 1 - len(_starts(tx, user_id, now - window, budget)),
            **columns,
        )
        return claim
    admission_writes.record_limit(
        tx,
        decision="denied",
        reason=denial.text,
        limit_name=denial.name,
        window_seconds=denial.window_s,
        limit_value=denial.value,
        remaining=0,
        retry_after_seconds=denial.retry_s,
        **columns,
    )
    return denial


def _denial(tx: Tx, user_id: str, now: int) -> Denial | None:
    running = tx.all(
        "SELECT 1 FROM ai_calls WHERE user_id = ? AND status IN ('pending', 'streaming') AND type = 'chat'"
        f" AND started_at > ? AND id IN (SELECT resource_id FROM limit_events WHERE {_OWN}) LIMIT ?",
        (user_id, now - _STALE_US, user_id, _AT_ONCE),
    )
    if len(running) >= _AT_ONCE:
        return Denial("Too many active chat runs", "concurrent_chat_runs", _AT_ONCE, 0, _AT_ONCE_RETRY_S)
    for name, window, budget, text in _WINDOWS:
        starts = _starts(tx, user_id, now - window, budget)
        if len(starts) >= budget:
            retry = max(1, math.ceil((starts[-1] + window - now) / SECOND_US))
            return Denial(text, name, budget, window // SECOND_US, retry)
    return None


def _starts(tx: Tx, user_id: str, after: int, budget: int) -> list[int]:
    """Return the times of the user's newest chats started after `after` (µs).

    At most `budget` times are returned.
    """
    rows = tx.all(
        f"SELECT created_at FROM limit_events WHERE {_OWN} AND created_at > ? ORDER BY created_at DESC LIMIT ?",
        (user_id, after, budget),
    )
    return [row[0] for row in rows]
