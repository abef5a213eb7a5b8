"""Triggers: an event of a GitHub installation that sets an agent to work (routing.md §2)."""

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
    from mogplex_tui.api.models.routing import TriggerChange

    await client.triggers.update(item.key, TriggerChange(enabled=enabled))


_TABLES = "triggers github_installations repos job_runs automation_dispatch_events"
_read = reading(lambda client: client.triggers.list(), with_names)

KIND = Kind(
    name="triggers",
    title="Triggers",
    noun="trigger",
    aliases=("trigger", "tr"),
    contract="routing.md §2",
    roads=(road(Family.TRIGGERS, _read, _TABLES, every=60, blind=20).partly(),),
    fields=(
        c.switch("enabled"),
        c.text("event", "EVENT", 14, flex=1, min_width=12),
        c.text("agent.name|agent_id", "AGENT", 18, key="agent", flex=1, min_width=10),
        c.text("installation_id", "INSTALL", 10, "dim", key="installation", priority=3),
        c.state("last_run_status", "LAST", 11, priority=0, stands=False),
        c.age("last_run_started_at", key="age", priority=1),
        c.count("running_count", "RUN", 4, key="running", priority=2),
        c.count("pending_count", "WAIT", 4, key="waiting", priority=2),
        c.count("failed_24h", "FAIL", 4, "error", key="failed", priority=1),
        c.count("suppressed_24h", "SUPPR", 5, "warn", key="suppressed", priority=3),
        c.trouble("last_run_error"),
    ),
    search=c.searching(),
    default_sort=c.by("enabled", "last_run_started_at"),
    label=c.named("{event} {agent.name}"),
    facts=c.groups(
        "enabled; event; default: is_default",
        "agent: agent.name|agent_name|agent_id; model: agent.model; installation: installation_id",
        *p.ACTIVITY,
        "created: created_at",
    ),
    links=p.links(
        p.to("agents", "agent", "agent.id|agent_id", "agent.name|agent_id"),
        p.to("jobs", "last job", "last_job_run_id"),
        p.among("jobs", "jobs", "its jobs", "parent:{id:8}"),
        p.among("dispatch", "ledger", "why it did or did not start work", "triggerid:{id:8}"),
        p.to("models", "model", "agent.model", "agent.model"),
    ),
    verbs=(
        *p.switches(
            _switch,
            on="Let the event start work.",
            off="Keep the event from starting work.",
            means="What runs goes on; nothing new is started.",
        ),
        p.deletes(
            lambda client, item: client.triggers.delete(item.key),
            "Its jobs stay in the ledger; nothing is started by this event any more.",
        ),
    ),
    empty="No triggers. :automations shows what else could start work.",
    needs=p.session_needed("Triggers"),
)
