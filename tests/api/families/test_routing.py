"""Assignments and triggers over real HTTP (routing.md §1, §2)."""

from __future__ import annotations

import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api.models.assignments_and_triggers import (
    Assignment,
    AssignmentChange,
    AssignmentDraft,
    AssignmentType,
    Trigger,
    TriggerChange,
    TriggerDraft,
    TriggerEvent,
)
from mogplex_tui.api.models.base import parse_rows
from tests.api.families.minimal_plane import NOBODY, Call, MinimalPlane, assert_not_sent, run_minimal_plane
from tests.api.support import http, serving
from tests.controlplane.automation.automation_rows import INSTALLATION, installation, job_of, ledger_row


async def test_assignment_create_list_change_delete(
    minimal_plane: MinimalPlane,
) -> None:
    assignments, repo = minimal_plane.client.assignments, minimal_plane.world.repo()
    made = await assignments.create(
        AssignmentDraft(
            repo_id=repo.upper(),
            agent_id="preset:PR-REVIEWER",
            type=AssignmentType.CRON,
            cron_schedule="0 6 * * 1",
        )
    )
    assert (made.repo_id, made.type, made.enabled, made.running_count) == (repo, "cron", True, None)
    job = job_of(minimal_plane.world, "assignment_id", made.id, status="failed", error="broke")
    ledger_row(minimal_plane.world, "suppressed", assignment_id=made.id, reason="ACTIVE_DUPLICATE")
    (listed,) = await assignments.list()
    assert (listed.last_job_run_id, listed.last_run_status, listed.last_run_error) == (job, "failed", "broke")
    assert (listed.failed_24h, listed.suppressed_24h, listed.last_run_requeueable) == (1, 1, True)
    assert listed.last_pressure_reason == "ACTIVE_DUPLICATE"
    skill = "0d9e0000-0000-4000-8000-000000000001"
    changed = await assignments.update(made.id, AssignmentChange(enabled=False, skill_id=skill))
    assert (changed.enabled, changed.skill_id, changed.cron_schedule) == (False, skill, "0 6 * * 1")
    changed = await assignments.update(
        made.id, AssignmentChange(skill_id=None, type=AssignmentType.PR_REVIEW)
    )
    assert (changed.skill_id, changed.type, changed.enabled) == (None, "pr_review", False)
    await assignments.delete(made.id)
    assert await assignments.list() == []
    for refused in (assignments.delete(made.id), assignments.update(made.id, AssignmentChange(enabled=True))):
        with pytest.raises(e.NotFound):
            await refused


async def test_assignment_of_missing_record_is_not_found(minimal_plane: MinimalPlane) -> None:
    create, repo = minimal_plane.client.assignments.create, minimal_plane.world.repo()
    with pytest.raises(e.NotFound, match="Repo not found"):
        await create(AssignmentDraft(repo_id=NOBODY, agent_id=NOBODY, type=AssignmentType.CRON))
    with pytest.raises(e.NotFound, match="Agent not found"):
        await create(AssignmentDraft(repo_id=repo, agent_id=NOBODY, type=AssignmentType.CRON))


async def test_hosted_service_refuses_assignments_and_fails_triggers() -> None:
    async with run_minimal_plane(profile="hosted") as minimal_plane:
        repo, agent = minimal_plane.world.repo(), minimal_plane.world.agent()
        installation(minimal_plane.world)
        with pytest.raises(e.Absent, match="replaced by automations"):
            await minimal_plane.client.assignments.create(
                AssignmentDraft(repo_id=repo, agent_id=agent, type=AssignmentType.CRON)
            )
        with pytest.raises(e.ServiceFailed):
            await minimal_plane.client.triggers.create(
                TriggerDraft(installation_id=INSTALLATION, agent_id=agent, event=TriggerEvent.PUSH)
            )
        assert await minimal_plane.client.triggers.list() == []


