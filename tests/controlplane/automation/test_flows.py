"""Flows: create, edit, pause, publish, copy, delete, secrets (routing.md §3)."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.automation.jobs import job_writes
from tests.controlplane.automation.automation_rows import (
    INSTALLATION,
    chain,
    installation,
    ledger_row,
    node,
    stored_graph,
)
from tests.controlplane.row_factory import RowFactory

PATH = "/api/flows"


@pytest.fixture
async def flow(client: httpx.AsyncClient, factory: RowFactory) -> dict[str, Any]:
    """Create a blank flow of an account with one agent."""
    installation(factory)
    factory.model("acme/nova-1")
    factory.agent("Reviewer")
    answer = await client.post(PATH, json={"installation_id": INSTALLATION})
    assert answer.status_code == 201
    made: dict[str, Any] = answer.json()
    return made


async def test_blank_flow_is_publishable(client: httpx.AsyncClient, flow: dict[str, Any]) -> None:
    assert (flow["name"], flow["status"], flow["source_kind"]) == ("Untitled flow", "inactive", "github")
    assert flow["published_version"] is flow["published_version_id"] is flow["trigger_schedule_id"] is None
    assert flow["webhook_configured"] is False
    graph = flow["draft_graph"]
    assert [entry["id"] for entry in graph["nodes"]] == ["start", "agent-1", "end"]
    assert [entry["id"] for entry in graph["edges"]] == ["start-agent-1", "agent-1-end"]
    start, agent = graph["nodes"][0]["data"], graph["nodes"][1]["data"]
    assert start == {
        "label": "@mogplex",
        "event": "mention",
        "isDefault": True,
        "filter": {"scope": "all", "installationIds": [INSTALLATION]},
    }
    assert (agent["label"], agent["role"], agent["modelOverride"]) == ("Reviewer", "triage", "acme/nova-1")
    published = (await client.post(f"{PATH}/{flow['id']}/publish")).json()
    assert (published["status"], published["published_version"]["version_number"]) == ("active", 1)
    assert published["published_version"]["flow_id"] == flow["id"]
    again = (await client.post(f"{PATH}/{flow['id']}/publish")).json()
    assert again["published_version"]["version_number"] == 2


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({}, 400, {"error": "installation_id is required"}),
        ({"installation_id": "-3"}, 400, {"error": "installation_id is required"}),
        ({"installation_id": 88, "template_id": "nightly"}, 400, {"error": "Unknown workflow template"}),
        (
            {"installation_id": 88, "template_id": "blank", "personal_template_id": "x"},
            400,
            {"error": "Choose one workflow template"},
        ),
        (
            {"installation_id": 88, "team_template_id": "x"},
            400,
            {"error": "Team workflow template requires an active team"},
        ),
        (
            {"installation_id": 4711},
            404,
            {"error": "Installation not found", "code": "FLOW_INSTALLATION_NOT_FOUND"},
        ),
        (
            {"installation_id": 88, "repo_full_name": "acme/none"},
            404,
            {
                "error": "Repository not found for this GitHub account",
                "code": "FLOW_INSTALLATION_NOT_FOUND",
            },
        ),
        (
            {"installation_id": 88, "personal_template_id": "x"},
            404,
            {"error": "Workflow template not found", "code": "FLOW_NOT_FOUND"},
        ),
    ],
)
async def test_invalid_creation_is_refused(
    client: httpx.AsyncClient, factory: RowFactory, body: dict[str, Any], status: int, error: dict[str, Any]
) -> None:
    installation(factory)
    answer = await client.post(PATH, json=body)
    assert (answer.status_code, answer.json()) == (status, error)


async def test_a_starter_is_filled_and_pinned_to_its_repository(
    client: httpx.AsyncClient, factory: RowFactory, flow: dict[str, Any]
) -> None:
    factory.repo("Acme/Shop")
    body = {"installation_id": "88", "template_id": "pr-review", "name": "  ", "repo_full_name": "acme/shop"}
    made = (await client.post(PATH, json=body)).json()
    assert made["name"] == "PR review"
    start, agent = (entry["data"] for entry in made["draft_graph"]["nodes"][:2])
    assert (start["event"], start["filter"]["repos"], agent["role"]) == ("pr_opened", ["Acme/Shop"], "review")


async def test_a_name_of_several_repositories_is_a_storage_failure(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    installation(factory)
    for root in ("apps/admin", "apps/worker"):
        factory.repo("acme/platform", root_directory=root)
    answer = await client.post(PATH, json={"installation_id": 88, "repo_full_name": "acme/platform"})
    assert (answer.status_code, answer.json()["code"]) == (500, "FLOW_STORAGE_FAILED")


async def test_flow_list_has_summaries(
    client: httpx.AsyncClient, factory: RowFactory, flow: dict[str, Any]
) -> None:
    older = factory.flow(factory.agent("Other"), created_at=factory.clock.us - 10)
    job = factory.job(older, start=True)
    ledger_row(factory, "suppressed", flow_id=older, reason="ACTIVE_DUPLICATE")
    found = (await client.get(PATH)).json()
    assert [entry["id"] for entry in found] == [flow["id"], older]
    summary = found[1]
    assert (summary["last_job_run_id"], summary["running_count"], summary["suppressed_24h"]) == (job, 1, 1)
    assert "running_count" not in (await client.get(f"{PATH}/{older}")).json()


async def test_another_accounts_flow_is_not_found(client: httpx.AsyncClient, factory: RowFactory) -> None:
    foreign = factory.flow(user_id=factory.profile("eve"))
    missing = "00000000-0000-4000-8000-000000000000"
    assert (await client.get(PATH)).json() == []
    for flow_id in (foreign, missing):
        one = f"{PATH}/{flow_id}"
        answer = await client.get(one)
        assert (answer.status_code, answer.json()) == (404, {"error": "Flow not found"})
        assert (await client.post(f"{one}/webhook-secret")).json() == {"error": "Flow not found"}
        for method, path in (("PUT", one), ("DELETE", one), ("POST", f"{one}/publish")):
            answer = await client.request(method, path, json={})
            assert answer.status_code == 404
            assert answer.json() == {"error": "Flow not found", "code": "FLOW_NOT_FOUND"}
        assert (await client.post(f"{one}/duplicate")).status_code == 404


async def test_edit_normalises_fields(
    client: httpx.AsyncClient, factory: RowFactory, flow: dict[str, Any]
) -> None:
    factory.clock.advance(5)
    installation(factory, 99)
    body = {"name": " Nightly ", "description": "Sweeps", "notes": 5, "installation_id": "99"}
    changed = (await client.put(f"{PATH}/{flow['id']}", json=body)).json()
    assert (changed["name"], changed["description"], changed["notes"]) == ("Nightly", "Sweeps", None)
    assert changed["installation_id"] == 99
    assert changed["updated_at"] > flow["updated_at"]
    factory.clock.advance(5)
    untouched = (await client.put(f"{PATH}/{flow['id']}", json={"name": " "})).json()
    assert untouched["name"] == "Nightly"
    assert untouched["updated_at"] > changed["updated_at"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"installation_id": "soon"}, 400, "FLOW_INVALID_INSTALLATION_ID"),
        ({"installation_id": 4711}, 404, "FLOW_INSTALLATION_NOT_FOUND"),
        ({"draft_graph": chain(node("a", "agent", agentId="nobody"))}, 400, "FLOW_AGENT_FORBIDDEN"),
        ({"draft_graph": chain(node("a", "agent", agentId="preset:NONE"))}, 400, "FLOW_AGENT_FORBIDDEN"),
        ({"status": "active"}, 400, "FLOW_UNPUBLISHED_ACTIVATION"),
    ],
)
async def test_refused_edits(
    client: httpx.AsyncClient, flow: dict[str, Any], body: dict[str, Any], status: int, code: str
) -> None:
    answer = await client.put(f"{PATH}/{flow['id']}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_draft_is_coerced_and_presets_become_own_agents(
    client: httpx.AsyncClient, factory: RowFactory, flow: dict[str, Any]
) -> None:
    graph = chain(
        node("a", "agent", agentId="preset:PR-REVIEWER", harness="vim", maxStepsOverride="9", stray=1),
        node("odd", "from_the_future"),
        start={"event": "push", "scheduleCron": "* * * * *", "filter": {"scope": "everything"}},
    )
    saved = (await client.put(f"{PATH}/{flow['id']}", json={"draft_graph": graph})).json()["draft_graph"]
    assert [entry["id"] for entry in saved["nodes"]] == ["start", "a", "end"]
    assert saved["nodes"][0]["data"] == {"label": "Start", "event": "push", "isDefault": False}
    agent = saved["nodes"][1]["data"]
    assert factory.row("agents", agent["agentId"])["source_template"] == "PR-REVIEWER"
    assert (agent["harness"], agent["role"], agent["maxStepsOverride"]) == ("mogplex", "review", None)
    assert "stray" not in agent
    assert saved["viewport"] == {"x": 0, "y": 0, "zoom": 1}
    assert saved == stored_graph(factory.plane, flow["id"])


async def test_draft_edit_keeps_published_version(client: httpx.AsyncClient, flow: dict[str, Any]) -> None:
    one = f"{PATH}/{flow['id']}"
    before = (await client.post(f"{one}/publish")).json()
    edited = (await client.put(one, json={"draft_graph": chain(node("b", "agent"))})).json()
    assert edited["published_version"] == before["published_version"]
    refused = await client.post(f"{one}/publish")
    faults = [
        'Agent node "Agent" must be assigned to an agent.',
        'Agent node "Agent" must have a model selected.',
    ]
    assert refused.status_code == 400
    assert refused.json() == {"error": faults[0], "code": "FLOW_GRAPH_INVALID", "details": faults}


async def test_a_flow_is_paused_and_resumed(client: httpx.AsyncClient, flow: dict[str, Any]) -> None:
    one = f"{PATH}/{flow['id']}"
    await client.post(f"{one}/publish")
    paused = (await client.put(one, json={"status": "inactive", "name": "ignored"})).json()
    assert (paused["status"], paused["name"]) == ("inactive", "Untitled flow")
    assert (await client.put(one, json={"status": "active"})).json()["status"] == "active"
    wrong = await client.put(one, json={"status": "on"})
    assert (wrong.status_code, wrong.json()) == (400, {"error": "Invalid status"})


async def test_publish_registers_schedule_and_replacement_removes_it(
    client: httpx.AsyncClient, factory: RowFactory, flow: dict[str, Any]
) -> None:
    one = f"{PATH}/{flow['id']}"
    agent = flow["draft_graph"]["nodes"][1]["data"]
    clocked = {
        "event": "schedule",
        "scheduleCron": "30 2 * * *",
        "scheduleTimezone": "Europe/Helsinki",
        "filter": {"repos": ["acme/shop"]},
    }
    await client.put(one, json={"draft_graph": chain(node("a", "agent", **agent), start=clocked)})
    published = (await client.post(f"{one}/publish")).json()
    assert published["source_kind"] == "schedule"
    assert published["trigger_schedule_id"].startswith("sched_")
    await client.put(one, json={"draft_graph": chain(node("a", "agent", **agent))})
    changed = (await client.post(f"{one}/publish")).json()
    assert (changed["source_kind"], changed["trigger_schedule_id"]) == ("github", None)


async def test_webhook_flow_without_secret_cannot_be_published(
    client: httpx.AsyncClient, factory: RowFactory, flow: dict[str, Any]
) -> None:
    one = f"{PATH}/{flow['id']}"
    agent = flow["draft_graph"]["nodes"][1]["data"]
    hook = {"event": "webhook", "filter": {"repos": ["acme/shop"]}}
    await client.put(one, json={"draft_graph": chain(node("a", "agent", **agent), start=hook)})
    refused = await client.post(f"{one}/publish")
    assert refused.json() == {
        "error": "Generate a webhook signing secret before publishing this flow.",
        "code": "FLOW_GRAPH_INVALID",
    }
    first = (await client.post(f"{one}/webhook-secret")).json()["secret"]
    second = (await client.post(f"{one}/webhook-secret")).json()["secret"]
    assert re.fullmatch(r"whsec_[A-Za-z0-9_-]{43}", first)
    assert first != second == factory.row("flows", flow["id"])["webhook_secret"]
    published = (await client.post(f"{one}/publish")).json()
    assert (published["source_kind"], published["webhook_configured"]) == ("webhook", True)
    assert "webhook_secret" not in published


async def test_publish_moves_flow_to_only_installation(
    client: httpx.AsyncClient, factory: RowFactory, flow: dict[str, Any]
) -> None:
    one = f"{PATH}/{flow['id']}"
    installation(factory, 99)
    agent = flow["draft_graph"]["nodes"][1]["data"]
    for number, status in ((99, 200), (4711, 404)):
        start = {"event": "push", "filter": {"installationIds": [number]}}
        await client.put(one, json={"draft_graph": chain(node("a", "agent", **agent), start=start)})
        assert (await client.post(f"{one}/publish")).status_code == status
    assert (await client.get(one)).json()["installation_id"] == 99


async def test_a_copy_is_inactive_and_unpublished(client: httpx.AsyncClient, flow: dict[str, Any]) -> None:
    await client.post(f"{PATH}/{flow['id']}/publish")
    answer = await client.post(f"{PATH}/{flow['id']}/duplicate")
    assert answer.status_code == 201
    copy = answer.json()
    assert (copy["name"], copy["status"], copy["published_version"]) == (
        "Untitled flow Copy",
        "inactive",
        None,
    )
    assert copy["draft_graph"] == flow["draft_graph"]


async def test_runs_outlive_a_deleted_flow(client: httpx.AsyncClient, factory: RowFactory) -> None:
    flow = factory.flow(factory.agent())
    job = factory.job(flow)
    heard = factory.plane.hub.subscribe(factory.user, ("job_runs", "automation_dispatch_events", "flows"))
    assert (await client.delete(f"{PATH}/{flow}")).json() == {"ok": True}
    assert [(frame.table, frame.op) for frame in heard.drain()] == [
        ("job_runs", "UPDATE"),
        ("automation_dispatch_events", "UPDATE"),
    ]
    assert factory.row("job_runs", job)["flow_id"] is None
    assert (
        factory.plane.db.value("SELECT COUNT(*) FROM automation_dispatch_events WHERE flow_id IS NULL") == 1
    )
    assert (await client.get("/api/observability/jobs")).json()["total"] == 0


async def test_active_flow_without_version_is_repaired(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    pointed, bare = factory.flow(published=False), factory.flow(published=False)
    with factory.plane.db.transaction() as tx:
        tx.execute("DELETE FROM flow_versions WHERE flow_id = ?", (bare,))
    assert (await client.get(f"{PATH}/{pointed}")).json()["published_version"]["version_number"] == 1
    assert (await client.get(f"{PATH}/{bare}")).json()["status"] == "inactive"


@pytest.mark.parametrize("content", ["", "{", "null"])
async def test_unreadable_body_is_refused_and_null_is_500(
    client: httpx.AsyncClient, flow: dict[str, Any], content: str
) -> None:
    wanted = (500, "") if content == "null" else (400, '{"error":"Invalid JSON body"}')
    for method, path in (("POST", PATH), ("PUT", f"{PATH}/{flow['id']}")):
        answer = await client.request(method, path, content=content)
        assert (answer.status_code, answer.text) == wanted


async def test_job_of_deleted_flow_ends(client: httpx.AsyncClient, factory: RowFactory) -> None:
    flow = factory.flow(factory.agent())
    job = factory.job(flow, start=True)
    rows = factory.plane.db.value("SELECT COUNT(*) FROM automation_dispatch_events")
    await client.delete(f"{PATH}/{flow}")
    with factory.plane.db.transaction() as tx:
        assert job_writes.finish(
            tx, job, "failed", factory.clock.us, reason="AUTOMATION_FAILED", error="gone"
        )
    assert factory.row("job_runs", job)["status"] == "failed"
    # Nobody owns the job any more, so nobody is told.
    assert factory.plane.db.value("SELECT COUNT(*) FROM automation_dispatch_events") == rows
