"""Run agent nodes, which use the built-in harness or a coding CLI.

A node with the built-in harness writes its call when the node ends; a node with a coding CLI
has a live call while it runs (runtime-model.md §4, 7).
"""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any, NamedTuple

from ..actors.call_player import schedule_billing, simulate_call, tokens_of
from ..actors.context import ActorContext, ActorRandom
from ..actors.sandbox_actors import BootFailed, Tree, launch, watch_idle
from ..automation.events import waits
from ..calls import call_writes
from ..db.clock import MINUTE_US, SECOND_US
from ..sample_data.loader import Prompt, prompts
from ..workload.call_plan import CallKind, CallPlan
from ..workload.call_planner import Branches, plan_agent, plan_harness
from ..workload.job_planner import CALL_TYPES
from ..workload.rng import pick, token
from ..workload.scenario_odds import with_tokens_multiplied
from ..workload.v1_run_metadata import attached
from . import drawn_agent_outcomes, node_outputs
from .graph_progress import Node
from .running_job import Job, call_metadata, harness_of, working_branch
from .suspension import sleep, wait_for

APPROVAL_BUDGET_US = 10 * MINUTE_US
APPROVAL_LEAST_US = 15 * SECOND_US
INPUT_LIMIT = 4_000
CEILING_MS = 30 * 60 * 1_000
_EFFORTS = {
    "pr_opened": 1.3,
    "pr_review": 1.3,
    "issue_opened": 0.5,
    "issue_triage": 0.5,
    "push": 0.8,
    "ci_failure": 1.4,
}
_LIVE = "status IN ('pending', 'streaming')"


class NodeEnd(NamedTuple):
    """The result of a finished node: status, error, output and failure class.

    `failure` is the class of a model failure (observability.md §8.3); otherwise it is None.
    """

    status: str
    error: str | None = None
    output: dict[str, Any] | None = None
    failure: str | None = None


NodeActs = Generator[float, None, NodeEnd | None]


def run_agent_node(
    context: ActorContext, random: ActorRandom, job: Job, node: Node, began_at: int
) -> NodeActs:
    """Run an agent node that began at `began_at` (µs) and return its result.

    The result is None if the job was stopped.
    """
    if _worked_ms(context, job) >= CEILING_MS:
        return _too_late(context, job)
    if harness_of(node) == "mogplex":
        return _own(context, random, job, node, began_at)
    return _cli(context, random, job, node)


def _worked_ms(context: ActorContext, job: Job) -> float:
    """Return the sum of the durations of the job's agent and action nodes.

    The unit is simulated milliseconds; waits and delays do not count (runtime-model.md §4).
    """
    worked = context.plane.db.value(
        "SELECT SUM(duration_ms) FROM flow_node_runs WHERE job_run_id = ? AND node_type IN ('agent', 'action')",
        (job.id,),
    )
    return float(worked or 0) * context.speed


def _too_late(context: ActorContext, job: Job) -> NodeActs:
    if not (yield from sleep(context, job.id, 0.1)):
        return None
    return NodeEnd("failed", "The automation reached its time limit of 30 minutes", None, "timeout")


def _own(context: ActorContext, random: ActorRandom, job: Job, node: Node, began_at: int) -> NodeActs:
    rng = random.rng
    outline = drawn_agent_outcomes.draw(rng, job, _EFFORTS.get(job.source_type, 1.0))
    model = str(node.data["modelOverride"])
    failure = outline.failure if outline.steered else random.odds.failure(model, outline.failure)
    call_plan = plan_agent(rng, CallKind.NODE, model, job.repo.key or None, outline.effort, failure)
    call_plan = with_tokens_multiplied(random.odds.apply_spend(model, call_plan), _loop_factor(context, job))
    if outline.steered:
        call_plan = call_plan._replace(steps=call_plan.steps[:4], tool_calls=call_plan.tool_calls[:2])
    call_plan = _limit_duration(node, call_plan)
    steps = node.data.get("maxStepsOverride")
    most = steps if isinstance(steps, int) and steps > 0 else len(call_plan.tool_calls)
    tools = [dict(call) for call in call_plan.tool_calls[:most]]
    if node.data.get("requireApproval"):
        for tool in tools:
            if not (yield from sleep(context, job.id, 1.0 + tool["duration_ms"] / 1000)):
                return None
            if not (yield from _wait_for_approval(context, random, job, node, tool, began_at)):
                return None
        call_plan = call_plan._replace(steps=())
    passed = (context.now() - began_at) / SECOND_US * context.speed if not call_plan.steps else 0.0
    if not (yield from sleep(context, job.id, max(0.3, call_plan.seconds() - passed))):
        return None
    _write_call(context, random, job, node, call_plan, tools, began_at)
    if call_plan.status == "failed":
        return NodeEnd("failed", call_plan.error, None, call_plan.failure_class)
    findings = outline.findings
    text = node_outputs.report(
        node.data, job.metadata, job.repo.full_name, len(call_plan.tool_calls), len(findings)
    )
    return NodeEnd("success", None, node_outputs.agent_output(node.data, text, tools, findings))


