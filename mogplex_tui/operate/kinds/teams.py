"""Teams of the account, with roles and members (identity.md §7, §8)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mogplex_tui.api.route_access import Family
from mogplex_tui.live.reasons import Requirement
from mogplex_tui.operate import column_formats as formats
from mogplex_tui.operate.filters import quoted
from mogplex_tui.operate.model import (
    Entry,
    Fact,
    Join,
    Kind,
    Layout,
    Link,
    RowPage,
    Single,
    Source,
    TextBlock,
    column,
)
from mogplex_tui.operate.row_pages import page_of

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.teams import Membership, PersonalScope, Roster
    from mogplex_tui.live.session import Session

_PERSONAL = "personal"


@dataclass(frozen=True, slots=True)
class TeamRow:
    """A team, or the personal account.

    The numbers of members and invites are None until the team's own record is read.
    """

    id: str
    name: str
    slug: str | None
    role: str
    is_current: bool = False
    """Whether the console acts for this team."""
    people: int | None = None
    invited: int | None = None
    can_manage: bool | None = None
    roster: tuple[str, ...] = ()

    @property
    def is_personal(self) -> bool:
        """Whether the row is the personal account and not a team."""
        return self.id == _PERSONAL

    @property
    def type(self) -> str:
        """The word `personal` or `team`."""
        return _PERSONAL if self.is_personal else "team"


def _from_membership(team: Membership) -> TeamRow:
    return TeamRow(team.id, team.name, team.slug, team.role)


def _personal_entry(scope: PersonalScope) -> Entry[TeamRow]:
    row = TeamRow(_PERSONAL, scope.name or _PERSONAL, scope.slug, "owner")
    raw = {"id": row.id, "name": row.name, "slug": row.slug, "role": row.role}
    return Entry(row.id, row, raw)


async def _read(client: ClientView, _: Session) -> RowPage[TeamRow]:
    memberships = await client.teams.memberships()
    page = page_of(memberships.teams, _from_membership, lambda row: row.id)
    return RowPage([_personal_entry(memberships.personal), *page.entries])


def _fill(session: Session) -> Callable[[TeamRow], TeamRow]:
    current = session.target.team or _PERSONAL
    return lambda row: replace(row, is_current=row.id == current)


def _people(roster: Roster) -> tuple[str, ...]:
    """Return one line for each member and invite of a team.

    Records that could not be read have a line with the reason.
    """
    return (
        *(f"{each.role:<10} {each.label}  {each.email or ''}" for each in roster.members),
        *(f"{'invited':<10} {each.email}  as {each.role}" for each in roster.invites),
        *(f"{'unreadable':<10} {bad.reason}" for bad in (*roster.members.bad, *roster.invites.bad)),
    )


async def _read_single(client: ClientView, key: str, row: TeamRow | None) -> Entry[TeamRow]:
    if key == _PERSONAL:
        return Entry(key, row)
    roster = await client.teams.members(key)
    listed = row or TeamRow(key, roster.team.name, roster.team.slug, roster.viewer.role)
    read = replace(
        listed,
        name=roster.team.name,
        people=roster.members.total,
        invited=roster.invites.total,
        can_manage=roster.viewer.can_manage,
        roster=_people(roster),
    )
    return Entry(key, read)


def _merge(listed: TeamRow, single: TeamRow) -> TeamRow:
    return replace(
        listed,
        people=single.people,
        invited=single.invited,
        can_manage=single.can_manage,
        roster=single.roster,
    )


KIND = Kind[TeamRow](
    name="teams",
    title="Teams",
    noun="team",
    aliases=("team", "te"),
    contract="identity.md §7, §8",
    sources=(Source(Family.TEAMS, _read, poll=300, poll_without_realtime=180),),
    join=Join(_fill),
    single=Single(_read_single, _merge),
    columns=(
        column(
            "current",
            "CURRENT",
            lambda row: row.is_current,
            formats.flag("current", ""),
            Layout(9),
            field="is_current",
        ),
        column(
            "name",
            "TEAM",
            lambda row: row.name,
            formats.text(),
            Layout(24, flex=2, min_width=14),
            is_text=True,
        ),
        column(
            "slug", "SLUG", lambda row: row.slug, formats.text("dim"), Layout(20, 1, flex=1), is_text=True
        ),
        column("role", "YOUR ROLE", lambda row: row.role, formats.text(), Layout(10), is_text=True),
        column(
            "type",
            "TYPE",
            lambda row: row.type,
            formats.text("dim"),
            Layout(9, 2),
            field="type",
            is_text=True,
        ),
    ),
    hidden_filters={
        "acting": lambda row: "true" if row.is_current else "false",
        "what": lambda row: row.type,
    },
    label=lambda row: row.name or row.id,
    default_sort=lambda row: (formats.sort_key(row.type), formats.sort_key(row.name)),
    facts=(
        (
            Fact("name", lambda row: row.name),
            Fact("slug", lambda row: row.slug),
            Fact("type", lambda row: row.type),
        ),
        (
            Fact("your role", lambda row: row.role),
            Fact("can manage", lambda row: row.can_manage),
            Fact("current", lambda row: row.is_current),
        ),
        (Fact("members", lambda row: row.people), Fact("open invites", lambda row: row.invited)),
    ),
    links=(
        Link(
            "members",
            "members",
            lambda _: "all members",
            filter=lambda row: None if row.is_personal or not row.slug else f"team:={quoted(row.slug)}",
        ),
    ),
    texts=(TextBlock("Members", lambda row: "\n".join(row.roster)),),
    empty="No teams. The account works in its personal scope.",
    needs=Requirement("teams"),
)
