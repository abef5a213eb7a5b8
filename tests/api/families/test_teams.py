"""Teams and invites over real HTTP (identity.md §7, §8)."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api.client import MogplexClient
from mogplex_tui.api.models.base import parse_rows
from mogplex_tui.api.models.invites import BulkInvites, Delivery
from mogplex_tui.api.models.teams import AuditEvent, Memberships, Roster, TeamRole
from mogplex_tui.api.route_access import Family, Reach
from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from mogplex_tui.controlplane.identity import audit_log
from tests.api.families.minimal_plane import NOBODY, Call, MinimalPlane, assert_not_sent, run_minimal_plane
from tests.api.support import http, serving

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) + b"\r\n--not the end\r\n"
DAY = 86_400

_met: list[Person] = []


@pytest.fixture
async def minimal_plane() -> AsyncIterator[MinimalPlane]:
    async with run_minimal_plane() as running:
        yield running
        while _met:
            await _met.pop().client.aclose()


class Person:
    """Another user of the plane; the fixture closes the client."""

    def __init__(self, minimal_plane: MinimalPlane, name: str) -> None:
        _met.append(self)
        self.id = minimal_plane.world.profile(name)
        self.email = f"{name}@example.dev"
        self.client = MogplexClient(
            Target(name, minimal_plane.server.base_url, Secret(minimal_plane.world.token(self.id)))
        )


def token_of(minimal_plane: MinimalPlane, invite_id: str) -> str:
    token: str = minimal_plane.world.row("team_invites", invite_id)["token"]
    return token


async def joined(minimal_plane: MinimalPlane, team: str, name: str, role: str) -> Person:
    """A new person who took an invite into the team."""
    person = Person(minimal_plane, name)
    sent = await minimal_plane.client.invites.send(team, person.email, role)
    await person.client.invites.accept(token_of(minimal_plane, sent.invite.id))
    return person


async def test_created_team_is_listed(minimal_plane: MinimalPlane) -> None:
    teams = minimal_plane.client.teams
    assert list((await teams.memberships()).teams) == []
    assert (await teams.check_slug("Night-Shift")).available
    made = await teams.create(" Night Shift ", "Night-Shift")
    assert (made.name, made.slug) == ("Night Shift", "night-shift")
    seats = (await teams.memberships()).teams
    assert [(seat.id, seat.name, seat.role, seat.can_manage) for seat in seats] == [
        (made.id, "Night Shift", TeamRole.OWNER, True)
    ]
    reasons = [(await teams.check_slug(slug)).reason for slug in ("night-shift", "pricing", "a--b", "")]
    assert reasons == ["taken", "reserved", "invalid", "invalid"]
    with pytest.raises(e.Conflict, match="Slug already taken"):
        await teams.create("Other", "night-shift")
    with pytest.raises(e.BadRequest, match="Slug is reserved"):
        await teams.create("Other", "pricing")


async def test_members_come_move_and_go(minimal_plane: MinimalPlane) -> None:
    teams = minimal_plane.client.teams
    team = (await teams.create("Night Shift", "night-shift")).id
    ben = await joined(minimal_plane, team, "ben", "developer")
    eve = await joined(minimal_plane, team, "eve", "admin")
    roster = await teams.members(team)
    assert (roster.team.slug, roster.viewer.role, roster.viewer.can_manage) == ("night-shift", "owner", True)
    assert [(member.label, member.role, member.is_current_user) for member in roster.members][1:] == [
        ("ben", "developer", False),
        ("eve", "admin", False),
    ]
    await teams.set_role(team, ben.id, "viewer")
    assert (await ben.client.teams.members(team)).viewer.role == "viewer"
    for call in (
        lambda: ben.client.teams.set_role(team, eve.id, "viewer"),
        lambda: eve.client.teams.set_role(team, ben.id, "admin"),
        lambda: eve.client.teams.remove_member(team, eve.id),
        lambda: ben.client.teams.audit(team),
        lambda: eve.client.teams.transfer_ownership(team, ben.id),
    ):
        with pytest.raises(e.NotAllowed):
            await call()
    with pytest.raises(e.NotFound, match="Member not found"):
        await teams.remove_member(team, NOBODY)
    with pytest.raises(e.NotFound, match="Team not found"):
        await teams.members(NOBODY)
    with pytest.raises(e.BadRequest, match="admin"):
        await teams.transfer_ownership(team, ben.id)
    await teams.remove_member(team, ben.id)
    with pytest.raises(e.NotAllowed):
        await ben.client.teams.members(team)
    await teams.transfer_ownership(team, eve.id)
    assert (await teams.members(team)).viewer.role == "admin"


async def test_invite_resend_revoke_and_later_refusal(minimal_plane: MinimalPlane) -> None:
    invites = minimal_plane.client.invites
    team = (await minimal_plane.client.teams.create("Night Shift", "night-shift")).id
    sent = await invites.send(team, " Ben@Example.dev ", "viewer")
    assert (sent.invite.email, sent.invite.role, sent.delivery) == ("ben@example.dev", "viewer", Delivery.LOG)
    old = token_of(minimal_plane, sent.invite.id)
    minimal_plane.clock.advance(DAY)
    again = await invites.resend(team, sent.invite.id)
    assert sent.invite.expires_at is not None
    assert again.invite.expires_at is not None
    assert (again.invite.expires_at - sent.invite.expires_at).days == 1
    with pytest.raises(e.NotFound, match="Invite not found"):
        await invites.read(old)
    assert [invite.id for invite in (await minimal_plane.client.teams.members(team)).invites] == [
        sent.invite.id
    ]
    await invites.revoke(team, sent.invite.id)
    with pytest.raises(e.NotFound):
        await invites.revoke(team, sent.invite.id)
    with pytest.raises(e.NotFound):
        await invites.resend(team, sent.invite.id)
    own = (await minimal_plane.client.account.user()) or pytest.fail("nobody")
    with pytest.raises(e.Conflict):
        await invites.send(team, own.email or "", "viewer")


async def test_bulk_invite_reports_a_status_for_each_address(minimal_plane: MinimalPlane) -> None:
    team = (await minimal_plane.client.teams.create("Night Shift", "night-shift")).id
    own = (await minimal_plane.client.account.user()) or pytest.fail("nobody")
    wanted = ["a@example.dev", "junk", "A@example.dev", own.email or ""]
    many = await minimal_plane.client.invites.send_many(team, wanted, "developer")
    assert [result.status for result in many.results] == [
        "invited",
        "skipped_invalid",
        "skipped_duplicate",
        "skipped_member",
    ]
    assert many.results[0].invite_id
    assert (many.summary.total_requested, many.summary.invited, many.summary.skipped_member) == (4, 1, 1)


async def test_recipient_reads_invite_and_joins_team(minimal_plane: MinimalPlane) -> None:
    team = (await minimal_plane.client.teams.create("Night Shift", "night-shift")).id
    ben = Person(minimal_plane, "ben")
    sent = await minimal_plane.client.invites.send(team, "other@example.dev", "developer")
    link = f"https://mogplex.com/invite/{token_of(minimal_plane, sent.invite.id)}?from=mail"
    read = await ben.client.invites.read(link)
    assert (read.invite.team_slug, read.invite.role, read.email_match) == ("night-shift", "developer", False)
    assert (read.invite_email, read.current_email) == ("other@example.dev", ben.email)
    with pytest.raises(e.Conflict, match="another address") as caught:
        await ben.client.invites.accept(link)
    assert caught.value.code == "mismatch_unconfirmed"
    done = await ben.client.invites.accept(link, confirm_mismatch=True)
    assert (done.id, done.slug) == (team, "night-shift")
    with pytest.raises(e.Conflict, match="accepted already") as caught:
        await ben.client.invites.accept(link)
    assert (caught.value.code, caught.value.status) == ("already_accepted", 410)
    late = await minimal_plane.client.invites.send(team, "late@example.dev", "viewer")
    minimal_plane.clock.advance(8 * DAY)
    token = token_of(minimal_plane, late.invite.id)
    fresh = Person(minimal_plane, "late")
    assert (await fresh.client.invites.read(token)).invite.expired
    with pytest.raises(e.Conflict, match="expired") as caught:
        await fresh.client.invites.accept(token)
    assert caught.value.code == "expired"


async def test_ended_invite_keeps_family_open_and_link_unlogged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "mogplex.http")
    token = "AbCdEfGhIjKlMnOpQrStUvWxYz012345"
    async with serving(http(410, {"error": "expired"})) as service, service.client() as client:
        with pytest.raises(e.Conflict) as caught:
            await client.invites.accept(token)
        assert client.access.reach(Family.TEAMS).reach is Reach.OPEN
        assert service.seen[0].path == f"/api/invites/{token}"
    assert "/api/invites/" in caplog.text
    assert token not in caplog.text
    assert token not in str(caught.value.path)


async def test_team_models_and_keys(minimal_plane: MinimalPlane) -> None:
    teams = minimal_plane.client.teams
    team = (await teams.create("Night Shift", "night-shift")).id
    ben = await joined(minimal_plane, team, "ben", "developer")
    minimal_plane.world.model("acme/nova-1")
    assert (await teams.models(team)).model_allowlist is None
    await teams.allow_models(team, [" acme/nova-1 ", "acme/nova-1"])
    assert (await teams.models(team)).model_allowlist == ["acme/nova-1"]
    await teams.allow_models(team, [])
    seen = await ben.client.teams.models(team)
    assert (seen.model_allowlist, seen.viewer.can_manage) == ([], False)
    await teams.allow_models(team, None)
    assert (await teams.models(team)).model_allowlist is None
    with pytest.raises(e.BadRequest, match="Unknown model IDs: acme/none"):
        await teams.allow_models(team, ["acme/none"])
    await teams.put_key(team, "openai", "sk-0123456789abcdef")
    keys = await ben.client.teams.keys(team)
    assert ([key.provider for key in keys.keys], keys.viewer.role) == (["openai"], "developer")
    with pytest.raises(e.NotAllowed):
        await ben.client.teams.put_key(team, "openai", "x")
    await teams.delete_key(team, "openai")
    assert list((await teams.keys(team)).keys) == []


async def test_team_icon_is_uploaded_and_removed(minimal_plane: MinimalPlane) -> None:
    teams = minimal_plane.client.teams
    team = (await teams.create("Night Shift", "night-shift")).id
    for icon, kind in (
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0 jpeg", "image/jpeg"),
        (b"GIF89a--", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
    ):
        url = (await teams.set_icon(team, icon)).icon_url
        assert url == (await teams.members(team)).team.icon_url
        row = minimal_plane.world.plane.db.all("SELECT content_type, body FROM public_files")
        assert [(found["content_type"], bytes(found["body"])) for found in row] == [(kind, icon)]
    assert (await teams.remove_icon(team)).icon_url is None
    assert (await teams.memberships()).teams[0].icon_url is None


async def test_audit_log_is_read_page_by_page(minimal_plane: MinimalPlane) -> None:
    teams = minimal_plane.client.teams
    team = (await teams.create("Night Shift", "night-shift")).id
    for number in range(30):
        minimal_plane.clock.advance(1)
        with minimal_plane.world.plane.db.transaction() as tx:
            about = {"number": number, "apiKey": "hush"}
            audit_log.record(tx, team, "tool.denied", minimal_plane.clock.us, payload=about)
    first = await teams.audit(team)
    assert (len(first.rows), first.rows[0].action) == (25, "tool.denied")
    assert first.rows[0].payload == {"number": 29, "apiKey": "[redacted]"}
    last = await teams.audit(team, first.next_cursor)
    assert (len(last.rows), last.next_cursor, last.rows[-1].action) == (6, None, "team.created")
    assert last.rows[-1].auth_source == "session"
    with pytest.raises(e.BadRequest, match="Invalid cursor"):
        await teams.audit(team, "junk")


async def test_cursor_failure_explains_cause() -> None:
    async with serving(http(500, {"error": "Internal server error"})) as service, service.client() as client:
        with pytest.raises(e.ServiceFailed, match="past the first page"):
            await client.teams.audit(NOBODY, "abc")
        with pytest.raises(e.ServiceFailed) as caught:
            await client.teams.audit(NOBODY)
        assert "first page" not in str(caught.value)


async def test_installation_is_attached_to_and_detached_from_a_team(minimal_plane: MinimalPlane) -> None:
    teams = minimal_plane.client.teams
    team = (await teams.create("Night Shift", "night-shift")).id
    other = (await teams.create("Day Shift", "day-shift")).id
    with minimal_plane.world.plane.db.transaction() as tx:
        row_id = tx.new_id()
        tx.insert(
            "github_installations",
            id=row_id,
            user_id=minimal_plane.world.user,
            installation_id=88,
            account_login="acme",
            account_type="Organization",
            created_at=1,
        )
    attached = await teams.attach_installation(team, 88)
    assert (attached.id, attached.product_team_id) == (row_id, team)
    assert (await teams.attach_installation(team, 88)).id == row_id
    assert [found.account_login for found in await teams.installations(team)] == ["acme"]
    with pytest.raises(e.Conflict):
        await teams.attach_installation(other, 88)
    with pytest.raises(e.NotFound):
        await teams.attach_installation(team, 99)
    await teams.detach_installation(team, 88)
    with pytest.raises(e.NotFound):
        await teams.detach_installation(team, 88)


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.teams.create(" ", "ok"),
        lambda c: c.teams.create("x" * 81, "ok"),
        lambda c: c.teams.create("x", "a--b"),
        lambda c: c.teams.create("x", "-a"),
        lambda c: c.teams.create("x", "a" * 40),
        lambda c: c.teams.members("night-shift"),
        lambda c: c.teams.set_role(NOBODY, NOBODY, "owner"),
        lambda c: c.teams.set_role(NOBODY, "ben", "viewer"),
        lambda c: c.teams.remove_member(NOBODY, ""),
        lambda c: c.teams.allow_models(NOBODY, [" "]),
        lambda c: c.teams.put_key(NOBODY, "openai", ""),
        lambda c: c.teams.set_icon(NOBODY, b""),
        lambda c: c.teams.set_icon(NOBODY, b"<svg/>"),
        lambda c: c.teams.set_icon(NOBODY, PNG + bytes(2 * 1024 * 1024)),
        lambda c: c.teams.attach_installation(NOBODY, -1),
        lambda c: c.teams.detach_installation(NOBODY, True),
        lambda c: c.teams.transfer_ownership(NOBODY, "ben"),
        lambda c: c.invites.send(NOBODY, "no address", "viewer"),
        lambda c: c.invites.send(NOBODY, "a@b.c", "owner"),
        lambda c: c.invites.send_many(NOBODY, [], "viewer"),
        lambda c: c.invites.send_many(NOBODY, ["a@b.c"] * 101, "viewer"),
        lambda c: c.invites.resend(NOBODY, "1"),
        lambda c: c.invites.read(".."),
        lambda c: c.invites.accept("a b"),
    ],
)
async def test_invalid_input_is_not_sent(call: Call) -> None:
    await assert_not_sent(call)


def test_rows_with_unknown_shapes_parse_partially() -> None:
    seats = Memberships.model_validate({"teams": [{"id": "t", "role": "auditor"}, {"slug": "no id"}, None]})
    assert [(seat.id, seat.role, seat.can_manage) for seat in seats.teams] == [("t", "auditor", False)]
    assert len(seats.teams.bad) == 2
    roster = Roster.model_validate({"team": {"id": "t"}, "members": [{"userId": "0123456789"}], "invites": 7})
    assert (roster.members[0].label, list(roster.invites)) == ("01234567", [])
    events: Any = json.loads('[{"id": "1", "action": null, "payload": null}, {"id": "2", "payload": "text"}]')
    read = parse_rows(AuditEvent, events)
    assert ([(event.id, event.payload) for event in read], len(read.bad)) == ([("1", {})], 1)
    assert BulkInvites.model_validate({"summary": {"invited": None}}).summary.invited is None
