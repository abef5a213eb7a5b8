"""Outputs of automation nodes, which later nodes can read and clients can display.

routing.md §3.14, §5.5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..automation.jobs.node_expressions import State, assign, evaluate_condition
from ..automation.jobs.node_writes import decision_output
from ..workload.call_plan import CallKind, CallPlan
from ..workload.job_planner import JobPlan, NodePlan

_LONGEST_TEXT = 600
_OF_A_TOOL = ("name", "input_preview", "output_preview", "duration_ms")
_REVIEW = "review"


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _role(data: Mapping[str, Any]) -> str:
    return str(data.get("role") or _REVIEW)


def report(data: Mapping[str, Any], metadata: Mapping[str, Any], repo: str, looks: int, found: int) -> str:
    """Return the final report text of an agent that uses the built-in harness.

    `looks` is the number of its tool calls, `found` the number of its findings.
    """
    about = metadata.get("pr_title") or metadata.get("issue_title") or repo
    role, seen = _role(data), _plural(looks, "look")
    if role == _REVIEW:
        verdict = f"{_plural(found, 'thing')} worth changing" if found else "nothing that would break"
        text = f"Read {about} with {seen} at the code and found {verdict}."
    elif role == "edit":
        text = f"Made the smallest change for {about} and ran the tests of what it touches."
    else:
        text = f"Sorted {about}: the area is clear from {seen} at the code, nothing is missing."
    return text[:_LONGEST_TEXT]


def agent_output(
    data: Mapping[str, Any],
    text: str,
    tools: Sequence[Mapping[str, Any]],
    findings: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return the output of an agent node.

    `review` is None unless the node's role is `review`.
    """
    review = {"summary": text, "findings": [dict(finding) for finding in findings]}
    output: dict[str, Any] = {
        "role": _role(data),
        "harness": str(data.get("harness") or "mogplex"),
        "text": text,
        "review": review if _role(data) == _REVIEW else None,
        "tool_calls": [{key: tool[key] for key in _OF_A_TOOL if key in tool} for tool in tools],
    }
    if data.get("autoMerge"):
        output["auto_merge_requested"] = True
    return output


def cli_output(
    data: Mapping[str, Any], tools: Sequence[Mapping[str, Any]], pull_request_url: str | None
) -> dict[str, Any]:
    """Return the output of a node that ran a coding CLI."""
    text = f"Opened {pull_request_url}." if pull_request_url else "No change was needed."
    output = agent_output(data, text, tools, ()) | {"review": None}
    return output | ({"pull_request_url": pull_request_url} if pull_request_url else {})


class Outputs:
    """The outputs of the nodes of one planned job.

    Call `of` for the nodes in the order in which they end.
    """

    def __init__(self, plan: JobPlan) -> None:
        self._plan = plan
        self._data: dict[str, dict[str, Any]] = {
            node["id"]: node["data"] for node in plan.flow.graph["nodes"]
        }
        self._state = State(plan.metadata, plan.repo.full_name, plan.repo.branch)
        self._findings = plan.findings

    def of(self, node: NodePlan) -> dict[str, Any]:
        """Return the output of a node that ends successfully."""
        data = self._data[node.node_id]
        if node.agent is not None:
            return self._agent(node.agent.call_plan, data)
        if node.wait is not None:
            return {"kind": node.wait.kind, "payload": decision_output("approve")}
        if node.node_type == "start":
            return {"event": self._plan.flow.event}
        if node.node_type == "condition":
            return {"matched": evaluate_condition(self._state, data)}
        if node.node_type == "set_variable":
            made = assign(self._state, data)
            self._state.variables |= made
            return {"variables": made}
        return {}

    def _agent(self, call_plan: CallPlan, data: Mapping[str, Any]) -> dict[str, Any]:
        plan = self._plan
        if call_plan.kind is CallKind.HARNESS:
            return cli_output(data, call_plan.tool_calls, call_plan.metadata.get("pull_request_url"))
        # The first reviewer finds everything.
        found, self._findings = self._findings, ()
        text = report(data, plan.metadata, plan.repo.full_name, len(call_plan.tool_calls), len(found))
        self._state.outputs.append(text)
        return agent_output(data, text, call_plan.tool_calls, found)
