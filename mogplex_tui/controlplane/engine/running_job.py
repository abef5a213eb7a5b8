"""One running job with its graph, repository and agents, and its nodes' results."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..actors.context import ActorContext
from ..automation.jobs.node_expressions import State
from ..db.database import Database, Row
from ..workload.account import Repo, repo_of
from ..workload.rng import token
from . import graph_progress as graphs
from .graph_progress import Graph, Node, NodeResult

MISSING_CONFIG = "MISSING_CONFIG"
NO_GITHUB = "NO_GITHUB_CONNECTION"
_TEXT_KEYS = ("pr_title", "issue_title", "comment_body", "tag_name", "check_name", "workflow_name")
_ROLES = {"pr_review": "review", "pr_opened": "review", "push_review": "review", "push": "review"}


class Agent(NamedTuple):
    """The agent that an agent node uses: id, name and slug."""

    id: str
    name: str
    slug: str | None


@dataclass(frozen=True, slots=True)
class Job:
    """A running job with all data that its nodes need and that stays the same."""

    id: str
    user_id: str
    flow_id: str | None
    version_id: str | None
    installation_id: int | None
    origin: str
    metadata: dict[str, Any]
    graph: Graph
    repo: Repo
    agents: dict[str, Agent]

    @property
    def source_type(self) -> str:
        """The type of the event that started the job."""
        return str(self.metadata.get("source_type") or "unknown")

    def event_text(self) -> str:
        """Return the texts of the event that people wrote: titles, comments, payloads."""
        texts = [self.metadata.get(key) for key in _TEXT_KEYS]
        texts += [
            json.dumps(self.metadata[key])
            for key in ("webhook", "slack", "schedule", "trigger_payload")
            if key in self.metadata
        ]
        return "\n".join(text for text in texts if isinstance(text, str))


class UnresolvedJobError(Exception):
    """Raised for a job that cannot be executed.

    The message is MISSING_CONFIG or NO_GITHUB_CONNECTION.
    """


def load(context: ActorContext, job_id: str) -> Job | None:
    """Load a job by id; return None if the job is not running.

    Raises UnresolvedJobError if it cannot be executed (runtime-model.md §4, 5b).
    """
    db = context.plane.db
    row = db.one(
        "SELECT j.*, o.owner_id, o.owner_installation_id FROM job_runs j JOIN job_owners o ON o.job_run_id = j.id"
        " WHERE j.id = ? AND j.status = 'running'",
        (job_id,),
    )
    if row is None:
        return None
    # The hosted service executes flows only (routing.md §0).
    inert = context.plane.is_hosted and row["flow_id"] is None
    if row["owner_id"] is None or inert:
        raise UnresolvedJobError(MISSING_CONFIG)
    metadata = json.loads(row["metadata"])
    graph = _graph(db, row, metadata)
    repo = db.one(
        "SELECT *, coalesce(default_branch, 'main') AS base_branch FROM repos WHERE id = ? AND user_id = ?",
        (metadata.get("repo_id"), row["owner_id"]),
    )
    if repo is None:
        raise UnresolvedJobError(MISSING_CONFIG)
    agents = _agents(db, graph, row["owner_id"])
    if not db.value("SELECT github_oauth FROM profiles WHERE id = ?", (row["owner_id"],)):
        raise UnresolvedJobError(NO_GITHUB)
    return Job(
        row["id"],
        row["owner_id"],
        row["flow_id"],
        row["flow_version_id"],
        row["owner_installation_id"],
        row["origin"],
        metadata,
        graph,
        repo_of(context.world, repo["id"], repo),
        agents,
    )


def _graph(db: Database, row: Row, metadata: Mapping[str, Any]) -> Graph:
    if row["flow_id"] is not None:
        text = db.value("SELECT graph FROM flow_versions WHERE id = ?", (row["flow_version_id"],))
        if text is None:
            raise UnresolvedJobError(MISSING_CONFIG)
        return graphs.load(text)
    agent = db.one(
        "SELECT g.id, g.name, g.model FROM agents g WHERE g.id = coalesce("
        "(SELECT agent_id FROM assignments WHERE id = ?), (SELECT agent_id FROM triggers WHERE id = ?))",
        (row["assignment_id"], row["trigger_id"]),
    )
    if agent is None:
        raise UnresolvedJobError(MISSING_CONFIG)
    event = str(metadata.get("source_type") or "unknown")
    role = _ROLES.get(event, "triage")
    return graphs.single_agent(event, agent["id"], agent["name"], agent["model"], role)


def _agents(db: Database, graph: Graph, user_id: str) -> dict[str, Agent]:
    """Return the agents of the graph's agent nodes by node id.

    Raises UnresolvedJobError if a node with the built-in harness has no agent or no model.
    """
    agents: dict[str, Agent] = {}
    for node in graph.of_type("agent"):
        row = db.one(
            "SELECT id, name, slug FROM agents WHERE id = ? AND user_id = ?",
            (node.data.get("agentId"), user_id),
        )
        if row is not None:
            agents[node.id] = Agent(row["id"], row["name"], row["slug"])
        elif harness_of(node) == "mogplex":
            raise UnresolvedJobError(MISSING_CONFIG)
        if harness_of(node) == "mogplex" and not node.data.get("modelOverride"):
            raise UnresolvedJobError(MISSING_CONFIG)
    return agents


def harness_of(node: Node) -> str:
    """Return the harness of an agent node: mogplex, claude-code or codex."""
    return str(node.data.get("harness") or "mogplex")


def node_rows(db: Database, job_id: str) -> list[Row]:
    """Return the node runs of a job, oldest first."""
    return db.all("SELECT * FROM flow_node_runs WHERE job_run_id = ? ORDER BY created_at, rowid", (job_id,))


def progress(rows: list[Row]) -> tuple[dict[str, str], dict[str, NodeResult]]:
    """Return the status of each node, and the results of the finished nodes."""
    seen, done = {}, {}
    for row in rows:
        seen[row["node_id"]] = row["status"]
        if row["status"] in graphs.TERMINAL:
            matched = output_of(row).get("matched")
            branch = None if matched is None else ("true" if matched else "false")
            done[row["node_id"]] = NodeResult(row["status"], branch)
    return seen, done


def output_of(row: Row) -> dict[str, Any]:
    """Return the output object of a node run, or {}."""
    value = json.loads(row["output"]) if row["output"] else {}
    return value if isinstance(value, dict) else {}


def state_of(job: Job, rows: list[Row]) -> State:
    """Return the variables and outputs that the job's successful nodes have produced."""
    state = State(job.metadata, job.repo.full_name, job.repo.branch or "main")
    for row in sorted(rows, key=lambda row: row["completed_at"] or 0):
        if row["status"] != "success":
            continue
        output = output_of(row)
        if isinstance(output.get("variables"), dict):
            state.variables |= output["variables"]
        if row["node_type"] == "agent" and isinstance(output.get("text"), str):
            state.outputs.append(output["text"])
    return state


def call_metadata(job: Job, node: Node) -> dict[str, Any]:
    """Return the metadata for a call of this node."""
    keep = ("pr_number", "pr_url", "issue_number", "repo_full_name")
    metadata = {key: job.metadata[key] for key in keep if key in job.metadata}
    agent = job.agents.get(node.id)
    metadata |= {"source": "automation", "automation_execution": True}
    if agent is not None:
        metadata["agent_id"] = agent.id
    if job.flow_id is not None:
        metadata |= {"flow_id": job.flow_id, "flow_node_id": node.id, "flow_node_label": node.label}
    return metadata


def working_branch(context: ActorContext, job: Job, node: Node) -> str:
    """Return the branch that a coding node works on.

    Repeated calls for the same job and node return the same branch.
    """
    rng = context.random(f"branch:{job.id}:{node.id}").rng
    return f"mogplex/{job.metadata.get('head_branch') or 'change'}-{token(rng, '', 4)}"
