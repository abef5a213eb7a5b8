"""Plan job runs: the starting event, the nodes, their calls, the end and findings."""

from __future__ import annotations

from random import Random
from typing import Any, NamedTuple

from ..sample_data.loader import Prompt, material, prompts, work
from . import failure_diagnosis
from .account import Flow, Repo, SeededAccount
from .call_plan import CallKind, CallPlan
from .call_planner import Branches, pick_failure, plan_agent, plan_harness
from .rng import between, new_uuid, pick, token, whole
from .run_outcomes import draw_outcome
from .scenario_odds import CALM, Odds

# The call type of each trigger; the last three have none of their own (observability.md §7.1).
CALL_TYPES = {
    "pr_opened": "pr_review",
    "issue_opened": "issue_triage",
    "push": "push_review",
    "schedule": "cron",
    "webhook": "cron",
    "slack_mention": "mention",
}
_EFFORTS = {
    "pr_opened": 1.3,
    "issue_opened": 0.5,
    "push": 0.8,
    "ci_failure": 1.4,
    "mention": 1.0,
    "schedule": 1.1,
}


def phase_of(source_type: str) -> str:
    """Return the name of the execution phase in the metadata of model failures.

    `source_type` is that of the job.
    """
    return f"{CALL_TYPES.get(source_type, source_type)}:agent"


class AgentWork(NamedTuple):
    """The model, call type and planned call of an agent node."""

    model: str
    call_type: str
    call_plan: CallPlan


class WaitWork(NamedTuple):
    """The event that a node waits for, and its time limit in hours (routing.md §5.5)."""

    kind: str
    config: dict[str, Any]
    hours: int


class NodePlan(NamedTuple):
    """The plan of one node of a job: a call, a wait for an event, or a duration.

    `agent` is set for a call and `wait` for a wait. Any other node takes `seconds`, or no time if
    it is `skipped`.
    """

    node_id: str
    node_type: str
    label: str
    agent: AgentWork | None = None
    wait: WaitWork | None = None
    seconds: float = 0.0
    skipped: bool = False

    @property
    def failed(self) -> bool:
        """Whether the node fails, which makes the job fail, too."""
        return self.agent is not None and self.agent.call_plan.status == "failed"


class JobPlan(NamedTuple):
    """The plan of one job run, from the event that starts it to its end.

    runtime-model.md §4.
    """

    flow: Flow
    repo: Repo
    metadata: dict[str, Any]
    idempotency_key: str | None
    start_source: str
    nodes: tuple[NodePlan, ...]
    status: str
    reason: str | None
    error: str | None
    diagnostics: dict[str, Any]
    findings: tuple[dict[str, Any], ...] = ()
    retry_of: str | None = None

    def seconds(self) -> float:
        """Return the planned duration of the nodes in seconds, without waits."""
        return sum(node.agent.call_plan.seconds() if node.agent else node.seconds for node in self.nodes)

    def named(self, job_id: str | None) -> dict[str, Any]:
        """Return the columns that all rows of a job contain: user, job, flow and version."""
        return {
            "user_id": self.flow.user_id,
            "job_run_id": job_id,
            "flow_id": self.flow.id,
            "flow_version_id": self.flow.version_id,
        }


def flow_repos(world: SeededAccount, flow: Flow) -> list[Repo]:
    """Return the repositories whose events can start a flow.

    They belong to the flow's installation and pass the filter of its start node.
    """
    names = flow.spec["start"].get("filter", {}).get("repos")
    return [
        repo
        for repo in world.own()
        if repo.installation_id == flow.installation_id and (names is None or repo.full_name in names)
    ]


