"""Simulated chats and control runs (v1.md §8.3)."""

from __future__ import annotations

from ..actors.call_player import simulate_call
from ..actors.context import ActorContext, ActorRandom
from ..actors.scheduler import Acts
from ..calls import admission_writes, call_writes
from ..sample_data.loader import material
from ..workload.call_plan import CallKind, CallPlan
from ..workload.call_planner import chat_model, pick_failure, plan_agent
from ..workload.rng import pick, token, whole


def arrive(context: ActorContext, random: ActorRandom, kind: CallKind) -> float:
    """Start a chat turn or a control run and return its planned duration in seconds."""
    rng = random.rng
    row = pick(rng, material("chats"))
    repo = None if row["repo"] is None else context.world.repos[row["repo"]]
    repo_id, user_id = None if repo is None else repo.id, context.world.user_id
    model = chat_model(rng)
    failure = pick_failure(rng) if rng.random() < 0.07 else None
    failure, effort = random.odds.failure(model, failure), 1.0 if kind is CallKind.CHAT else 2.2
    call_plan = random.odds.apply_spend(model, plan_agent(rng, kind, model, row["repo"], effort, failure))
    metadata = {"source": kind.value, "prompt_preview": row["prompt"]}
    if repo is not None:
        metadata["repo"] = repo.full_name
    now, claim = context.now(), random.ids.uuid()
    with random.tx() as tx:
        admission_writes.record_limit(
            tx,
            user_id=user_id,
            route_key="chat",
            decision="allowed",
            at=now,
            repo_id=repo_id,
            limit_name="chat_starts_per_hour",
            window_seconds=3_600,
            limit_value=30,
            remaining=whole(rng, 4, 28),
            claim_id=claim,
        )
        repo_row = tx.one("SELECT id FROM repos WHERE id = ?", (repo_id,))
        call_id = call_writes.insert_call(
            tx,
            user_id=user_id,
            type="chat" if kind is CallKind.CHAT else "agent",
            model=model,
            started_at=now,
            repo_id=None if repo_row is None else repo_id,
            metadata=metadata,
            conversation_id=token(rng, "conv_", 10),
            limit_claim_id=claim,
        )
    name = f"call:{call_id}"
    context.set_simulator(call_id, name)
    context.spawn(name, _talk(context, random, call_id, call_plan), 0.2)
    return call_plan.seconds() + 1.0


def _talk(context: ActorContext, random: ActorRandom, call_id: str, call_plan: CallPlan) -> Acts:
    yield from simulate_call(context, random, call_id, call_plan)
    context.clear_simulator(call_id)
