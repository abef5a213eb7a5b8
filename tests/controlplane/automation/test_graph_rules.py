"""Validation of graphs: each fault has its message (v1.md §5.5, routing.md §5.6)."""

from __future__ import annotations

from typing import Any

import pytest

from mogplex_tui.controlplane.automation.graphs.normalizer import normalize
from mogplex_tui.controlplane.automation.graphs.validation import check
from tests.controlplane.automation.automation_rows import chain, node

Graph = dict[str, Any]
AGENT = node("a", "agent", label="A", agentId="g", modelOverride="m", role="review")


def faults(graph: Graph) -> list[str]:
    """Return the validation errors of a graph after it is put in its stored form."""
    return check(normalize(graph))


def wired(graph: Graph, *edges: tuple[str, str, str | None]) -> Graph:
    """Return the graph with more edges."""
    more = [
        {"id": f"{source}>{target}", "source": source, "target": target, "sourceHandle": handle}
        for source, target, handle in edges
    ]
    return {**graph, "edges": [*graph["edges"], *more]}


def without_edges(*nodes: dict[str, Any]) -> Graph:
    """Return a graph of these nodes between a start and an end, without edges."""
    return {**chain(*nodes), "edges": []}


def test_a_plain_chain_is_sound() -> None:
    assert faults(chain(AGENT)) == []


@pytest.mark.parametrize(
    ("graph", "sentence"),
    [
        (chain(AGENT, node("a", "delay")), 'Duplicate node id "a".'),
        ({"nodes": [AGENT, node("end", "end")], "edges": []}, "A flow must have exactly one start node."),
        (chain(AGENT, node("e2", "end")), "A flow must have exactly one end node."),
        (chain(), "A flow must contain at least one agent node."),
        (
            chain(
                node("m", "agent", autoMerge=True), node("n", "action", operation="github.merge_pull_request")
            ),
            "A flow can request at most one pull request merge.",
        ),
        (wired(chain(AGENT), ("a", "gone", None)), 'Edge "a>gone" references a missing node.'),
        (wired(chain(AGENT), ("a", "a", None)), 'Edge "a>a" cannot connect a node to itself.'),
    ],
)
def test_structure_error_hides_other_errors(graph: Graph, sentence: str) -> None:
    assert sentence in faults(graph)
    assert not any("must have an" in fault for fault in faults(graph))


