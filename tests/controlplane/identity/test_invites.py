"""Team invitations: created, resent, revoked and accepted (identity.md §8)."""

from __future__ import annotations

import re
from typing import Any

import httpx

from mogplex_tui.controlplane.db.clock import DAY_US, iso_db
from tests.controlplane.identity.people import People, refused
from tests.controlplane.row_factory import RowFactory

NOBODYS = "00000000-0000-4000-8000-000000000000"


def token_of(factory: RowFactory, invite_id: str) -> str:
    """Return the secret of an invitation, which only its link shows."""
    token: str = factory.row("team_invites", invite_id)["token"]
    return token


async def test_invite_is_valid_for_seven_days(people: People, factory: RowFactory) -> None:
    ada = await people.owner()
    team = people.team(ada)
    url = f"/api/teams/{team}/invites"
    sent = await ada.token.post(url, json={"email": " Kim@Example.org ", "role": "admin"})
    invite = sent.json()["invite"]
    assert sent.status_code == 201
    assert sent.json() == {
        "invite": {
            "id": invite["id"],
            "email": "kim@example.org",
            "role": "admin",
            "expiresAt": iso_db(factory.clock.us + 7 * DAY_US),
        },
        "delivery": "log",
    }
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", token_of(factory, invite["id"]))
    # Several open invites of one address are allowed.
    assert (await ada.token.post(url, json={"email": "kim@example.org", "role": "viewer"})).status_code == 201
    created = [event for event in people.events(team) if event[0] == "invite.created"]
    assert created[0] == ("invite.created", {"email": "kim@example.org", "role": "admin"})


async def test_invite_body_is_checked_before_role(people: People) -> None:
    ada, eve, ben = await people.owner(), await people.new("eve"), await people.new("ben")
    team = people.team(ada)
    people.join(team, ben, "admin")
    url = f"/api/teams/{team}/invites"
    good = {"email": "kim@example.org", "role": "viewer"}
    for email in (None, "kim", "kim@", "a b@c.d", 7):
        bad = await eve.token.post(url, json=good | {"email": email})
        assert refused(bad) == (422, "Valid email required")
    for role in ("owner", None, "king"):
        bad = await eve.token.post(url, json=good | {"role": role})
        assert refused(bad) == (422, "Role must be admin, developer, or viewer")
    assert refused(await eve.token.post(url, content=b"-")) == (400, "Invalid JSON body")
    assert refused(await eve.token.post(url, json=good)) == (403, "Forbidden")
    nowhere = f"/api/teams/{NOBODYS}/invites"
    assert refused(await eve.token.post(nowhere, json=good)) == (404, "Team not found")
    assert refused(await ben.token.post(url, json=good | {"role": "admin"})) == (403, "Forbidden")
    assert (await ben.token.post(url, json=good)).status_code == 201
    member = await ada.token.post(url, json=good | {"email": "BEN@example.dev"})
    assert member.status_code == 409


async def test_many_invites_have_a_status_each(people: People, factory: RowFactory) -> None:
    ada, ben = await people.owner(), await people.new("ben")
    team = people.team(ada)
    people.join(team, ben, "admin")
    url = f"/api/teams/{team}/invites/bulk"
    emails = ["kim@example.org", "KIM@example.org ", "ben@example.dev", "nonsense", 7]
    sent = await ada.token.post(url, json={"emails": emails, "role": "developer"})
    body = sent.json()
    assert sent.status_code == 200
    invite_id = body["results"][0]["invite_id"]
    assert body == {
        "results": [
            {"email": "kim@example.org", "status": "invited", "invite_id": invite_id},
            {"email": "kim@example.org", "status": "skipped_duplicate"},
            {"email": "ben@example.dev", "status": "skipped_member"},
            {"email": "nonsense", "status": "skipped_invalid"},
            {"email": "", "status": "skipped_invalid"},
        ],
        "summary": {
            "total_requested": 5,
            "invited": 1,
            "skipped_member": 1,
            "skipped_invalid": 2,
            "skipped_duplicate": 1,
            "delivery_failed": 0,
            "insert_failed": 0,
        },
    }
    assert factory.row("team_invites", invite_id)["role"] == "developer"
    assert people.events(team) == [("invite.bulk_created", {"role": "developer", **body["summary"]})]
    refusals: list[Any] = [
        {"emails": ["a@b.cd"], "role": "owner"},
        {"emails": "a@b.cd", "role": "viewer"},
        {"emails": [], "role": "viewer"},
        {"emails": ["a@b.cd"] * 101, "role": "viewer"},
    ]
    for bad in refusals:
        assert (await ada.token.post(url, json=bad)).status_code == 422
    over = await ben.token.post(url, json={"emails": ["a@b.cd"], "role": "admin"})
    assert refused(over) == (403, "Forbidden")


