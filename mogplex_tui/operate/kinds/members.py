"""Members: the people of every team, with open invites among them (identity.md §8)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Item, Listing
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds import parts as p
from mogplex_tui.operate.kinds.base import Kind, dressed, listed, road
from mogplex_tui.operate.kinds.readings import Part, of_parts
from mogplex_tui.operate.kinds.verb import verb

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.teams import Membership
    from mogplex_tui.live.session import Session


_ROLES = ("admin", "developer", "viewer")


def _person(beside: dict[str, Any], row: Any) -> dict[str, Any]:
    return dressed(row, name=row.label, status="active", is_owner=row.role == "owner", **beside)


def _invite(beside: dict[str, Any], row: Any) -> dict[str, Any]:
    return dressed(row, name=row.email, status="pending", is_current_user=False, **beside)


async def _roster(team: Membership, client: ClientView, _: Session) -> list[Item]:
    from mogplex_tui.api.errors import NotFound

    try:
        roster = await client.teams.roster(team.id)
    except NotFound:
        # Left or deleted since the list of teams was read.
        return []
    beside = {"team": team.slug or team.name, "team_id": team.id, "may": roster.viewer.can_manage}
    people = listed(roster.members, lambda row: str(row.user_id), partial(_person, beside))
    invites = listed(roster.invites, dress=partial(_invite, beside))
    # Somebody may be in several teams.
    return [replace(item, key=f"{team.id[:8]}/{item.key}") for item in (*people.items, *invites.items)]


async def _list(client: ClientView, session: Session) -> Listing:
    teams = (await client.teams.memberships()).teams
    parts = [Part(team.id, f"Members of {team.name} are", partial(_roster, team)) for team in teams]
    return await of_parts(client, session, "members", parts)


_CHANGES = (
    p.while_in("active", why="This is an invite, nobody has joined by it yet."),
    p.lacking("is_current_user", "Nobody changes their own membership here."),
    p.lacking("is_owner", "An owner is not moved or removed; ownership is handed over in the browser."),
    p.having("may", "Only owners and admins of the team may do this."),
)


async def _set_role(client: ClientView, item: Item, role: str) -> None:
    await client.teams.set_role(c.value(item, "team_id"), c.value(item, "user_id"), role)


async def _remove(client: ClientView, item: Item, _: str) -> None:
    await client.teams.remove_member(c.value(item, "team_id"), c.value(item, "user_id"))


KIND = Kind(
    name="members",
    title="Members",
    noun="member",
    aliases=("member", "people", "me"),
    contract="identity.md §8",
    roads=(road(Family.TEAMS, _list, every=300, blind=180),),
    fields=(
        c.state("status", width=10, priority=0),
        c.text("name", "WHO", 22, flex=2, min_width=12),
        c.text("email", "E-MAIL", 24, "dim", key="email", flex=1, priority=2),
        c.text("team", "TEAM", 14, min_width=13, priority=0),
        c.text("role", "ROLE", 10, priority=0),
        c.flag("is_current_user", "YOU", "you", "", key="you", priority=3),
        c.age("joined_at|created_at", "SINCE", 5, key="since", priority=1),
    ),
    search=c.searching("username"),
    default_sort=c.by("team", "name"),
    descending=False,
    label=c.named("{name}"),
    facts=c.groups(
        "name; user name: username; e-mail: email; you: is_current_user",
        "team; role; status: status as state",
        "joined: joined_at; invited: created_at; runs out: expires_at",
    ),
    links=p.links(p.to("teams", "team", "team_id", "team")),
    verbs=(
        verb("role", "e", "Give the member another role.")
        .sends(_set_role)
        .only(*_CHANGES)
        .wants("Which role", lambda _, __: [(role, role) for role in _ROLES], value=c.named("{role}"))
        .says("moving", "{} has the new role."),
        verb("remove", "x", "Take the member out of the team; asks first.")
        .sends(_remove)
        .only(*_CHANGES)
        .asks("The member loses sight of everything of the team at once.", go="Remove")
        .says("removing", "{} is out of the team."),
    ),
    empty="No team, so no members. Teams are made in the browser.",
    needs=p.session_needed("Members"),
)