def _loop_factor(context: ActorContext, job: Job) -> float:
    """Return the factor by which the scenario's loop multiplies a job's tokens.

    The loop starts one automation again and again. The factor is 1 for a job that it did not start.
    """
    loop = context.scenario.now.loop
    title = job.metadata.get("pr_title", job.metadata.get("issue_title"))
    return 1.0 if loop is None else loop.times(title)


def _limit_duration(node: Node, call_plan: CallPlan) -> CallPlan:
    """Return the plan of a call, changed to a timeout if it exceeds the node's limit."""
    limit = node.data.get("timeoutMsOverride")
    allowed = min(limit, CEILING_MS) if isinstance(limit, int) and limit > 0 else CEILING_MS
    if call_plan.seconds() * 1000 <= allowed:
        return call_plan
    error = f"The agent reached its time limit of {allowed // 1000} s"
    kept, seconds = [], 0.0
    for step in call_plan.steps:
        seconds += step.after
        if seconds * 1000 > allowed:
            break
        kept.append(step)
    return call_plan._replace(
        steps=tuple(kept),
        tool_calls=call_plan.tool_calls[: len(kept) // 2],
        ending=call_plan.ending._replace(after=0.0),
        status="failed",
        error=error,
        failure_class="timeout",
    )


def _wait_for_approval(
    context: ActorContext, random: ActorRandom, job: Job, node: Node, tool: dict[str, Any], began_at: int
) -> Generator[float, None, bool]:
    """Wait until a person approves or denies a tool call, or until a timeout.

    After a denial or a timeout the refusal becomes the output of `tool`. All approvals of a node
    share ten minutes (routing.md §3.15). Returns False if the job was stopped, otherwise True.
    """
    left = APPROVAL_BUDGET_US - _approval_wait_us(context, job, node, began_at)
    refusal: str | None = "The time for approvals of this step is used up"
    if left >= APPROVAL_LEAST_US:
        text = json.dumps(tool["input"], ensure_ascii=False)
        job_agent = job.agents.get(node.id)
        config = {
            "kind": waits.TOOL,
            "toolName": tool["name"],
            "toolCallId": token(random.rng, "call_", 14),
            "toolInput": text if len(text) <= INPUT_LIMIT else text[:INPUT_LIMIT] + "…",
            "nodeId": node.id,
            "nodeLabel": node.label,
            "agentName": None if job_agent is None else job_agent.name,
            "repoFullName": job.repo.full_name,
        }
        answer = yield from wait_for(context, random, job, node, waits.TOOL, config, left)
        if answer is None:
            return False
        refusal = None
        if answer.status != "resumed":
            refusal = "Nobody approved this tool call in time"
        elif answer.denied:
            note = answer.payload.get("note")
            refusal = f"A person denied this tool call: {note}" if note else "A person denied this tool call"
    if refusal is not None:
        tool |= {"output": refusal, "output_preview": refusal[:200]}
    return True


def _approval_wait_us(context: ActorContext, job: Job, node: Node, began_at: int) -> int:
    """Return the microseconds that the approvals of this node run have taken so far."""
    total = context.plane.db.value(
        "SELECT SUM(coalesce(resumed_at, expires_at, created_at) - created_at) FROM flow_waits"
        " WHERE job_run_id = ? AND node_id = ? AND wait_kind = ? AND created_at >= ?",
        (job.id, node.id, waits.TOOL, began_at),
    )
    return int(total or 0)


def _write_call(
    context: ActorContext,
    random: ActorRandom,
    job: Job,
    node: Node,
    call_plan: CallPlan,
    tools: list[dict[str, Any]],
    began_at: int,
) -> None:
    """Write the finished call of a node with the built-in harness.

    Calls of the built-in harness have no events (v1.md §8.5).
    """
    metadata = call_metadata(job, node) | call_plan.metadata
    if call_plan.status == "failed":
        metadata["failed_with_partial_usage"] = True
    now = context.now()
    with random.tx() as tx:
        call_id = call_writes.insert_call(
            tx,
            user_id=job.user_id,
            type=CALL_TYPES.get(job.source_type, job.source_type),
            model=str(node.data["modelOverride"]),
            started_at=began_at,
            completed_at=now,
            duration_ms=(now - began_at) // 1000,
            status=call_plan.status,
            error=call_plan.error,
            repo_id=job.repo.id,
            job_run_id=job.id,
            tokens=call_writes.NO_TOKENS if call_plan.usage is None else tokens_of(call_plan.usage),
            tool_calls=tools,
            metadata=metadata,
        )
        cost = tx.one("SELECT cost_usd FROM ai_calls WHERE id = ?", (call_id,))
        if cost is not None and cost["cost_usd"] is not None:
            made = [token(random.rng, "gen_", 20) for _ in range(1 + len(tools) // 4)]
            tx.update(
                "ai_calls", call_id, gateway_generation_id=made[0], gateway_generation_ids=json.dumps(made)
            )
    schedule_billing(context, random.rng, call_id)


def _cli(context: ActorContext, random: ActorRandom, job: Job, node: Node) -> NodeActs:
    harness = harness_of(node)
    branch = working_branch(context, job, node)
    own = [prompt for prompt in prompts() if prompt.repo == job.repo.key]
    prompt = pick(random.rng, own) if own else Prompt(job.repo.key, "change", "")
    branches = Branches(job.repo.branch or "main", branch, True)
    outcome = drawn_agent_outcomes.draw_cli(random.rng, job, harness, random.odds)
    call_plan = plan_harness(random.rng, harness, job.repo.full_name, prompt, branches, outcome)
    live = context.plane.db.one(
        f"SELECT id, status FROM ai_calls WHERE job_run_id = ? AND {_LIVE}"
        " AND json_extract(metadata, '$.flow_node_id') IS ?",
        (job.id, node.id),
    )
    if live is not None:
        call_id, is_streaming = str(live["id"]), live["status"] == "streaming"
    else:
        try:
            tree = Tree(job.repo, job.repo.branch or "main", branch, job.repo.root)
            box_id = yield from launch(context, random, tree)
        except BootFailed as error:
            return NodeEnd("failed", str(error), None, "dependency_unavailable")
        watch_idle(context, box_id)
        made = _insert_pending_call(context, random, job, node, box_id)
        if made is None:
            return None
        call_id, is_streaming = made, False
    context.set_simulator(call_id, random.name)
    yield from simulate_call(context, random, call_id, call_plan, {"source": "automation"}, is_streaming)
    context.clear_simulator(call_id)
    return _cli_end(context, node, call_id, call_plan)


def _insert_pending_call(
    context: ActorContext, random: ActorRandom, job: Job, node: Node, box_id: str
) -> str | None:
    """Write the pending call of a coding CLI node and return the call's id.

    Returns None if the job was stopped.
    """
    harness = harness_of(node)
    name = context.plane.db.value("SELECT sandbox_id FROM sandboxes WHERE id = ?", (box_id,))
    metadata = call_metadata(job, node) | {
        "harness_id": harness,
        "sandbox_record_id": box_id,
        "sandbox_id": name,
    }
    with random.tx() as tx:
        row = tx.one("SELECT status FROM job_runs WHERE id = ?", (job.id,))
        if row is None or row["status"] != "running":
            return None
        call_id = call_writes.insert_call(
            tx,
            user_id=job.user_id,
            type="agent",
            model=f"harness:{harness}",
            started_at=context.now(),
            repo_id=job.repo.id,
            metadata=attached(metadata),
        )
        call_writes.assign_to_job(tx, call_id, job.id)
    return call_id


def _cli_end(context: ActorContext, node: Node, call_id: str, call_plan: CallPlan) -> NodeEnd:
    row = context.plane.db.one(
        "SELECT status, error, metadata, tool_calls FROM ai_calls WHERE id = ?", (call_id,)
    )
    if row is None:
        return NodeEnd("failed", "The call was deleted")
    if row["status"] == "cancelled":
        return NodeEnd("failed", "The agent's call was cancelled")
    if row["status"] == "failed":
        return NodeEnd("failed", row["error"], None, call_plan.failure_class or "unknown")
    url = json.loads(row["metadata"]).get("pull_request_url")
    return NodeEnd("success", None, node_outputs.cli_output(node.data, json.loads(row["tool_calls"]), url))
