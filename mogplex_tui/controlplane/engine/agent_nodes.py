"""Run agent nodes: the built-in harness, or a coding CLI.

The built-in harness writes one call at its end, a coding CLI has a live one (runtime-model.md §4, 7).
"""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any, NamedTuple

from ..actors.call_player import play, settle_later, tokens_of
from ..actors.context import ActorContext, ActorRandom
from ..actors.sandbox_actors import BootFailed, Tree, launch, watch_idle
from ..automation.events import waits
from ..calls import call_writes
from ..db.clock import MINUTE_US, SECOND_US
from ..sample_data.loader import Prompt, prompts
from ..workload.call_plan import CallKind, Story
from ..workload.call_planner import Branches, plan_agent, plan_harness
from ..workload.external_run_metadata import attached
from ..workload.job_planner import CALL_TYPES
from ..workload.rng import pick, token
from ..workload.scenario_odds import dearer
from . import drawn_agent_outcomes as courses
from . import node_outputs
from .graph_progress import Node
from .running_job import Job, call_metadata, harness_of, working_branch
from .suspension import park, rest

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
    """The result of a finished node; `failure` is the class of a model failure.

    observability.md §8.3.
    """

    status: str
    error: str | None = None
    output: dict[str, Any] | None = None
    failure: str | None = None


NodeActs = Generator[float, None, NodeEnd | None]


def agent(stage: ActorContext, part: ActorRandom, job: Job, node: Node, began_at: int) -> NodeActs:
    """Run an agent node that began at `began_at` (µs); None if the job was stopped."""
    if _worked_ms(stage, job) >= CEILING_MS:
        return _too_late(stage, job)
    if harness_of(node) == "mogplex":
        return _own(stage, part, job, node, began_at)
    return _cli(stage, part, job, node)


def _worked_ms(stage: ActorContext, job: Job) -> float:
    """Return the simulated milliseconds that this job's nodes have worked.

    Waiting does not count (runtime-model.md §4).
    """
    worked = stage.plane.db.value(
        "SELECT SUM(duration_ms) FROM flow_node_runs WHERE job_run_id = ? AND node_type IN ('agent', 'action')",
        (job.id,),
    )
    return float(worked or 0) * stage.speed


def _too_late(stage: ActorContext, job: Job) -> NodeActs:
    if not (yield from rest(stage, job.id, 0.1)):
        return None
    return NodeEnd("failed", "The automation reached its time limit of 30 minutes", None, "timeout")


def _own(stage: ActorContext, part: ActorRandom, job: Job, node: Node, began_at: int) -> NodeActs:
    rng = part.rng
    outline = courses.draw(rng, job, _EFFORTS.get(job.source_type, 1.0))
    model = str(node.data["modelOverride"])
    failure = outline.failure if outline.steered else part.odds.failure(model, outline.failure)
    story = plan_agent(rng, CallKind.NODE, model, job.repo.key or None, outline.effort, failure)
    story = dearer(part.odds.spent(model, story), _loop_times(stage, job))
    if outline.steered:
        story = story._replace(steps=story.steps[:4], tool_calls=story.tool_calls[:2])
    story = _in_time(node, story)
    steps = node.data.get("maxStepsOverride")
    most = steps if isinstance(steps, int) and steps > 0 else len(story.tool_calls)
    tools = [dict(call) for call in story.tool_calls[:most]]
    if node.data.get("requireApproval"):
        for tool in tools:
            if not (yield from rest(stage, job.id, 1.0 + tool["duration_ms"] / 1000)):
                return None
            if not (yield from _ask(stage, part, job, node, tool, began_at)):
                return None
        story = story._replace(steps=())
    passed = (stage.now() - began_at) / SECOND_US * stage.speed if not story.steps else 0.0
    if not (yield from rest(stage, job.id, max(0.3, story.seconds() - passed))):
        return None
    _write_call(stage, part, job, node, story, tools, began_at)
    if story.status == "failed":
        return NodeEnd("failed", story.error, None, story.failure_class)
    found = outline.findings
    text = node_outputs.report(node.data, job.metadata, job.repo.full_name, len(story.tool_calls), len(found))
    return NodeEnd("success", None, node_outputs.agent_output(node.data, text, tools, found))


