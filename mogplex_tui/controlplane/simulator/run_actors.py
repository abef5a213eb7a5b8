"""Simulated external runs: the sandbox boots, the CLI works, the run follows.

v1.md §7.6.
"""

from __future__ import annotations

from typing import Any

from ..actors.call_player import Fate, play, write_step
from ..actors.context import ActorContext, ActorRandom
from ..actors.sandbox_actors import BootFailed, Tree, launch, watch_idle
from ..actors.scheduler import Acts
from ..calls import admission_writes, call_writes
from ..db.database import Row
from ..runs import run_writes
from ..sample_data.loader import Prompt, prompts
from ..workload.account import Repo, repo_of
from ..workload.call_plan import Story
from ..workload.call_planner import Branches, plan_harness
from ..workload.external_run_metadata import (
    HARNESSES,
    accepted_step,
    attached,
    external_metadata,
    request_hash,
)
from ..workload.rng import between, pick, token, whole
from ..workload.run_outcomes import Course, draw_course, is_steered, steered_course

# Turns of a run that only a cancel should end: more than half an hour of work.
ENDLESS_TURNS = 60
# The harness's message about a call that was cancelled before it started (v1.md §7.6).
_NOT_PENDING = "ai_call is not pending"


def prompt_of(repo: Repo, text: str) -> Prompt:
    """Return the written task with this text, else one about the whole repository."""
    known = next((prompt for prompt in prompts() if prompt.text == text), None)
    return known or Prompt(repo.key, "task", text)


def working_branch(row: Row) -> tuple[str, bool]:
    """Return the branch that the harness uses, and whether it creates it (v1.md §7.5)."""
    if row["working_branch"] != row["base_branch"]:
        return row["working_branch"], bool(row["create_branch"])
    return f"mogplex/agent-{row['ai_call_id'].replace('-', '')[:12]}", True


def start_run(stage: ActorContext, run_id: str, course: Course | None = None, begun: bool = False) -> float:
    """Execute an existing run; return its planned seconds.

    Without `course` the words of the prompt decide (workload/run_outcomes.py). `begun` continues a call that is
    streaming.
    """
    row = stage.plane.db.one(
        "SELECT r.*, p.full_name FROM external_agent_runs r JOIN repos p ON p.id = r.repo_id WHERE r.id = ?",
        (run_id,),
    )
    if row is None:
        return 0.0
    name = f"run:{run_id}"
    part = stage.part(name)
    repo = repo_of(stage.world, row["repo_id"], row)
    if course is None:
        course = steered_course(part.rng, row["prompt"])
        if not is_steered(row["prompt"]):
            course = part.odds.course(row["harness"], course)
    if course.endless:
        course = course._replace(turns=ENDLESS_TURNS)
    branch, created = working_branch(row)
    branches = Branches(row["base_branch"], branch, created)
    task = prompt_of(repo, row["prompt"])
    first_use = part.rng.random() < 0.25
    story = plan_harness(part.rng, row["harness"], row["full_name"], task, branches, course, first_use)
    stage.plays(row["ai_call_id"], name)
    stage.spawn(name, _execute(stage, part, row, repo, story, course, begun), 0.3)
    return story.seconds() + 14.0


def _execute(
    stage: ActorContext, part: ActorRandom, row: Row, repo: Repo, story: Story, course: Course, begun: bool
) -> Acts:
    call_id, run_id = row["ai_call_id"], row["id"]
    box_id = row["sandbox_record_id"]
    if not begun:
        yield between(part.rng, 0.5, 2.0)
        tree = Tree(repo, row["base_branch"], row["working_branch"], row["root_directory"])
        try:
            box_id = yield from launch(stage, part, tree, breaks=not course.boots)
        except BootFailed as error:
            _launch_failed(stage, part, row, str(error))
            return
        watch_idle(stage, box_id)
        if not _enter(stage, part, row, box_id):
            yield from _too_late(stage, part, row, box_id)
            return
    elif box_id is not None:
        watch_idle(stage, box_id)
    patch = _attachment(stage, row, box_id)
    fate = yield from play(stage, part, call_id, story, patch, begun)
    stage.left(call_id)
    # The call ends a moment before its run (v1.md §7.6).
    yield 0.2 if fate is Fate.CANCELLED else between(part.rng, 0.3, 1.2)
    with part.tx() as tx:
        run_writes.mirror_call(tx, run_id, stage.now())


