"""Write calls and their events.

runtime-model.md §5, §9; v1.md §8; observability.md §3, §6.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..db.database import Row, Tx
from ..db.payload_redaction import dumps, scrub
from .pricing import Tokens, price, roll_up_cost

REAPED = "Run interrupted before finalize (reaped by zombie-row-reaper)"

NO_TOKENS = Tokens()


def insert_call(
    tx: Tx,
    *,
    user_id: str,
    type: str,
    model: str,
    started_at: int,
    id: str | None = None,
    repo_id: str | None = None,
    job_run_id: str | None = None,
    status: str = "pending",
    tokens: Tokens = NO_TOKENS,
    tool_calls: Sequence[Mapping[str, Any]] = (),
    metadata: Mapping[str, Any] | None = None,
    cost_usd: float | None = None,
    cost_source: str = "trigger",
    gateway_generation_ids: Sequence[str] | None = None,
    **columns: Any,
) -> str:
    """Insert a call and return its id; estimate its cost unless it is already billed.

    A call is billed if cost_source is gateway or manual. `columns` are the remaining columns by
    name (completed_at, duration_ms, error, conversation_id, control_state, cancel_requested_at,
    runtime_command_id, limit_claim_id, gateway_generation_id). If the call belongs to a job, the
    job's cost is updated. Raises ValueError if cost_usd is given for a call that is not billed, and
    sqlite3.IntegrityError for an invalid value.
    """
    call_id = id or tx.new_id()
    if cost_source not in ("gateway", "manual"):
        if cost_usd is not None:
            raise ValueError("a computed call takes its cost from its tokens")
        cost_usd = price(tx, model, tokens)
    tx.insert(
        "ai_calls",
        id=call_id,
        user_id=user_id,
        type=type,
        model=model,
        started_at=started_at,
        repo_id=repo_id,
        job_run_id=job_run_id,
        status=status,
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        cache_read_input_tokens=tokens.cache_read,
        cache_creation_input_tokens=tokens.cache_creation,
        reasoning_tokens=tokens.reasoning,
        cost_usd=cost_usd,
        cost_source=cost_source,
        gateway_generation_ids=None
        if gateway_generation_ids is None
        else dumps(list(gateway_generation_ids)),
        tool_calls=dumps([scrub(call) for call in tool_calls]),
        tool_calls_count=len(tool_calls),
        metadata=dumps(dict(metadata or {})),
        **columns,
    )
    tx.record_change("ai_calls", "INSERT", user_id, call_id)
    roll_up_cost(tx, job_run_id)
    return call_id


def append_event(
    tx: Tx,
    *,
    call_id: str,
    type: str,
    message: str | None,
    at: int,
    payload: Mapping[str, Any] | None = None,
    tool_name: str | None = None,
    id: str | None = None,
) -> str:
    """Append an event with redacted payload to a call, and return the event's id.

    Realtime publishes the new event, but no update of the call. Raises LookupError for an unknown
    call (v1.md §8.4).
    """
    call = tx.one("SELECT user_id, conversation_id, repo_id FROM ai_calls WHERE id = ?", (call_id,))
    if call is None:
        raise LookupError(call_id)
    event_id = id or tx.new_id()
    tx.execute(
        "INSERT INTO ai_call_events (id, ai_call_id, user_id, conversation_id, repo_id, event_type,"
        " tool_name, message, payload, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (event_id, call_id, *call, type, tool_name, message, dumps(scrub(dict(payload or {}))), at),
    )
    tx.record_change("ai_call_events", "INSERT", call[0], event_id)
    return event_id


def _live_call(tx: Tx, call_id: str) -> Row | None:
    return tx.one("SELECT * FROM ai_calls WHERE id = ? AND status IN ('pending', 'streaming')", (call_id,))


def _merged(call: Row, patch: Mapping[str, Any] | None) -> str:
    stored: str = call["metadata"]
    return stored if not patch else dumps({**json.loads(stored), **patch})


def _usage_columns(tx: Tx, call: Row, tokens: Tokens | None) -> dict[str, Any]:
    """Return the token columns and the estimated cost that `tokens` give a call.

    The cost is left out if the call is already billed. The result is empty if `tokens` is None.
    """
    if tokens is None:
        return {}
    columns: dict[str, Any] = {
        "input_tokens": tokens.input,
        "output_tokens": tokens.output,
        "cache_read_input_tokens": tokens.cache_read,
        "cache_creation_input_tokens": tokens.cache_creation,
        "reasoning_tokens": tokens.reasoning,
    }
    if call["cost_source"] not in ("gateway", "manual"):
        columns["cost_usd"] = price(tx, call["model"], tokens)
        columns["cost_source"] = "trigger"
    return columns


def _tool_columns(tool_calls: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
    if tool_calls is None:
        return {}
    return {"tool_calls": dumps([scrub(call) for call in tool_calls]), "tool_calls_count": len(tool_calls)}


def merge_metadata(tx: Tx, call_id: str, patch: Mapping[str, Any]) -> None:
    """Merge keys into a call's metadata. Raises LookupError for an unknown call."""
    call = tx.one("SELECT user_id, metadata FROM ai_calls WHERE id = ?", (call_id,))
    if call is None:
        raise LookupError(call_id)
    tx.update("ai_calls", call_id, metadata=_merged(call, patch))
    tx.record_change("ai_calls", "UPDATE", call["user_id"], call_id)


