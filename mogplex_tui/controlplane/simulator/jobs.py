"""Automation runs in time: queued, started or deferred, node after node, waits, findings, and the end (routing.md §6)."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from ..clock import HOUR_US
from ..database import Tx
from ..seed.history import attached
from ..seed.job_history import node_metadata
from ..seed.job_plan import (
    AgentWork,
    JobPlan,
    NodePlan,
    WaitWork,
    finding_columns,
    flow_repos,
    plan_job,
    wait_seconds,
)
from ..seed.rng import between, pick, token
from ..seed.steps import CallKind
from ..seed.world import Flow
from ..writes import calls, job_control, jobs, nodes
from .boxes import BootFailed, Tree, launch, watch_idle
from .play import play
from .scheduler import Acts
from .stage import Part, Stage

_START_ERROR = "Runtime rejected the task: queue unavailable"
_FLOW_WEIGHTS = {"review": 36, "triage": 16, "ci": 14, "mention": 14, "push": 16, "nightly": 2}
# Pending this long, a job is started again by housekeeping (runtime-model.md §4).
REPAIR_SECONDS = 125.0

# What a node came to: its status, its error, and None for a job that somebody has stopped.
NodeEnd = tuple[str, str | None] | None


def flow_of(stage: Stage, flow_id: str | None) -> Flow | None:
    """The seeded automation with this id; None for one that a person made."""
    return next((flow for flow in stage.world.flows.values() if flow.id == flow_id), None)


def is_running(tx: Tx, job_id: str) -> bool:
    """Whether the job still runs, that is, nobody has cancelled or deleted it."""
    row = tx.one("SELECT status FROM job_runs WHERE id = ?", (job_id,))
    return row is not None and row["status"] == "running"


def arrive(stage: Stage, part: Part, flow_key: str | None = None) -> float:
    """An event that sets an automation off now; returns its planned seconds, 0 when nothing was queued."""
    rng = part.rng
    key = flow_key or rng.choices(list(_FLOW_WEIGHTS), weights=list(_FLOW_WEIGHTS.values()))[0]
    flow = stage.world.flows[key]
    plan = plan_job(rng, flow, pick(rng, flow_repos(stage.world, flow)))
    draw, now = rng.random(), stage.now()
    with part.tx() as tx:
        row = tx.one("SELECT published_version_id FROM flows WHERE id = ? AND status = 'active'", (flow.id,))
        if row is None or tx.one("SELECT 1 FROM repos WHERE id = ?", (plan.repo.id,)) is None:
            return 0.0
        full = jobs.pending_limit(tx, flow.installation_id, plan.repo.id)
        reason = full or ("IDEMPOTENT_DUPLICATE" if draw < 0.06 else None)
        if reason is not None:
            _suppress(tx, plan, reason, now)
            return 0.0
        job_id = jobs.enqueue(
            tx,
            flow_id=flow.id,
            flow_version_id=row["published_version_id"],
            at=now,
            metadata=plan.metadata,
            idempotency_key=plan.idempotency_key,
        )
    refused = 0.06 <= draw < 0.1
    stage.spawn(f"job:{job_id}", _work(stage, part, job_id, plan, refused), between(rng, 0.4, 1.6))
    return plan.seconds() + 4.0


def _suppress(tx: Tx, plan: JobPlan, reason: str, now: int) -> None:
    jobs.suppress(
        tx,
        user_id=plan.flow.user_id,
        flow_id=plan.flow.id,
        flow_version_id=plan.flow.version_id,
        repo_id=plan.repo.id,
        installation_id=plan.flow.installation_id,
        source_type=plan.flow.event,
        reason=reason,
        at=now,
        metadata=plan.metadata,
    )


def _work(stage: Stage, part: Part, job_id: str, plan: JobPlan, refused: bool) -> Acts:
    """Start a queued job and see it through; a full installation leaves it to whoever makes room."""
    db, source = stage.plane.db, plan.start_source
    if refused:
        with part.tx() as tx:
            result = jobs.attempt(tx, job_id, stage.now(), source)
            if result.started:
                jobs.claim(tx, job_id, stage.now())
                jobs.start_failed(tx, job_id, stage.now(), _START_ERROR)
        yield REPAIR_SECONDS
        source = "repair"
    result = jobs.start_in_steps(db, job_id, stage.now(), source, part.ids.opaque("run_"))
    if result.started:
        yield from see_through(stage, part, job_id, plan)


def continue_job(stage: Stage, job_id: str) -> None:
    """Take up a job that runs, because it was released, repaired or started from outside."""
    row = stage.plane.db.one(
        "SELECT flow_id, json_extract(metadata, '$.repo_id') AS repo_id FROM job_runs WHERE id = ?", (job_id,)
    )
    if row is None:
        return
    part = stage.part(f"job:{job_id}")
    flow = flow_of(stage, row["flow_id"])
    repo = next((repo for repo in stage.world.repos.values() if repo.id == row["repo_id"]), None)
    if flow is None or repo is None:
        stage.spawn(part.name, _unknown(stage, part, job_id), 1.0)
        return
    plan = plan_job(part.rng, flow, repo)
    stage.spawn(part.name, see_through(stage, part, job_id, plan), 0.5)


def _unknown(stage: Stage, part: Part, job_id: str) -> Acts:
    """A job of an automation that the story does not know: it cannot be resolved (runtime-model.md §4, 5b)."""
    yield 0.5
    with part.tx() as tx:
        jobs.finish(tx, job_id, "failed", stage.now(), reason=None, error="MISSING_CONFIG")
    release(stage, part, job_id)


def see_through(stage: Stage, part: Part, job_id: str, plan: JobPlan, skip: int = 0) -> Acts:
    """Run the nodes of a started job from number `skip` on, then end it and release who waits for it."""
    for node in plan.nodes[skip:]:
        end = yield from _node(stage, part, job_id, plan, node)
        if end is None:
            return
        if end[0] == "failed":
            finish(stage, part, job_id, plan, "failed", end[1])
            return
    finish(stage, part, job_id, plan, "success", None)


def finish(stage: Stage, part: Part, job_id: str, plan: JobPlan, status: str, error: str | None) -> None:
    """End a job with its ledger row and findings, then let the next ones start."""
    reason, diagnostics = plan.reason, plan.diagnostics
    if status != plan.status:
        reason = "AUTOMATION_COMPLETED" if status == "success" else "AUTOMATION_FAILED"
        diagnostics = (
            {} if status == "success" else {"model_failure_class": "unknown", "model_failure_message": error}
        )
    with part.tx() as tx:
        spent = tx.one(
            "SELECT SUM(input_tokens), SUM(output_tokens) FROM ai_calls WHERE job_run_id = ?", (job_id,)
        )
        ended = jobs.finish(
            tx,
            job_id,
            status,
            stage.now(),
            reason=reason,
            error=error,
            input_tokens=None if spent is None else spent[0],
            output_tokens=None if spent is None else spent[1],
            metadata=diagnostics,
        )
        if ended and status == "success":
            for ordinal, finding in enumerate(plan.findings):
                columns = finding_columns(part.rng, plan, ordinal, finding)
                nodes.insert_finding(
                    tx, user_id=plan.flow.user_id, job_run_id=job_id, created_at=stage.now(), **columns
                )
    if ended:
        release(stage, part, job_id)


def release(stage: Stage, part: Part, job_id: str) -> None:
    """Start what waited for room in the installation of a job that is over (source queue_release)."""
    installation_id = stage.plane.db.value(
        "SELECT f.installation_id FROM job_runs j JOIN flows f ON f.id = j.flow_id WHERE j.id = ?", (job_id,)
    )
    waiting = stage.plane.db.value(
        "SELECT COUNT(*) FROM job_runs j JOIN flows f ON f.id = j.flow_id WHERE j.status = 'pending'"
        " AND f.installation_id IS ? AND j.last_start_error LIKE 'Installation%'",
        (installation_id,),
    )
    if not waiting:
        return
    for released in job_control.release_queue(stage.plane.db, part.ids, installation_id, stage.now()):
        if released.started:
            continue_job(stage, released.job_id)


def _node(
    stage: Stage, part: Part, job_id: str, plan: JobPlan, node: NodePlan
) -> Generator[float, None, NodeEnd]:
    with part.tx() as tx:
        if not is_running(tx, job_id):
            return None
        status = "skipped" if node.skipped else "running"
        run_id = nodes.insert_node_run(
            tx,
            user_id=plan.flow.user_id,
            job_run_id=job_id,
            node_id=node.node_id,
            node_type=node.node_type,
            node_label=node.label,
            status=status,
            started_at=None if node.skipped else stage.now(),
            completed_at=stage.now() if node.skipped else None,
            created_at=stage.now(),
        )
    end: NodeEnd = ("success", None)
    if node.skipped:
        return end
    if node.wait is not None:
        yield from _park(stage, part, job_id, plan, node, node.wait)
    elif node.agent is not None:
        end = yield from _agent(stage, part, job_id, plan, node, node.agent)
    else:
        yield node.seconds
    with part.tx() as tx:
        if end is not None:
            nodes.finish_node_run(tx, run_id, end[0], stage.now(), error=end[1], output={"status": end[0]})
        return end if is_running(tx, job_id) else None


def _park(stage: Stage, part: Part, job_id: str, plan: JobPlan, node: NodePlan, wait: WaitWork) -> Acts:
    now = stage.now()
    with part.tx() as tx:
        wait_id = nodes.insert_wait(
            tx,
            user_id=plan.flow.user_id,
            job_run_id=job_id,
            node_id=node.node_id,
            wait_kind=wait.kind,
            wait_config=wait.config,
            installation_id=plan.flow.installation_id,
            repo_id=plan.repo.id,
            created_at=now,
            expires_at=now + wait.hours * HOUR_US,
        )
    yield from answer(stage, part, wait_id)


def answer(stage: Stage, part: Part, wait_id: str) -> Acts:
    """Let a person take their time with a question, then say yes, unless somebody else has answered."""
    yield wait_seconds(part.rng)
    with part.tx() as tx:
        nodes.end_wait(tx, wait_id, "resumed", stage.now(), {"approved": True})


def _agent(
    stage: Stage, part: Part, job_id: str, plan: JobPlan, node: NodePlan, work: AgentWork
) -> Generator[float, None, NodeEnd]:
    metadata: dict[str, Any] = node_metadata(plan, node, stage.world)
    attach, is_cli = None, work.story.kind is CallKind.HARNESS
    if is_cli:
        branch = f"mogplex/{plan.metadata.get('head_branch', 'repair')}-{token(part.rng, '', 4)}"
        try:
            box_id = yield from launch(stage, part, Tree(plan.repo, plan.repo.branch, branch, plan.repo.root))
        except BootFailed as error:
            return "failed", str(error)
        watch_idle(stage, box_id)
        name = stage.plane.db.value("SELECT sandbox_id FROM sandboxes WHERE id = ?", (box_id,))
        metadata |= {
            "harness_id": work.model.partition(":")[2],
            "sandbox_record_id": box_id,
            "sandbox_id": name,
        }
        # A CLI call looks like one of its own until it is stamped with its job (runtime-model.md §4, step 7).
        metadata = attached(metadata)
        attach = {"source": "automation"}
    with part.tx() as tx:
        if not is_running(tx, job_id):
            return None
        call_id = calls.insert_call(
            tx,
            user_id=plan.flow.user_id,
            type=work.call_type,
            model=work.model,
            started_at=stage.now(),
            repo_id=plan.repo.id,
            job_run_id=None if is_cli else job_id,
            metadata=metadata,
        )
        if is_cli:
            calls.stamp_job(tx, call_id, job_id)
    stage.plays(call_id, f"job:{job_id}")
    yield from play(stage, part, call_id, work.story, attach)
    return end_of_call(stage, call_id)


def end_of_call(stage: Stage, call_id: str) -> NodeEnd:
    """What a node came to, read from its call; None when that was cancelled."""
    stage.left(call_id)
    row = stage.plane.db.one("SELECT status, error FROM ai_calls WHERE id = ?", (call_id,))
    if row is None:
        return "failed", "The call was deleted"
    if row["status"] == "cancelled":
        return "failed", "The agent's call was cancelled"
    return row["status"], row["error"]
