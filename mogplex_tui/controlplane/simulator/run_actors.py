"""Simulate external runs: boot of the sandbox, call of the coding CLI, and end.

v1.md §7.6.
"""

from __future__ import annotations

from typing import Any

from ..actors.call_player import CallState, simulate_call, write_step
from ..actors.context import ActorContext, ActorRandom
from ..actors.sandbox_actors import BootFailed, Tree, launch, watch_idle
from ..actors.scheduler import Acts
from ..calls import admission_writes, call_writes
from ..db.database import Row
from ..runs import run_writes
from ..sample_data.loader import Prompt, prompts
from ..workload.account import Repo, repo_of
from ..workload.call_plan import CallPlan
from ..workload.call_planner import Branches, plan_harness
from ..workload.rng import between, pick, token, whole
from ..workload.run_outcomes import RunOutcome, draw_outcome, is_steered, steered_outcome
from ..workload.v1_run_metadata import (
    HARNESSES,
    accepted_step,
    attached,
    external_metadata,
    request_hash,
)

# Turns of a run that only a cancel should end: more than half an hour of work.
ENDLESS_TURNS = 60
# The harness's message about a call that was cancelled before it started (v1.md §7.6).
_NOT_PENDING = "ai_call is not pending"


def prompt_of(repo: Repo, text: str) -> Prompt:
    """Return the sample task with the text `text`, or a new task with this text.

    A new task names no files.
    """
    known = next((prompt for prompt in prompts() if prompt.text == text), None)
    return known or Prompt(repo.key, "task", text)


def working_branch(row: Row) -> tuple[str, bool]:
    """Return the branch that a run works on, and whether the run creates it.

    v1.md §7.5.
    """
    if row["working_branch"] != row["base_branch"]:
        return row["working_branch"], bool(row["create_branch"])
    return f"mogplex/agent-{row['ai_call_id'].replace('-', '')[:12]}", True


def start_run(
    context: ActorContext, run_id: str, outcome: RunOutcome | None = None, is_streaming: bool = False
) -> float:
    """Start to simulate a run that is in the database, and return its planned seconds.

    If `outcome` is None, words in the prompt choose it, or else it is random
    (workload/run_outcomes.py). With `is_streaming` the run's call is already streaming and is
    continued.
    """
    row = context.plane.db.one(
        "SELECT r.*, p.full_name FROM external_agent_runs r JOIN repos p ON p.id = r.repo_id WHERE r.id = ?",
        (run_id,),
    )
    if row is None:
        return 0.0
    name = f"run:{run_id}"
    random = context.random(name)
    repo = repo_of(context.world, row["repo_id"], row)
    if outcome is None:
        outcome = steered_outcome(random.rng, row["prompt"])
        if not is_steered(row["prompt"]):
            outcome = random.odds.outcome(row["harness"], outcome)
    if outcome.endless:
        outcome = outcome._replace(turns=ENDLESS_TURNS)
    branch, created = working_branch(row)
    branches = Branches(row["base_branch"], branch, created)
    task = prompt_of(repo, row["prompt"])
    first_use = random.rng.random() < 0.25
    call_plan = plan_harness(random.rng, row["harness"], row["full_name"], task, branches, outcome, first_use)
    context.set_simulator(row["ai_call_id"], name)
    context.spawn(name, _execute(context, random, row, repo, call_plan, outcome, is_streaming), 0.3)
    return call_plan.seconds() + 14.0


def _execute(
    context: ActorContext,
    random: ActorRandom,
    row: Row,
    repo: Repo,
    call_plan: CallPlan,
    outcome: RunOutcome,
    is_streaming: bool,
) -> Acts:
    call_id, run_id = row["ai_call_id"], row["id"]
    box_id = row["sandbox_record_id"]
    if not is_streaming:
        yield between(random.rng, 0.5, 2.0)
        tree = Tree(repo, row["base_branch"], row["working_branch"], row["root_directory"])
        try:
            box_id = yield from launch(context, random, tree, breaks=not outcome.boots)
        except BootFailed as error:
            _launch_failed(context, random, row, str(error))
            return
        watch_idle(context, box_id)
        if not _enter(context, random, row, box_id):
            yield from _too_late(context, random, row, box_id)
            return
    elif box_id is not None:
        watch_idle(context, box_id)
    patch = _attachment(context, row, box_id)
    fate = yield from simulate_call(context, random, call_id, call_plan, patch, is_streaming)
    context.clear_simulator(call_id)
    # The call ends a moment before its run (v1.md §7.6).
    yield 0.2 if fate is CallState.CANCELLED else between(random.rng, 0.3, 1.2)
    with random.tx() as tx:
        run_writes.mirror_call(tx, run_id, context.now())