def _loop_times(stage: ActorContext, job: Job) -> float:
    """Return how many times the cost of a scenario's loop has grown for this job."""
    loop = stage.scenario.now.loop
    title = job.metadata.get("pr_title", job.metadata.get("issue_title"))
    return 1.0 if loop is None else loop.times(title)


def _in_time(node: Node, story: Story) -> Story:
    """Return the planned call, cut off as failed if it exceeds the node's time limit."""
    limit = node.data.get("timeoutMsOverride")
    allowed = min(limit, CEILING_MS) if isinstance(limit, int) and limit > 0 else CEILING_MS
    if story.seconds() * 1000 <= allowed:
        return story
    error = f"The agent reached its time limit of {allowed // 1000} s"
    kept, seconds = [], 0.0
    for step in story.steps:
        seconds += step.after
        if seconds * 1000 > allowed:
            break
        kept.append(step)
    return story._replace(
        steps=tuple(kept),
        tool_calls=story.tool_calls[: len(kept) // 2],
        ending=story.ending._replace(after=0.0),
        status="failed",
        error=error,
        failure_class="timeout",
    )


def _ask(
    stage: ActorContext, part: ActorRandom, job: Job, node: Node, tool: dict[str, Any], began_at: int
) -> Generator[float, None, bool]:
    """Ask a person to approve a tool; a denial or a timeout makes the tool fail.

    Returns False if the job was stopped. All questions of a node share ten minutes (routing.md §3.15).
    """
    left = APPROVAL_BUDGET_US - _waited(stage, job, node, began_at)
    refusal: str | None = "The time for approvals of this step is used up"
    if left >= APPROVAL_LEAST_US:
        text = json.dumps(tool["input"], ensure_ascii=False)
        known = job.agents.get(node.id)
        config = {
            "kind": waits.TOOL,
            "toolName": tool["name"],
            "toolCallId": token(part.rng, "call_", 14),
            "toolInput": text if len(text) <= INPUT_LIMIT else text[:INPUT_LIMIT] + "…",
            "nodeId": node.id,
            "nodeLabel": node.label,
            "agentName": None if known is None else known.name,
            "repoFullName": job.repo.full_name,
        }
        answer = yield from park(stage, part, job, node, waits.TOOL, config, left)
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


def _waited(stage: ActorContext, job: Job, node: Node, began_at: int) -> int:
    """Return the microseconds that questions of this node run have waited."""
    total = stage.plane.db.value(
        "SELECT SUM(coalesce(resumed_at, expires_at, created_at) - created_at) FROM flow_waits"
        " WHERE job_run_id = ? AND node_id = ? AND wait_kind = ? AND created_at >= ?",
        (job.id, node.id, waits.TOOL, began_at),
    )
    return int(total or 0)


def _write_call(
    stage: ActorContext,
    part: ActorRandom,
    job: Job,
    node: Node,
    story: Story,
    tools: list[dict[str, Any]],
    began_at: int,
) -> None:
    """Write the call of a node with the built-in harness.

    It is written when the node ends and has no events (v1.md §8.5).
    """
    metadata = call_metadata(job, node) | story.metadata
    if story.status == "failed":
        metadata["failed_with_partial_usage"] = True
    now = stage.now()
    with part.tx() as tx:
        call_id = call_writes.insert_call(
            tx,
            user_id=job.user_id,
            type=CALL_TYPES.get(job.source_type, job.source_type),
            model=str(node.data["modelOverride"]),
            started_at=began_at,
            completed_at=now,
            duration_ms=(now - began_at) // 1000,
            status=story.status,
            error=story.error,
            repo_id=job.repo.id,
            job_run_id=job.id,
            tokens=call_writes.NO_TOKENS if story.usage is None else tokens_of(story.usage),
            tool_calls=tools,
            metadata=metadata,
        )
        cost = tx.one("SELECT cost_usd FROM ai_calls WHERE id = ?", (call_id,))
        if cost is not None and cost["cost_usd"] is not None:
            made = [token(part.rng, "gen_", 20) for _ in range(1 + len(tools) // 4)]
            tx.update(
                "ai_calls", call_id, gateway_generation_id=made[0], gateway_generation_ids=json.dumps(made)
            )
    settle_later(stage, part.rng, call_id)


def _cli(stage: ActorContext, part: ActorRandom, job: Job, node: Node) -> NodeActs:
    harness = harness_of(node)
    branch = working_branch(stage, job, node)
    own = [prompt for prompt in prompts() if prompt.repo == job.repo.key]
    prompt = pick(part.rng, own) if own else Prompt(job.repo.key, "change", "")
    branches = Branches(job.repo.branch or "main", branch, True)
    course = courses.draw_cli(part.rng, job, harness, part.odds)
    story = plan_harness(part.rng, harness, job.repo.full_name, prompt, branches, course)
    live = stage.plane.db.one(
        f"SELECT id, status FROM ai_calls WHERE job_run_id = ? AND {_LIVE}"
        " AND json_extract(metadata, '$.flow_node_id') IS ?",
        (job.id, node.id),
    )
    if live is not None:
        call_id, begun = str(live["id"]), live["status"] == "streaming"
    else:
        try:
            tree = Tree(job.repo, job.repo.branch or "main", branch, job.repo.root)
            box_id = yield from launch(stage, part, tree)
        except BootFailed as error:
            return NodeEnd("failed", str(error), None, "dependency_unavailable")
        watch_idle(stage, box_id)
        made = _live_call(stage, part, job, node, box_id)
        if made is None:
            return None
        call_id, begun = made, False
    stage.plays(call_id, part.name)
    yield from play(stage, part, call_id, story, {"source": "automation"}, begun)
    stage.left(call_id)
    return _cli_end(stage, node, call_id, story)


def _live_call(stage: ActorContext, part: ActorRandom, job: Job, node: Node, box_id: str) -> str | None:
    """Simulate the live call of a coding CLI; None if the job was stopped."""
    harness = harness_of(node)
    name = stage.plane.db.value("SELECT sandbox_id FROM sandboxes WHERE id = ?", (box_id,))
    metadata = call_metadata(job, node) | {
        "harness_id": harness,
        "sandbox_record_id": box_id,
        "sandbox_id": name,
    }
    with part.tx() as tx:
        row = tx.one("SELECT status FROM job_runs WHERE id = ?", (job.id,))
        if row is None or row["status"] != "running":
            return None
        call_id = call_writes.insert_call(
            tx,
            user_id=job.user_id,
            type="agent",
            model=f"harness:{harness}",
            started_at=stage.now(),
            repo_id=job.repo.id,
            metadata=attached(metadata),
        )
        call_writes.stamp_job(tx, call_id, job.id)
    return call_id


def _cli_end(stage: ActorContext, node: Node, call_id: str, story: Story) -> NodeEnd:
    row = stage.plane.db.one(
        "SELECT status, error, metadata, tool_calls FROM ai_calls WHERE id = ?", (call_id,)
    )
    if row is None:
        return NodeEnd("failed", "The call was deleted")
    if row["status"] == "cancelled":
        return NodeEnd("failed", "The agent's call was cancelled")
    if row["status"] == "failed":
        return NodeEnd("failed", row["error"], None, story.failure_class or "unknown")
    url = json.loads(row["metadata"]).get("pull_request_url")
    return NodeEnd("success", None, node_outputs.cli_output(node.data, json.loads(row["tool_calls"]), url))
