"""Every operator's route of the library, of routing, of observability and of v1's automations has a method."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api.client import MogplexClient
from mogplex_tui.api.models.agents import AgentChange, AgentDraft, AgentWish
from mogplex_tui.api.models.automation_drafts import AutomationChange, AutomationDraft, AutomationTrigger
from mogplex_tui.api.models.base import Rows
from mogplex_tui.api.models.conversations import ConversationSave
from mogplex_tui.api.models.flows import FlowChange, FlowDraft, TemplateDraft
from mogplex_tui.api.models.memories import Lane, MemoryDraft
from mogplex_tui.api.models.routing import (
    AssignmentChange,
    AssignmentDraft,
    AssignmentType,
    TriggerChange,
    TriggerDraft,
    TriggerEvent,
)
from mogplex_tui.api.models.rules import CommandDraft, RuleChange, RuleDraft
from mogplex_tui.api.models.skills import SkillChange, SkillDraft
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from mogplex_tui.controlplane.plane import PROFILES, Settings
from mogplex_tui.controlplane.server import PlaneServer
from tests.api.families.lab import NOBODY as X
from tests.api.families.lab import Call
from tests.api.support import http, serving
from tests.facts.routes import facts, unnamed

V1 = "/api/v1/mogplex"
FILES = ("library.md", "routing.md", "observability.md")
# These have a file of tests of their own.
ELSEWHERE = ("/api/connections", "/api/mcp-servers", "/api/chat", "/api/integrations")


async def written(client: MogplexClient) -> None:
    async with aclosing(client.agents.generate(AgentWish(description="d"))) as pieces:
        async for _ in pieces:
            pass


async def followed(client: MogplexClient) -> None:
    async with aclosing(client.observability.call_events(X)) as batches:
        async for _ in batches:
            pass


CALLS: list[Call] = [
    lambda c: c.agents.list(),
    lambda c: c.agents.all(),
    lambda c: c.agents.create(AgentDraft(name="n", model="a/b", category="api")),
    lambda c: c.agents.update(X, AgentChange(name="n")),
    lambda c: c.agents.delete(X),
    written,
    lambda c: c.agents.roster(),
    lambda c: c.agents.activity(),
    lambda c: c.agents.categories(),
    lambda c: c.agents.add_category("l"),
    lambda c: c.agents.delete_category(X),
    lambda c: c.skills.list(),
    lambda c: c.skills.create(SkillDraft(name="n", content="c")),
    lambda c: c.skills.update(X, SkillChange(name="n")),
    lambda c: c.skills.delete(X),
    lambda c: c.skills.registry(),
    lambda c: c.skills.registry_skill(f"{X}/{X}", X),
    lambda c: c.skills.docs(),
    lambda c: c.skills.doc(X),
    lambda c: c.rules.list(),
    lambda c: c.rules.create(RuleDraft(name="n")),
    lambda c: c.rules.update(X, RuleChange(name="n")),
    lambda c: c.rules.delete(X),
    lambda c: c.memories.lanes(),
    lambda c: c.memories.list(Lane.SESSION),
    lambda c: c.memories.search("q"),
    lambda c: c.memories.add(MemoryDraft(lane="session", content="c")),
    lambda c: c.memories.edit(X, "c"),
    lambda c: c.memories.delete(X),
    lambda c: c.memories.compact(),
    lambda c: c.memories.checkpoint(),
    lambda c: c.commands.list(),
    lambda c: c.commands.create(CommandDraft(name="n", template="t")),
    lambda c: c.commands.delete(X),
    lambda c: c.conversations.list(),
    lambda c: c.conversations.get(X),
    lambda c: c.conversations.save(ConversationSave(id=X)),
    lambda c: c.conversations.delete(X),
    lambda c: c.assignments.list(),
    lambda c: c.assignments.create(AssignmentDraft(repo_id=X, agent_id=X, type=AssignmentType.CRON)),
    lambda c: c.assignments.update(X, AssignmentChange(enabled=True)),
    lambda c: c.assignments.delete(X),
    lambda c: c.triggers.list(),
    lambda c: c.triggers.create(TriggerDraft(installation_id=1, agent_id=X, event=TriggerEvent.PUSH)),
    lambda c: c.triggers.update(X, TriggerChange(enabled=True)),
    lambda c: c.triggers.delete(X),
    lambda c: c.flows.list(),
    lambda c: c.flows.create(FlowDraft(installation_id=1)),
    lambda c: c.flows.get(X),
    lambda c: c.flows.update(X, FlowChange(name="n")),
    lambda c: c.flows.set_active(X, True),
    lambda c: c.flows.delete(X),
    lambda c: c.flows.duplicate(X),
    lambda c: c.flows.publish(X),
    lambda c: c.flows.webhook_secret(X),
    lambda c: c.flows.test(X),
    lambda c: c.flows.runs(X),
    lambda c: c.flows.run(X, X),
    lambda c: c.flows.templates(),
    lambda c: c.flows.save_template(TemplateDraft(flow_id=X)),
    lambda c: c.flows.delete_template(X),
    lambda c: c.flows.harnesses(),
    lambda c: c.flows.sandbox_test(X),
    lambda c: c.approvals.of_flows(),
    lambda c: c.approvals.answer_flow(X, "deny"),
    lambda c: c.approvals.of_control(),
    lambda c: c.approvals.answer_control(X, "deny"),
    lambda c: c.observability.stats(),
    lambda c: c.observability.calls(),
    lambda c: c.observability.cancel_call(X),
    followed,
    lambda c: c.observability.tool_calls(),
    lambda c: c.observability.jobs(),
    lambda c: c.observability.job(X),
    lambda c: c.observability.cancel_job(X),
    lambda c: c.observability.repair_job(X),
    lambda c: c.observability.requeue_job(X),
    lambda c: c.observability.file_issue(X, X),
    lambda c: c.observability.automation_events(),
    lambda c: c.observability.automation_failures(),
    lambda c: c.automations.list(),
    lambda c: c.automations.create(AutomationDraft(installation_id=1)),
    lambda c: c.automations.get(X),
    lambda c: c.automations.update(X, AutomationChange(name="n")),
    lambda c: c.automations.publish(X),
    lambda c: c.automations.set_model(X, "n", None),
    lambda c: c.automations.trigger(X, AutomationTrigger(repo_id=X), "k"),
    lambda c: c.automations.runs(X),
    lambda c: c.automations.run(X, X),
]


def wanted() -> set[tuple[str, str]]:
    """What an operator may call by the three files and of the token API's agents and automations."""
    return {
        fact.key
        for fact in facts()
        if fact.caller == "operator"
        and not fact.path.startswith(ELSEWHERE)
        and (fact.section.startswith(FILES) or fact.path.startswith((f"{V1}/automations", f"{V1}/agents")))
    }


