"""Triggers: an event of a GitHub installation that sets an agent to work (routing.md §2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Item, Listing, Road
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds.base import Context, Fact, Kind, Link, listed, with_names
from mogplex_tui.operate.kinds.parts import activity, deletes, job_link, session_needed, switches

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.session import Session


async def _list(client: ClientView, session: Session) -> Listing:
    return listed(await client.triggers.list(), dress=lambda row: with_names(session, row))


async def _switch(client: ClientView, item: Item, enabled: bool) -> None:
    from mogplex_tui.api.models.routing import TriggerChange

    await client.triggers.update(item.key, TriggerChange(enabled=enabled))


def _facts(item: Item, context: Context) -> list[list[Fact]]:
    return [
        c.group(item, "enabled: enabled; event: event; default: is_default"),
        c.group(
            item, "agent: agent.name|agent_name|agent_id; model: agent.model; installation: installation_id"
        ),
        *activity(item, context),
        [c.when(item, "created", "created_at", context)],
    ]


KIND = Kind(
    name="triggers",
    title="Triggers",
    noun="trigger",
    aliases=("trigger", "tr"),
    contract="routing.md §2",
    roads=(Road(Family.TRIGGERS, _list, frozenset({"triggers", "job_runs"}), every=60.0, blind=20.0),),
    fields=(
        c.flag("enabled", "ON", priority=0),
        c.text("event", "EVENT", 14, min_width=12),
        c.text("agent.name|agent_id", "AGENT", 18, key="agent", flex=1, min_width=10),
        c.text("installation_id", "INSTALL", 10, "dim", key="installation", priority=3),
        c.state("last_run_status", "LAST", 12, priority=0),
        c.age("last_run_started_at", key="age", priority=1),
        c.count("running_count", "RUN", 4, key="running", priority=2),
        c.count("pending_count", "WAIT", 4, key="waiting", priority=2),
        c.count("failed_24h", "FAIL", 4, key="failed", priority=1),
        c.count("suppressed_24h", "SUPPR", 5, key="suppressed", priority=3),
        c.trouble("last_run_error"),
    ),
    search=c.searching(
        "event", "agent.name", "enabled", "last_run_status", "last_run_error", "installation_id"
    ),
    default_sort=c.by("enabled", "last_run_started_at"),
    label=lambda record: f"{c.value(record, 'event')} {c.value(record, 'agent.name') or ''}".strip(),
    facts=_facts,
    links=lambda item: [
        Link(
            "agent",
            str(c.value(item, "agent.name|agent_id")),
            "agents",
            key=c.value(item, "agent.id|agent_id"),
        ),
        *job_link(item, "last_job_run_id", "last job"),
        Link("jobs", "its jobs", "jobs", filter=f"parent:{item.key[:8]}"),
    ],
    verbs=(
        *switches(
            _switch,
            on="Let the event start work.",
            off="Keep the event from starting work.",
            means="What runs goes on; nothing new is started.",
        ),
        deletes(
            lambda client, item: client.triggers.delete(item.key),
            "Its jobs stay in the ledger; nothing is started by this event any more.",
        ),
    ),
    empty="No triggers. :automations shows what else could start work.",
    needs=session_needed("Triggers"),
)
