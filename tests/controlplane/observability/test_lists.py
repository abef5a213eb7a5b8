"""Sort orders, filters, pages and limits of lists.

See observability.md §2 and §7, v1.md §0.1 to §5.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.automation.jobs import job_writes
from mogplex_tui.controlplane.calls.pricing import Tokens
from mogplex_tui.controlplane.db.clock import HOUR_US, MINUTE_US
from tests.controlplane.api_paths import V1
from tests.controlplane.manual_clock import NOON
from tests.controlplane.row_factory import RowFactory

CALLS = "/api/observability/calls"


async def ids(client: httpx.AsyncClient, query: str) -> list[str]:
    body = (await client.get(CALLS + query)).json()
    assert body["total"] >= len(body["calls"])
    return [call["id"] for call in body["calls"]]


async def test_calls_are_newest_first_with_postgres_null_order(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    old = factory.call(started_at=NOON - 3, duration_ms=5, status="success")
    live = factory.call(started_at=NOON - 2)
    new = factory.call(started_at=NOON - 1, duration_ms=9, status="failed", type="chat", model="a/a")
    assert await ids(client, "") == [new, live, old]
    assert await ids(client, "?order=asc") == [old, live, new]
    assert await ids(client, "?sort=duration_ms") == [live, new, old]
    assert await ids(client, "?sort=duration_ms&order=asc") == [old, new, live]
    assert await ids(client, "?sort=model&order=asc") == [new, old, live]
    assert (await ids(client, "?sort=type"))[0] == new
    assert await ids(client, "?sort=nonsense&order=DESC") == [new, live, old]


async def test_pages_of_calls(client: httpx.AsyncClient, factory: RowFactory) -> None:
    made = [factory.call(started_at=NOON - index) for index in range(7)]
    for page in ("1", "01", "1abc", "", "x", "0", "-3"):
        body = (await client.get(f"{CALLS}?limit=3&page={page}")).json()
        assert (body["total"], body["page"], body["limit"]) == (7, 1, 3)
        assert [call["id"] for call in body["calls"]] == made[:3]
    body = (await client.get(f"{CALLS}?limit=3&page=3")).json()
    assert (body["page"], [call["id"] for call in body["calls"]]) == (3, made[6:])
    body = (await client.get(f"{CALLS}?page=9")).json()
    assert (body["total"], body["calls"]) == (7, [])
    for limit, echoed in (("0", 1), ("1000", 100), ("abc", 50), ("2.7", 2)):
        assert (await client.get(f"{CALLS}?limit={limit}")).json()["limit"] == echoed


async def test_surfaces(client: httpx.AsyncClient, factory: RowFactory) -> None:
    job = factory.job(factory.flow())
    live = factory.call()
    cli_live = factory.call(metadata={"source": "cli"}, status="streaming")
    cli = factory.call(status="success", runtime_command_id="cmd")
    cli_failed = factory.call(status="failed", metadata={"source": "cli"})
    cloud = factory.call(status="success", metadata={"source": "external-api"})
    auto = factory.call(status="pending", job_run_id=job, metadata={"source": "cli"})
    found = {
        surface: set(await ids(client, f"?surface={surface}"))
        for surface in ("live", "cli", "cloud", "automation", "moon")
    }
    assert found["live"] == {live, cli_live, auto}
    assert found["cli"] == {cli_live, cli, cli_failed}
    assert found["cloud"] == {cloud}
    assert found["automation"] == {auto}
    assert len(found["moon"]) == 6


async def test_filters_of_calls(client: httpx.AsyncClient, factory: RowFactory) -> None:
    repo = factory.repo("acme/web_shop")
    box = factory.sandbox(repo)
    wanted = factory.call(
        type="pr_review",
        status="success",
        model="acme/nova-1",
        repo_id=repo,
        conversation_id="Talk-1",
        started_at=NOON - HOUR_US,
        metadata={
            "sandbox_record_id": box,
            "agent_id": "g1",
            "slack_attribution_mode": "unmapped",
            "pr_number": 412,
        },
    )
    factory.call(model="zeta/zeta", repo_id=factory.repo("acme/webXshop"))
    for query in (
        "?status=success",
        "?type=pr_review",
        "?model=acme/nova-1",
        f"?repo_id={repo}",
        "?conversation_id=Talk-1",
        f"?sandbox_record_id={box}",
        "?agent_id=g1",
        "?slack_attribution_mode=unmapped",
        "?to=2026-08-05T09:00:00Z",
        "?from=2026-08-05T09:00:00Z&to=2026-08-05T09:30:00Z",
        "?q=NOVA",
        "?q=talk",
        "?q=412",
        "?q=web_shop",
        "?q=%25%25nova%25",
    ):
        assert await ids(client, query) == [wanted], query
    assert await ids(client, "?repo_id=junk") == []
    for query in ("?status=nonsense", "?type=nonsense", "?q=x", "?q=%25", "?from=&to="):
        assert len(await ids(client, query)) == 2, query
    broken = await client.get(f"{CALLS}?from=yesterday")
    assert (broken.status_code, broken.json()) == (500, {"error": "Failed to fetch calls"})
    context = (await client.get(f"{CALLS}?agent_id=g1")).json()["calls"][0]["sandbox_context"]
    assert (context["sandbox_record_id"], context["sandbox_id"]) == (box, "mogplex-vm-1")
    bill = (await client.get("/api/sandbox")).json()["sandboxes"][0]["billing_summary"]
    told = tuple(
        context[name] for name in ("compute_billing_source", "billing_project_id", "billing_team_id")
    )
    assert told == (bill["source"], bill["project_id"], bill["team_id"])


async def test_live_only_omits_stale_calls(client: httpx.AsyncClient, factory: RowFactory) -> None:
    fresh = factory.call(started_at=NOON - 6 * HOUR_US + 1)
    factory.call(started_at=NOON - 6 * HOUR_US)
    chat = factory.call(type="chat", started_at=NOON - 5 * MINUTE_US + 1)
    factory.call(type="chat", started_at=NOON - 5 * MINUTE_US)
    prepared = factory.call(started_at=NOON - 2 * MINUTE_US + 1, metadata={"prepared": True})
    factory.call(started_at=NOON - 2 * MINUTE_US, metadata={"prepared": True})
    factory.call(type="mention")
    factory.call(status="success")
    body = (await client.get(f"{CALLS}?live_only=true")).json()
    assert [call["id"] for call in body["calls"]] == [prepared, chat, fresh]
    assert body["total"] == 3


async def test_sandbox_context_needs_named_record(client: httpx.AsyncClient, factory: RowFactory) -> None:
    factory.call(metadata={"sandbox_record_id": "00000000-0000-4000-8000-000000000000"}, started_at=NOON)
    factory.call(started_at=NOON - 1)
    gone, without = (await client.get(CALLS)).json()["calls"]
    assert gone["sandbox_context"] is None
    assert "sandbox_context" not in without


async def test_tool_calls_are_flattened(client: httpx.AsyncClient, factory: RowFactory) -> None:
    entries: list[dict[str, Any]] = [
        {"name": "editFile", "input": {"path": "a"}, "input_preview": "{}", "output_preview": "ok"},
        {"name": "bash", "input_preview": "ls", "output": "1 failed", "output_preview": "1 failed"},
        {"name": "none"},
    ]
    call = factory.call(status="success", tool_calls=entries)
    factory.call(started_at=NOON + 1)
    found = (await client.get("/api/observability/tool-calls")).json()
    assert [entry["id"] for entry in found] == [f"{call}-0", f"{call}-1", f"{call}-2"]
    assert (found[0]["input"], found[0]["output"]) == ({"path": "a"}, "ok")
    assert found[1]["input"] == "ls"
    assert "incident MOG-TOOL-" in found[1]["output"]
    assert found[2]["input"] is found[2]["output"] is found[2]["input_preview"] is None


async def test_call_events_have_no_horizon(client: httpx.AsyncClient, factory: RowFactory) -> None:
    call = factory.call()
    made = [factory.event(call, payload={"n": index}) for index in range(250)]
    body = (await client.get(f"/api/observability/call-events?ai_call_id={call}")).json()
    assert [event["id"] for event in body["events"]] == made
    for query, status, text in (
        ("", 400, "Missing ai_call_id"),
        ("?ai_call_id=%20", 400, "Missing ai_call_id"),
        ("?ai_call_id=junk", 404, "Call not found"),
    ):
        answer = await client.get("/api/observability/call-events" + query)
        assert (answer.status_code, answer.json()) == (status, {"error": text})


async def test_jobs_are_filtered_sorted_and_paged(client: httpx.AsyncClient, factory: RowFactory) -> None:
    agent = factory.agent()
    flow = factory.flow(agent)
    repo = factory.repo()

    def job(age: int, status: str, source_type: str | None = "push", **columns: Any) -> str:
        version = factory.plane.db.value("SELECT id FROM flow_versions WHERE flow_id = ?", (flow,))
        metadata = {"repo_id": repo} | ({"source_type": source_type} if source_type else {})
        with factory.plane.db.transaction() as tx:
            return job_writes.insert_job(
                tx,
                flow_id=flow,
                flow_version_id=version,
                created_at=NOON - age,
                status=status,
                metadata=metadata,
                **columns,
            )

    failed = job(3, "failed", duration_ms=9)
    retry = job(2, "pending", retry_of_job_run_id=failed)
    named = job(1, "success", None, duration_ms=20, completed_at=NOON)
    factory.job(factory.flow(), start=True)

    async def found(query: str) -> list[str]:
        body = (await client.get("/api/observability/jobs" + query)).json()
        return [entry["id"] for entry in body["jobs"]]

    assert (await found(f"?repo_id={repo}")) == [named, retry, failed]
    assert (await found(f"?repo_id={repo}&order=asc")) == [failed, retry, named]
    assert (await found("?repo_id=junk")) == []
    assert (await found("?status=failed")) == [failed]
    assert (await found("?status=nonsense")) == []
    assert (await found("?source_kind=manual_retry")) == [retry]
    assert (await found("?only_retried=true")) == [retry]
    assert (await found("?source_type=pr_opened"))[-1] == named
    assert (await found(f"?agent_id={agent}")) == [named, retry, failed]
    assert (await found("?agent_id=junk")) == []
    assert (await found(f"?repo_id={repo}&sort=duration_ms")) == [named, failed, retry]
    assert (await found("?sort=completed_at"))[0] == named
    assert (await found("?to=2026-08-05T09:59:59.999998Z")) == [retry, failed]
    body = (await client.get(f"/api/observability/jobs?repo_id={repo}&limit=2&page=2")).json()
    assert (body["total"], body["page"], body["limit"], len(body["jobs"])) == (3, 2, 2, 1)
    broken = await client.get("/api/observability/jobs?from=yesterday")
    assert (broken.status_code, broken.content) == (500, b"")
    factory.clock.advance(120)
    assert (await found("?only_repairable=true")) == [retry]
    record = (await client.get(f"/api/observability/jobs/{named}")).json()["run"]
    assert (record["source_kind"], record["source_type"]) == ("flow", "pr_opened")
    assert record["repo"] == {"id": repo, "full_name": "acme/api"}
    assert record["agent"] == {"id": agent, "name": "Reviewer", "slug": "reviewer"}


async def test_repos(client: httpx.AsyncClient, factory: RowFactory) -> None:
    web, api = factory.repo("acme/web"), factory.repo("acme/api", github_installation_id=None)
    factory.repo("acme/hidden", is_hidden=1)

    async def found(query: str) -> list[str]:
        return [row["id"] for row in (await client.get(f"{V1}/repos{query}")).json()["data"]["repos"]]

    assert await found("") == [api, web]
    assert await found("?q=%20WEB%20") == [web]
    assert await found("?q=a_me") == [api, web]
    assert await found(f"?id={api}&q=web") == [api]
    assert await found("?id=junk") == []
    assert await found("?limit=1") == [api]


async def test_sandboxes_last_active_first(client: httpx.AsyncClient, factory: RowFactory) -> None:
    web, api = factory.repo("acme/web"), factory.repo()
    first = factory.sandbox(web, last_active_at=NOON - 1, status="stopped")
    second = factory.sandbox(api, last_active_at=NOON)

    async def found(query: str) -> list[str]:
        rows = (await client.get(f"{V1}/sandboxes{query}")).json()["data"]["sandboxes"]
        return [row["id"] for row in rows]

    assert await found("") == await found("?repo_id=%20") == [second, first]
    assert await found(f"?repo_id={web}") == [first]
    assert await found("?status=stopped") == [first]
    assert await found("?status=nonsense") == []
    assert (await client.get(f"{V1}/sandboxes?repo_id=junk")).status_code == 404


async def test_automations_by_cursor(client: httpx.AsyncClient, factory: RowFactory) -> None:
    made = [factory.flow(created_at=NOON - index // 2) for index in range(5)]
    expected = sorted(made, key=lambda flow: (factory.row("flows", flow)["created_at"], flow), reverse=True)
    seen: list[str] = []
    cursor = ""
    for _ in range(3):
        page = (await client.get(f"{V1}/automations?limit=2&cursor={cursor}")).json()["data"]
        seen += [entry["id"] for entry in page["automations"]]
        cursor = page["nextCursor"]
    assert seen == expected
    assert cursor is None


def _cursor(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "junk",
        "ä",
        _cursor([]),
        _cursor({"createdAt": "2026-08-05", "id": "00000000-0000-4000-8000-000000000000"}),
        _cursor({"createdAt": "2026-08-05T10:00:00Z", "id": "1"}),
        _cursor({"createdAt": 1, "id": 2}),
    ],
)
async def test_bad_cursors(client: httpx.AsyncClient, cursor: str) -> None:
    answer = await client.get(f"{V1}/automations", params={"cursor": cursor})
    assert answer.status_code == 400
    assert answer.json()["error"] == {"code": "BAD_REQUEST", "message": "Invalid cursor"}


async def test_graph_response_is_normalised(client: httpx.AsyncClient, factory: RowFactory) -> None:
    flow = factory.flow(published=False)
    automation = (await client.get(f"{V1}/automations/{flow}")).json()["data"]["automation"]
    graph = automation["draftGraph"]
    assert [node["id"] for node in graph["nodes"]] == ["start", "agent-1", "end"]
    assert graph["edges"] == [
        {"id": "e1", "source": "start", "target": "agent-1", "sourceHandle": None, "targetHandle": None}
    ]
    assert graph["viewport"] == {"x": 0, "y": 0, "zoom": 1}
    assert automation["publishedVersion"] is None
    assert automation["runSummary"]["lastRunId"] is None


async def test_automation_runs(client: httpx.AsyncClient, factory: RowFactory) -> None:
    factory.model("acme/nova-1", pricing_input=0.001)
    flow, other = factory.flow(factory.agent()), factory.flow()
    job = factory.job(flow, factory.repo(), start=True)
    foreign = factory.job(other)
    call = factory.call(job_run_id=job, model="acme/nova-1", tokens=Tokens(input=5))
    event = factory.event(call, "failed", message="raw text", payload={"error": "ECONNREFUSED"})
    runs = (await client.get(f"{V1}/automations/{flow}/runs")).json()["data"]["runs"]
    assert [run["id"] for run in runs] == [job]
    # Cost, agent and call are never selected in this list.
    assert runs[0]["cost_usd"] is runs[0]["latest_ai_call"] is runs[0]["agent"]["id"] is None
    assert runs[0]["latest_dispatch_event"]["outcome"] == "started"
    run = (await client.get(f"{V1}/automations/{flow}/runs/{job}")).json()["data"]["run"]
    assert run["latest_ai_call"]["id"] == call
    assert run["ai_calls"][0]["cost_usd"] == 0.005
    # Nothing is sanitised on this road.
    assert run["ai_calls"][0]["events"][0]["id"] == event
    assert run["ai_calls"][0]["events"][0]["payload"] == {"error": "ECONNREFUSED"}
    missing = await client.get(f"{V1}/automations/{flow}/runs/{foreign}")
    assert missing.json()["error"]["message"] == "Run not found"
    for path in ("", "/runs", f"/runs/{job}"):
        answer = await client.get(f"{V1}/automations/junk{path}")
        assert answer.json()["error"]["message"] == "Automation not found"
