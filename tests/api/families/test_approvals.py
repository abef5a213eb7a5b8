"""Approvals of workflows and of the orchestrator over HTTP.

routing.md §3.15, §3.16.
"""

from __future__ import annotations

import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api.models.approvals import ControlApproval, Decision, FlowApproval
from mogplex_tui.api.models.base import parse_rows
from tests.api.families.minimal_plane import NOBODY, Call, MinimalPlane, assert_not_sent
from tests.api.support import http, serving
from tests.controlplane.automation.automation_rows import control_approval, insert_wait

TOOL = {
    "kind": "tool_approval",
    "toolName": "createIssue",
    "toolInput": '{"title":"Flaky"}',
    "nodeLabel": "Sweep",
    "agentName": None,
    "repoFullName": "acme/shop",
}


async def test_questions_of_workflows_are_listed_and_answered_once(minimal_plane: MinimalPlane) -> None:
    approvals = minimal_plane.client.approvals
    job = minimal_plane.world.job(minimal_plane.world.flow(), minimal_plane.world.repo(), start=True)
    manual = insert_wait(
        minimal_plane.world, job, wait_config={"kind": "manual_approval", "prompt": "Ship it?"}
    )
    minimal_plane.clock.advance(1)
    tool = insert_wait(minimal_plane.world, job, wait_kind="tool_approval", wait_config=TOOL)
    found = await approvals.flow_approvals()
    assert (found.has_more, found.approvals.bad) == (False, [])
    assert [(row.id, row.kind, row.question) for row in found.approvals] == [
        (manual, "manual_approval", "Ship it?"),
        (tool, "tool_approval", "createIssue"),
    ]
    second = found.approvals[1]
    assert (second.tool_input, second.repo, second.requester) == ('{"title":"Flaky"}', "acme/shop", "Sweep")
    assert not second.is_input_cut
    long = {"toolInput": "x" * 4_000 + "…"}
    assert second.model_copy(update={"wait_config": long}).is_input_cut
    await approvals.answer_flow(tool, Decision.DENY, "not now")
    await approvals.answer_flow(manual, "approve")
    assert minimal_plane.world.row("flow_waits", tool)["status"] == "resumed"
    assert "not now" in minimal_plane.world.row("flow_waits", tool)["resume_payload"]
    assert (await approvals.flow_approvals()).approvals == []
    with pytest.raises(e.Conflict):
        await approvals.answer_flow(tool, Decision.APPROVE)
    with pytest.raises(e.NotFound, match="Approval not found"):
        await approvals.answer_flow(NOBODY, Decision.APPROVE)


async def test_approval_list_reports_more_than_one_page(minimal_plane: MinimalPlane) -> None:
    job = minimal_plane.world.job(minimal_plane.world.flow(), minimal_plane.world.repo(), start=True)
    for _ in range(51):
        insert_wait(minimal_plane.world, job)
    found = await minimal_plane.client.approvals.flow_approvals()
    assert (len(found.approvals), found.has_more) == (50, True)


async def test_orchestrator_question_can_be_answered_once(
    minimal_plane: MinimalPlane,
) -> None:
    approvals, run = minimal_plane.client.approvals, minimal_plane.world.run(minimal_plane.world.repo())
    older = control_approval(minimal_plane.world)
    newer = control_approval(
        minimal_plane.world, run_id=run, urgency="high", created_at=minimal_plane.clock.us + 1
    )
    rows = await approvals.control_approvals()
    assert [(row.id, row.urgency, row.tool_input) for row in rows] == [
        (newer, "high", {"repo": "acme/shop"}),
        (older, "normal", {"repo": "acme/shop"}),
    ]
    assert [row.id for row in await approvals.control_approvals(run)] == [newer]
    await approvals.answer_control(newer, Decision.APPROVE)
    assert minimal_plane.world.row("control_approvals", newer)["status"] == "approved"
    await approvals.answer_control(older, Decision.DENY, "No")
    assert minimal_plane.world.row("control_approvals", older)["resolution_note"] == "No"
    assert await approvals.control_approvals() == []
    for gone in (newer, NOBODY):
        with pytest.raises(e.Conflict, match="no longer pending"):
            await approvals.answer_control(gone, Decision.DENY)


async def test_undelivered_approval_is_a_temporary_error() -> None:
    refusal = http(502, {"error": "Failed to deliver the decision; try again"})
    async with serving(refusal) as service, service.client() as client:
        with pytest.raises(e.Unavailable, match="deliver the decision"):
            await client.approvals.answer_flow(NOBODY, Decision.APPROVE)


def test_malformed_approvals_are_read_or_marked_bad() -> None:
    rows = parse_rows(
        FlowApproval,
        [
            {"id": "a", "wait_config": None},
            {"id": "b", "wait_config": {"kind": 7, "prompt": ["x"], "toolInput": {}}},
            {"id": "c", "wait_config": "odd"},
        ],
    )
    assert [(row.kind, row.question, row.tool_input, row.requester) for row in rows] == [
        ("", "", None, None)
    ] * 2
    assert len(rows.bad) == 1
    control = parse_rows(
        ControlApproval, [{"id": "c", "tool_input": "text", "urgency": "now", "summary": None}]
    )
    assert (control[0].tool_input, control[0].urgency, control[0].summary) == ("text", "now", "")


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda c: c.approvals.answer_flow(NOBODY, "approved"), 'decision must be "approve" or "deny"'),
        (lambda c: c.approvals.answer_control(NOBODY, "denied"), 'decision must be "approve" or "deny"'),
        (lambda c: c.approvals.answer_flow(NOBODY, Decision.DENY, "x" * 2001), "at most 2000 characters"),
        (lambda c: c.approvals.answer_flow("w1", Decision.DENY), "not the id of a"),
        (lambda c: c.approvals.answer_control("c1", Decision.DENY), "not the id of a"),
        (lambda c: c.approvals.control_approvals("x1"), "not the id of a run"),
    ],
)
async def test_invalid_input_for_approvals_is_not_sent(call: Call, says: str) -> None:
    await assert_not_sent(call, says)
