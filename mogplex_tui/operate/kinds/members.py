"""Members: the people of every team, with open invites among them (identity.md §8)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mogplex_tui.api.access import Family
from mogplex_tui.live.collection import Item, Listing, Road
from mogplex_tui.operate.kinds import columns as c
from mogplex_tui.operate.kinds.base import Context, Fact, Kind, Link, Verb, Wish, listed
from mogplex_tui.operate.kinds.parts import session_needed

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.session import Session


async def _list(client: ClientView, _: Session) -> Listing:
    from mogplex_tui.api.errors import NotAllowed, NotFound

    items: list[Item] = []
    for team in (await client.teams.memberships()).teams:
        try:
            roster = await client.teams.roster(team.id)
        except (NotAllowed, NotFound):
            # Left or deleted since the list of teams was read.
            continue
        beside = {"team": team.slug or team.name, "team_id": team.id, "may": roster.viewer.can_manage}

        def person(row: Any, beside: dict[str, Any] = beside) -> dict[str, Any]:
            return {**row.__dict__, "name": row.label, "status": "active", **beside}

        def invite(row: Any, beside: dict[str, Any] = beside) -> dict[str, Any]:
            return {
                **row.__dict__,
                "name": row.email,
                "status": "pending",
                "is_current_user": False,
                **beside,
            }

        mine = [
            *listed(roster.members, lambda row: str(row.user_id), person).items,
            *listed(roster.invites, dress=invite).items,
        ]
        # Somebody may be in several teams.
        items += [replace(item, key=f"{team.id[:8]}/{item.key}") for item in mine]
    return Listing(items)


def _why_not(item: Item) -> str | None:
    if c.value(item, "status") != "active":
        return "This is an invite, nobody has joined by it yet."
    if c.value(item, "is_current_user"):
        return "Nobody changes their own membership here."
    if c.value(item, "role") == "owner":
        return "An owner is not moved or removed; ownership is handed over in the browser."
    return None if c.value(item, "may") else "Only owners and admins of the team may do this."


async def _set_role(client: ClientView, item: Item, role: str) -> None:
    await client.teams.set_role(c.value(item, "team_id"), c.value(item, "user_id"), role)


async def _remove(client: ClientView, item: Item, _: str) -> None:
    await client.teams.remove_member(c.value(item, "team_id"), c.value(item, "user_id"))


def _facts(item: Item, context: Context) -> list[list[Fact]]:
    return [
        c.group(item, "name: name; user name: username; e-mail: email; you: is_current_user"),
        c.group(item, "team: team; role: role; status: status"),
        [c.when(item, "joined", "joined_at", context)],
    ]


KIND = Kind(
    name="members",
    title="Members",
    noun="member",
    aliases=("member", "people", "me"),
    contract="identity.md §8",
    roads=(Road(Family.TEAMS, _list, every=300.0, blind=180.0),),
    fields=(
        c.state("status", width=10, priority=0),
        c.text("name", "WHO", 22, flex=2, min_width=12),
        c.text("email", "E-MAIL", 24, "dim", key="email", flex=1, priority=2),
        c.text("team", "TEAM", 16, flex=1, min_width=8, priority=0),
        c.text("role", "ROLE", 10, priority=0),
        c.flag("is_current_user", "YOU", "you", "", key="you", priority=3),
        c.age("joined_at|created_at", "SINCE", 5, key="since", priority=1),
    ),
    search=c.searching("name", "username", "email", "team", "role", "status"),
    default_sort=c.by("team", "name"),
    descending=False,
    label=lambda record: str(c.value(record, "name")),
    facts=_facts,
    links=lambda item: [Link("team", str(c.value(item, "team")), "teams", key=c.value(item, "team_id"))],
    verbs=(
        Verb(
            "role",
            "role",
            "e",
            "Give the member another role.",
            _set_role,
            why_not=_why_not,
            doing="moving",
            wish=Wish(
                "Which role",
                value=lambda item: str(c.value(item, "role")),
                choices=lambda _, __: [(role, role) for role in ("admin", "developer", "viewer")],
            ),
            done="{} has the new role.",
        ),
        Verb(
            "remove",
            "remove",
            "x",
            "Take the member out of the team; asks first.",
            _remove,
            why_not=_why_not,
            doing="removing",
            means=("The member loses sight of everything of the team at once.",),
            go="Remove",
            done="{} is out of the team.",
        ),
    ),
    empty="No team, so no members. Teams are made in the browser.",
    needs=session_needed("Members"),
)
