"""Runs of a flow, their nodes and waits, and trigger tests.

See routing.md §3.11 to §3.14.
"""

from __future__ import annotations

import json

import httpx
import pytest

from mogplex_tui.controlplane.automation.jobs import node_writes
from tests.controlplane.automation.automation_rows import INSTALLATION, insert_wait, job_of, trigger
from tests.controlplane.row_factory import RowFactory


async def test_run_list_has_raw_rows_with_nodes_and_waits(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    repo = factory.repo()
    flow = factory.flow(factory.agent())
    job = factory.job(flow, repo, start=True)
    insert_wait(factory, job)
    with factory.plane.db.transaction() as tx:
        tx.update("job_runs", job, error="ECONNREFUSED 127.0.0.1")
        node_writes.insert_node_run(
            tx,
            user_id=factory.user,
            job_run_id=job,
            node_id="start",
            node_type="start",
            status="running",
            created_at=factory.clock.us,
        )
    factory.clock.advance(1)
    newer = factory.job(flow, repo)
    found = (await client.get(f"/api/flows/{flow}/runs")).json()["runs"]
    assert [run["id"] for run in found] == [newer, job]
    run = found[1]
    assert (run["active_wait_count"], run["error"]) == (1, "ECONNREFUSED 127.0.0.1")
    assert run["agent"] == {"id": None, "name": None, "slug": None}
    assert run["cost_usd"] is run["latest_ai_call"] is None
    assert [entry["node_id"] for entry in run["node_runs"]] == ["start"]
    assert run["latest_dispatch_event"]["outcome"] == "started"
    assert "waits" not in run


@pytest.mark.parametrize(("limit", "count"), [("", 12), ("1", 1), ("0", 1), ("5abc", 5), ("99", 13)])
async def test_run_list_limits(
    client: httpx.AsyncClient, factory: RowFactory, limit: str, count: int
) -> None:
    flow = factory.flow()
    for _ in range(13):
        factory.job(flow)
    answer = await client.get(f"/api/flows/{flow}/runs", params={"limit": limit})
    assert len(answer.json()["runs"]) == count
    crash = await client.get(f"/api/flows/{flow}/runs", params={"limit": "many"})
    assert (crash.status_code, crash.content) == (500, b"")


async def test_run_detail_has_all_parts(client: httpx.AsyncClient, factory: RowFactory) -> None:
    flow = factory.flow()
    job = factory.job(flow, factory.repo(), start=True)
    call = factory.call(job_run_id=job)
    event = factory.event(call, "log", message="Installed codex")
    wait = insert_wait(factory, job)
    run = (await client.get(f"/api/flows/{flow}/runs/{job}")).json()["run"]
    assert [entry["outcome"] for entry in run["dispatch_events"]] == ["queued", "started"]
    assert [entry["id"] for entry in run["ai_calls"]] == [call] == [run["latest_ai_call"]["id"]]
    assert [entry["id"] for entry in run["ai_calls"][0]["events"]] == [event]
    assert [entry["id"] for entry in run["waits"]] == [wait]
    assert run["review_findings"] == []


async def test_foreign_runs_are_not_found(client: httpx.AsyncClient, factory: RowFactory) -> None:
    mine, foreign = factory.flow(), factory.flow(user_id=factory.profile("eve"))
    job = factory.job(foreign)
    missing = await client.get(f"/api/flows/{mine}/runs/{job}")
    assert missing.status_code == 404
    assert missing.json() == {"error": "Run not found", "code": "FLOW_RUN_NOT_FOUND"}
    for path in (f"/api/flows/{foreign}/runs", f"/api/flows/{foreign}/runs/{job}"):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "FLOW_NOT_FOUND")


async def test_trigger_jobs_belong_to_owner(client: httpx.AsyncClient, factory: RowFactory) -> None:
    agent = factory.agent("Sweeper")
    row = trigger(factory, agent, event="mention")
    foreign = trigger(factory, agent, user_id=factory.profile("eve"))
    job = job_of(factory, "trigger_id", row, metadata='{"source_type":"pr_opened"}')
    other = job_of(factory, "trigger_id", foreign)
    found = (await client.get("/api/observability/jobs", params={"agent_id": agent})).json()
    assert [entry["id"] for entry in found["jobs"]] == [job]
    listed = found["jobs"][0]
    assert (listed["source_kind"], listed["source_type"]) == ("trigger", "mention")
    assert listed["agent"] == {"id": agent, "name": "Sweeper", "slug": "sweeper"}
    assert (await client.get(f"/api/observability/jobs/{job}")).json()["run"]["trigger_id"] == row
    assert (await client.get(f"/api/observability/jobs/{other}")).status_code == 404
    for query, total in (("source_kind=trigger", 1), ("source_type=mention", 1), ("source_kind=flow", 0)):
        assert (await client.get(f"/api/observability/jobs?{query}")).json()["total"] == total
    assert (await client.get("/api/observability/stats")).json()["summary"]["job_runs_total"] == 1


async def active_flow(factory: RowFactory, repos: list[str]) -> str:
    """Insert an active flow that starts on a push to these repositories."""
    flow = factory.flow(factory.agent("Pusher"))
    start = {"id": "start", "type": "start", "data": {"event": "push", "filter": {"repos": repos}}}
    with factory.plane.db.transaction() as tx:
        graph = json.dumps({"nodes": [start], "edges": []})
        tx.execute("UPDATE flow_versions SET graph = ? WHERE flow_id = ?", (graph, flow))
    return flow


async def test_a_trigger_is_tested(client: httpx.AsyncClient, factory: RowFactory) -> None:
    repo = factory.repo("acme/shop", github_installation_id=INSTALLATION)
    flow = await active_flow(factory, ["acme/shop"])
    path = f"/api/flows/{flow}/test-trigger"
    answer = await client.post(path, json={"payload": {"ref": "refs/heads/main"}})
    assert answer.status_code == 202
    result = answer.json()
    assert result == {
        "matched": True,
        "outcome": "queued",
        "jobRunId": result["jobRunId"],
        "started": True,
        "reason": None,
    }
    job = factory.row("job_runs", result["jobRunId"])
    about = json.loads(job["metadata"])
    assert (about["repo_id"], about["trigger_payload"]) == (repo, {"ref": "refs/heads/main"})
    assert (job["last_start_source"], job["status"]) == ("api", "running")
    again = await client.post(path, content="no json")
    assert again.status_code == 200
    assert (again.json()["reason"], again.json()["jobRunId"]) == ("ACTIVE_DUPLICATE", None)


async def test_test_run_needs_repository_and_active_flow(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    lost = await active_flow(factory, [])
    answer = await client.post(f"/api/flows/{lost}/test-trigger")
    assert (answer.status_code, answer.json()["reason"]) == (200, "REPO_NOT_FOUND")
    foreign = factory.flow(user_id=factory.profile("eve"))
    for flow in (factory.flow(published=False), foreign, "unknown"):
        answer = await client.post(f"/api/flows/{flow}/test-trigger")
        assert answer.status_code == 400
        assert answer.json() == {"error": "Publish and activate this workflow before testing it."}
