"""Teams: the places to work in and the role in each; one team with its people (identity.md §7, §8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Item, Listing, Road
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds.base import Context, Fact, Kind, Link, listed
from mogplex_tui.operate.kinds.parts import session_needed

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.session import Session


async def _list(client: ClientView, session: Session) -> Listing:
    found = await client.teams.memberships()
    acting = session.target.team
    personal = {
        "id": "personal",
        "name": found.personal.name or "personal",
        "slug": found.personal.slug,
        "role": "owner",
        "sort": "personal",
        "acting": acting is None,
    }

    def dress(team: Any) -> dict[str, Any]:
        return {**team.__dict__, "sort": "team", "acting": team.id == acting}

    return Listing([Item("personal", personal, personal), *listed(found.teams, dress=dress).items])


async def _one(client: ClientView, item: Item) -> Item:
    if item.key == "personal":
        return item
    found = await client.teams.roster(item.key)
    more = {
        "name": found.team.name,
        "people": len(found.members),
        "invited": len(found.invites),
        "manages": found.viewer.can_manage,
        "roster": [f"{each.role:<10} {each.label}  {each.email or ''}" for each in found.members]
        + [f"{'invited':<10} {each.email}  as {each.role}" for each in found.invites],
    }
    return Item(item.key, {**(item.record or {}), **more}, item.raw)


def _facts(item: Item, _: Context) -> list[list[Fact]]:
    return [
        c.group(item, "name: name; slug: slug; what: sort"),
        c.group(item, "your role: role; you manage it: manages; acting for it: acting"),
        c.group(item, "people: people; open invites: invited"),
    ]


KIND = Kind(
    name="teams",
    title="Teams",
    noun="team",
    aliases=("team", "te"),
    contract="identity.md §7, §8",
    roads=(Road(Family.TEAMS, _list, every=300.0, blind=180.0),),
    fields=(
        c.flag("acting", "ACTING", "for it", "", priority=0),
        c.text("name", "TEAM", 24, flex=2, min_width=14),
        c.text("slug", "SLUG", 20, "dim", flex=1, priority=1),
        c.text("role", "YOUR ROLE", 10, key="role", priority=0),
        c.text("sort", "WHAT", 9, "dim", key="what", priority=2),
    ),
    search=c.searching("name", "slug", "role", "sort"),
    default_sort=c.by("sort", "name"),
    descending=False,
    label=lambda record: str(c.value(record, "name") or c.value(record, "id")),
    facts=_facts,
    links=lambda item: (
        []
        if item.key == "personal"
        else [Link("members", "its people", "members", filter=f"team:{c.value(item, 'slug')}")]
    ),
    texts=lambda item: [("People", "\n".join(lines))] if (lines := c.value(item, "roster")) else [],
    one=_one,
    empty="No teams: you work alone.",
    needs=session_needed("Teams"),
)
