"""Convert call plans to rows of calls and events.

The costs of the calls are computed with the prices of the plane's catalogue.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple

from ..calls.pricing import Rates, Tokens, cost_at, rates
from ..db.batch_insert import Rows, encode
from ..db.clock import SECOND_US
from ..db.database import Tx
from ..db.payload_redaction import scrub
from ..workload.call_plan import CallKind, CallPlan, Step
from ..workload.rng import new_uuid, token, whole

_EVENT_COLUMNS = (
    "id",
    "ai_call_id",
    "user_id",
    "conversation_id",
    "repo_id",
    "event_type",
    "tool_name",
    "message",
    "payload",
    "created_at",
)


class CallFacts(NamedTuple):
    """The properties of a call that its plan does not contain.

    `wait` is the number of seconds before the call starts to stream. `live_until` is a time in µs
    for a call in progress, which has no later events, and None for a finished call.
    """

    user_id: str
    type: str
    model: str
    repo_id: str | None
    started_at: int
    metadata: dict[str, Any]
    id: str
    conversation_id: str | None = None
    job_run_id: str | None = None
    limit_claim_id: str | None = None
    prologue: tuple[Step, ...] = ()
    wait: float = 0.5
    cancelled: bool = False
    live_until: int | None = None


@dataclass
class Written:
    """The properties of a call whose rows have been collected.

    `delivered` is the URL of its pull request, if it has one. `ended_at` is None for a call in
    progress.
    """

    ended_at: int | None
    status: str
    error: str | None
    tokens: Tokens
    cost: float | None
    delivered: str | None = None


def _streaming_step(call_plan: CallPlan, wait: float) -> Step:
    payload: dict[str, Any] = {"from": "pending", "to": "streaming"}
    if call_plan.runtime_command_id is not None:
        payload["runtime_command_id"] = call_plan.runtime_command_id
    return Step(wait, "status_changed", f"{call_plan.kind.subject} streaming", payload)


def timeline(call_plan: CallPlan, facts: CallFacts) -> Iterator[Step]:
    """Yield all steps of a call in order, including the change to "streaming".

    If the sandbox of the call did not boot, there is no change to "streaming", and the last step
    follows the first one.
    """
    yield from facts.prologue
    opening = call_plan.opening
    if opening:
        first = opening[0]
        yield Step(first.after + facts.wait, first.type, first.message, first.payload)
        yield from opening[1:]
    if call_plan.steps or call_plan.status != "failed":
        yield _streaming_step(call_plan, 0.9)
    yield from call_plan.steps
    yield call_plan.ending


def _cancel_steps(rng: Random, call_plan: CallPlan) -> tuple[Step, Step]:
    command = call_plan.runtime_command_id
    asked = Step(
        rng.uniform(0.5, 20.0), "cancel_requested", "Cancellation requested", {"runtime_command_id": command}
    )
    if call_plan.kind is CallKind.HARNESS:
        return asked, Step(0.4, "cancelled", "Run cancelled", {"runtime_command_id": command})
    message = f"{call_plan.kind.subject} cancelled"
    return asked, Step(0.2, "cancelled", message, {"tool_calls_count": len(call_plan.tool_calls)})


class CallWriter:
    """A collector of the rows of calls and of their events, which are made from plans."""

    def __init__(self, rows: Rows, tx: Tx) -> None:
        self._rows = rows
        self._tx = tx
        self._rng = Random(0)
        self._rates: dict[str, Rates | None] = {}
        self._add_event = rows.adder("ai_call_events", *_EVENT_COLUMNS)

    def call(self, call_plan: CallPlan, facts: CallFacts) -> Written:
        """Collect the rows of one call and of its events.

        For a call in progress these are only the events up to `facts.live_until`.
        """
        # A separate random stream: how many events are kept must not change other draws.
        self._rng = Random(facts.id)
        steps: Iterable[Step] = timeline(call_plan, facts)
        cancel_at = None
        if facts.cancelled:
            steps, cancel_at = self._cut(list(steps), call_plan, facts.started_at)
        at, seen, streamed = facts.started_at, 0, False
        ended_at: int | None = None
        for step in steps:
            due = at + int(step.after * SECOND_US)
            if facts.live_until is not None and (due > facts.live_until or step is call_plan.ending):
                break
            at, seen = due, seen + 1
            streamed = streamed or step.type == "status_changed"
            # Automation nodes of the built-in harness write no events (v1.md §8.5).
            if step.type and call_plan.kind is not CallKind.NODE:
                self._event(facts, step, at)
        if facts.live_until is None:
            ended_at = at
        return self._row(call_plan, facts, ended_at, streamed, cancel_at, seen)

    def _cut(self, steps: list[Step], call_plan: CallPlan, start: int) -> tuple[list[Step], int]:
        streaming = next(i for i, step in enumerate(steps) if step.type == "status_changed")
        kept = steps[: whole(self._rng, streaming + 1, max(streaming + 1, len(steps) - 1))]
        asked, done = _cancel_steps(self._rng, call_plan)
        seconds = sum(int(step.after * SECOND_US) for step in (*kept, asked))
        return [*kept, asked, done], start + seconds

    def _event(self, facts: CallFacts, step: Step, at: int) -> None:
        payload = scrub(step.payload) if "total_tokens" in step.payload else step.payload
        self._add_event(
            (
                new_uuid(self._rng),
                facts.id,
                facts.user_id,
                facts.conversation_id,
                facts.repo_id,
                step.type,
                step.tool,
                step.message,
                encode(payload),
                at,
            )
        )

    def _row(
        self,
        call_plan: CallPlan,
        facts: CallFacts,
        ended_at: int | None,
        streamed: bool,
        cancel_at: int | None,
        seen: int,
    ) -> Written:
        live = ended_at is None
        status = call_plan.status
        if facts.cancelled:
            status = "cancelled"
        elif live:
            status = "streaming" if streamed else "pending"
        tokens = self._tokens(call_plan, facts, live, seen)
        cost, source, generations = self._money(call_plan, facts, tokens, ended_at, status)
        tools = (
            []
            if facts.cancelled or (live and call_plan.kind is not CallKind.HARNESS)
            else call_plan.tool_calls
        )
        if live:
            tools = list(tools)[: seen // 3]
        error = call_plan.error if status == "failed" else None
        command = call_plan.runtime_command_id if streamed and status in ("success", "streaming") else None
        metadata = facts.metadata if live or facts.cancelled else {**facts.metadata, **call_plan.metadata}
        self._rows.add(
            "ai_calls",
            id=facts.id,
            user_id=facts.user_id,
            type=facts.type,
            model=facts.model,
            input_tokens=tokens.input,
            output_tokens=tokens.output,
            cache_read_input_tokens=tokens.cache_read,
            cache_creation_input_tokens=tokens.cache_creation,
            reasoning_tokens=tokens.reasoning,
            cost_usd=cost,
            cost_source=source,
            gateway_generation_id=generations[0] if generations else None,
            gateway_generation_ids=encode(generations) if generations else None,
            duration_ms=None if ended_at is None else (ended_at - facts.started_at) // 1000,
            started_at=facts.started_at,
            completed_at=ended_at,
            status=status,
            error=error,
            conversation_id=facts.conversation_id,
            job_run_id=facts.job_run_id,
            repo_id=facts.repo_id,
            limit_claim_id=facts.limit_claim_id,
            cancel_requested_at=cancel_at,
            control_state="cancelled" if facts.cancelled else "active",
            runtime_command_id=command,
            tool_calls_count=len(tools),
            tool_calls=encode(list(tools)),
            metadata=encode(metadata),
        )
        return Written(ended_at, status, error, tokens, cost, metadata.get("pull_request_url"))

    def _tokens(self, call_plan: CallPlan, facts: CallFacts, live: bool, seen: int) -> Tokens:
        if call_plan.usage is None or facts.cancelled or (live and call_plan.kind is CallKind.HARNESS):
            return Tokens()
        spent = call_plan.usage
        if live:
            spent = spent.scaled(min(0.9, seen / (len(call_plan.steps) + 4)))
        return Tokens(spent.input, spent.output, spent.cache_read, spent.cache_creation, spent.reasoning)

    def _money(
        self, call_plan: CallPlan, facts: CallFacts, tokens: Tokens, ended_at: int | None, status: str
    ) -> tuple[float | None, str, list[str]]:
        """Return a call's cost, the source of the cost, and the gateway's generation ids.

        observability.md §6.
        """
        estimate = cost_at(tokens, self._rates_of(facts.model))
        if call_plan.kind is CallKind.HARNESS or tokens.input is None:
            return estimate, "trigger", []
        count = 1 + len(call_plan.tool_calls) // 4
        generations = [token(self._rng, "gen_", 20) for _ in range(count)]
        # A few calls are never settled, and a model without a price uses the account's own key, which the gateway does
        # not bill.
        settles = self._rng.random() < (0.99 if status == "success" else 0.95)
        if estimate is None:
            return None, "trigger", []
        if not settles or ended_at is None:
            return estimate, "trigger", generations
        return round(estimate * self._rng.uniform(0.97, 1.03), 8), "gateway", generations

    def _rates_of(self, model: str) -> Rates | None:
        if model not in self._rates:
            self._rates[model] = rates(self._tx, model)
        return self._rates[model]
