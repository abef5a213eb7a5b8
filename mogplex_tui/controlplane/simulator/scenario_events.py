"""Simulate the special events of a scenario: loop, questions, faults and refusals."""

from __future__ import annotations

import json
from typing import Any

from ..actors.context import ActorContext, ActorRandom
from ..actors.scheduler import Acts
from ..automation.events.github_delivery import Delivery, deliver
from ..calls import admission_writes
from ..faults.rules import parse
from ..scenarios.model import FaultBurst, Loop
from ..workload.account import Flow
from ..workload.github_payloads import DeliveryRepository, DeliveryTexts, build
from ..workload.orchestrator_questions import draw_question
from ..workload.rng import between, new_uuid, token

_DELIVERIES = {"pr_opened": "pull_request", "issue_opened": "issues"}
_POLL_SECONDS = 1.0
# What each quota answers when it refuses: reason, name, window in seconds and limit (observability.md §10).
_REFUSALS = {
    "chat": ("Too many active chat runs", "concurrent_chat_runs", 0, 2),
    "external_agent_run": (
        "External Mogplex run rate limit exceeded",
        "external_agent_runs_per_minute",
        60,
        10,
    ),
}


def begin(context: ActorContext, arrivals: bool) -> None:
    """Start the actors of the scenario's special events.

    If `arrivals` is False, only the actors of its faults are started.
    """
    now = context.scenario.now
    for number, burst in enumerate(now.faults):
        context.spawn(f"fault {number}", _inject_burst(context, burst))
    if not arrivals:
        return
    if now.loop is not None:
        context.spawn("loop", _run_loop(context, now.loop))
    if now.questions_every is not None:
        context.spawn("questions", _questions(context, now.questions_every))


def _inject_burst(context: ActorContext, burst: FaultBurst) -> Acts:
    rule = parse(burst.rule)
    yield burst.after
    while context.plane.faults is not None:
        active = context.plane.faults.add(rule)
        if burst.lasts is None:
            return
        yield burst.lasts
        context.plane.faults.remove(active.number)
        if burst.every is None:
            return
        yield burst.every - burst.lasts


def _run_loop(context: ActorContext, loop: Loop) -> Acts:
    """Start the loop's automation, and start it again after each round has ended.

    If the automation is disabled, starting it is tried again after each pause.
    """
    random, flow = context.random("loop"), context.world.flows[loop.automation]
    number = _last_round(context, loop, flow)
    yield loop.after
    while True:
        if _start_round(context, random, loop, flow, number + 1):
            number += 1
            while _is_active(context, flow, loop.name(number)):
                yield _POLL_SECONDS
        yield loop.pause


def _start_round(context: ActorContext, random: ActorRandom, loop: Loop, flow: Flow, number: int) -> bool:
    """Deliver the event that starts a round; return whether a job was queued.

    `number` is the number of the round.
    """
    repo = context.world.repos[loop.repo]
    kind = "Organization" if repo.full_name.startswith("acme/") else "User"
    repository = DeliveryRepository(repo.full_name, repo.branch or "main", repo.installation_id, kind)
    event = _DELIVERIES[flow.event]
    payload = build(random.rng, event, repository, DeliveryTexts(loop.name(number), author="ada-okafor"))
    answer = deliver(
        context.plane,
        random.ids,
        Delivery(event, new_uuid(random.rng), payload, "story", False, context.now()),
    )
    return bool(answer.get("queued"))


def _title_path(flow: Flow) -> str:
    return "$.pr_title" if flow.event == "pr_opened" else "$.issue_title"


def _last_round(context: ActorContext, loop: Loop, flow: Flow) -> int:
    """Return the highest number of a round of the loop in the database.

    Returns 0 if there is no round.
    """
    rows = context.plane.db.all(
        "SELECT json_extract(metadata, ?) AS title FROM job_runs WHERE flow_id = ?",
        (_title_path(flow), flow.id),
    )
    return max((loop.round(row["title"]) or 0 for row in rows), default=0)


def _is_active(context: ActorContext, flow: Flow, title: str) -> bool:
    row = context.plane.db.one(
        "SELECT 1 FROM job_runs WHERE flow_id = ? AND status IN ('pending', 'running')"
        " AND json_extract(metadata, ?) = ?",
        (flow.id, _title_path(flow), title),
    )
    return row is not None


def _questions(context: ActorContext, every: float) -> Acts:
    random, number = context.random("questions"), 0
    while True:
        yield between(random.rng, 0.6 * every, 1.8 * every)
        number += 1
        question_id = _ask(context, random, draw_question(random.rng, context.world))
        if context.scenario.now.answered:
            context.spawn(f"answer {number}", _answer(context, question_id, between(random.rng, 40.0, 400.0)))


def _ask(context: ActorContext, random: ActorRandom, question: dict[str, Any]) -> str:
    with random.tx() as tx:
        question_id = tx.new_id()
        tx.insert(
            "control_approvals",
            id=question_id,
            user_id=context.world.user_id,
            run_id=tx.new_id(),
            tool_name=question["tool"],
            tool_call_id=token(random.rng, "call_", 14),
            tool_input=json.dumps(question["input"], ensure_ascii=False),
            summary=question["summary"],
            urgency=question["urgency"],
            created_at=context.now(),
        )
    return question_id


def _answer(context: ActorContext, question_id: str, after: float) -> Acts:
    yield after
    with context.plane.db.transaction() as tx:
        tx.execute(
            "UPDATE control_approvals SET status = 'approved', resolution_source = 'api', resolved_at = ?,"
            " resolved_by = user_id WHERE id = ? AND status = 'pending'",
            (context.now(), question_id),
        )


def is_refused(context: ActorContext, random: ActorRandom, kind: str) -> bool:
    """Return at random whether the scenario refuses to start work of this kind.

    A refusal is recorded as a quota decision.
    """
    route = {"run": "external_agent_run", "chat": "chat", "control": "chat"}.get(kind)
    share = 0.0 if route is None else context.scenario.now.denials.get(route, 0.0)
    if route is None or not share or random.scenario_rng.random() >= share:
        return False
    reason, name, window, limit = _REFUSALS[route]
    with random.tx() as tx:
        admission_writes.record_limit(
            tx,
            user_id=context.world.user_id,
            route_key=route,
            decision="denied",
            at=context.now(),
            reason=reason,
            limit_name=name,
            window_seconds=window,
            limit_value=limit,
            remaining=0,
            retry_after_seconds=max(15, window),
        )
    return True
