"""`members`: change roles and remove members by id, name or e-mail address."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.cli.support import CommandRunner
from tests.controlplane.row_factory import RowFactory


@dataclass(frozen=True)
class TeamRows:
    """A team of the operator with one developer, and its rows in the plane."""

    factory: RowFactory
    id: str
    member: str

    @property
    def role(self) -> str | None:
        """Return the role of the developer, None after a removal."""
        query = "SELECT role FROM team_members WHERE team_id = ? AND user_id = ?"
        role: str | None = self.factory.plane.db.value(query, (self.id, self.member))
        return role


def _team(factory: RowFactory, slug: str, member: str) -> TeamRows:
    now = factory.clock.us
    with factory.plane.db.transaction() as tx:
        team = tx.new_id()
        columns = {"owner_user_id": factory.user, "created_at": now, "updated_at": now}
        tx.insert("teams", id=team, name=slug.title(), slug=slug, **columns)
        tx.insert(
            "team_members", id=tx.new_id(), team_id=team, user_id=member, role="developer", joined_at=now
        )
    return TeamRows(factory, team, member)


@pytest.fixture
def teams(factory: RowFactory) -> tuple[TeamRows, TeamRows]:
    """Add two teams of the operator; Bea is a developer in both."""
    member = factory.profile("bea")
    return _team(factory, "night-shift", member), _team(factory, "day-shift", member)


async def test_member_of_one_of_two_teams_is_changed(
    operator: CommandRunner, teams: tuple[TeamRows, TeamRows]
) -> None:
    night_shift, day_shift = teams
    key = f"{night_shift.id[:8]}/{night_shift.member}"
    result = await operator("members", "role", key, "viewer", "--json")
    assert (result.code, result.only_object) == (0, {"object": "member", "id": key, "action": "role"})
    assert (night_shift.role, day_shift.role) == ("viewer", "developer")
    several = await operator("members", "remove", night_shift.member, "--yes")
    assert (several.code, several.out) == (2, "")
    assert key in several.err and f"{day_shift.id[:8]}/{day_shift.member}" in several.err
    unasked = await operator("members", "remove", key)
    assert (unasked.code, unasked.out) == (2, "")
    assert (await operator("members", "remove", key, "--yes")).out == f"{key}\n"
    assert (night_shift.role, day_shift.role) == (None, "developer")
    # Now the user's id and address name one record.
    listed = {row["id"]: row for row in (await operator("members", "list", "--json")).objects}
    email = listed[day_shift.member]["email"]
    assert listed[day_shift.member]["teamId"] == day_shift.id
    assert (await operator("members", "role", email, "admin")).code == 0
    assert day_shift.role == "admin"


async def test_unchangeable_member_gives_reason(
    operator: CommandRunner, teams: tuple[TeamRows, TeamRows]
) -> None:
    night_shift, _ = teams
    invalid_role = await operator("members", "role", f"{night_shift.id[:8]}/{night_shift.member}", "owner")
    assert (invalid_role.code, invalid_role.out) == (2, "")
    self_removal = await operator(
        "members", "remove", f"{night_shift.id[:8]}/{night_shift.factory.user}", "--yes"
    )
    assert (self_removal.code, self_removal.out) == (1, "")
    assert "You cannot change your own membership here." in self_removal.err
    assert night_shift.role == "developer"
