"""Every success answer of every served route, against the schemas of the real service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from mogplex_tui.controlplane.automation.jobs import job_writes, node_writes
from mogplex_tui.controlplane.calls import call_writes
from mogplex_tui.controlplane.calls.pricing import Tokens
from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.db.clock import HOUR_US
from mogplex_tui.controlplane.sandboxes import sandbox_writes
from mogplex_tui.controlplane.server import PlaneServer
from tests.contract.checker import Checker
from tests.contract.route_requests import change_everything, read_everything, read_runs
from tests.contract.schemas import SHAPES, faults, shapes_of, strict_schema, validator
from tests.controlplane.support import ManualClock, World


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
        sandbox_writes.lifecycle_event(
            tx, box, "auto_pause_decision", clock.us, decision_code="would_auto_pause"
        )


def _furnish_job(world: World, clock: ManualClock, job: str, repo: str) -> None:
    """A finished job with a call, events, nodes, a wait and a finding."""
    call = world.call(job_run_id=job, repo_id=repo, model="acme/nova-1", type="pr_review")
    world.event(call, "log", message="Installed codex", payload={"stage": "install"})
    about: dict[str, Any] = {"user_id": world.user, "job_run_id": job, "created_at": clock.us - HOUR_US}
    with world.plane.db.transaction() as tx:
        node = node_writes.insert_node_run(
            tx, node_id="agent-1", node_type="agent", status="running", started_at=clock.us - 5_000, **about
        )
        node_writes.finish_node_run(tx, node, "success", clock.us, output={"ok": True})
        node_writes.insert_node_run(tx, node_id="end", node_type="end", status="pending", **about)
        wait = node_writes.insert_wait(
            tx, node_id="ask", wait_kind="manual_approval", wait_config={"kind": "manual_approval"}, **about
        )
        node_writes.end_wait(tx, wait, "resumed", clock.us, {"approved": True})
        node_writes.insert_finding(
            tx, ordinal=0, severity="warning", title="T", body="B", fingerprint="f", **about
        )
        call_writes.finish_call(tx, call, "success", clock.us, tokens=Tokens(10, 5))
        job_writes.finish(
            tx, job, "success", clock.us, reason="PR_REVIEW_POSTED", input_tokens=10, output_tokens=5
        )


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