async def test_invite_resend_and_revoke(people: People, factory: RowFactory) -> None:
    ada, ben = await people.owner(), await people.new("ben")
    team = people.team(ada)
    people.join(team, ben, "admin")
    base = f"/api/teams/{team}/invites"
    invite = (await ada.token.post(base, json={"email": "kim@example.org", "role": "admin"})).json()["invite"]
    url = f"{base}/{invite['id']}"
    old = token_of(factory, invite["id"])
    factory.clock.advance(3600)
    again = await ada.token.post(url)
    assert again.status_code == 200
    assert again.json() == {
        "invite": {**invite, "expiresAt": iso_db(factory.clock.us + 7 * DAY_US)},
        "delivery": "log",
    }
    assert token_of(factory, invite["id"]) != old
    assert refused(await ada.token.get(f"/api/invites/{old}")) == (404, "Invite not found")
    # An admin does not take back what an admin may not give.
    for method in ("POST", "DELETE"):
        assert refused(await ben.token.request(method, url)) == (403, "Forbidden")
        missing = await ada.token.request(method, f"{base}/{NOBODYS}")
        assert refused(missing) == (404, "Invite not found")
    assert (await ada.token.delete(url)).json() == {"ok": True}
    assert refused(await ada.token.delete(url)) == (404, "Invite not found")
    assert [event[0] for event in people.events(team)] == [
        "invite.created",
        "invite.resent",
        "invite.revoked",
    ]


async def test_invite_of_other_team_is_not_found(people: People) -> None:
    ada, ben = await people.owner(), await people.new("ben")
    mine, theirs = people.team(ada), people.team(ben, "day-shift")
    made = await ben.token.post(
        f"/api/teams/{theirs}/invites", json={"email": "kim@example.org", "role": "viewer"}
    )
    url = f"/api/teams/{mine}/invites/{made.json()['invite']['id']}"
    assert refused(await ada.token.delete(url)) == (404, "Invite not found")


async def invited(people: People, factory: RowFactory, email: str) -> tuple[str, str]:
    """A team and the path of an invitation into it."""
    ada = await people.owner()
    team = people.team(ada)
    made = await ada.token.post(f"/api/teams/{team}/invites", json={"email": email, "role": "developer"})
    return team, f"/api/invites/{token_of(factory, made.json()['invite']['id'])}"


async def test_invited_user_reads_and_accepts_invite(people: People, factory: RowFactory) -> None:
    kim = await people.new("kim")
    team, url = await invited(people, factory, "KIM@example.dev")
    assert (await kim.token.get(url)).json() == {
        "invite": {
            "teamName": "Night Shift",
            "teamSlug": "night-shift",
            "inviterName": "Ada Okafor",
            "role": "developer",
            "expiresAt": iso_db(factory.clock.us + 7 * DAY_US),
            "expired": False,
            "alreadyAccepted": False,
        },
        "emailMatch": True,
        "inviteEmail": "kim@example.dev",
        "currentEmail": "kim@example.dev",
    }
    joined = await kim.token.post(url)
    assert (joined.status_code, joined.json()) == (200, {"team": {"id": team, "slug": "night-shift"}})
    mine = (await kim.token.get("/api/memberships")).json()["teams"]
    assert [(row["id"], row["role"]) for row in mine] == [(team, "developer")]
    assert refused(await kim.token.post(url)) == (410, "already_accepted")
    assert (await kim.token.get(url)).json()["invite"]["alreadyAccepted"] is True
    invite = factory.plane.db.value("SELECT id FROM team_invites")
    assert (await kim.token.get(f"/api/teams/{team}/members")).json()["invites"] == []
    ada = await people.owner()
    gone = await ada.token.delete(f"/api/teams/{team}/invites/{invite}")
    assert refused(gone) == (404, "Invite not found")
    accepted = {"email": "kim@example.dev", "role": "developer", "email_match": True}
    assert people.events(team)[-1] == ("invite.accepted", accepted)


async def test_other_address_joins_only_with_confirmation(people: People, factory: RowFactory) -> None:
    ben = await people.new("ben")
    team, url = await invited(people, factory, "kim@example.dev")
    seen = (await ben.token.get(url)).json()
    assert (seen["emailMatch"], seen["currentEmail"]) == (False, "ben@example.dev")
    for body in (b"", b'{"confirmMismatch": "yes"}', b"[]"):
        assert refused(await ben.token.post(url, content=body)) == (409, "mismatch_unconfirmed")
    assert (await ben.token.post(url, json={"confirmMismatch": True})).status_code == 200
    assert (await ben.token.get(f"/api/teams/{team}/members")).status_code == 200


async def test_invite_expires(people: People, factory: RowFactory) -> None:
    kim = await people.new("kim")
    _, url = await invited(people, factory, "kim@example.dev")
    factory.clock.advance(7 * 86_400 + 1)
    fresh = {"Authorization": f"Bearer {factory.token(kim.id)}"}
    assert (await kim.token.get(url, headers=fresh)).json()["invite"]["expired"] is True
    assert refused(await kim.token.post(url, headers=fresh)) == (410, "expired")


async def test_member_accepting_invite_keeps_role(people: People, factory: RowFactory) -> None:
    ben = await people.new("ben")
    team, url = await invited(people, factory, "kim@example.dev")
    people.join(team, ben, "admin")
    assert (await ben.token.post(url, json={"confirmMismatch": True})).status_code == 200
    assert (await ben.token.get("/api/memberships")).json()["teams"][0]["role"] == "admin"


async def test_unknown_invite_is_not_found(people: People, anonymous: httpx.AsyncClient) -> None:
    ada = await people.owner()
    for method in ("GET", "POST"):
        assert refused(await ada.token.request(method, "/api/invites/x")) == (404, "Invite not found")
        assert refused(await anonymous.request(method, "/api/invites/x")) == (401, "Unauthorized")
