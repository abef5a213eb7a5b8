"""Every success answer of every served route, against the schemas of the real service."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from mogplex_tui.controlplane.clock import HOUR_US
from mogplex_tui.controlplane.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from mogplex_tui.controlplane.writes import calls, jobs, nodes, sandboxes
from mogplex_tui.controlplane.writes.pricing import Tokens
from tests.contract.checker import Checker
from tests.contract.schemas import SHAPES, faults, shapes_of, strict_schema, validator
from tests.controlplane.support import V1, ManualClock, World

O11Y = "/api/observability"


@pytest.fixture
async def standing() -> AsyncIterator[tuple[Checker, World]]:
    """A plane with one of everything, made by hand."""
    clock = ManualClock()
    async with PlaneServer(Settings(speed=0, seeded=False, rate_limit=None), clock=clock) as server:
        headers = {"Authorization": f"Bearer {server.token}"}
        async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as client:
            world = World(server.plane, clock)
            furnish(world, clock)
            yield Checker(client), world


def furnish(world: World, clock: ManualClock) -> None:
    """One of everything, each in the states that change its shape."""
    world.model("acme/nova-1", pricing_input=2e-6, pricing_output=1e-5, context_length=200_000)
    world.model("acme/bare")
    repo = world.repo(root_directory="apps/web")
    world.repo("acme/uncovered", github_installation_id=None, default_branch=None)
    box = world.sandbox(
        repo, install_log="added 1 package", dev_log=None, preview_url="https://x.example.dev"
    )
    world.sandbox(repo, status="creating", sandbox_id="pending", working_branch="feat/x")
    agent = world.agent()
    flow = world.flow(agent)
    world.flow(published=False)
    finished = world.job(flow, repo, start=True)
    world.job(flow, repo)
    _furnish_job(world, clock, finished, repo)
    call = world.call(repo_id=repo, metadata={"sandbox_record_id": box})
    world.run(repo, call, sandbox_record_id=box)
    world.start_streaming(call, source="cli")
    world.event(call, "tool_started", message="Tool started: bash", tool_name="bash", payload={"input": "ls"})
    world.call(status="failed", error="boom", completed_at=clock.us, duration_ms=1)
    world.call(
        model="acme/nova-1",
        type="chat",
        status="success",
        tokens=Tokens(10, 5, 3, 2, 1),
        gateway_generation_id="gen_1",
        gateway_generation_ids=["gen_1"],
        conversation_id="talk",
        tool_calls=[
            {
                "name": "bash",
                "input": {"c": "ls"},
                "input_preview": "ls",
                "output_preview": "ok",
                "duration_ms": 4,
            }
        ],
        metadata={"sandbox_record_id": "gone"},
    )
    with world.plane.db.transaction() as tx:
        sandboxes.lifecycle_event(tx, box, "auto_pause_decision", clock.us, decision_code="would_auto_pause")


def _furnish_job(world: World, clock: ManualClock, job: str, repo: str) -> None:
    """A finished job with a call, events, nodes, a wait and a finding."""
    call = world.call(job_run_id=job, repo_id=repo, model="acme/nova-1", type="pr_review")
    world.event(call, "log", message="Installed codex", payload={"stage": "install"})
    about: dict[str, Any] = {"user_id": world.user, "job_run_id": job, "created_at": clock.us - HOUR_US}
    with world.plane.db.transaction() as tx:
        node = nodes.insert_node_run(
            tx, node_id="agent-1", node_type="agent", status="running", started_at=clock.us - 5_000, **about
        )
        nodes.finish_node_run(tx, node, "success", clock.us, output={"ok": True})
        nodes.insert_node_run(tx, node_id="end", node_type="end", status="pending", **about)
        wait = nodes.insert_wait(
            tx, node_id="ask", wait_kind="manual_approval", wait_config={"kind": "manual_approval"}, **about
        )
        nodes.end_wait(tx, wait, "resumed", clock.us, {"approved": True})
        nodes.insert_finding(tx, ordinal=0, severity="warning", title="T", body="B", fingerprint="f", **about)
        calls.finish_call(tx, call, "success", clock.us, tokens=Tokens(10, 5))
        jobs.finish(tx, job, "success", clock.us, reason="PR_REVIEW_POSTED", input_tokens=10, output_tokens=5)


def some(rows: list[dict[str, Any]], *keys: str) -> list[dict[str, Any]]:
    """Two rows of each combination of these keys: enough to meet every shape, and not every row."""
    kinds: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        kinds[tuple(str(row.get(key)) for key in keys)].append(row)
    return [row for kind in kinds.values() for row in kind[:2]]


async def read_everything(check: Checker) -> None:
    """Every reading route, and rows of every kind that its lists name."""
    await check("GET_api.auth.user_200", "GET", "/api/auth/user")
    await check("GET_api.settings_200", "GET", "/api/settings")
    await check("GET_api.models_200", "GET", "/api/models")
    await check("GET_api.models~cli_200", "GET", "/api/models?format=cli")
    for family in ("repos", "agents", "models"):
        await check(f"GET_api.v1.mogplex.{family}_200", "GET", f"{V1}/{family}")
    boxes = await check("GET_api.v1.mogplex.sandboxes_200", "GET", f"{V1}/sandboxes")
    for box in some(boxes["data"]["sandboxes"], "status"):
        await check("GET_api.v1.mogplex.sandboxes.-.logs_200", "GET", f"{V1}/sandboxes/{box['id']}/logs")
    flows = await check("GET_api.v1.mogplex.automations_200", "GET", f"{V1}/automations?limit=1")
    flows = await check("GET_api.v1.mogplex.automations_200", "GET", f"{V1}/automations")
    for flow in flows["data"]["automations"]:
        path = f"{V1}/automations/{flow['id']}"
        await check("GET_api.v1.mogplex.automations.-_200", "GET", path)
        runs = await check("GET_api.v1.mogplex.automations.-.runs_200", "GET", f"{path}/runs?limit=50")
        for run in some(runs["data"]["runs"], "status"):
            name = "GET_api.v1.mogplex.automations.-.runs.-_200"
            await check(name, "GET", f"{path}/runs/{run['id']}")
    await check("GET_api.observability.stats_200", "GET", f"{O11Y}/stats")
    await check("GET_api.observability.tool-calls_200", "GET", f"{O11Y}/tool-calls")
    for page in (1, 2, 3):
        found = await check("GET_api.observability.calls_200", "GET", f"{O11Y}/calls?limit=100&page={page}")
        for call in some(found["calls"], "type", "status", "cost_source"):
            path = f"{O11Y}/call-events?ai_call_id={call['id']}"
            await check("GET_api.observability.call-events_200", "GET", path)
    found = await check("GET_api.observability.jobs_200", "GET", f"{O11Y}/jobs?limit=100")
    for job in some(found["jobs"], "status", "source_type"):
        await check("GET_api.observability.jobs.-_200", "GET", f"{O11Y}/jobs/{job['id']}")


async def read_runs(check: Checker, plane: Any) -> None:
    """Runs of every kind that the account has; no route lists them."""
    rows = plane.db.all(
        "SELECT id, harness, status, create_branch, error IS NULL AS well FROM external_agent_runs WHERE user_id = ?",
        (plane.user_id,),
    )
    for row in some([dict(row) for row in rows], "harness", "status", "create_branch", "well"):
        path = f"{V1}/runs/{row['id']}"
        await check("GET_api.v1.mogplex.runs.-_200", "GET", path)
        await check("GET_api.v1.mogplex.runs.-.events_200", "GET", f"{path}/events?limit=200")


async def change_everything(check: Checker, world: World) -> None:
    """Every changing route."""
    await check("PATCH_api.settings_200", "PATCH", "/api/settings", json={"theme": "light"})
    model = world.plane.db.value("SELECT id FROM models ORDER BY id LIMIT 1")
    choice = {"model_id": model, "is_enabled": True}
    await check("PATCH_api.models_200", "PATCH", "/api/models", json=choice)
    repo = world.plane.db.value(
        "SELECT id FROM repos WHERE user_id = ? AND is_hidden = 0 ORDER BY full_name LIMIT 1", (world.user,)
    )
    body = {"repoId": repo, "prompt": "Fix the flaky test", "createBranch": True}
    headers = {"Idempotency-Key": "shapes"}
    started = await check("POST_api.v1.mogplex.runs_202", "POST", f"{V1}/runs", json=body, headers=headers)
    await check("POST_api.v1.mogplex.runs_202", "POST", f"{V1}/runs", json=body, headers=headers)
    for _ in range(2):
        await check("POST_api.v1.mogplex.runs.-.cancel_200", "POST", started["data"]["cancelUrl"])
    call = world.call()
    await check("POST_api.observability.calls.-.cancel_200", "POST", f"{O11Y}/calls/{call}/cancel")
    job = world.plane.db.value(
        "SELECT j.id FROM job_runs j JOIN flows f ON f.id = j.flow_id"
        " WHERE f.user_id = ? AND j.status IN ('pending', 'running') LIMIT 1",
        (world.user,),
    )
    await check("POST_api.observability.jobs.-.cancel_200", "POST", f"{O11Y}/jobs/{job}/cancel")


async def test_answers_have_the_observed_shapes(standing: tuple[Checker, World]) -> None:
    check, world = standing
    await read_everything(check)
    await read_runs(check, world.plane)
    await change_everything(check, world)
    await read_everything(check)
    # Every schema that was copied in is met: a route that goes missing is a fault of this test.
    assert check.met == shapes_of("")


async def test_the_seeded_account_has_the_observed_shapes() -> None:
    clock = ManualClock()
    async with PlaneServer(Settings(speed=0, rate_limit=None), clock=clock) as server:
        headers = {"Authorization": f"Bearer {server.token}"}
        async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as client:
            check = Checker(client)
            await read_everything(check)
            await read_runs(check, server.plane)


@pytest.mark.parametrize("name", sorted(path.stem for path in SHAPES.rglob("*.json")))
def test_the_strict_schemas_are_schemas(name: str) -> None:
    Draft202012Validator.check_schema(validator(name).schema)


def _objects(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "properties" in schema:
        yield schema
    for inner in [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]:
        yield from _objects(inner)
    if "items" in schema:
        yield from _objects(schema["items"])


def test_strictness_bites() -> None:
    schema = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
    assert [found["additionalProperties"] for found in _objects(strict_schema(schema))] == [False]
    good = {"ok": True}
    assert faults("PATCH_api.settings_200", good) == []
    assert faults("PATCH_api.settings_200", {**good, "surprise": 1})
    assert faults("PATCH_api.settings_200", {})
    assert faults("PATCH_api.settings_200", {"ok": "yes"})
