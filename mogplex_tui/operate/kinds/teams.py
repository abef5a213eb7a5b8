"""Teams: the places to work in and the role in each; one team with its people (identity.md §7, §8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Item, Listing
from mogplex_tui.operate.filters import quoted
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds import parts as p
from mogplex_tui.operate.kinds.base import Kind, dressed, listed, road, with_more

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
        return dressed(team, sort="team", acting=team.id == acting)

    return Listing([Item("personal", personal, personal), *listed(found.teams, dress=dress).items])


async def _one(client: ClientView, item: Item) -> Item:
    if item.key == "personal":
        return item
    found = await client.teams.roster(item.key)
    more = {
        "name": found.team.name,
        "people": found.members.total,
        "invited": found.invites.total,
        "manages": found.viewer.can_manage,
        "roster": [f"{each.role:<10} {each.label}  {each.email or ''}" for each in found.members]
        + [f"{'invited':<10} {each.email}  as {each.role}" for each in found.invites]
        + [f"{'unreadable':<10} {bad.why}" for bad in (*found.members.bad, *found.invites.bad)],
    }
    return with_more(item, more)


KIND = Kind(
    name="teams",
    title="Teams",
    noun="team",
    aliases=("team", "te"),
    contract="identity.md §7, §8",
    roads=(road(Family.TEAMS, _list, every=300, blind=180),),
    fields=(
        c.flag("acting", "ACTING", "acting", "", priority=0),
        c.text("name", "TEAM", 24, flex=2, min_width=14),
        c.text("slug", "SLUG", 20, "dim", flex=1, priority=1),
        c.text("role", "YOUR ROLE", 10, key="role", priority=0),
        c.text("sort", "WHAT", 9, "dim", key="what", priority=2),
    ),
    search=c.searching(),
    default_sort=c.by("sort", "name"),
    descending=False,
    label=c.named("{name|id}"),
    facts=c.groups(
        "name; slug; what: sort",
        "your role: role; you manage it: manages; acting for it: acting",
        "people; open invites: invited",
    ),
    links=p.links(
        p.among(
            "members",
            "members",
            "its people",
            lambda item: None if item.key == "personal" else c.filled(item, "team:={slug}", quoted),
        )
    ),
    texts=c.texts(("People", "roster")),
    one=_one,
    empty="No teams: you work alone.",
    needs=p.session_needed("Teams"),
)