def _enter(context: ActorContext, random: ActorRandom, row: Row, box_id: str) -> bool:
    """Set a run to streaming in the sandbox with the record id `box_id`.

    Returns False if the run was cancelled before.
    """
    with random.tx() as tx:
        live = tx.one("SELECT 1 FROM ai_calls WHERE id = ? AND status = 'pending'", (row["ai_call_id"],))
        if live is not None:
            return run_writes.set_run(
                tx, row["id"], context.now(), status="streaming", sandbox_record_id=box_id, error=None
            )
        run_writes.mirror_call(tx, row["id"], context.now())
    context.clear_simulator(row["ai_call_id"])
    return False


def _too_late(context: ActorContext, random: ActorRandom, row: Row, box_id: str) -> Acts:
    """Mark a run as failed although it was cancelled before its call started.

    This imitates a defect of the hosted worker, and is done only in the hosted profile
    (v1.md §7.6).
    """
    if not context.plane.is_hosted:
        return
    cancelled = "SELECT 1 FROM external_agent_runs WHERE id = ? AND status = 'cancelled'"
    if context.plane.db.one(cancelled, (row["id"],)) is None:
        return
    with random.tx() as tx:
        run_writes.overwrite(
            tx, row["id"], context.now(), status="streaming", sandbox_record_id=box_id, error=None
        )
    yield between(random.rng, 1.0, 3.0)
    with random.tx() as tx:
        run_writes.overwrite(tx, row["id"], context.now(), status="failed", error=_NOT_PENDING)


def _attachment(context: ActorContext, row: Row, box_id: str | None) -> dict[str, Any] | None:
    box = context.plane.db.one("SELECT sandbox_id FROM sandboxes WHERE id = ?", (box_id,))
    if box is None:
        return None
    return attached({"sandbox_record_id": box_id, "sandbox_id": box["sandbox_id"]}, row["mode"])


def _launch_failed(context: ActorContext, random: ActorRandom, row: Row, error: str) -> None:
    """End a run as failed because its sandbox did not boot."""
    with random.tx() as tx:
        run_writes.give_up(
            tx,
            row["id"],
            context.now(),
            error,
            hosted=context.plane.is_hosted,
            message=run_writes.LAUNCH_FAILED,
        )
    context.clear_simulator(row["ai_call_id"])


def arrive(context: ActorContext, random: ActorRandom) -> float:
    """Start a run as another client would; return its seconds, 0 if it cannot."""
    rng = random.rng
    prompt = pick(rng, prompts())
    repo = context.world.repos[prompt.repo]
    harness = pick(rng, HARNESSES)
    created = rng.random() < 0.35
    branch = f"mogplex/{prompt.slug}-{token(rng, '', 4)}" if created else repo.branch
    key, digest = token(rng, "mogplex-", 16), request_hash(rng)
    metadata = external_metadata(repo, harness, key, digest, Branches(repo.branch, branch, created), None)
    outcome, now, claim = random.odds.outcome(harness, draw_outcome(rng)), context.now(), random.ids.uuid()
    with random.tx() as tx:
        if tx.one("SELECT 1 FROM repos WHERE id = ? AND is_hidden = 0", (repo.id,)) is None:
            return 0.0
        admission_writes.record_limit(
            tx,
            user_id=repo.user_id,
            route_key="external_agent_run",
            decision="allowed",
            at=now,
            resource_id=random.ids.uuid(),
            repo_id=repo.id,
            limit_name="external_agent_runs_per_minute",
            window_seconds=60,
            limit_value=10,
            remaining=whole(rng, 6, 9),
            claim_id=claim,
        )
        call_id = call_writes.insert_call(
            tx,
            user_id=repo.user_id,
            type="agent",
            model=f"harness:{harness}",
            started_at=now,
            repo_id=repo.id,
            metadata=metadata,
            limit_claim_id=claim,
        )
        run_id = run_writes.insert_run(
            tx,
            user_id=repo.user_id,
            repo_id=repo.id,
            ai_call_id=call_id,
            idempotency_key=key,
            request_hash=digest,
            harness=harness,
            prompt=prompt.text,
            base_branch=repo.branch,
            working_branch=branch,
            create_branch=created,
            root_directory=repo.root,
            created_at=now,
            metadata=metadata,
            runtime_provider="trigger",
            runtime_run_id=token(rng, "run_"),
        )
        write_step(tx, context, call_id, accepted_step(run_id, harness, branch))
    return start_run(context, run_id, outcome)