async def test_every_route_of_an_operator_has_a_method_and_every_answer_of_another_shape_is_an_error() -> (
    None
):
    # A text is no answer of any of these routes: whoever reads one says so and lets nothing else through.
    async with serving(http(200, "text")) as service, service.client(cookie="s=0123456789") as client:
        for call in CALLS:
            try:
                await call(client)
            except e.InvalidResponse:
                continue
        sent = {(seen.method, seen.path.replace(X, "{}")) for seen in service.seen}
        assert len(service.seen) == len(CALLS)
    assert sent >= wanted(), sorted(wanted() - sent)
    assert {path for _, path in sent} <= {unnamed(fact.path) for fact in facts()}


READS: list[Call] = [
    lambda c: c.agents.all(),
    lambda c: c.agents.roster(),
    lambda c: c.agents.activity(),
    lambda c: c.agents.categories(),
    lambda c: c.skills.list(),
    lambda c: c.skills.registry(),
    lambda c: c.rules.list(),
    lambda c: c.commands.list(),
    lambda c: c.conversations.list(),
    lambda c: c.assignments.list(),
    lambda c: c.triggers.list(),
    lambda c: c.flows.list(),
    lambda c: c.flows.harnesses(),
    lambda c: c.approvals.of_control(),
]


def whole(rows: Rows[Any]) -> Rows[Any]:
    assert not rows.bad, [(bad.why, bad.raw) for bad in rows.bad]
    return rows


@pytest.mark.parametrize("profile", PROFILES)
async def test_everything_of_a_lived_in_account_is_read_whole(profile: str) -> None:
    async with PlaneServer(Settings(speed=0, rate_limit=None, profile=profile)) as server:
        target = Target("seed", server.base_url, Secret(server.token), Secret(server.session_cookie))
        async with MogplexClient(target) as client:
            for read in READS:
                whole(await read(client))
            for rows in (await client.memories.lanes()).values():
                whole(rows)
            whole((await client.approvals.of_flows()).approvals)
            whole((await client.flows.templates()).templates)
            ledger = await client.observability.automation_events()
            assert whole(ledger.entries)
            report = await client.observability.automation_failures()
            assert report.summary.failed_total == report.total
            whole(report.records)
            runs = 0
            for flow in whole(await client.flows.list()):
                assert flow.draft_graph.body()["nodes"]
                for run in whole(await client.flows.runs(flow.id)):
                    whole(run.node_runs)
                    runs += 1
                    detail = await client.flows.run(flow.id, run.id)
                    for part in (detail.dispatch_events, detail.ai_calls, detail.waits, detail.node_runs):
                        whole(part)
            assert runs
            for chat in await client.conversations.list():
                assert await client.conversations.get(chat.id) is not None
