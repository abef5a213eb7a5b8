"""The header that selects a team (identity.md §1.5, auth.md §10)."""

from __future__ import annotations

import pytest

from tests.controlplane.identity.people import People, refused
from tests.controlplane.row_factory import RowFactory

NOBODYS = "00000000-0000-4000-8000-000000000000"


async def test_team_rows_are_visible_to_members_only(people: People, factory: RowFactory) -> None:
    ada, ben = await people.owner(), await people.new("ben")
    team = people.team(ada)
    factory.repo("acme/own")
    for header in (team, team.upper()):
        answer = await ada.token.get("/api/repos", headers={"x-mogplex-team-id": header})
        assert (answer.status_code, answer.json()) == (200, [])
    for foreign in (team, NOBODYS):
        answer = await ben.token.get("/api/repos", headers={"x-mogplex-team-id": foreign})
        assert refused(answer) == (403, "Forbidden")


@pytest.mark.parametrize("header", ["", "night-shift", "7"])
async def test_invalid_team_id_is_personal_scope(people: People, factory: RowFactory, header: str) -> None:
    ada = await people.owner()
    factory.repo("acme/own")
    answer = await ada.token.get("/api/repos", headers={"x-mogplex-team-id": header})
    assert [repo["full_name"] for repo in answer.json()] == ["acme/own"]


async def test_role_without_capability_is_read_only(people: People) -> None:
    ada, dev, guest = await people.owner(), await people.new("dev"), await people.new("guest")
    team = people.team(ada)
    people.join(team, dev, "developer")
    people.join(team, guest, "viewer")
    header = {"x-mogplex-team-id": team}
    body = {"name": "Night work"}
    assert (await guest.token.get("/api/workspaces", headers=header)).status_code == 200
    denied = await guest.token.post("/api/workspaces", json=body, headers=header)
    assert refused(denied) == (403, "Forbidden")
    assert (await dev.token.post("/api/workspaces", json=body, headers=header)).is_success
    # Alone everybody may do everything.
    assert (await guest.token.post("/api/workspaces", json=body)).is_success
