"""Agents: who does the work, what they did last and what they are told to do (library.md §1, §3; v1.md §2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Listing
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds import parts as p
from mogplex_tui.operate.kinds.base import Kind, dressed, listed, reading, road
from mogplex_tui.operate.kinds.readings import Beside, beside

if TYPE_CHECKING:
    from datetime import datetime

    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.session import Session


_NOW = Beside("now", "What each agent does now is", "status cycles last")
_TODAY = Beside("today", "What each agent did in 24 h is", "runs failed tokens")


async def _roster(client: ClientView, session: Session) -> Listing:
    agents = await client.agents.all()
    roster = await beside(session, "agents", _NOW, client.agents.roster(), ())
    activity = await beside(session, "agents", _TODAY, client.agents.activity(), ())
    lives, days = {row.id: row for row in roster}, {row.agent_id: row for row in activity}

    def dress(agent: Any) -> dict[str, Any]:
        life, day = lives.get(agent.id), days.get(agent.id)
        return dressed(
            agent,
            status=life.status if life else None,
            cycle_count=life.cycle_count if life else None,
            last_activity=life.last_activity if life else None,
            day={**day.__dict__, "tokens_24h": day.tokens} if day else {},
            quiet=_quiet(life.last_activity if life else None),
        )

    return listed(agents, dress=dress)


def _quiet(active: datetime | None) -> float:
    """The place of an agent by how long it has done nothing; one that never did anything is behind all others."""
    return 0.0 if active is None else -active.timestamp()


_names = reading(lambda client: client.agents.list(), lambda _, row: dressed(row, is_preset=row.preset))

KIND = Kind(
    name="agents",
    title="Agents",
    noun="agent",
    aliases=("agent", "ag", "roster"),
    contract="library.md §1, §3; v1.md §2",
    roads=(
        road(Family.AGENTS, _roster, "agents assignments ai_calls job_runs", every=60, blind=30).partly(),
        road(Family.V1, _names, every=120, blind=60).hiding(
            p.token_shows("names and categories", "states, runs, tokens and prompts of agents"),
            "status cycles runs failed tokens last",
        ),
    ),
    fields=(
        c.state("status", width=10, priority=0),
        c.text("name", "AGENT", 22, flex=2, min_width=14),
        c.text("category", "CATEGORY", 14, "dim", priority=2),
        c.flag("is_preset", "PRESET", "preset", "own", tone="dim", key="preset", priority=3),
        c.count("cycle_count", "CYCLES", 6, key="cycles", priority=2),
        c.count("day.runs_24h", "RUNS 24H", 8, key="runs", priority=1),
        c.count("day.failed", "FAILED", 6, "error", key="failed", priority=1),
        c.count("day.tokens_24h", "TOKENS", 7, key="tokens", priority=3),
        c.age("last_activity", "LAST", key="last", priority=1),
        c.text("description", "", 30, "dim", key="what", priority=4, flex=3, min_width=16),
    ),
    search=c.searching("slug"),
    default_sort=c.by("quiet", "is_preset", "name"),
    descending=False,
    label=c.named("{name|id}"),
    facts=c.groups(
        "name; slug; category; what: description",
        "preset: is_preset; forked from: source_template; model",
        "now: status as state; cycles: cycle_count; last active: last_activity",
        "runs 24 h: day.runs_24h; succeeded: day.succeeded; failed: day.failed; tokens 24 h: day.tokens_24h",
    ),
    links=p.links(
        p.among("runs", "runs", "its runs", "who:={name}"),
        p.among("assignments", "assignments", "its assignments", "agent:={name}"),
        p.among("triggers", "triggers", "its triggers", "agent:={name}"),
        p.to("models", "model", "model", "model"),
    ),
    texts=c.texts(("Prompt", "system_prompt")),
    verbs=(
        p.deletes(
            lambda client, item: client.agents.delete(item.key),
            "Its assignments and triggers go with it.",
            about="Delete an agent of your own.",
        ).only(p.lacking("is_preset", "A preset cannot be deleted.")),
    ),
    empty="No agents. mogplex-tui agents create makes one.",
    needs=p.login_needed("The agents"),
)
