"""Teams: creation, models, keys and change of owner (identity.md §8)."""

from __future__ import annotations

import sqlite3
from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.db.clock import iso_db
from tests.controlplane.identity.people import People, Person, refused
from tests.controlplane.row_factory import RowFactory

NOBODYS = "00000000-0000-4000-8000-000000000000"


async def test_a_new_team_belongs_to_its_founder(people: People) -> None:
    ada = await people.owner()
    made = await ada.token.post("/api/teams", json={"name": " Night Shift ", "slug": " Night-SHIFT "})
    team = made.json()["team"]
    assert made.status_code == 201
    assert team == {"id": team["id"], "slug": "night-shift", "name": "Night Shift"}
    mine = (await ada.token.get("/api/memberships")).json()["teams"]
    assert [(row["id"], row["role"]) for row in mine] == [(team["id"], "owner")]
    assert people.events(team["id"]) == [("team.created", {"name": "Night Shift", "slug": "night-shift"})]


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"slug": "x"}, 422, "Team name must be 1-80 characters"),
        ({"name": "x" * 81, "slug": "x"}, 422, "Team name must be 1-80 characters"),
        ({"name": "N", "slug": "Pricing"}, 422, "Slug is reserved"),
        ({"name": "N", "slug": "automations"}, 422, "Slug is reserved"),
        ({"name": "N", "slug": "ada-okafor"}, 409, "Slug already taken"),
        ({"name": "N", "slug": "day-shift"}, 409, "Slug already taken"),
    ],
)
async def test_invalid_teams_are_not_created(people: People, body: Any, status: int, error: str) -> None:
    ada, ben = await people.owner(), await people.new("ben")
    people.team(ben, "day-shift")
    assert refused(await ada.token.post("/api/teams", json=body)) == (status, error)
    assert (await ada.token.get("/api/memberships")).json()["teams"] == []


@pytest.mark.parametrize(
    ("slug", "reason"),
    [
        ("free-name", None),
        ("a", None),
        ("a" * 39, None),
        ("", "invalid"),
        ("a" * 40, "invalid"),
        ("-a", "invalid"),
        ("a-", "invalid"),
        ("a--b", "invalid"),
        ("a_b", "invalid"),
        ("robots.txt", "invalid"),
        ("Login", "reserved"),
        ("runs", "reserved"),
        ("ada-okafor", "taken"),
        ("night-shift", "taken"),
    ],
)
async def test_a_name_is_free_or_has_a_reason(people: People, slug: str, reason: str | None) -> None:
    ada = await people.owner()
    people.team(ada)
    answer = await ada.token.get("/api/teams/slug-check", params={"slug": slug})
    expected = {"available": True} if reason is None else {"available": False, "reason": reason}
    assert (answer.status_code, answer.json()) == (200, expected)
    if reason == "invalid":
        assert (await ada.token.post("/api/teams", json={"name": "N", "slug": slug})).status_code == 422


async def test_team_routes_require_membership(people: People, anonymous: httpx.AsyncClient) -> None:
    ada, eve, dev = await people.owner(), await people.new("eve"), await people.new("dev")
    team = people.team(ada)
    people.join(team, dev, "developer")
    managed = {
        "audit-events": ("GET",),
        "icon": ("POST", "DELETE"),
        "installations": ("GET", "POST"),
        "installations/7": ("DELETE",),
        "invites/bulk": ("POST",),
        f"invites/{NOBODYS}": ("POST", "DELETE"),
        "models": ("PATCH",),
        "keys": ("PUT", "DELETE"),
        "ownership": ("POST",),
    }
    for path, methods in managed.items():
        for method in methods:
            assert refused(await dev.token.request(method, f"/api/teams/{team}/{path}")) == (403, "Forbidden")
    for path, methods in {**managed, "members": ("GET",), f"members/{ada.id}": ("DELETE",)}.items():
        for method in methods:
            url = f"/api/teams/{team}/{path}"
            assert refused(await eve.token.request(method, url)) == (403, "Forbidden")
            assert refused(await anonymous.request(method, url)) == (401, "Unauthorized")
            gone = await eve.token.request(method, url.replace(team, NOBODYS))
            assert refused(gone) == (404, "Team not found")
    assert refused(await ada.token.get("/api/teams/nonsense/members")) == (404, "Team not found")
    # There is no list of teams here, and no single team either.
    assert (await ada.token.get("/api/teams")).status_code == 405
    assert (await ada.token.get(f"/api/teams/{team}")).status_code == 404