async def test_a_trigger_is_made_changed_and_deleted(minimal_plane: MinimalPlane) -> None:
    triggers, agent = minimal_plane.client.triggers, minimal_plane.world.agent("Sweeper")
    installation(minimal_plane.world)
    made = await triggers.create(
        TriggerDraft(installation_id=INSTALLATION, agent_id=agent, event=TriggerEvent.PUSH)
    )
    assert (made.installation_id, made.event, made.enabled, made.is_default) == (88, "push", True, False)
    assert made.agent is not None
    assert (made.agent.id, made.agent.name, made.agent.slug) == (agent, "Sweeper", "sweeper")
    changed = await triggers.update(
        made.id, TriggerChange(enabled=False, is_default=True, event=TriggerEvent.MENTION)
    )
    assert (changed.enabled, changed.is_default, changed.event) == (False, True, "mention")
    minimal_plane.clock.advance(1)
    newer = await triggers.create(
        TriggerDraft(installation_id=INSTALLATION, agent_id=agent, event=TriggerEvent.CI_FAILURE)
    )
    job_of(minimal_plane.world, "trigger_id", newer.id, status="running")
    listed = await triggers.list()
    assert [(row.id, row.running_count) for row in listed] == [(newer.id, 1), (made.id, 0)]
    await triggers.delete(made.id)
    await triggers.delete(made.id)
    assert [row.id for row in await triggers.list()] == [newer.id]


async def test_invalid_trigger_is_refused(minimal_plane: MinimalPlane) -> None:
    triggers, agent = minimal_plane.client.triggers, minimal_plane.world.agent()
    installation(minimal_plane.world)
    with pytest.raises(e.NotFound, match="Installation not found"):
        await triggers.create(TriggerDraft(installation_id=4711, agent_id=agent, event=TriggerEvent.PUSH))
    with pytest.raises(e.NotFound, match="Agent not found"):
        await triggers.create(
            TriggerDraft(installation_id=INSTALLATION, agent_id=NOBODY, event=TriggerEvent.PUSH)
        )
    with pytest.raises(e.ServiceFailed):
        await triggers.update(NOBODY, TriggerChange(enabled=True))


async def test_routing_parsing_tolerates_any_json() -> None:
    rows = parse_rows(
        Assignment,
        [
            {"id": "a", "type": "new_kind", "enabled": None, "failed_24h": None, "last_run_started_at": None},
            {"id": "b", "running_count": "many"},
        ],
    )
    assert (rows[0].type, rows[0].enabled, rows[0].failed_24h, len(rows.bad)) == ("new_kind", False, None, 1)
    found = parse_rows(
        Trigger, [{"id": "t", "agents": None, "event": "new"}, {"id": "u", "agents": {"x": 1}}]
    )
    assert (found[0].agent, found[0].event, found.bad) == (None, "new", [])
    async with serving(http(200, {"assignments": []})) as service, service.client() as client:
        with pytest.raises(e.InvalidResponse):
            await client.assignments.list()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda c: c.assignments.create(AssignmentDraft(repo_id="r1", agent_id=NOBODY, type="cron")),
            "repository id is not a UUID",
        ),
        (
            lambda c: c.assignments.create(AssignmentDraft(repo_id=NOBODY, agent_id=" ", type="cron")),
            "Choose an agent",
        ),
        (
            lambda c: c.assignments.create(AssignmentDraft(repo_id=NOBODY, agent_id="a", type="nightly")),
            "kind of work must be one of",
        ),
        (lambda c: c.assignments.update(NOBODY, AssignmentChange()), "nothing to change"),
        (lambda c: c.assignments.update(NOBODY, AssignmentChange(cron_schedule="")), "cannot be cleared"),
        (lambda c: c.assignments.update("a1", AssignmentChange(enabled=True)), "not the id of a"),
        (lambda c: c.assignments.delete("a1"), "not the id of a"),
        (
            lambda c: c.triggers.create(TriggerDraft(installation_id=0, agent_id=NOBODY, event="push")),
            "must be a positive number",
        ),
        (
            lambda c: c.triggers.create(TriggerDraft(installation_id=88, agent_id="g1", event="push")),
            "agent id is not a UUID",
        ),
        (
            lambda c: c.triggers.create(TriggerDraft(installation_id=88, agent_id=NOBODY, event="schedule")),
            "event must be one of",
        ),
        (lambda c: c.triggers.update(NOBODY, TriggerChange()), "nothing to change"),
        (lambda c: c.triggers.delete("t1"), "not the id of a"),
    ],
)
async def test_invalid_input_for_routing_is_not_sent(call: Call, says: str) -> None:
    await assert_not_sent(call, says)