@pytest.mark.parametrize(
    ("graph", "sentence"),
    [
        (wired(chain(AGENT), ("a", "start", None)), "The start node cannot have incoming edges."),
        (wired(chain(AGENT), ("start", "end", None)), "The start node must have exactly one outgoing edge."),
        (wired(chain(AGENT), ("end", "a", None)), "The end node cannot have outgoing edges."),
        (without_edges(AGENT), 'Agent "A" must have an incoming edge.'),
        (without_edges(AGENT), 'Agent "A" must have an outgoing edge.'),
        (chain(node("a", "agent", label="A")), 'Agent node "A" must be assigned to an agent.'),
        (chain(node("a", "agent", label="A")), 'Agent node "A" must have a model selected.'),
        (
            chain(node("a", "agent", label="A", harness="codex", role="edit")),
            'Fix node "A" must be placed after a Review node, or its flow must start from a pull request comment'
            " trigger (@mogplex mention or PR comment).",
        ),
        (without_edges(AGENT, node("c", "condition")), 'If "If" must have exactly one incoming edge.'),
        (chain(AGENT, node("c", "condition")), 'If "If" must have exactly two outgoing edges.'),
        (chain(AGENT, node("c", "condition")), 'If "If" must wire both then and else branches.'),
        (
            chain(AGENT, node("c", "condition", rules=[{"operator": "exists"}])),
            'If "If" must define a source field for every rule.',
        ),
        (
            chain(AGENT, node("c", "condition", rules=[{"field": "labels"}])),
            'If "If" rule on "labels" must define a compare value.',
        ),
        (
            chain(AGENT, node("p", "parallel")),
            'Parallel node "Parallel split" must have at least two outgoing edges.',
        ),
        (chain(AGENT, node("j", "join")), 'Join node "Merge" must have at least two incoming edges.'),
        (
            without_edges(AGENT, node("j", "join")),
            'Join node "Merge" must have exactly one outgoing edge.',
        ),
        (
            chain(AGENT, node("j", "join", policy="quorum", quorum="2")),
            'Join node "Merge" with quorum policy must set an integer quorum of at least 2.',
        ),
        (
            wired(chain(AGENT, node("j", "join", policy="quorum", quorum=5)), ("a", "j", "error")),
            'Join node "Merge" quorum (5) cannot exceed its 2 incoming edges.',
        ),
        (
            without_edges(AGENT, node("d", "delay")),
            'Wait node "Wait" must have exactly one incoming edge.',
        ),
        (
            chain(AGENT, node("d", "delay", duration="0")),
            'Wait node "Wait" must have a duration greater than zero.',
        ),
        (
            without_edges(AGENT, node("w", "await_event")),
            'Await node "Await" must have exactly one outgoing edge.',
        ),
        (
            chain(AGENT, node("w", "await_event")),
            'Await node "Await" must specify a label name to wait for.',
        ),
        (
            chain(AGENT, node("w", "await_event", config={"kind": "manual_approval"})),
            'Await node "Await" must describe what needs approval.',
        ),
        (
            chain(AGENT, node("w", "await_event", config={"kind": "ci_workflow_completed"})),
            'Await node "Await" must specify a CI workflow or check name.',
        ),
        (
            chain(AGENT, node("v", "set_variable", label="V")),
            'Set variable node "V" must define at least one assignment.',
        ),
        (
            chain(AGENT, node("v", "set_variable", label="V", assignments=[{"key": "1a"}])),
            'Set variable node "V" has invalid key "1a". Keys must start with a letter or underscore and contain'
            " only letters, digits, and underscores.",
        ),
        (
            chain(AGENT, node("v", "set_variable", label="V", assignments=[{"key": "a"}, {"key": "a"}])),
            'Set variable node "V" assigns "a" more than once.',
        ),
        (
            chain(AGENT, node("t", "transform", label="T", assignments=[{"key": "a"}])),
            'Transform node "T" must define at least one transformation.',
        ),
        (
            chain(AGENT, node("t", "transform", label="T", assignments=[{"key": "1", "source": "s"}])),
            'Transform node "T" has invalid key "1".',
        ),
        (
            chain(AGENT, node("t", "transform", label="T", assignments=[{"key": "a", "source": "s"}] * 2)),
            'Transform node "T" assigns "a" more than once.',
        ),
        (
            chain(
                AGENT,
                node(
                    "t", "transform", label="T", assignments=[{"key": "a", "source": "s", "operation": "zz"}]
                ),
            ),
            'Transform node "T" has unsupported operation "zz".',
        ),
        (
            chain(
                AGENT,
                node(
                    "t",
                    "transform",
                    label="T",
                    assignments=[{"key": "a", "source": "s", "operation": "string_split"}],
                ),
            ),
            'Transform node "T" requires an argument for string_split.',
        ),
        (
            wired(chain(AGENT), ("a", "end", "error"), ("a", "end", "error")),
            'Node "A" can have at most one error edge.',
        ),
        (
            wired(chain(AGENT, node("p", "parallel")), ("p", "end", "error")),
            'Node "Parallel split" cannot have an error edge — its operator does not support failure recovery.',
        ),
        (without_edges(AGENT), 'Node "A" is disconnected from the start node.'),
        (without_edges(AGENT), 'Node "A" does not lead to the end node.'),
        (wired(chain(AGENT, node("d", "delay")), ("d", "a", None)), "The flow graph contains a cycle."),
        (
            chain(AGENT, start={"event": "slack_mention", "filter": {"repos": ["a/b"]}}),
            "Slack mention triggers must select a workspace.",
        ),
        (
            chain(AGENT, start={"event": "slack_mention", "slackTeamId": "T1"}),
            "Slack mention triggers must select a channel.",
        ),
        (chain(AGENT, start={"event": "webhook"}), "Webhook triggers must select exactly one repository."),
    ],
)
def test_each_fault_has_its_message(graph: Graph, sentence: str) -> None:
    assert sentence in faults(graph)


def test_a_schedule_tells_its_three_faults_together_and_in_order() -> None:
    start = {"event": "schedule", "scheduleCron": "0 9 * *", "scheduleTimezone": "Europe/Atlantis"}
    assert faults(chain(AGENT, start=start)) == [
        "Schedule triggers must select exactly one repository.",
        "Schedule triggers must define a valid five-field cron.",
        "Schedule triggers must define a valid IANA timezone.",
    ]
    sound = {"scheduleCron": "0 9 * * MON-FRI", "scheduleTimezone": "UTC", "filter": {"repos": ["a/b"]}}
    assert faults(chain(AGENT, start=start | sound)) == []


@pytest.mark.parametrize("event", ["mention", "pr_comment"])
def test_comment_event_may_start_edit(event: str) -> None:
    edit = node("a", "agent", agentId="g", modelOverride="m", role="edit")
    assert faults(chain(edit, start={"event": event})) == []


def test_edit_may_follow_upstream_review() -> None:
    edit = node("b", "agent", label="B", agentId="g", modelOverride="m", role="edit")
    assert faults(chain(AGENT, edit)) == []


def test_a_failure_edge_is_no_second_exit() -> None:
    assert faults(wired(chain(AGENT, node("d", "delay")), ("d", "end", "error"))) == []


def test_a_vast_chain_is_checked_without_running_out_of_stack() -> None:
    delays = [node(f"d{number}", "delay") for number in range(2_000)]
    assert faults(chain(AGENT, *delays)) == []