def _trigger(rng: Random, flow: Flow, repo: Repo) -> tuple[dict[str, Any], str]:
    """Return the metadata and idempotency key of a random event that starts a job."""
    url = f"https://github.com/{repo.full_name}"
    metadata: dict[str, Any] = {
        "source_type": flow.event,
        "flow_id": flow.id,
        "flow_version_id": flow.version_id,
        "repo_id": repo.id,
        "repo_full_name": repo.full_name,
        "installation_id": flow.installation_id,
    }
    key = f"github-webhook:flow:{flow.id}:{new_uuid(rng)}"
    sha = f"{rng.getrandbits(160):040x}"
    author = pick(rng, work("authors"))
    number = whole(rng, 210, 1900)
    if flow.event in ("pr_opened", "mention"):
        prompt = pick(rng, prompts())
        metadata |= {
            "pr_number": number,
            "pr_url": f"{url}/pull/{number}",
            "pr_title": pick(rng, work("prs")),
            "pr_author": author,
            "head_ref": prompt.slug,
            "head_sha": sha,
            "base_ref": repo.branch,
        }
    if flow.event == "pr_opened":
        key = f"github-pr-review:flow:{flow.id}:pr_opened:{repo.full_name}:{flow.installation_id}:{number}:{sha}"
        metadata["review_dedup_key"] = f"{repo.full_name}#{number}@{sha[:12]}"
    elif flow.event == "mention":
        comment = pick(rng, work("comments"))
        metadata |= {"comment_body": comment, "comment_author": author, "is_pr": True, "sender_login": author}
    elif flow.event == "issue_opened":
        metadata |= {
            "issue_number": number,
            "issue_url": f"{url}/issues/{number}",
            "issue_title": pick(rng, work("issues")),
            "sender_login": author,
        }
    elif flow.event == "push":
        count = whole(rng, 1, 6)
        metadata |= {"ref": f"refs/heads/{repo.branch}", "head_sha": sha, "commits_count": count}
        metadata["sender_login"] = author
    elif flow.event == "ci_failure":
        metadata |= {
            "workflow_name": pick(rng, work("workflows")),
            "head_sha": sha,
            "head_branch": pick(rng, prompts()).slug,
            "run_id": whole(rng, 18_000_000_000, 18_999_999_999),
        }
    elif flow.event == "schedule":
        key = f"schedule:flow:{flow.id}:{new_uuid(rng)}"
    return metadata, key


def _findings(rng: Random) -> tuple[dict[str, Any], ...]:
    if rng.random() < 0.4:
        return ()
    return tuple(rng.sample(material("findings"), k=whole(rng, 1, 3)))


def _agent_node(
    rng: Random,
    node: dict[str, Any],
    flow: Flow,
    repo: Repo,
    failure: tuple[str, str] | None,
    without_tool_events: bool,
    odds: Odds,
) -> NodePlan:
    if node["harness"] == "mogplex":
        model, effort = node["model"], _EFFORTS.get(flow.event, 1.0)
        failure = odds.failure(model, failure)
        call_plan = plan_agent(
            rng, CallKind.NODE, model, repo.key, effort, failure, without_tool_events=without_tool_events
        )
        call_plan = odds.apply_spend(model, call_plan)
        call_type = CALL_TYPES.get(flow.event, flow.event)
        return NodePlan(node["id"], "agent", node["label"], AgentWork(model, call_type, call_plan))
    own = [prompt for prompt in prompts() if prompt.repo == repo.key]
    prompt = pick(rng, own) if own else Prompt(repo.key, "repair", "")
    branches = Branches(repo.branch, f"mogplex/agent-{rng.getrandbits(48):012x}", True)
    outcome = odds.outcome(node["harness"], draw_outcome(rng))
    call_plan = plan_harness(
        rng,
        node["harness"],
        repo.full_name,
        prompt,
        branches,
        outcome,
        without_tool_events=without_tool_events,
    )
    return NodePlan(
        node["id"], "agent", node["label"], AgentWork(f"harness:{node['harness']}", "agent", call_plan)
    )


def _nodes(
    rng: Random,
    flow: Flow,
    repo: Repo,
    failure: tuple[str, str] | None,
    without_tool_events: bool,
    odds: Odds,
) -> tuple[NodePlan, ...]:
    """Return the plans of a job's nodes in the order in which they run.

    If a node fails, it is the last one.
    """
    plans = [NodePlan("start", "start", flow.spec["start"]["label"], seconds=0.1)]
    agents = [node["id"] for node in flow.spec["nodes"] if node["type"] == "agent"]
    # In the review flow a second reviewer sees changes that concern money; other reviews end after the first.
    skips = {"second"} if flow.key == "review" and repo.key != "billing" else set()
    doomed = pick(rng, [name for name in agents if name not in skips])
    for node in flow.spec["nodes"]:
        if node["id"] in skips:
            plans.append(NodePlan(node["id"], node["type"], node["label"], skipped=True))
        elif node["type"] == "agent":
            own = failure if node["id"] == doomed else None
            plans.append(_agent_node(rng, node, flow, repo, own, without_tool_events, odds))
        elif node["type"] == "await_event":
            wait = WaitWork(node["config"]["kind"], node["config"], node["timeout"]["value"])
            plans.append(NodePlan(node["id"], node["type"], node["label"], wait=wait))
        else:
            plans.append(NodePlan(node["id"], node["type"], node["label"], seconds=0.2))
        if plans[-1].failed:
            return tuple(plans)
    return (*plans, NodePlan("end", "end", "Done", seconds=0.1))


