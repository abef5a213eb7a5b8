"""Simulate a planned call: write its events, usage and end at the planned times."""

from __future__ import annotations

import json
from collections.abc import Generator
from enum import StrEnum
from random import Random
from typing import Any

from ..calls import call_writes
from ..calls.pricing import Tokens
from ..db.database import Tx
from ..workload.call_plan import CallKind, CallPlan, Step, Usage
from ..workload.call_planner import INTERRUPTED
from ..workload.rng import token
from .context import ActorContext, ActorRandom
from .scheduler import Acts


class CallState(StrEnum):
    """Whether a call may take its next planned step, has ended or was cancelled."""

    GO_ON = "go on"
    OVER = "over"
    CANCELLED = "cancelled"


_CALL_STATE = (
    "SELECT c.status, c.control_state, c.runtime_command_id, s.status AS box_status,"
    " json_extract(c.metadata, '$.sandbox_record_id') AS box_id"
    " FROM ai_calls c LEFT JOIN sandboxes s ON s.id = json_extract(c.metadata, '$.sandbox_record_id')"
    " WHERE c.id = ?"
)
# Sandbox states in which a command goes on.
_ALIVE = ("creating", "installing", "running")

Playing = Generator[float, None, CallState]


def tokens_of(usage: Usage) -> Tokens:
    """Convert the token usage of a call plan to the type that `call_writes` takes."""
    return Tokens(usage.input, usage.output, usage.cache_read, usage.cache_creation, usage.reasoning)


def check_call(tx: Tx, context: ActorContext, call_id: str, kind: CallKind, tools: int) -> CallState:
    """Check whether a call may take its next step, and end it if it may not.

    A call with a cancel request is ended as cancelled (observability.md §3), a call whose sandbox
    has stopped as failed (runtime-model.md §6). `tools` is the number of finished tool calls.
    """
    row = tx.one(_CALL_STATE, (call_id,))
    if row is None or row["status"] not in ("pending", "streaming"):
        return CallState.OVER
    if row["control_state"] == "active":
        if row["status"] == "pending" or row["box_id"] is None or row["box_status"] in _ALIVE:
            return CallState.GO_ON
        broken = {"error": INTERRUPTED}
        call_writes.finish_call(
            tx,
            call_id,
            "failed",
            context.now(),
            error=INTERRUPTED,
            message="Harness stream failed",
            payload=broken,
        )
        return CallState.OVER
    payload: dict[str, Any] = {"tool_calls_count": tools}
    if kind is CallKind.HARNESS:
        payload = {"runtime_command_id": row["runtime_command_id"], "install_logs_present": False}
    call_writes.finalize_cancel(tx, call_id, context.now(), f"{kind.subject} cancelled", payload)
    return CallState.CANCELLED


def write_step(tx: Tx, context: ActorContext, call_id: str, step: Step) -> None:
    """Append the event of one planned step to a call."""
    call_writes.append_event(
        tx,
        call_id=call_id,
        type=step.type,
        message=step.message,
        payload=step.payload,
        tool_name=step.tool,
        at=context.now(),
    )


def simulate_call(
    context: ActorContext,
    random: ActorRandom,
    call_id: str,
    call_plan: CallPlan,
    attach: dict[str, Any] | None = None,
    is_streaming: bool = False,
) -> Playing:
    """Simulate a pending call as `call_plan` says, until the call has ended.

    Returns CANCELLED if the call was cancelled, else OVER. `attach` is merged into the call's
    metadata when it starts streaming. If `is_streaming` is true, the call is already streaming, and the
    opening steps are skipped.
    """
    if not is_streaming:
        for step in call_plan.opening:
            yield step.after
            with random.tx() as tx:
                fate = check_call(tx, context, call_id, call_plan.kind, 0)
                if fate is not CallState.GO_ON:
                    return fate
                write_step(tx, context, call_id, step)
        yield 0.9
        with random.tx() as tx:
            fate = check_call(tx, context, call_id, call_plan.kind, 0)
            if fate is not CallState.GO_ON:
                return fate
            message = f"{call_plan.kind.subject} streaming"
            call_writes.begin_streaming(
                tx, call_id, call_plan.runtime_command_id, context.now(), metadata=attach, message=message
            )
    fate = yield from _simulate_steps(context, random, call_id, call_plan)
    if fate is not CallState.GO_ON:
        return fate
    yield call_plan.ending.after
    with random.tx() as tx:
        fate = check_call(tx, context, call_id, call_plan.kind, len(call_plan.tool_calls))
        if fate is CallState.GO_ON:
            _end(tx, context, random.rng, call_id, call_plan)
            fate = CallState.OVER
    if call_plan.kind is not CallKind.HARNESS:
        schedule_billing(context, random.rng, call_id)
    return fate


def _simulate_steps(context: ActorContext, random: ActorRandom, call_id: str, call_plan: CallPlan) -> Playing:
    done = 0
    for number, step in enumerate(call_plan.steps, start=1):
        yield step.after
        with random.tx() as tx:
            fate = check_call(tx, context, call_id, call_plan.kind, done)
            if fate is not CallState.GO_ON:
                return fate
            write_step(tx, context, call_id, step)
            if step.type == "tool_finished":
                done += 1
                if call_plan.usage is not None and call_plan.kind is not CallKind.HARNESS:
                    share = call_plan.usage.scaled(0.9 * number / len(call_plan.steps))
                    call_writes.update_usage(tx, call_id, tokens_of(share), call_plan.tool_calls[:done])
    return CallState.GO_ON


def _end(tx: Tx, context: ActorContext, rng: Random, call_id: str, call_plan: CallPlan) -> None:
    finished = call_writes.finish_call(
        tx,
        call_id,
        call_plan.status,
        context.now(),
        error=call_plan.error,
        tokens=None if call_plan.usage is None else tokens_of(call_plan.usage),
        tool_calls=call_plan.tool_calls,
        metadata=call_plan.metadata,
        message=call_plan.ending.message,
        payload=call_plan.ending.payload,
    )
    priced = tx.one("SELECT cost_usd FROM ai_calls WHERE id = ?", (call_id,))
    if finished and priced is not None and priced["cost_usd"] is not None:
        ids = [token(rng, "gen_", 20) for _ in range(1 + len(call_plan.tool_calls) // 4)]
        tx.update("ai_calls", call_id, gateway_generation_id=ids[0], gateway_generation_ids=json.dumps(ids))


def schedule_billing(context: ActorContext, rng: Random, call_id: str) -> None:
    """Schedule the replacement of a call's estimated cost by its billed cost.

    The replacement happens 60 to 130 simulated seconds later. One call in twenty keeps its
    estimated cost.
    """
    after, factor, comes = rng.uniform(60, 130), rng.uniform(0.97, 1.03), rng.random() < 0.95
    if comes:
        name = f"bill:{call_id}"
        context.spawn(name, _bill(context.random(name), call_id, after, factor))


def _bill(random: ActorRandom, call_id: str, after: float, factor: float) -> Acts:
    yield after
    with random.tx() as tx:
        row = tx.one(
            "SELECT cost_usd FROM ai_calls WHERE id = ? AND gateway_generation_id IS NOT NULL"
            " AND cost_source = 'trigger' AND completed_at IS NOT NULL",
            (call_id,),
        )
        if row is not None and row["cost_usd"] is not None:
            call_writes.reconcile_cost(tx, call_id, row["cost_usd"] * factor)
