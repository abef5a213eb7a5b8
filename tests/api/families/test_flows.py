"""Workflows, their runs and their templates over real HTTP (routing.md §3, §4)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api.models.base import parse_rows
from mogplex_tui.api.models.flows import Flow, FlowChange, FlowDraft, FlowTemplateId, TemplateDraft
from mogplex_tui.api.resources.flows import publish_problems
from tests.api.families.minimal_plane import NOBODY, Call, MinimalPlane, assert_not_sent, run_minimal_plane
from tests.api.support import http, serving
from tests.controlplane.automation.automation_rows import INSTALLATION, chain, insert_wait, installation, node
from tests.controlplane.library.library_rows import team


@pytest.fixture
async def minimal_plane() -> AsyncIterator[MinimalPlane]:
    """A plane whose account has one installation, one model and one agent."""
    async with run_minimal_plane() as running:
        installation(running.world)
        running.world.model("acme/nova-1")
        running.world.agent("Reviewer")
        yield running


async def blank(minimal_plane: MinimalPlane, **fields: Any) -> Flow:
    return await minimal_plane.client.flows.create(FlowDraft(installation_id=INSTALLATION, **fields))


def graph(**start: Any) -> dict[str, Any]:
    """A graph with one agent step that has no agent yet."""
    return chain(node("a", "agent", label="Sweep", role="triage"), start=start or {"event": "push"})


async def test_workflow_create_publish_and_delete(minimal_plane: MinimalPlane) -> None:
    flows = minimal_plane.client.flows
    made = await blank(minimal_plane, name=" Nightly ")
    assert (made.name, made.status, made.source_kind, made.published_version) == (
        "Nightly",
        "inactive",
        "github",
        None,
    )
    with pytest.raises(e.BadRequest, match="must be published before") as caught:
        await flows.set_active(made.id, True)
    assert caught.value.code == "FLOW_UNPUBLISHED_ACTIVATION"
    published = await flows.publish(made.id)
    assert published.status == "active"
    assert published.published_version is not None
    assert published.published_version.version_number == 1
    assert (await flows.set_active(made.id, False)).status == "inactive"
    assert (await flows.set_active(made.id, True)).status == "active"
    copy = await flows.duplicate(made.id)
    assert (copy.name, copy.status, copy.published_version) == ("Nightly Copy", "inactive", None)
    minimal_plane.world.job(made.id, start=True)
    counts = {row.id: row.running_count for row in await flows.list()}
    assert counts == {made.id: 1, copy.id: 0}
    await flows.delete(made.id)
    for refused in (flows.delete(made.id), flows.get(made.id)):
        with pytest.raises(e.NotFound, match="Flow not found"):
            await refused


async def test_draft_edit_round_trips(minimal_plane: MinimalPlane) -> None:
    flows, made = minimal_plane.client.flows, await blank(minimal_plane)
    drawn = made.draft_graph.body()
    drawn["nodes"][1]["position"] = {"x": 12.5, "y": -3}
    drawn["nodes"][1]["data"]["label"] = "Sweep"
    changed = await flows.update(made.id, FlowChange(notes="why", draft_graph=drawn))
    assert changed.draft_graph.body() == drawn
    assert (changed.name, changed.notes) == ("Untitled flow", "why")
    again = await flows.update(made.id, FlowChange(notes=None, name="Sweeper"))
    assert (again.name, again.notes, again.draft_graph.body()) == ("Sweeper", None, drawn)
    drawn["nodes"][1]["data"]["agentId"] = NOBODY
    with pytest.raises(e.BadRequest, match="not available to this user") as caught:
        await flows.update(made.id, FlowChange(draft_graph=drawn))
    assert caught.value.code == "FLOW_AGENT_FORBIDDEN"
    with pytest.raises(e.NotFound):
        await flows.update(made.id, FlowChange(installation_id=4711))
    async with minimal_plane.as_other() as other:
        with pytest.raises(e.NotFound):
            await other.flows.update(made.id, FlowChange(name="mine"))


async def test_a_refused_publish_tells_every_fault(minimal_plane: MinimalPlane) -> None:
    flows, made = minimal_plane.client.flows, await blank(minimal_plane)
    await flows.update(made.id, FlowChange(draft_graph=graph()))
    with pytest.raises(e.BadRequest) as caught:
        await flows.publish(made.id)
    assert caught.value.code == "FLOW_GRAPH_INVALID"
    assert publish_problems(caught.value) == [
        'Agent node "Sweep" must be assigned to an agent.',
        'Agent node "Sweep" must have a model selected.',
    ]
    hook = made.draft_graph.body()
    minimal_plane.world.repo("acme/shop")
    hook["nodes"][0]["data"] |= {"event": "webhook", "filter": {"scope": "all", "repos": ["acme/shop"]}}
    await flows.update(made.id, FlowChange(draft_graph=hook))
    with pytest.raises(e.BadRequest) as caught:
        await flows.publish(made.id)
    (fault,) = publish_problems(caught.value)
    assert "Generate a webhook signing secret before publishing this flow" in fault
    secret = await flows.webhook_secret(made.id)
    assert secret.reveal().startswith("whsec_")
    assert "whsec" not in f"{secret!r} {secret}"
    assert await flows.webhook_secret(made.id) != secret
    done = await flows.publish(made.id)
    assert (done.source_kind, done.webhook_configured) == ("webhook", True)
    with pytest.raises(e.NotFound):
        await flows.webhook_secret(NOBODY)


@pytest.mark.parametrize(
    ("fields", "kind", "says"),
    [
        ({"installation_id": 4711}, e.NotFound, "Installation not found"),
        ({"repo_full_name": "acme/none"}, e.NotFound, "Repository not found"),
        ({"personal_template_id": NOBODY}, e.NotFound, "Workflow template not found"),
        ({"team_template_id": NOBODY}, e.BadRequest, "requires an active team"),
    ],
)
async def test_invalid_workflow_is_not_created(
    minimal_plane: MinimalPlane, fields: dict[str, Any], kind: type[e.MogplexError], says: str
) -> None:
    with pytest.raises(kind, match=says):
        await minimal_plane.client.flows.create(FlowDraft(**{"installation_id": INSTALLATION} | fields))


async def test_test_trigger_starts_run_or_gives_reason(minimal_plane: MinimalPlane) -> None:
    flows = minimal_plane.client.flows
    minimal_plane.world.repo("acme/shop")
    made = await blank(minimal_plane, template_id=FlowTemplateId.PR_REVIEW, repo_full_name="acme/shop")
    with pytest.raises(e.BadRequest, match="Publish and activate this workflow"):
        await flows.test(made.id)
    await flows.publish(made.id)
    first = await flows.test(made.id, {"build": 42, "ä": "☃"})
    assert (first.matched, first.outcome, first.started, first.reason) == (True, "queued", True, None)
    assert first.job_run_id is not None
    metadata = json.loads(minimal_plane.world.row("job_runs", first.job_run_id)["metadata"])
    assert metadata["trigger_payload"] == {"build": 42, "ä": "☃"}
    second = await flows.test(made.id)
    assert (second.outcome, second.reason, second.job_run_id) == ("suppressed", "ACTIVE_DUPLICATE", None)


async def test_workflow_runs_list_and_detail(minimal_plane: MinimalPlane) -> None:
    flow, repo = minimal_plane.world.flow(minimal_plane.world.agent("Other")), minimal_plane.world.repo()
    older = minimal_plane.world.job(flow, repo, start=True)
    insert_wait(minimal_plane.world, older, resume_token="t0ken")
    minimal_plane.clock.advance(1)
    newer = minimal_plane.world.job(flow, repo)
    runs = await minimal_plane.client.flows.runs(flow)
    assert [(run.id, run.active_wait_count, run.cost_usd) for run in runs] == [
        (newer, 0, None),
        (older, 1, None),
    ]
    assert [run.id for run in await minimal_plane.client.flows.runs(flow, limit=1)] == [newer]
    detail = await minimal_plane.client.flows.run(flow, older)
    assert [event.outcome for event in detail.dispatch_events] == ["queued", "started"]
    assert [wait.status for wait in detail.waits] == ["waiting"]
    assert "t0ken" not in repr(detail)
    with pytest.raises(e.NotFound, match="Run not found"):
        await minimal_plane.client.flows.run(flow, NOBODY)
    with pytest.raises(e.NotFound):
        await minimal_plane.client.flows.runs(NOBODY)


async def test_templates_are_kept_page_by_page_and_used(minimal_plane: MinimalPlane) -> None:
    flows, made = minimal_plane.client.flows, await blank(minimal_plane, name="Nightly")
    kept = await flows.save_template(TemplateDraft(flow_id=made.id, name=" Docs bot "))
    assert (kept.name, kept.owner_type, kept.source_flow_id) == ("Docs bot", "user", made.id)
    assert (kept.trigger_event, "agent" in kept.reconnect) == ("mention", True)
    for number in range(26):
        minimal_plane.clock.advance(1)
        await flows.save_template(TemplateDraft(flow_id=made.id, name=f"T{number}"))
    first = await flows.templates()
    assert (len(first.templates), first.can_write) == (25, None)
    rest = await flows.templates(first.next_cursor)
    assert (len(rest.templates), rest.next_cursor) == (2, None)
    assert rest.templates[-1].id == kept.id
    used = await blank(minimal_plane, personal_template_id=kept.id)
    assert used.name == "Docs bot"
    await flows.delete_template(kept.id)
    with pytest.raises(e.NotFound, match="Workflow template not found"):
        await flows.delete_template(kept.id)
    with pytest.raises(e.NotFound, match="Flow not found"):
        await flows.save_template(TemplateDraft(flow_id=NOBODY))


async def test_team_templates_require_team_rights(minimal_plane: MinimalPlane) -> None:
    made = await blank(minimal_plane)
    async with minimal_plane.in_team(team(minimal_plane.world)) as owner:
        assert (await owner.flows.templates()).can_write is True
        assert (await owner.flows.save_template(TemplateDraft(flow_id=made.id))).owner_type == "team"
    async with minimal_plane.in_team(team(minimal_plane.world, role="viewer", slug="lookers")) as viewer:
        assert (await viewer.flows.templates()).can_write is False
        with pytest.raises(e.NotAllowed):
            await viewer.flows.save_template(TemplateDraft(flow_id=made.id))


async def test_workflow_harnesses_and_sandbox_check(minimal_plane: MinimalPlane) -> None:
    states = {state.name: state for state in await minimal_plane.client.flows.harnesses()}
    assert set(states) == {"mogplex", "claude-code", "codex"}
    assert (states["mogplex"].available, states["mogplex"].billing_source) == (True, "mogplex")
    repo = minimal_plane.world.repo(sandbox_env_vars='{"PORT":"3000"}')
    fit = await minimal_plane.client.flows.sandbox_test(repo)
    assert (fit.ok, fit.error) == (True, None)
    assert fit.env is not None
    assert fit.env.count == 1
    assert fit.sandbox is not None
    assert fit.sandbox.billing_source == "platform"
    unfit = await minimal_plane.client.flows.sandbox_test(
        minimal_plane.world.repo("acme/web", github_installation_id=None)
    )
    assert (unfit.ok, unfit.error) == (False, "GitHub access is not available for this repository")
    with pytest.raises(e.NotFound, match="Repo not found"):
        await minimal_plane.client.flows.sandbox_test(NOBODY)


async def test_workflow_parsing_tolerates_any_json() -> None:
    odd = {"id": "f", "draft_graph": None, "published_version": {"id": "v", "graph": {"nodes": [{}, 1]}}}
    rows = parse_rows(Flow, [odd, {"id": "g", "status": "dreaming", "reconnect": 1}, {"name": "x"}])
    assert (len(rows), len(rows.bad)) == (2, 1)
    assert rows[0].published_version is not None
    broken = rows[0].published_version.graph
    assert len(broken.nodes.bad) == 2
    with pytest.raises(e.InvalidInput, match="saving it would lose them"):
        broken.body()
    answer = {"harnesses": {"codex": {"available": None, "reason": "soon"}, "odd": 1}}
    async with serving(http(200, answer)) as service, service.client() as client:
        states = await client.flows.harnesses()
    assert [(state.name, state.available, state.reason) for state in states] == [("codex", False, "soon")]
    assert len(states.bad) == 1
    nothing: tuple[Any, ...] = ({}, {"secret": None}, {"secret": ""}, [])
    for answered in nothing:
        async with serving(http(200, answered)) as service, service.client() as client:
            with pytest.raises(e.InvalidResponse):
                await client.flows.webhook_secret(NOBODY)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda c: c.flows.create(FlowDraft(installation_id=0)), "installation_id is required"),
        (
            lambda c: c.flows.create(FlowDraft(installation_id=1, template_id="nightly")),
            "Unknown workflow template",
        ),
        (
            lambda c: c.flows.create(
                FlowDraft(installation_id=1, template_id="blank", team_template_id=NOBODY)
            ),
            "Choose one workflow template",
        ),
        (lambda c: c.flows.update(NOBODY, FlowChange()), "nothing to change"),
        (lambda c: c.flows.update(NOBODY, FlowChange(name=" ")), "An automation needs a name"),
        (lambda c: c.flows.update(NOBODY, FlowChange(installation_id=-1)), "Invalid installation_id"),
        (lambda c: c.flows.update(NOBODY, FlowChange(draft_graph=None)), "would empty the automation"),
        (lambda c: c.flows.update(NOBODY, FlowChange(draft_graph={})), "no list of nodes"),
        (lambda c: c.flows.get("approvals"), "not the id of an automation"),
        (lambda c: c.flows.publish("../x"), "not the id of an automation"),
        (lambda c: c.flows.test(NOBODY, {"x": float("inf")}), "cannot be written as JSON"),
        (lambda c: c.flows.run(NOBODY, "r1"), "not the id of an automation run"),
        (lambda c: c.flows.templates("-1"), "non-negative integer"),
        (lambda c: c.flows.templates("٣"), "non-negative integer"),
        (lambda c: c.flows.save_template(TemplateDraft(flow_id="f1")), "The automation id is not a UUID"),
        (
            lambda c: c.flows.save_template(TemplateDraft(flow_id=NOBODY, name="x" * 81)),
            "80 characters or fewer",
        ),
        (lambda c: c.flows.delete_template("m1"), "not the id of a template"),
        (lambda c: c.flows.sandbox_test("r1"), "not the id of a repository"),
    ],
)
async def test_invalid_input_for_workflows_is_not_sent(call: Call, says: str) -> None:
    await assert_not_sent(call, says)