def assign_to_job(tx: Tx, call_id: str, job_run_id: str, patch: Mapping[str, Any] | None = None) -> None:
    """Assign a harness call to a job run, and set the call's source to "automation".

    `patch` is merged into the call's metadata. Raises LookupError for an unknown call.
    """
    call = tx.one("SELECT user_id, metadata FROM ai_calls WHERE id = ?", (call_id,))
    if call is None:
        raise LookupError(call_id)
    metadata = _merged(call, {"source": "automation", **(patch or {})})
    tx.update("ai_calls", call_id, job_run_id=job_run_id, metadata=metadata)
    tx.record_change("ai_calls", "UPDATE", call["user_id"], call_id)


def begin_streaming(
    tx: Tx,
    call_id: str,
    runtime_command_id: str | None,
    at: int,
    *,
    metadata: Mapping[str, Any] | None = None,
    message: str = "Harness run streaming",
) -> bool:
    """Set a pending call to streaming and append a status_changed event.

    `metadata` is merged into the call's metadata (a harness sets source "cli", v1.md §7.4). Returns
    False if the call is not pending or has a cancel request.
    """
    call = _live_call(tx, call_id)
    if call is None or call["status"] != "pending" or call["control_state"] != "active":
        return False
    tx.update(
        "ai_calls",
        call_id,
        status="streaming",
        runtime_command_id=runtime_command_id,
        metadata=_merged(call, metadata),
    )
    tx.record_change("ai_calls", "UPDATE", call["user_id"], call_id)
    payload: dict[str, Any] = {"from": "pending", "to": "streaming"}
    if runtime_command_id is not None:
        payload["runtime_command_id"] = runtime_command_id
    append_event(tx, call_id=call_id, type="status_changed", message=message, payload=payload, at=at)
    return True


def update_usage(
    tx: Tx,
    call_id: str,
    tokens: Tokens,
    tool_calls: Sequence[Mapping[str, Any]] | None = None,
) -> bool:
    """Update the usage and estimated cost of a call that has not ended.

    Returns False if the call has ended or is unknown. The total cost of the call's job is not
    updated.
    """
    call = _live_call(tx, call_id)
    if call is None:
        return False
    tx.update("ai_calls", call_id, **_usage_columns(tx, call, tokens), **_tool_columns(tool_calls))
    tx.record_change("ai_calls", "UPDATE", call["user_id"], call_id)
    return True


