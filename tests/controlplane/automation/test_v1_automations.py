"""Automations changed through v1: create, edit, publish, trigger (v1.md §5.3)."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.controlplane.api_paths import V1
from tests.controlplane.automation.automation_rows import INSTALLATION, chain, installation, node
from tests.controlplane.row_factory import RowFactory

PATH = f"{V1}/automations"


@pytest.fixture
async def made(client: httpx.AsyncClient, factory: RowFactory) -> dict[str, Any]:
    """Create a published automation of an account with one agent and one model."""
    installation(factory)
    factory.model("acme/nova-1")
    factory.agent("Reviewer")
    answer = await client.post(PATH, json={"installationId": INSTALLATION, "publish": True})
    assert answer.status_code == 201
    found: dict[str, Any] = answer.json()["data"]["automation"]
    return found


def error_of(answer: httpx.Response) -> tuple[int, str, str]:
    """Return the status, code and message of a refusal."""
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


async def test_a_default_draft_is_created_and_published(made: dict[str, Any]) -> None:
    assert (made["name"], made["status"], made["publishedVersion"]["versionNumber"]) == (
        "Untitled flow",
        "active",
        1,
    )
    assert made["draftGraph"] == made["publishedVersion"]["graph"]
    assert [entry["id"] for entry in made["draftGraph"]["edges"]] == ["start-agent-1", "agent-1-end"]
    agent = made["draftGraph"]["nodes"][1]["data"]
    assert (agent["label"], agent["harness"], agent["modelOverride"]) == (
        "Reviewer",
        "mogplex",
        "acme/nova-1",
    )


async def test_invalid_creation_is_refused(client: httpx.AsyncClient, factory: RowFactory) -> None:
    installation(factory)
    installation(factory, 99, factory.profile("eve"))
    for content in ("{", "null"):
        answer = await client.post(PATH, content=content)
        assert error_of(answer) == (400, "BAD_REQUEST", "Invalid JSON body")
    for value in (None, 0, "88", 2**53, 1.5, True):
        answer = await client.post(PATH, json={"installationId": value})
        assert error_of(answer) == (400, "BAD_REQUEST", "installationId must be a positive integer")
    answer = await client.post(PATH, json={"installationId": 99})
    assert error_of(answer) == (404, "NOT_FOUND", "Installation not found")
    assert factory.plane.db.value("SELECT COUNT(*) FROM flows") == 0


@pytest.mark.parametrize(
    ("graph", "place"),
    [
        (None, ""),
        ([], ""),
        ({"edges": []}, " at graph.nodes"),
        ({"nodes": [], "edges": [], "stray": 1}, ""),
        ({"nodes": [node("a", "action")], "edges": []}, " at graph.nodes.0.type"),
        ({"nodes": [node(" ", "agent")], "edges": []}, " at graph.nodes.0.id"),
        (
            {"nodes": [node("a", "agent") | {"position": {"x": 1}}], "edges": []},
            " at graph.nodes.0.position.y",
        ),
        (
            {"nodes": [node("a", "agent") | {"position": {"x": 1, "y": 2, "z": 3}}], "edges": []},
            " at graph.nodes.0.position",
        ),
        ({"nodes": [node("a", "agent") | {"data": None}], "edges": []}, " at graph.nodes.0.data"),
        ({"nodes": [], "edges": [{"id": "e", "source": "a"}]}, " at graph.edges.0.target"),
        ({"nodes": [], "edges": [], "viewport": {"x": 0, "y": 0, "zoom": 0}}, " at graph.viewport.zoom"),
    ],
)
async def test_graphs_that_are_not_taken(
    client: httpx.AsyncClient, made: dict[str, Any], graph: Any, place: str
) -> None:
    body = {"installationId": INSTALLATION, "graph": graph}
    for method, path in (("POST", PATH), ("PUT", f"{PATH}/{made['id']}")):
        answer = await client.request(method, path, json=body)
        assert error_of(answer) == (400, "BAD_REQUEST", f"graph must be a valid Flow graph{place}")


async def test_a_draft_stays_when_a_later_step_fails(
    client: httpx.AsyncClient, factory: RowFactory, made: dict[str, Any]
) -> None:
    graph = chain(node("a", "agent", agentId="nobody"))
    for entry in graph["edges"]:
        entry["id"] = f"{entry['source']}-{entry['target']}"
    answer = await client.post(PATH, json={"installationId": 88, "name": " Nightly ", "graph": graph})
    text = "One or more agents are not available to this user."
    assert error_of(answer) == (400, "BAD_REQUEST", text)
    left = factory.plane.db.only("SELECT * FROM flows WHERE name = 'Nightly'")
    assert left["status"] == "inactive"


async def test_automation_change(
    client: httpx.AsyncClient, factory: RowFactory, made: dict[str, Any]
) -> None:
    installation(factory, 99)
    one = f"{PATH}/{made['id']}"
    graph = chain(node(" a ", "agent"))
    for entry in graph["edges"]:
        entry["id"] = f"{entry['source']}-{entry['target']}"
    body = {"name": "", "description": 5, "notes": "N", "installationId": 99, "graph": graph, "publish": True}
    changed = (await client.put(one, json=body)).json()["data"]["automation"]
    assert (changed["name"], changed["description"], changed["notes"]) == ("Untitled flow", None, "N")
    assert changed["installationId"] == 99
    assert [entry["id"] for entry in changed["draftGraph"]["nodes"]] == ["start", "a", "end"]
    assert changed["publishedVersion"] == made["publishedVersion"]
    refused = await client.post(f"{one}/publish")
    text = 'Agent node "Agent" must be assigned to an agent.'
    assert error_of(refused) == (400, "BAD_REQUEST", text)


async def test_model_is_set_on_single_node(
    client: httpx.AsyncClient, factory: RowFactory, made: dict[str, Any]
) -> None:
    factory.model("acme/nova-2")
    one = f"{PATH}/{made['id']}/model"
    body = {"nodeId": "agent-1", "modelId": "acme/nova-2"}
    draft = (await client.put(one, json=body)).json()["data"]["automation"]
    assert draft["draftGraph"]["nodes"][1]["data"]["modelOverride"] == "acme/nova-2"
    assert draft["publishedVersion"]["versionNumber"] == 1
    published = (await client.put(one, json=body | {"publish": True})).json()["data"]["automation"]
    assert published["publishedVersion"]["versionNumber"] == 2
    refused = await client.put(one, json={"nodeId": "agent-1", "modelId": None, "publish": True})
    assert error_of(refused)[2] == 'Agent node "Reviewer" must have a model selected.'


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, (400, "BAD_REQUEST", "nodeId is required")),
        ({"nodeId": 1, "modelId": None}, (400, "BAD_REQUEST", "nodeId is required")),
        ({"nodeId": "agent-1"}, (400, "BAD_REQUEST", "modelId must be a model id or null")),
        ({"nodeId": "agent-1", "modelId": 5}, (400, "BAD_REQUEST", "modelId must be a model id or null")),
        (
            {"nodeId": "agent-1", "modelId": "acme/none"},
            (400, "BAD_REQUEST", "Model is not enabled and available for this user"),
        ),
        ({"nodeId": " agent-1", "modelId": None}, (404, "NOT_FOUND", "Automation node not found")),
        (
            {"nodeId": "end", "modelId": None},
            (400, "BAD_REQUEST", "Only agent nodes can have a model override"),
        ),
    ],
)
async def test_models_that_cannot_be_set(
    client: httpx.AsyncClient, made: dict[str, Any], body: dict[str, Any], error: tuple[int, str, str]
) -> None:
    assert error_of(await client.put(f"{PATH}/{made['id']}/model", json=body)) == error


async def test_a_trigger_queues_and_starts_a_run(
    client: httpx.AsyncClient, factory: RowFactory, made: dict[str, Any]
) -> None:
    repo = factory.repo("acme/shop", is_hidden=1)
    path, headers = f"{PATH}/{made['id']}/trigger", {"Idempotency-Key": "nightly-1"}
    body = {"repoId": repo, "input": {"reason": "release", "source": "me", "repo_id": "x"}}
    answer = await client.post(path, json=body, headers=headers)
    assert answer.status_code == 202
    run = answer.json()["data"]["run"]
    job = factory.row("job_runs", run["jobRunId"])
    assert run == {
        "automationId": made["id"],
        "jobRunId": job["id"],
        "outcome": "queued",
        "reason": None,
        "started": True,
        "status": "running",
        "runtime": {"provider": "trigger", "runId": job["runtime_run_id"]},
    }
    about = json.loads(job["metadata"])
    assert (about["reason"], about["source"], about["dispatch_source"]) == ("release", "mcp", "mcp")
    assert (about["repo_id"], about["default_branch"], about["source_type"]) == (repo, "main", "mention")
    again = (await client.post(path, json=body, headers=headers)).json()["data"]["run"]
    assert again == {
        "automationId": made["id"],
        "jobRunId": job["id"],
        "outcome": "suppressed",
        "reason": "IDEMPOTENT_DUPLICATE",
        "started": False,
        "status": "suppressed",
        "runtime": None,
    }
    found = (await client.get(f"{PATH}/{made['id']}/runs")).json()["data"]["runs"]
    assert len(found) == 1
    assert found[0]["latest_dispatch_event"]["reason"] == "IDEMPOTENT_DUPLICATE"


async def test_full_repo_suppresses_and_full_installation_defers_job(
    client: httpx.AsyncClient, factory: RowFactory, made: dict[str, Any]
) -> None:
    busy, idle = factory.repo("acme/busy"), factory.repo("acme/idle")
    path = f"{PATH}/{made['id']}/trigger"
    for number in range(8):
        factory.job(made["id"], busy, start=True, number=number)
    deferred = await client.post(path, json={"repoId": idle}, headers={"Idempotency-Key": "a"})
    run = deferred.json()["data"]["run"]
    assert (run["outcome"], run["started"], run["status"]) == ("queued", False, "pending")
    assert run["reason"] == "INSTALLATION_CONCURRENCY_LIMIT"
    assert run["runtime"] == {"provider": None, "runId": None}
    for _ in range(17):
        factory.job(made["id"], busy)
    full = await client.post(path, json={"repoId": busy}, headers={"Idempotency-Key": "b"})
    run = full.json()["data"]["run"]
    assert (run["outcome"], run["reason"], run["jobRunId"]) == ("suppressed", "REPO_PENDING_LIMIT", None)


async def test_invalid_trigger_is_refused(
    client: httpx.AsyncClient, factory: RowFactory, made: dict[str, Any]
) -> None:
    path, headers = f"{PATH}/{made['id']}/trigger", {"Idempotency-Key": "k"}
    repo = factory.repo()
    missing = await client.post(path, json={"repoId": repo})
    assert error_of(missing) == (400, "BAD_REQUEST", "Idempotency-Key is required")
    long = await client.post(path, json={"repoId": repo}, headers={"Idempotency-Key": "k" * 201})
    text = "Idempotency-Key exceeds maximum length of 200 characters"
    assert error_of(long) == (400, "BAD_REQUEST", text)
    for content in ("{", "{}", '{"repoId":5}'):
        answer = await client.post(path, content=content, headers=headers)
        assert error_of(answer) == (400, "BAD_REQUEST", "repoId is required")
    wrong: tuple[Any, ...] = (None, [], "x")
    for value in wrong:
        answer = await client.post(path, json={"repoId": repo, "input": value}, headers=headers)
        assert error_of(answer) == (400, "BAD_REQUEST", "input must be an object")
    foreign = factory.repo(user_id=factory.profile("eve"))
    answer = await client.post(path, json={"repoId": foreign}, headers=headers)
    assert error_of(answer) == (404, "NOT_FOUND", "Repository not found")
    outside = factory.repo("acme/out", github_installation_id=99)
    answer = await client.post(path, json={"repoId": outside}, headers=headers)
    text = "Repository is outside this automation's GitHub installation"
    assert error_of(answer) == (400, "BAD_REQUEST", text)
    await client.put(f"/api/flows/{made['id']}", json={"status": "inactive"})
    answer = await client.post(path, json={"repoId": repo}, headers=headers)
    assert error_of(answer) == (409, "CONFLICT", "Activate the automation before triggering it")
    draft = (await client.post(PATH, json={"installationId": 88})).json()["data"]["automation"]["id"]
    answer = await client.post(f"{PATH}/{draft}/trigger", json={"repoId": repo}, headers=headers)
    assert error_of(answer) == (409, "CONFLICT", "Publish the automation before triggering it")


async def test_foreign_automations_and_read_only_tokens(
    client: httpx.AsyncClient, factory: RowFactory, made: dict[str, Any]
) -> None:
    foreign = factory.flow(user_id=factory.profile("eve"))
    repo, headers = factory.repo(), {"Idempotency-Key": "k"}
    reader = {"Authorization": f"Bearer {factory.token(scopes=('read',))}"}
    body = {"repoId": repo, "nodeId": "agent-1", "modelId": None}
    for method, end in (("PUT", ""), ("POST", "/publish"), ("PUT", "/model"), ("POST", "/trigger")):
        answer = await client.request(method, f"{PATH}/{foreign}{end}", json=body, headers=headers)
        assert error_of(answer) == (404, "NOT_FOUND", "Automation not found")
        denied = await client.request(
            method, f"{PATH}/{made['id']}{end}", json=body, headers=headers | reader
        )
        assert error_of(denied)[:2] == (403, "FORBIDDEN")