def _enter(stage: ActorContext, part: ActorRandom, row: Row, box_id: str) -> bool:
    """Set the run to streaming in its sandbox; False if it was cancelled meanwhile."""
    with part.tx() as tx:
        live = tx.one("SELECT 1 FROM ai_calls WHERE id = ? AND status = 'pending'", (row["ai_call_id"],))
        if live is not None:
            return run_writes.set_run(
                tx, row["id"], stage.now(), status="streaming", sandbox_record_id=box_id, error=None
            )
        run_writes.mirror_call(tx, row["id"], stage.now())
    stage.left(row["ai_call_id"])
    return False


def _too_late(stage: ActorContext, part: ActorRandom, row: Row, box_id: str) -> Acts:
    """Fail at the call of a cancelled run, as the hosted worker does (v1.md §7.6)."""
    if not stage.plane.is_hosted:
        return
    cancelled = "SELECT 1 FROM external_agent_runs WHERE id = ? AND status = 'cancelled'"
    if stage.plane.db.one(cancelled, (row["id"],)) is None:
        return
    with part.tx() as tx:
        run_writes.overwrite(
            tx, row["id"], stage.now(), status="streaming", sandbox_record_id=box_id, error=None
        )
    yield between(part.rng, 1.0, 3.0)
    with part.tx() as tx:
        run_writes.overwrite(tx, row["id"], stage.now(), status="failed", error=_NOT_PENDING)


def _attachment(stage: ActorContext, row: Row, box_id: str | None) -> dict[str, Any] | None:
    box = stage.plane.db.one("SELECT sandbox_id FROM sandboxes WHERE id = ?", (box_id,))
    if box is None:
        return None
    return attached({"sandbox_record_id": box_id, "sandbox_id": box["sandbox_id"]}, row["mode"])


def _launch_failed(stage: ActorContext, part: ActorRandom, row: Row, error: str) -> None:
    """End a run whose sandbox did not boot."""
    with part.tx() as tx:
        run_writes.give_up(
            tx, row["id"], stage.now(), error, hosted=stage.plane.is_hosted, message=run_writes.LAUNCH_FAILED
        )
    stage.left(row["ai_call_id"])


def arrive(stage: ActorContext, part: ActorRandom) -> float:
    """Start a run of another client of the account; return its planned seconds."""
    rng = part.rng
    prompt = pick(rng, prompts())
    repo = stage.world.repos[prompt.repo]
    harness = pick(rng, HARNESSES)
    created = rng.random() < 0.35
    branch = f"mogplex/{prompt.slug}-{token(rng, '', 4)}" if created else repo.branch
    key, digest = token(rng, "mogplex-", 16), request_hash(rng)
    about = external_metadata(repo, harness, key, digest, Branches(repo.branch, branch, created), None)
    course, now, claim = part.odds.course(harness, draw_course(rng)), stage.now(), part.ids.uuid()
    with part.tx() as tx:
        if tx.one("SELECT 1 FROM repos WHERE id = ? AND is_hidden = 0", (repo.id,)) is None:
            return 0.0
        admission_writes.record_limit(
            tx,
            user_id=repo.user_id,
            route_key="external_agent_run",
            decision="allowed",
            at=now,
            resource_id=part.ids.uuid(),
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
            metadata=about,
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
            metadata=about,
            runtime_provider="trigger",
            runtime_run_id=token(rng, "run_"),
        )
        write_step(tx, stage, call_id, accepted_step(run_id, harness, branch))
    return start_run(stage, run_id, course)
