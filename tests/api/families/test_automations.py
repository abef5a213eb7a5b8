"""Create, change, publish and trigger automations over the token API.

v1.md §5.3.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api.models.automation_requests import (
    AutomationChange,
    AutomationDraft,
    AutomationTrigger,
    TriggeredRun,
)
from mogplex_tui.api.models.automations import Automation
from mogplex_tui.api.models.base import parse_rows
from tests.api.families.minimal_plane import NOBODY, Call, MinimalPlane, assert_not_sent, run_minimal_plane
from tests.controlplane.automation.automation_rows import INSTALLATION, chain, installation, node

ACTION: dict[str, Any] = chain(node("a", "action", operation="sandbox.run_command"))


def full(graph: dict[str, Any]) -> dict[str, Any]:
    """The graph with an id on every edge, as the token API wants it."""
    edges = [{"id": f"{edge['source']}-{edge['target']}", **edge} for edge in graph["edges"]]
    return {**graph, "edges": edges}


@pytest.fixture
async def minimal_plane() -> AsyncIterator[MinimalPlane]:
    """A plane whose account has one installation, two models and one agent."""
    async with run_minimal_plane() as running:
        installation(running.world)
        running.world.model("acme/nova-1")
        running.world.model("acme/nova-2")
        running.world.agent("Reviewer")
        yield running


async def made(minimal_plane: MinimalPlane, **fields: Any) -> Automation:
    return await minimal_plane.client.automations.create(
        AutomationDraft(installation_id=INSTALLATION, **fields)
    )


async def test_automation_create_change_publish(minimal_plane: MinimalPlane) -> None:
    automations = minimal_plane.client.automations
    first = await made(minimal_plane, name=" Nightly ", notes="why")
    assert (first.name, first.notes, first.status, first.published_version) == (
        "Nightly",
        "why",
        "inactive",
        None,
    )
    graph = first.draft_graph.body()
    graph["nodes"][1]["data"]["label"] = "Sweep"
    changed = await automations.update(first.id, AutomationChange(graph=graph, notes=None, description="d"))
    assert changed.draft_graph.body() == graph
    assert (changed.name, changed.notes, changed.description) == ("Nightly", None, "d")
    published = await automations.publish(first.id)
    assert (published.status, published.published_version is not None) == ("active", True)
    at_once = await made(minimal_plane, publish=True)
    assert (at_once.status, at_once.name) == ("active", "Untitled flow")
    with pytest.raises(e.NotFound, match="Automation not found"):
        await automations.publish(NOBODY)
    with pytest.raises(e.NotFound):
        await automations.update(NOBODY, AutomationChange(name="x"))
    with pytest.raises(e.NotFound, match="Installation not found"):
        await automations.create(AutomationDraft(installation_id=4711))


async def test_unrunnable_draft_is_kept_with_reason(minimal_plane: MinimalPlane) -> None:
    broken = full(chain(node("a", "agent", label="Sweep")))
    with pytest.raises(e.BadRequest, match='Agent node "Sweep" must be assigned to an agent'):
        await made(minimal_plane, name="Left", graph=broken, publish=True)
    (left,) = (await minimal_plane.client.automations.list()).rows
    assert (left.name, left.status) == ("Left", "inactive")
    with pytest.raises(e.BadRequest, match="must be assigned"):
        await minimal_plane.client.automations.publish(left.id)


async def test_a_step_gets_another_model(minimal_plane: MinimalPlane) -> None:
    automations, first = minimal_plane.client.automations, await made(minimal_plane)
    changed = await automations.set_model(first.id, "agent-1", "acme/nova-2")
    assert changed.draft_graph.nodes[1].data["modelOverride"] == "acme/nova-2"
    assert changed.status == "inactive"
    published = await automations.set_model(first.id, "agent-1", "acme/nova-1", publish=True)
    assert published.published_version is not None
    assert published.published_version.graph.nodes[1].data["modelOverride"] == "acme/nova-1"
    bare = await automations.set_model(first.id, "agent-1", None)
    assert bare.draft_graph.nodes[1].data["modelOverride"] is None
    with pytest.raises(e.BadRequest, match="must have a model selected"):
        await automations.publish(first.id)
    with pytest.raises(e.BadRequest, match="not enabled and available"):
        await automations.set_model(first.id, "agent-1", "acme/none")
    with pytest.raises(e.NotFound, match="Automation node not found"):
        await automations.set_model(first.id, "agent-9", "acme/nova-1")
    with pytest.raises(e.BadRequest, match="Only agent nodes"):
        await automations.set_model(first.id, "start", "acme/nova-1")


async def test_automation_trigger_is_idempotent_by_key(minimal_plane: MinimalPlane) -> None:
    trigger, repo = minimal_plane.client.automations.trigger, minimal_plane.world.repo()
    first = await made(minimal_plane)
    wish = AutomationTrigger(repo_id=repo.upper(), input={"why": "☃", "source": "mine"})
    with pytest.raises(e.Conflict, match="Publish the automation before triggering it"):
        await trigger(first.id, wish, "key-1")
    await minimal_plane.client.automations.publish(first.id)
    run = await trigger(first.id, wish, " key-1 ")
    assert (run.automation_id, run.outcome, run.started, run.status) == (first.id, "queued", True, "running")
    assert run.runtime is not None
    assert run.runtime.provider == "trigger"
    assert run.job_run_id is not None
    metadata = json.loads(minimal_plane.world.row("job_runs", run.job_run_id)["metadata"])
    assert (metadata["why"], metadata["source"]) == ("☃", "mcp")
    again = await trigger(first.id, wish, "key-1")
    assert (again.outcome, again.reason, again.job_run_id, again.runtime) == (
        "suppressed",
        "IDEMPOTENT_DUPLICATE",
        run.job_run_id,
        None,
    )
    await minimal_plane.client.flows.set_active(first.id, False)
    with pytest.raises(e.Conflict, match="Activate the automation"):
        await trigger(first.id, wish, "key-2")
    await minimal_plane.client.flows.set_active(first.id, True)
    with pytest.raises(e.NotFound, match="Repository not found"):
        await trigger(first.id, AutomationTrigger(repo_id=NOBODY), "key-3")
    beyond = minimal_plane.world.repo("acme/far", github_installation_id=99)
    with pytest.raises(e.BadRequest, match="outside this automation's GitHub installation"):
        await trigger(first.id, AutomationTrigger(repo_id=beyond), "key-4")


async def test_action_node_is_saved_only_by_workflow_routes(minimal_plane: MinimalPlane) -> None:
    from mogplex_tui.api.models.flows import FlowChange

    first = await made(minimal_plane)
    saved = await minimal_plane.client.flows.update(first.id, FlowChange(draft_graph=ACTION))
    assert [step.type for step in saved.draft_graph.nodes] == ["start", "action", "end"]
    with pytest.raises(e.InvalidInput, match=r"at graph\.nodes\.1\.type"):
        AutomationChange(graph=saved.draft_graph.body())


def test_triggered_run_parsing_tolerates_any_json() -> None:
    rows = parse_rows(
        TriggeredRun, [{}, {"outcome": "parked", "runtime": {"provider": None}}, {"jobRunId": 1}]
    )
    assert [(row.outcome, row.started) for row in rows] == [("", False), ("parked", False)]
    assert len(rows.bad) == 1


def bad_graph(**change: Any) -> dict[str, Any]:
    return {**full(chain(node("a", "agent"))), **change}


NODE = node("a", "agent")
EDGE = {"id": "x", "source": "a", "target": "b"}


@pytest.mark.parametrize(
    ("graph", "place"),
    [
        ({}, "graph.nodes"),
        ({"nodes": [], "edges": {}}, "graph.edges"),
        (bad_graph(nodes=[1]), "graph.nodes.0"),
        (bad_graph(nodes=[NODE, {**NODE, "id": " "}]), "graph.nodes.1.id"),
        (bad_graph(nodes=[{**NODE, "type": []}]), "graph.nodes.0.type"),
        (bad_graph(nodes=[{**NODE, "position": {"x": 1}}]), "graph.nodes.0.position.y"),
        (bad_graph(nodes=[{**NODE, "position": {"x": 1, "y": 1, "z": 1}}]), "graph.nodes.0.position"),
        (bad_graph(nodes=[{**NODE, "data": None}]), "graph.nodes.0.data"),
        (bad_graph(edges=[{**EDGE, "target": 1}]), "graph.edges.0.target"),
        (bad_graph(edges=[{**EDGE, "sourceHandle": 1}]), "graph.edges.0.sourceHandle"),
        (bad_graph(viewport={"x": 0, "y": 0, "zoom": 0}), "graph.viewport.zoom"),
    ],
)
async def test_client_rejects_graphs_that_service_rejects(
    minimal_plane: MinimalPlane, graph: dict[str, Any], place: str
) -> None:
    with pytest.raises(e.InvalidInput) as here:
        AutomationDraft(installation_id=INSTALLATION, graph=graph)
    assert here.value.message == f"graph must be a valid Flow graph at {place}"
    body = {"installationId": INSTALLATION, "graph": graph}
    with pytest.raises(e.BadRequest) as there:
        await minimal_plane.client.automations._change("POST", "/api/v1/mogplex/automations", "it", body=body)
    assert there.value.message.endswith(here.value.message)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda c: c.automations.create(AutomationDraft(installation_id=0)), "must be a positive integer"),
        (
            lambda c: c.automations.create(AutomationDraft(installation_id=2**53)),
            "must be a positive integer",
        ),
        (lambda c: c.automations.update(NOBODY, AutomationChange()), "nothing to change"),
        (lambda c: c.automations.update(NOBODY, AutomationChange(name=" ")), "needs a name"),
        (lambda c: c.automations.update(NOBODY, AutomationChange(graph=None)), "valid Flow graph"),
        (lambda c: c.automations.publish("f1"), "not the id of a"),
        (lambda c: c.automations.set_model(NOBODY, " ", "m"), "nodeId is required"),
        (lambda c: c.automations.set_model(NOBODY, "a", " "), "must be a model id or null"),
        (
            lambda c: c.automations.trigger(NOBODY, AutomationTrigger(repo_id="acme/api"), "k"),
            "not a UUID",
        ),
        (lambda c: c.automations.trigger(NOBODY, AutomationTrigger(repo_id=NOBODY), " "), "key is empty"),
        (
            lambda c: c.automations.trigger(NOBODY, AutomationTrigger(repo_id=NOBODY), "k" * 201),
            "longer than 200",
        ),
        (
            lambda c: c.automations.trigger(
                NOBODY, AutomationTrigger(repo_id=NOBODY, input={"x": object()}), "k"
            ),
            "cannot be written as JSON",
        ),
    ],
)
async def test_invalid_input_for_automations_is_not_sent(call: Call, says: str) -> None:
    await assert_not_sent(call, says)