async def test_allowlist_is_normalised_to_known_models(people: People, factory: RowFactory) -> None:
    ada, dev = await people.owner(), await people.new("dev")
    team = people.team(ada)
    people.join(team, dev, "developer")
    for model in ("acme/b", "acme/a"):
        factory.model(model)
    url = f"/api/teams/{team}/models"
    assert (await dev.token.get(url)).json() == {"modelAllowlist": None, "viewer": {"canManage": False}}
    saved = await ada.token.patch(url, json={"model_allowlist": ["acme/b ", "acme/a", "acme/b"]})
    assert (saved.status_code, saved.json()) == (200, {"ok": True})
    assert (await ada.token.get(url)).json() == {
        "modelAllowlist": ["acme/a", "acme/b"],
        "viewer": {"canManage": True},
    }
    unknown = await ada.token.patch(url, json={"model_allowlist": ["x/y", "acme/a", "b/c"]})
    assert refused(unknown) == (422, "Unknown model IDs: b/c, x/y")
    for body in ({}, {"model_allowlist": "acme/a"}, {"model_allowlist": [1]}):
        assert (await ada.token.patch(url, json=body)).status_code == 422
    assert (await ada.token.get(url)).json()["modelAllowlist"] == ["acme/a", "acme/b"]
    wishes: tuple[list[str] | None, ...] = ([], None)
    for wish in wishes:
        await ada.token.patch(url, json={"model_allowlist": wish})
        assert (await ada.token.get(url)).json()["modelAllowlist"] == wish
    actions = [event[1]["after"] for event in people.events(team)]
    assert actions == [["acme/a", "acme/b"], [], None]


async def test_team_keys_are_read_by_members_and_changed_by_managers(
    people: People, factory: RowFactory
) -> None:
    ada, dev = await people.owner(), await people.new("dev")
    team = people.team(ada)
    people.join(team, dev, "developer")
    url = f"/api/teams/{team}/keys"
    for body, error in (
        ({"provider": "acme"}, "Invalid provider"),
        ({"provider": "openai", "key": ""}, "Key is required"),
    ):
        assert refused(await ada.token.put(url, json=body)) == (400, error)
    put = await ada.token.put(url, json={"provider": "openai", "key": "sk-0123456789"})
    assert put.json() == {"ok": True}
    now = iso_db(factory.clock.us)
    assert (await dev.token.get(url)).json() == {
        "keys": [{"provider": "openai", "created_at": now, "updated_at": now}],
        "viewer": {"role": "developer", "canManage": False},
    }
    # A team's key is nobody's own.
    assert (await ada.browser.get("/api/settings/keys")).json() == {"keys": []}
    gone = await ada.token.request("DELETE", url, json={"provider": "openai"})
    assert gone.json() == {"ok": True}
    assert (await ada.token.get(url)).json()["keys"] == []
    named = [("team_provider_key.updated", {"provider": "openai"})]
    assert people.events(team) == [*named, ("team_provider_key.deleted", {"provider": "openai"})]


async def hand_over(person: Person, team: str, body: Any) -> httpx.Response:
    """Request a change of owner."""
    return await person.token.post(f"/api/teams/{team}/ownership", json=body)


async def test_ownership_transfers_only_to_admin(people: People, factory: RowFactory) -> None:
    ada, ben, dev, eve = [await people.owner(), *[await people.new(name) for name in ("ben", "dev", "eve")]]
    team = people.team(ada)
    people.join(team, ben, "admin")
    people.join(team, dev, "developer")
    assert refused(await hand_over(ben, team, {"next_owner_user_id": ben.id})) == (403, "Forbidden")
    assert refused(await hand_over(ada, team, {})) == (422, "next_owner_user_id is required")
    assert (await hand_over(ada, team, {"next_owner_user_id": ada.id})).status_code == 422
    assert (await hand_over(ada, team, {"next_owner_user_id": dev.id})).status_code == 422
    stranger = await hand_over(ada, team, {"next_owner_user_id": eve.id})
    assert refused(stranger) == (404, "Team member not found")
    assert (await hand_over(ada, team, {"next_owner_user_id": ben.id})).json() == {"ok": True}
    members = (await ada.token.get(f"/api/teams/{team}/members")).json()["members"]
    roles = {member["userId"]: member["role"] for member in members}
    assert roles == {ada.id: "admin", ben.id: "owner", dev.id: "developer"}
    assert factory.row("teams", team)["owner_user_id"] == ben.id
    change = {"previous_owner_user_id": ada.id, "next_owner_user_id": ben.id}
    assert people.events(team) == [("team.owner_transferred", change)]


async def test_database_requires_team_owner(people: People, factory: RowFactory) -> None:
    ada = await people.owner()
    team = people.team(ada)
    for statement in (
        "UPDATE team_members SET role = 'admin'",
        "DELETE FROM team_members",
        "DELETE FROM profiles WHERE id = (SELECT owner_user_id FROM teams)",
    ):
        with pytest.raises(sqlite3.IntegrityError), factory.plane.db.transaction() as tx:
            tx.execute(statement)
    with factory.plane.db.transaction() as tx:
        tx.execute("DELETE FROM teams WHERE id = ?", (team,))
    assert factory.plane.db.value("SELECT COUNT(*) FROM team_members") == 0


@pytest.mark.parametrize("slug", ["new", "ada-okafor", "a--b", "A"])
async def test_database_requires_unique_slug(people: People, slug: str) -> None:
    ada = await people.owner()
    with pytest.raises(sqlite3.IntegrityError):
        people.team(ada, slug)
