"""Assignments: a repository, an agent and a kind of work, with how it has gone lately (routing.md §1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Item
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds import parts as p
from mogplex_tui.operate.kinds.base import Kind, reading, road, with_names

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView


async def _switch(client: ClientView, item: Item, enabled: bool) -> None:
    from mogplex_tui.api.models.routing import AssignmentChange

    await client.assignments.update(item.key, AssignmentChange(enabled=enabled))


_TABLES = "assignments repos agents job_runs automation_dispatch_events"
_read = reading(lambda client: client.assignments.list(), with_names)

KIND = Kind(
    name="assignments",
    title="Assignments",
    noun="assignment",
    aliases=("assignment", "as"),
    contract="routing.md §1",
    roads=(road(Family.ASSIGNMENTS, _read, _TABLES, every=60, blind=20).partly(),),
    fields=(
        c.switch("enabled"),
        c.repo("repo_name|repo_id"),
        c.text("agent_name|agent_id", "AGENT", 16, key="agent", flex=1, min_width=10, priority=1),
        c.text("type", "TYPE", 13, min_width=9, priority=1),
        c.text("cron_schedule", "SCHEDULE", 13, "dim", key="schedule", priority=3),
        c.state("last_run_status", "LAST", 11, priority=0, stands=False),
        c.age("last_run_started_at", key="age", priority=1),
        c.count("running_count", "RUN", 4, key="running", priority=2),
        c.count("failed_24h", "FAIL", 4, "error", key="failed", priority=1),
        c.reason("last_pressure_reason", "LAST REASON", key="pressure", priority=4, flex=1, min_width=12),
        # What an assignment is for comes before the end of a sentence.
        c.trouble("last_run_error", 14),
    ),
    search=c.searching(project="repo_id"),
    default_sort=c.by("enabled", "last_run_started_at"),
    label=c.named("{repo_name or repo} {type}"),
    facts=c.groups(
        "enabled; type; schedule: cron_schedule",
        "repo: repo_name|repo_id; agent: agent_name|agent_id",
        *p.ACTIVITY,
        "created: created_at",
    ),
    links=p.links(
        p.to("projects", "repo", "repo_id", "repo_name|repo_id"),
        p.to("agents", "agent", "agent_id", "agent_name|agent_id"),
        p.to("jobs", "last job", "last_job_run_id"),
        p.among("jobs", "jobs", "its jobs", "parent:{id:8}"),
        p.among("dispatch", "ledger", "why it did or did not start work", "assignmentid:{id:8}"),
    ),
    verbs=p.switches(
        _switch,
        on="Let it start work.",
        off="Keep it from starting work.",
        means="What runs goes on; nothing new is started.",
    ),
    empty="No assignments. Automations have replaced them; :automations shows those.",
    needs=p.session_needed("Assignments") + " :automations shows what else starts work.",
)
