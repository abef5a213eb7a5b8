"""Check whether a graph may be published, with the service's error messages.

`check` takes a normalised graph and returns the messages in the service's order (routing.md §5,
v1.md §5.5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .edges import GraphEdges
from .normalizer import Graph, start_of

Node = dict[str, Any]

NO_SECRET = "Generate a webhook signing secret before publishing this flow."  # noqa: S105 - a sentence
RECOVERING = frozenset(("agent", "action", "condition", "delay", "await_event", "set_variable", "transform"))
REPO_BOUND = {"schedule": "Schedule", "webhook": "Webhook", "slack_mention": "Slack mention"}
_VALUELESS = ("exists", "is_empty", "is_not_empty")
_COMMENT_EVENTS = ("mention", "pr_comment")
_CRON_FIELD = re.compile(r"[0-9A-Za-z*,/?#-]+", re.ASCII)
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_TRANSFORMS = (
    "copy",
    "string_contains",
    "string_split",
    "array_join",
    "array_length",
    "array_includes",
    "files_match_glob",
    "cast_boolean",
    "cast_number",
)
_NEED_ARGUMENT = ("string_contains", "string_split", "array_join", "array_includes", "files_match_glob")
_NAMES = {
    "condition": "If",
    "parallel": "Parallel node",
    "join": "Join node",
    "delay": "Wait node",
    "await_event": "Await node",
    "set_variable": "Set variable node",
    "transform": "Transform node",
    "action": "Action",
}


def check(graph: Graph) -> list[str]:
    """Return all error messages of a normalised graph.

    If the graph's structure is invalid, only the errors of the structure are returned.
    """
    structure = list(_structure(graph))
    if structure:
        return structure
    wiring = GraphEdges(graph)
    faults = list(_ends(wiring))
    for node in graph["nodes"]:
        faults += _node(node, wiring)
        faults += _edges(node, wiring)
    return faults + list(_reach(wiring))


def _structure(graph: Graph) -> Iterator[str]:
    nodes, ids = graph["nodes"], [node["id"] for node in graph["nodes"]]
    for node_id in dict.fromkeys(node_id for node_id in ids if ids.count(node_id) > 1):
        yield f'Duplicate node id "{node_id}".'
    kinds = [node["type"] for node in nodes]
    if kinds.count("start") != 1:
        yield "A flow must have exactly one start node."
    if kinds.count("end") != 1:
        yield "A flow must have exactly one end node."
    if "agent" not in kinds:
        yield "A flow must contain at least one agent node."
    merges = [
        node
        for node in nodes
        if (node["type"] == "agent" and node["data"]["autoMerge"])
        or (node["type"] == "action" and node["data"]["operation"] == "github.merge_pull_request")
    ]
    if len(merges) > 1:
        yield "A flow can request at most one pull request merge."
    for edge in graph["edges"]:
        if edge["source"] not in ids or edge["target"] not in ids:
            yield f'Edge "{edge["id"]}" references a missing node.'
        elif edge["source"] == edge["target"]:
            yield f'Edge "{edge["id"]}" cannot connect a node to itself.'


def _ends(wiring: GraphEdges) -> Iterator[str]:
    start, end = wiring.only("start"), wiring.only("end")
    if wiring.incoming[start["id"]]:
        yield "The start node cannot have incoming edges."
    if len(wiring.outgoing[start["id"]]) != 1:
        yield "The start node must have exactly one outgoing edge."
    if wiring.outgoing[end["id"]]:
        yield "The end node cannot have outgoing edges."


def _node(node: Node, wiring: GraphEdges) -> Iterator[str]:
    kind = node["type"]
    if kind == "start":
        yield from _trigger(node["data"])
    elif kind == "agent":
        yield from _agent(node, wiring)
    elif kind in _NAMES:
        name = f'{_NAMES[kind]} "{node["data"]["label"]}"'
        yield from _wired(kind, name, node, wiring)
        yield from _own(kind, name, node, wiring)


def _wired(kind: str, name: str, node: Node, wiring: GraphEdges) -> Iterator[str]:
    """Yield an error if a node has a wrong number of incoming or outgoing edges.

    Outgoing edges for the failure of the node are not counted.
    """
    entries, exits = len(wiring.incoming[node["id"]]), len(wiring.success_edges(node["id"]))
    if kind == "join" and entries < 2:
        yield f"{name} must have at least two incoming edges."
    if kind != "join" and entries != 1:
        yield f"{name} must have exactly one incoming edge."
    if kind == "parallel":
        if exits < 2:
            yield f"{name} must have at least two outgoing edges."
    elif kind == "condition":
        if exits != 2:
            yield f"{name} must have exactly two outgoing edges."
    elif exits != 1:
        yield f"{name} must have exactly one outgoing edge."


def _own(kind: str, name: str, node: Node, wiring: GraphEdges) -> Iterator[str]:
    data = node["data"]
    if kind == "condition":
        yield from _condition(name, node, wiring)
    elif kind == "join" and data["policy"] == "quorum":
        quorum, entries = data["quorum"], len(wiring.incoming[node["id"]])
        if not isinstance(quorum, int) or quorum < 2:
            yield f"{name} with quorum policy must set an integer quorum of at least 2."
        elif quorum > entries:
            yield f"{name} quorum ({quorum}) cannot exceed its {entries} incoming edges."
    elif kind == "delay" and data["duration"] <= 0:
        yield f"{name} must have a duration greater than zero."
    elif kind == "await_event":
        yield from _await(name, data["config"])
    elif kind == "set_variable":
        yield from _assignments(name, data["assignments"])
    elif kind == "transform":
        yield from _transforms(name, data["assignments"])
    elif kind == "action" and data["operation"] == "sandbox.run_command":
        if not data["command"].strip():
            yield f"{name} must define a command."
        elif "{{" in data["command"]:
            yield f"{name} cannot use templates in its command."


def _agent(node: Node, wiring: GraphEdges) -> Iterator[str]:
    data = node["data"]
    name = data["label"]
    if not wiring.incoming[node["id"]]:
        yield f'Agent "{name}" must have an incoming edge.'
    if not wiring.success_edges(node["id"]):
        yield f'Agent "{name}" must have an outgoing edge.'
    if data["harness"] == "mogplex":
        if data["agentId"] is None:
            yield f'Agent node "{name}" must be assigned to an agent.'
        if data["modelOverride"] is None:
            yield f'Agent node "{name}" must have a model selected.'
    if data["role"] == "edit" and not _may_edit(node, wiring):
        yield (
            f'Fix node "{name}" must be placed after a Review node, or its flow must start from a pull request'
            " comment trigger (@mogplex mention or PR comment)."
        )


def _may_edit(node: Node, wiring: GraphEdges) -> bool:
    start = start_of(wiring.graph) or {}
    if start.get("event") in _COMMENT_EVENTS:
        return True
    above = wiring.upstream(node["id"])
    return any(
        other["id"] in above and other["type"] == "agent" and other["data"]["role"] == "review"
        for other in wiring.graph["nodes"]
    )


def _condition(name: str, node: Node, wiring: GraphEdges) -> Iterator[str]:
    handles = sorted(str(edge["sourceHandle"]) for edge in wiring.success_edges(node["id"]))
    if handles != ["false", "true"]:
        yield f"{name} must wire both then and else branches."
    rules = node["data"]["rules"]
    if any(not rule["field"].strip() for rule in rules):
        yield f"{name} must define a source field for every rule."
    for rule in rules:
        if rule["field"].strip() and rule["operator"] not in _VALUELESS and not rule["value"].strip():
            yield f'{name} rule on "{rule["field"]}" must define a compare value.'


def _await(name: str, config: dict[str, Any]) -> Iterator[str]:
    needed = {
        "github_label_added": ("labelName", "must specify a label name to wait for."),
        "ci_workflow_completed": ("workflowName", "must specify a CI workflow or check name."),
        "manual_approval": ("prompt", "must describe what needs approval."),
    }
    key, sentence = needed.get(config["kind"], ("", ""))
    if key and not config[key].strip():
        yield f"{name} {sentence}"


def _assignments(name: str, assignments: list[dict[str, Any]]) -> Iterator[str]:
    if not assignments:
        yield f"{name} must define at least one assignment."
    seen: set[str] = set()
    for entry in assignments:
        key = entry["key"]
        if not _KEY.fullmatch(key):
            yield (
                f'{name} has invalid key "{key}". Keys must start with a letter or underscore and contain only'
                " letters, digits, and underscores."
            )
        elif key in seen:
            yield f'{name} assigns "{key}" more than once.'
        seen.add(key)


def _transforms(name: str, assignments: list[dict[str, Any]]) -> Iterator[str]:
    if not assignments:
        yield f"{name} must define at least one transformation."
    seen: set[str] = set()
    for entry in assignments:
        key, operation = entry["key"], entry["operation"]
        if not _KEY.fullmatch(key):
            yield f'{name} has invalid key "{key}".'
        elif key in seen:
            yield f'{name} assigns "{key}" more than once.'
        seen.add(key)
        if operation not in _TRANSFORMS:
            yield f'{name} has unsupported operation "{operation}".'
        elif operation in _NEED_ARGUMENT and not entry.get("argument"):
            yield f"{name} requires an argument for {operation}."


def _trigger(data: dict[str, Any]) -> Iterator[str]:
    """Yield the error messages of the start node.

    The signing secret of a webhook is not checked here but when the flow is published.
    """
    event = data["event"]
    if event in REPO_BOUND and len((data.get("filter") or {}).get("repos", ())) != 1:
        yield f"{REPO_BOUND[event]} triggers must select exactly one repository."
    if event == "schedule":
        if not valid_cron(data.get("scheduleCron", "")):
            yield "Schedule triggers must define a valid five-field cron."
        if not valid_zone(data.get("scheduleTimezone", "")):
            yield "Schedule triggers must define a valid IANA timezone."
    if event == "slack_mention":
        if not data.get("slackTeamId", "").strip():
            yield "Slack mention triggers must select a workspace."
        if not data.get("slackChannelId", "").strip():
            yield "Slack mention triggers must select a channel."


def valid_cron(text: str) -> bool:
    """Return whether a text has five fields of characters that cron allows."""
    fields = text.split()
    return len(fields) == 5 and all(_CRON_FIELD.fullmatch(field) for field in fields)


def valid_zone(name: str) -> bool:
    """Return whether a text is the name of an IANA time zone."""
    if name == "UTC":
        return True
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _edges(node: Node, wiring: GraphEdges) -> Iterator[str]:
    failures = wiring.failure_edges(node["id"])
    name = node["data"]["label"]
    if failures and node["type"] not in RECOVERING:
        yield f'Node "{name}" cannot have an error edge — its operator does not support failure recovery.'
    elif len(failures) > 1:
        yield f'Node "{name}" can have at most one error edge.'


def _reach(wiring: GraphEdges) -> Iterator[str]:
    below = wiring.downstream(wiring.only("start")["id"])
    above = wiring.upstream(wiring.only("end")["id"])
    for node in wiring.graph["nodes"]:
        if node["id"] not in below:
            yield f'Node "{node["data"]["label"]}" is disconnected from the start node.'
        if node["id"] not in above:
            yield f'Node "{node["data"]["label"]}" does not lead to the end node.'
    if wiring.has_cycle():
        yield "The flow graph contains a cycle."
