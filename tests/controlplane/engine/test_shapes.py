"""Answers about engine rows have the observed shapes.

See routing.md §3.14 and observability.md §7.
"""

from __future__ import annotations

from typing import Any

from tests.contract.checker import Checker
from tests.controlplane.engine.engine_driver import EngineDriver


async def test_executed_flow_has_contract_shapes(engine: EngineDriver) -> None:
    engine.factory.repo()
    wait: dict[str, Any] = {
        "config": {"kind": "manual_approval", "prompt": "Go?"},
        "timeout": {"value": 1, "unit": "hours"},
    }
    rules = [{"field": "metadata.pr_number", "operator": "exists"}]
    flow_id = engine.flow(
        [("review", "agent", {}), ("ask", "condition", {"rules": rules}), ("wait", "await_event", wait)],
        [
            ("start", "review"),
            ("review", "ask"),
            ("ask", "wait", "true"),
            ("ask", "end", "false"),
            ("wait", "end"),
        ],
    )
    await engine.send("pull_request", text="quick findings")
    job_id = engine.job()
    engine.go_until("SELECT 1 FROM flow_waits WHERE status = 'waiting'")
    check = Checker(engine.client)
    run = (await check("GET_api.flows.-.runs.-_200", "GET", f"/api/flows/{flow_id}/runs/{job_id}"))["run"]
    assert run["active_wait_count"] == 1 and run["status"] == "running"
    assert [node["status"] for node in run["node_runs"]] == ["success", "success", "success", "running"]
    assert [wait["status"] for wait in run["waits"]] == ["waiting"]
    listed = await check("GET_api.flows.approvals_200", "GET", "/api/flows/approvals")
    await engine.client.post(
        f"/api/flows/approvals/{listed['approvals'][0]['id']}", json={"decision": "approve"}
    )
    engine.finish(job_id)
    done = (await check("GET_api.observability.jobs.-_200", "GET", f"/api/observability/jobs/{job_id}"))[
        "run"
    ]
    assert done["status"] == "success" and done["review_findings"] and done["ai_calls"][0]["events"] == []
    jobs = await check("GET_api.observability.jobs_200", "GET", "/api/observability/jobs")
    assert jobs["jobs"][0]["latest_dispatch_event"]["reason"] == "PR_REVIEW_POSTED"
