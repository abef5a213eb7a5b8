"""Members of a team: who sees them and who may change whom (identity.md §8)."""

from __future__ import annotations

from typing import Any

import pytest

from mogplex_tui.controlplane.db.clock import DAY_US, iso_db
from tests.controlplane.identity.people import People, Person, refused
from tests.controlplane.row_factory import RowFactory


async def full_team(people: People) -> tuple[str, dict[str, Person]]:
    """A team with a member of every role, and two admins."""
    cast = {"owner": await people.owner()}
    for name in ("admin", "admin2", "developer", "viewer"):
        cast[name] = await people.new(name)
    team = people.team(cast["owner"])
    for name in ("admin", "admin2", "developer", "viewer"):
        people.join(team, cast[name], name.rstrip("2"))
    return team, cast


async def test_every_member_sees_members_and_open_invites(people: People, factory: RowFactory) -> None:
    team, cast = await full_team(people)
    base = f"/api/teams/{team}"
    invite = {"email": "New@Example.dev", "role": "viewer"}
    first = (await cast["owner"].token.post(f"{base}/invites", json=invite)).json()["invite"]
    made = factory.clock.us
    factory.clock.advance(8 * 86_400)
    body = (await cast["viewer"].token.get(f"{base}/members")).json()
    assert body["team"] == {"id": team, "name": "Night Shift", "slug": "night-shift", "iconUrl": None}
    assert body["viewer"] == {"role": "viewer", "canManage": False}
    assert [(member["userId"], member["role"]) for member in body["members"]] == [
        (cast[name].id, name.rstrip("2")) for name in ("owner", "admin", "admin2", "developer", "viewer")
    ]
    assert body["members"][4] == {
        "userId": cast["viewer"].id,
        "name": "viewer",
        "username": "viewer",
        "email": "viewer@example.dev",
        "avatarUrl": None,
        "role": "viewer",
        "joinedAt": iso_db(made),
        "isCurrentUser": True,
    }
    # Expired by now, and still there.
    assert body["invites"] == [
        {
            "id": first["id"],
            "email": "new@example.dev",
            "role": "viewer",
            "expiresAt": iso_db(made + 7 * DAY_US),
            "createdAt": iso_db(made),
        }
    ]


@pytest.mark.parametrize(
    ("actor", "target", "role", "status"),
    [
        ("owner", "admin", "viewer", 200),
        ("owner", "developer", "admin", 200),
        ("owner", "developer", "owner", 403),
        ("admin", "developer", "viewer", 200),
        ("admin", "viewer", "developer", 200),
        ("admin", "developer", "admin", 403),
        ("admin", "admin2", "viewer", 403),
        ("admin", "owner", "viewer", 403),
        ("developer", "viewer", "developer", 403),
        ("viewer", "developer", "viewer", 403),
    ],
)
async def test_role_change_rules(people: People, actor: str, target: str, role: str, status: int) -> None:
    team, cast = await full_team(people)
    url = f"/api/teams/{team}/members/{cast[target].id}"
    answer = await cast[actor].token.patch(url, json={"role": role})
    assert (answer.status_code, answer.json()) == (
        status,
        {"ok": True} if status == 200 else {"error": "Forbidden"},
    )
    members = (await cast["owner"].token.get(f"/api/teams/{team}/members")).json()["members"]
    now = next(member["role"] for member in members if member["userId"] == cast[target].id)
    before = target.rstrip("2")
    assert now == (role if status == 200 else before)
    change = {"previous_role": before, "next_role": role}
    assert people.events(team) == ([("member.role_changed", change)] if status == 200 else [])


@pytest.mark.parametrize(
    ("actor", "target", "status"),
    [
        ("owner", "admin", 200),
        ("admin", "developer", 200),
        ("admin", "viewer", 200),
        ("admin", "admin2", 403),
        ("admin", "owner", 403),
        ("developer", "viewer", 403),
    ],
)
async def test_member_removal_rules(people: People, actor: str, target: str, status: int) -> None:
    team, cast = await full_team(people)
    answer = await cast[actor].token.delete(f"/api/teams/{team}/members/{cast[target].id}")
    assert answer.status_code == status
    seen = await cast[target].token.get(f"/api/teams/{team}/members")
    assert seen.status_code == (403 if status == 200 else 200)
    removed = [("member.removed", {"role": target.rstrip("2")})]
    assert people.events(team) == (removed if status == 200 else [])


async def test_own_or_missing_member_cannot_be_changed(people: People) -> None:
    team, cast = await full_team(people)
    eve = await people.new("eve")
    base = f"/api/teams/{team}/members"
    for name in ("owner", "viewer"):
        me = f"{base}/{cast[name].id}"
        changed = await cast[name].token.patch(me, json={"role": "owner"})
        assert refused(changed) == (403, "You cannot change your own role")
        assert refused(await cast[name].token.delete(me)) == (403, "You cannot remove yourself")
    owner = cast["owner"].token
    for gone in (eve.id, "nonsense"):
        assert refused(await owner.patch(f"{base}/{gone}", json={"role": "viewer"})) == (
            404,
            "Member not found",
        )
        assert refused(await owner.delete(f"{base}/{gone}")) == (404, "Member not found")


@pytest.mark.parametrize("role", ["king", None, 7, ["viewer"]])
async def test_unknown_role_is_checked_first(people: People, role: Any) -> None:
    team, cast = await full_team(people)
    url = f"/api/teams/{team}/members/{cast['viewer'].id}"
    assert refused(await cast["viewer"].token.patch(url, json={"role": role})) == (422, "Invalid role")
    assert refused(await cast["owner"].token.patch(url, content=b"-")) == (400, "Invalid JSON body")
