"""Members of every team, with the open invites of the teams (identity.md §8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from mogplex_tui.api.route_access import Family
from mogplex_tui.live.reasons import Requirement, Subject
from mogplex_tui.operate import column_formats as formats
from mogplex_tui.operate.combined_reads import ListPart, read_parts
from mogplex_tui.operate.model import (
    Action,
    Change,
    Confirmation,
    Entry,
    Fact,
    Kind,
    Layout,
    Link,
    RowPage,
    Source,
    column,
    fact,
)
from mogplex_tui.operate.parameters import Parameter
from mogplex_tui.operate.row_pages import page_of

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.invites import Invite
    from mogplex_tui.api.models.teams import Member, Membership
    from mogplex_tui.live.session import Session

_ROLES = ("admin", "developer", "viewer")


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member of a team, or an open invite to it.

    `id` is the id of the user or the invite. `can_manage` tells whether this account may change members of the team.
    """

    id: str
    team_id: str
    team: str
    can_manage: bool
    status: str
    name: str
    role: str
    email: str | None = None
    username: str | None = None
    is_current_user: bool = False
    joined_at: datetime | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None

    @property
    def since(self) -> datetime | None:
        """The time at which the member joined or the invite was sent."""
        return self.joined_at or self.created_at

    @property
    def other_names(self) -> Sequence[str]:
        """The other names that commands accept for the member."""
        return [each for each in (self.id, self.username, self.email) if each]


def _from_member(team: Membership, can_manage: bool, member: Member) -> MemberRow:
    return MemberRow(
        id=member.user_id,
        team_id=team.id,
        team=team.slug or team.name,
        can_manage=can_manage,
        status="active",
        name=member.label,
        role=member.role,
        email=member.email,
        username=member.username,
        is_current_user=member.is_current_user,
        joined_at=member.joined_at,
    )


def _from_invite(team: Membership, can_manage: bool, invite: Invite) -> MemberRow:
    return MemberRow(
        id=invite.id,
        team_id=team.id,
        team=team.slug or team.name,
        can_manage=can_manage,
        status="pending",
        name=invite.email,
        role=invite.role,
        email=invite.email,
        created_at=invite.created_at,
        expires_at=invite.expires_at,
    )


async def _read_team(team: Membership, client: ClientView, _: Session) -> RowPage[MemberRow]:
    from mogplex_tui.api.errors import NotFound

    try:
        roster = await client.teams.members(team.id)
    except NotFound:
        # The account left the team, or it was deleted, after the list of teams was read.
        return RowPage(())
    can_manage = roster.viewer.can_manage
    members = page_of(roster.members, partial(_from_member, team, can_manage), lambda row: row.id)
    invites = page_of(roster.invites, partial(_from_invite, team, can_manage), lambda row: row.id)
    return RowPage([_with_team(team, entry) for entry in (*members.entries, *invites.entries)])


def _with_team(team: Membership, entry: Entry[MemberRow]) -> Entry[MemberRow]:
    """Return a copy of an entry with the team in its key and its JSON.

    A user may be a member of several teams, so the user's id alone is not a unique key.
    """
    raw = entry.raw
    if isinstance(raw, dict):
        # The service names the user by `userId` and the invite by `id`.
        raw = {"id": entry.key, **raw, "teamId": team.id}
    return replace(entry, key=f"{team.id[:8]}/{entry.key}", raw=raw)


async def _read(client: ClientView, session: Session) -> RowPage[MemberRow]:
    teams = (await client.teams.memberships()).teams
    parts = [
        ListPart(team.id, Subject(f"members of {team.name}"), partial(_read_team, team)) for team in teams
    ]
    return await read_parts(client, session, "members", parts)


def _unavailable_reason(row: MemberRow) -> str | None:
    if row.status != "active":
        return "This is an invite that nobody has accepted yet."
    if row.is_current_user:
        return "You cannot change your own membership here."
    if row.role == "owner":
        return "An owner cannot be changed or removed; transfer the ownership in the browser."
    return None if row.can_manage else "Only owners and admins of the team may do this."


def _role(text: str) -> str:
    if text not in _ROLES:
        raise ValueError(f"Choose {', '.join(_ROLES[:-1])} or {_ROLES[-1]}.")
    return text


ROLE = Parameter("role", "role in the team", _role, choices=_ROLES, positional=True)


async def _set_role(change: Change[MemberRow]) -> None:
    await change.client.teams.set_role(change.row.team_id, change.row.id, change.values[ROLE])


async def _remove(change: Change[MemberRow]) -> None:
    await change.client.teams.remove_member(change.row.team_id, change.row.id)


KIND = Kind[MemberRow](
    name="members",
    title="Members",
    noun="member",
    aliases=("member", "people", "me"),
    contract="identity.md §8",
    sources=(Source(Family.TEAMS, _read, poll=300, poll_without_realtime=180),),
    columns=(
        column("status", "STATE", lambda row: row.status, formats.state(), Layout(10), is_text=True),
        column(
            "name",
            "NAME",
            lambda row: row.name,
            formats.text(),
            Layout(22, flex=2, min_width=12),
            is_text=True,
        ),
        column(
            "email",
            "E-MAIL",
            lambda row: row.email,
            formats.text("dim"),
            Layout(24, priority=2, flex=1),
            is_text=True,
        ),
        column("team", "TEAM", lambda row: row.team, formats.text(), Layout(14, min_width=13), is_text=True),
        column("role", "ROLE", lambda row: row.role, formats.text(), Layout(10), is_text=True),
        column(
            "you",
            "YOU",
            lambda row: row.is_current_user,
            formats.flag("you", ""),
            Layout(5, priority=3),
            field="is_current_user",
        ),
        column("since", "SINCE", lambda row: row.since, formats.AGE, Layout(5, priority=1)),
    ),
    hidden_filters={
        "state": lambda row: row.status,
        "who": lambda row: row.name,
        "username": lambda row: row.username,
    },
    label=lambda row: row.name,
    other_names=lambda row: row.other_names,
    default_sort=lambda row: (formats.sort_key(row.team), formats.sort_key(row.name)),
    facts=(
        (
            Fact("name", lambda row: row.name),
            Fact("user name", lambda row: row.username),
            Fact("e-mail", lambda row: row.email),
            Fact("you", lambda row: row.is_current_user),
        ),
        (
            Fact("team", lambda row: row.team),
            Fact("role", lambda row: row.role),
            fact("status", lambda row: row.status, formats.state()),
        ),
        (
            Fact("joined", lambda row: row.joined_at, optional=True),
            Fact("invited", lambda row: row.created_at, optional=True),
            Fact("expires", lambda row: row.expires_at, optional=True),
        ),
    ),
    links=(Link("team", "teams", lambda row: row.team, key=lambda row: row.team_id),),
    actions=(
        Action(
            "role",
            "e",
            "Change the member's role",
            _set_role,
            in_progress="changing",
            done="{} has the new role.",
            families=(Family.TEAMS,),
            parameters=(ROLE,),
            initial=lambda row: {ROLE: row.role},
            unavailable_reason=_unavailable_reason,
        ),
        Action(
            "remove",
            "x",
            "Remove the member from the team; asks first",
            _remove,
            in_progress="removing",
            help_has_title=True,
            done="{} is removed from the team.",
            families=(Family.TEAMS,),
            unavailable_reason=_unavailable_reason,
            confirmation=Confirmation(["The member loses access immediately."], "Remove"),
        ),
    ),
    empty="No members. Create a team in the browser first.",
    needs=Requirement("members"),
)
