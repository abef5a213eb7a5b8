"""Agents: who does the work, what they did last and what they are told to do (library.md §1, §3; v1.md §2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Item, Listing, Road
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds.base import Context, Fact, Kind, Link, Verb, listed

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.session import Session


async def _roster(client: ClientView, _: Session) -> Listing:
    agents, roster = await client.agents.all(), await client.agents.roster()
    activity = {row.agent_id: row for row in await client.agents.activity()}
    lives = {row.id: row for row in roster}

    def dress(agent: Any) -> dict[str, Any]:
        life, day = lives.get(agent.id), activity.get(agent.id)
        return {
            **agent.__dict__,
            "status": life.status if life else None,
            "cycle_count": life.cycle_count if life else None,
            "last_activity": life.last_activity if life else None,
            "day": day.__dict__ if day else {},
            "sort": (0 if agent.is_preset else 1),
        }

    return listed(agents, dress=dress)


async def _names(client: ClientView, _: Session) -> Listing:
    return listed(await client.agents.list(), dress=lambda row: {**row.__dict__, "is_preset": row.preset})


def _facts(item: Item, context: Context) -> list[list[Fact]]:
    return [
        c.facts(item, ("name", "name"), ("slug", "slug"), ("category", "category"), ("what", "description")),
        c.facts(item, ("preset", "is_preset"), ("forked from", "source_template"), ("model", "model")),
        [
            *c.facts(item, ("now", "status"), ("cycles", "cycle_count")),
            c.when(item, "last active", "last_activity", context),
        ],
        c.facts(
            item,
            ("runs 24 h", "day.runs24h"),
            ("succeeded", "day.succeeded"),
            ("failed", "day.failed"),
            ("tokens 24 h", "day.tokens24h"),
        ),
    ]


KIND = Kind(
    name="agents",
    title="Agents",
    noun="agent",
    aliases=("agent", "ag", "roster"),
    contract="library.md §1, §3; v1.md §2",
    roads=(
        Road(Family.AGENTS, _roster, frozenset({"agents", "ai_calls"}), every=60.0, blind=30.0),
        Road(
            Family.V1,
            _names,
            every=120.0,
            blind=60.0,
            notice="v1 names the agents; what they do needs a browser session.",
        ),
    ),
    fields=(
        c.state("status", width=10, priority=0),
        c.text("name", "AGENT", 22, flex=2, min_width=14),
        c.text("category", "CATEGORY", 14, "dim", priority=2),
        c.flag("is_preset", "PRESET", "preset", "own", key="preset", priority=3),
        c.count("cycle_count", "CYCLES", 6, key="cycles", priority=2),
        c.count("day.runs24h", "RUNS 24H", 8, key="runs", priority=1),
        c.count("day.failed", "FAILED", 6, key="failed", priority=1),
        c.count("day.tokens24h", "TOKENS", 7, key="tokens", priority=3),
        c.age("last_activity", "LAST", key="last", priority=1),
        c.text("description", "", 30, "dim", key="what", priority=4, flex=3, min_width=16),
    ),
    search=c.searching("name", "slug", "category", "status", "is_preset", "description"),
    default_sort=c.by("last_activity", "sort", "name"),
    label=lambda record: str(c.value(record, "name") or c.value(record, "id")),
    facts=_facts,
    links=lambda item: [
        Link("runs", "its runs", "runs", filter=f"who:{str(c.value(item, 'name')).split(' ')[0]}"),
        Link("assignments", "its assignments", "assignments", filter=str(c.value(item, "name"))),
    ],
    texts=lambda item: [("Prompt", text)] if (text := c.value(item, "system_prompt")) else [],
    verbs=(
        Verb(
            "delete",
            "delete",
            "ctrl+d",
            "Delete an agent of your own.",
            lambda client, item, _: client.agents.delete(item.key),
            why_not=lambda item: "A preset cannot be deleted." if c.value(item, "is_preset") else None,
            doing="deleting",
            means=("Its assignments and triggers go with it.",),
            done="{} is deleted.",
            footer=False,
        ),
    ),
    empty="No agents.",
    needs="The agents need a token or a browser session that this service accepts.",
)