def _diagnostics(rng: Random, flow: Flow, failed: NodePlan | None) -> dict[str, Any]:
    """Return the metadata that describes a job's model failures.

    It may also describe a failure after which a retry succeeded (observability.md §8.3).
    """
    phase = phase_of(flow.event)
    if failed is not None and failed.agent is not None:
        klass = failed.agent.call_plan.failure_class or "unknown"
        limit = (
            pick(rng, (120_000, 240_000, 600_000))
            if klass == "timeout"
            else failure_diagnosis.USUAL_TIMEOUT_MS
        )
        return failure_diagnosis.failed(klass, failed.agent.call_plan.error, phase, limit)
    if rng.random() < 0.06:
        return failure_diagnosis.recovered(*pick_failure(rng), phase)
    return {}


def plan_job(
    rng: Random,
    flow: Flow,
    repo: Repo,
    failing: float = 0.13,
    without_tool_events: bool = False,
    odds: Odds = CALM,
) -> JobPlan:
    """Plan a job run of `flow` for `repo` that fails with probability `failing`.

    `odds` make some models and harnesses fail more often.
    """
    metadata, key = _trigger(rng, flow, repo)
    failure = pick_failure(rng) if rng.random() < failing else None
    nodes = _nodes(rng, flow, repo, failure, without_tool_events, odds)
    failed = next((node for node in nodes if node.failed), None)
    findings = _findings(rng) if flow.event == "pr_opened" and failed is None else ()
    diagnostics = _diagnostics(rng, flow, failed)
    reason: str | None = "AUTOMATION_COMPLETED"
    if flow.event == "pr_opened":
        reason = "PR_REVIEW_POSTED" if findings else "PR_REVIEW_NO_FINDINGS"
    error = None
    if failed is not None and failed.agent is not None:
        error = failed.agent.call_plan.error
        reason = material("errors")[failed.agent.call_plan.failure_class or "unknown"]["reason"]
    return JobPlan(
        flow=flow,
        repo=repo,
        metadata=metadata,
        idempotency_key=key,
        start_source="cron" if flow.event == "schedule" else "webhook",
        nodes=nodes,
        status="success" if failed is None else "failed",
        reason=reason,
        error=error,
        diagnostics=diagnostics,
        findings=findings,
    )


def finding_columns(rng: Random, plan: JobPlan, ordinal: int, finding: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of a review finding, except its ids and times."""
    return {
        "ordinal": ordinal,
        "severity": finding["severity"],
        "title": finding["title"],
        "body": finding["body"],
        "path": finding["path"],
        "line": finding["line"],
        "fingerprint": token(rng, "fp_", 16),
        "repo_id": plan.repo.id,
        "repo_full_name": plan.repo.full_name,
        "pr_number": plan.metadata.get("pr_number"),
        "head_sha": plan.metadata.get("head_sha"),
    }


def wait_seconds(rng: Random) -> float:
    """Return a random number of seconds that a person takes to answer a question."""
    return between(rng, 90, 1_500)


def node_metadata(plan: JobPlan, node: NodePlan, world: SeededAccount) -> dict[str, Any]:
    """Return the metadata of an automation node's call (observability.md §2.1)."""
    spec = next(row for row in plan.flow.spec["nodes"] if row["id"] == node.node_id)
    keep = ("pr_number", "pr_url", "issue_number", "repo_full_name")
    metadata = {key: plan.metadata[key] for key in keep if key in plan.metadata}
    return metadata | {
        "source": "automation",
        "automation_execution": True,
        "agent_id": world.agent_ids[spec["agent"]],
        "flow_id": plan.flow.id,
        "flow_node_id": node.node_id,
        "flow_node_label": node.label,
    }