def finish_call(
    tx: Tx,
    call_id: str,
    status: str,
    at: int,
    *,
    error: str | None = None,
    tokens: Tokens | None = None,
    tool_calls: Sequence[Mapping[str, Any]] | None = None,
    metadata: Mapping[str, Any] | None = None,
    message: str | None = None,
    payload: Mapping[str, Any] | None = None,
) -> bool:
    """End a live call as success or failed; return False if it cannot be ended.

    A call cannot be ended this way if it has ended already or has a cancel request. Sets
    completed_at and duration_ms, writes usage and cost, and appends the terminal event if a message
    is given (calls of built-in harness nodes have none). The runtime_command_id of a failed call is
    cleared (observability.md §2.2).
    """
    call = _live_call(tx, call_id)
    if call is None or call["control_state"] != "active":
        return False
    columns = {**_usage_columns(tx, call, tokens), **_tool_columns(tool_calls)}
    if status == "failed":
        columns["runtime_command_id"] = None
    _end(tx, call, status, at, error=error, metadata=_merged(call, metadata), **columns)
    if message is not None:
        kind = "finished" if status == "success" else "failed"
        append_event(tx, call_id=call_id, type=kind, message=message, payload=payload, at=at)
    return True


def _end(tx: Tx, call: Row, status: str, at: int, **columns: Any) -> None:
    duration_ms = max(0, (at - call["started_at"]) // 1000)
    tx.update("ai_calls", call["id"], status=status, completed_at=at, duration_ms=duration_ms, **columns)
    tx.record_change("ai_calls", "UPDATE", call["user_id"], call["id"])


def reap_call(tx: Tx, call_id: str, at: int) -> bool:
    """End a stale live call as failed, even if it has a cancel request.

    Returns False if the call has ended (v1.md §8.2).
    """
    call = _live_call(tx, call_id)
    if call is None:
        return False
    _end(tx, call, "failed", at, error=REAPED, runtime_command_id=None)
    payload = {"age_ms": (at - call["started_at"]) // 1000, "source": "zombie-row-reaper"}
    append_event(tx, call_id=call_id, type="failed", message=REAPED, payload=payload, at=at)
    return True


def request_cancel(
    tx: Tx,
    call_id: str,
    at: int,
    payload: Mapping[str, Any],
    message: str = "Cancellation requested",
) -> bool:
    """Record a cancel request for a live call; return False if the call has ended.

    The first request sets control_state and cancel_requested_at and appends an event; a repeated
    request writes nothing and returns True.
    """
    call = _live_call(tx, call_id)
    if call is None:
        return False
    if call["control_state"] == "active":
        tx.update("ai_calls", call_id, control_state="cancel_requested", cancel_requested_at=at)
        tx.record_change("ai_calls", "UPDATE", call["user_id"], call_id)
        append_event(tx, call_id=call_id, type="cancel_requested", message=message, payload=payload, at=at)
    return True


def finalize_cancel(tx: Tx, call_id: str, at: int, message: str, payload: Mapping[str, Any]) -> bool:
    """End a live call that has a cancel request as cancelled.

    The call's usage and tool calls are cleared. Returns False if the call has ended or has no
    cancel request.
    """
    call = _live_call(tx, call_id)
    if call is None or call["control_state"] != "cancel_requested":
        return False
    columns = {**_usage_columns(tx, call, NO_TOKENS), **_tool_columns(())}
    _end(tx, call, "cancelled", at, control_state="cancelled", runtime_command_id=None, **columns)
    append_event(tx, call_id=call_id, type="cancelled", message=message, payload=payload, at=at)
    return True


def reconcile_cost(tx: Tx, call_id: str, cost_usd: float) -> None:
    """Replace a call's estimated cost by its billed cost, and update the job's cost.

    `cost_usd` is in US dollars. Raises LookupError for an unknown call.
    """
    call = tx.one("SELECT user_id, job_run_id FROM ai_calls WHERE id = ?", (call_id,))
    if call is None:
        raise LookupError(call_id)
    tx.update("ai_calls", call_id, cost_usd=round(cost_usd, 8), cost_source="gateway")
    tx.record_change("ai_calls", "UPDATE", call["user_id"], call_id)
    roll_up_cost(tx, call["job_run_id"])
