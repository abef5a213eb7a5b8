"""Graphs for new automations: built-in starters, and templates made from flows."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

from ..db.database import Database
from ..identity import model_catalogue
from .graphs.normalizer import Graph, agents_of, single_agent_graph, start_of
from .graphs.validation import REPO_BOUND


class Starter(NamedTuple):
    """A built-in starter: the flow's name, its start node and its agent's settings."""

    name: str | None
    start: dict[str, Any]
    agent: dict[str, Any]


STARTERS = {
    "blank": Starter(None, {"label": "@mogplex", "event": "mention", "isDefault": True}, {"role": "triage"}),
    "pr-review": Starter(
        "PR review",
        {"label": "Pull request opened", "event": "pr_opened", "filter": {"authorFilter": "humans_only"}},
        {"role": "review"},
    ),
    "dependabot-autopilot": Starter(
        "Dependabot autopilot",
        {
            "label": "Dependabot pull request",
            "event": "pr_opened",
            "filter": {"authorFilter": "dependabot_only"},
        },
        {"role": "review", "autoMerge": True},
    ),
    "issue-triage": Starter(
        "Issue triage", {"label": "Issue opened", "event": "issue_opened"}, {"role": "triage"}
    ),
}


def starter_graph(db: Database, user_id: str, template_id: str, installation_id: int) -> Graph:
    """Return a starter's graph with the user's oldest agent and default model.

    The start node listens to the given installation only (routing.md §5.1).
    """
    starter = STARTERS[template_id]
    profile = db.one("SELECT * FROM profiles WHERE id = ?", (user_id,))
    oldest = db.one(
        "SELECT id, name FROM agents WHERE user_id = ? ORDER BY created_at, rowid LIMIT 1", (user_id,)
    )
    agent = {
        "label": None if oldest is None else oldest["name"],
        "agentId": None if oldest is None else oldest["id"],
        "modelOverride": None if profile is None else model_catalogue.settings_default(db, profile),
        **starter.agent,
    }
    return limit_to_installation(single_agent_graph(starter.start, agent), installation_id, None)


def limit_to_installation(graph: Graph, installation_id: int, repo_full_name: str | None) -> Graph:
    """Return a copy of a graph that listens to one installation only.

    If `repo_full_name` is not None, the copy listens to that repository only.
    """
    out = copy.deepcopy(graph)
    start = start_of(out)
    if start is not None:
        narrowed = {"scope": "all", **start.get("filter", {}), "installationIds": [installation_id]}
        if repo_full_name is not None:
            narrowed["repos"] = [repo_full_name]
        start["filter"] = narrowed
    return out


class Template(NamedTuple):
    """A graph without references to a user's data, and what a new owner must set.

    `reconnect` lists what must be connected again: `agent`, `slack`, `webhook`. `trigger_event` is
    the event of the start node.
    """

    graph: Graph
    trigger_event: str
    reconnect: list[str]
    requires_repository: bool


def template_of(graph: Graph) -> Template:
    """Return a graph as a template, without agents, Slack channels and repositories.

    routing.md §3.17.
    """
    kept = copy.deepcopy(graph)
    start = start_of(kept) or {}
    event = str(start.get("event", "mention"))
    reconnect = []
    agents = agents_of(kept)
    if any(agent["agentId"] is not None for agent in agents):
        reconnect.append("agent")
    for agent in agents:
        agent["agentId"] = None
    messages = [
        node["data"]
        for node in kept["nodes"]
        if node["type"] == "action" and node["data"]["operation"] == "slack.send_message"
    ]
    if event == "slack_mention" or messages:
        reconnect.append("slack")
    for name in ("slackTeamId", "slackChannelId", "slackChannelName"):
        start.pop(name, None)
    for message in messages:
        message |= {"teamId": "", "channelId": "", "channelName": None}
    if event == "webhook":
        reconnect.append("webhook")
    narrowed = start.get("filter", {})
    narrowed.pop("repos", None)
    narrowed.pop("installationIds", None)
    return Template(kept, event, reconnect, event in REPO_BOUND)
