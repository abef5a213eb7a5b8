"""Assignments: a repository, an agent and a kind of work, with how it has gone lately (routing.md §1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Item, Listing, Road
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds.base import Context, Fact, Kind, Link, listed, with_names
from mogplex_tui.operate.kinds.parts import activity, switches

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.session import Session


async def _list(client: ClientView, session: Session) -> Listing:
    return listed(await client.assignments.list(), dress=lambda row: with_names(session, row))


async def _switch(client: ClientView, item: Item, enabled: bool) -> None:
    from mogplex_tui.api.models.routing import AssignmentChange

    await client.assignments.update(item.key, AssignmentChange(enabled=enabled))


def _facts(item: Item, context: Context) -> list[list[Fact]]:
    """What an operator asks of an assignment: does it fire, did it work, what presses on it."""
    return [
        c.facts(item, ("enabled", "enabled"), ("type", "type"), ("schedule", "cron_schedule")),
        c.facts(item, ("repo", "repo_name|repo_id"), ("agent", "agent_name|agent_id")),
        *activity(item, context),
        [c.when(item, "created", "created_at", context)],
    ]


KIND = Kind(
    name="assignments",
    title="Assignments",
    noun="assignment",
    aliases=("assignment", "as"),
    contract="routing.md §1",
    roads=(Road(Family.ASSIGNMENTS, _list, frozenset({"assignments", "job_runs"}), every=60.0, blind=20.0),),
    fields=(
        c.flag("enabled", "ON", priority=0),
        c.text("repo_name|repo_id", "REPO", 18, key="repo", flex=1, min_width=12, cut="middle"),
        c.text("agent_name|agent_id", "AGENT", 16, key="agent", flex=1, min_width=10, priority=1),
        c.text("type", "TYPE", 13, priority=1),
        c.text("cron_schedule", "SCHEDULE", 13, "dim", key="schedule", priority=3),
        c.state("last_run_status", "LAST", 12, priority=0),
        c.age("last_run_started_at", key="age", priority=1),
        c.count("running_count", "RUN", 4, key="running", priority=2),
        c.count("failed_24h", "FAIL", 4, key="failed", priority=2),
        c.text(
            "last_pressure_reason", "PRESSURE", 18, "warn", key="pressure", priority=4, flex=1, min_width=12
        ),
        c.trouble("last_run_error"),
    ),
    search=c.searching("repo_name", "agent_name", "type", "enabled", "last_run_status", "last_run_error"),
    default_sort=c.by("enabled", "last_run_started_at"),
    label=lambda record: f"{c.value(record, 'repo_name') or 'repo'} {c.value(record, 'type')}",
    facts=_facts,
    links=lambda item: [
        Link("repo", str(c.value(item, "repo_name|repo_id")), "projects", key=c.value(item, "repo_id")),
        Link("agent", str(c.value(item, "agent_name|agent_id")), "agents", key=c.value(item, "agent_id")),
    ],
    verbs=switches(
        _switch,
        on="Let it start work.",
        off="Keep it from starting work.",
        means="What runs goes on; nothing new is started.",
    ),
    empty="No assignments. :automations shows what else could start work.",
    needs="Assignments need a browser session on this service: set MOGPLEX_SESSION_COOKIE, or see :automations instead.",
)
