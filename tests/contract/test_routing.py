"""Automations, approvals and dispatch events against the real service's schemas."""

from __future__ import annotations

import httpx

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from tests.contract.checker import Checker
from tests.contract.route_requests import change_routing, read_routing
from tests.contract.sample_rows import insert_sample_rows
from tests.contract.schemas import shapes_of
from tests.controlplane.automation.automation_rows import (
    assignment,
    control_approval,
    insert_wait,
    installation,
    ledger_row,
    trigger,
)
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.row_factory import RowFactory


def insert_automation_rows(factory: RowFactory) -> None:
    """Insert rows of automations in the states that change their shape."""
    repo = factory.plane.db.value("SELECT id FROM repos LIMIT 1")
    agent = factory.plane.db.value("SELECT id FROM agents LIMIT 1")
    flow = factory.plane.db.only(
        "SELECT id, published_version_id FROM flows WHERE published_version_id IS NOT NULL"
    )
    assignment(factory, repo, agent)
    trigger(factory, agent)
    job = factory.job(flow["id"], repo, start=True)
    tool = {"kind": "tool_approval", "toolName": "createIssue", "toolInput": "{}", "toolCallId": "t"}
    insert_wait(
        factory, job, wait_kind="tool_approval", wait_config=tool, expires_at=factory.clock.us + 10**9
    )
    control_approval(factory, tool_input='{"branch":"main"}')
    for about in ("{}", '{"model_failure_class":"timeout","model_effective_timeout_ms":1}'):
        ledger_row(
            factory,
            "failed",
            event_kind="control",
            flow_id=flow["id"],
            flow_version_id=flow["published_version_id"],
            job_run_id=job,
            repo_id=repo,
            installation_id=88,
            reason="AUTOMATION_FAILED",
            metadata=about,
        )


async def test_responses_match_contract_schemas() -> None:
    clock = ManualClock()
    async with PlaneServer(Settings(speed=0, seeded=False, rate_limit=None), clock=clock) as server:
        headers = {"Authorization": f"Bearer {server.token}"}
        async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as client:
            check, factory = Checker(client), RowFactory(server.plane, clock)
            await read_routing(check)
            installation(factory)
            insert_sample_rows(factory, clock)
            insert_automation_rows(factory)
            await change_routing(check, factory)
            found = await read_routing(check)
    assert len(found["flows/templates"]["templates"]) == len(found["triggers"]) == 1
    # Every schema that was copied in is met: a route that goes missing is a fault of this test.
    assert check.met == shapes_of("routing")


async def test_seeded_account_matches_contract_schemas() -> None:
    async with PlaneServer(Settings(speed=0, rate_limit=None), clock=ManualClock()) as server:
        headers = {"Authorization": f"Bearer {server.token}"}
        async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as client:
            found = await read_routing(Checker(client))
            jobs = (await client.get("/api/observability/jobs?source_kind=trigger")).json()
    assert {row["enabled"] for row in found["assignments"]} == {True, False}
    assert {row["enabled"] for row in found["triggers"]} == {True, False}
    kinds = {row["wait_config"]["kind"] for row in found["flows/approvals"]["approvals"]}
    assert kinds == {"tool_approval", "manual_approval"}
    assert len(found["control/approvals"]["approvals"]) >= 3
    assert len(found["flows/templates"]["templates"]) >= 3
    assert any(flow["webhook_configured"] and flow["status"] == "active" for flow in found["flows"])
    assert {flow["source_kind"] for flow in found["flows"]} >= {"github", "schedule", "webhook", "slack"}
    assert jobs["total"] >= 5
    assert sum(row["last_job_run_id"] is not None for row in found["assignments"]) >= 5
