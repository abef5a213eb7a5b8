"""The audit log, icon and installations of a team (identity.md §8)."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.db.clock import iso_db
from mogplex_tui.controlplane.identity import audit_log
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.identity.people import People, Person, refused
from tests.controlplane.realtime_reader import RealtimeReader
from tests.controlplane.row_factory import RowFactory

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) + b"\r\n--not a boundary\r\n"


async def test_audit_log_pages_newest_first(people: People, factory: RowFactory) -> None:
    ada = await people.owner()
    team, other = people.team(ada), people.team(ada, "day-shift")
    for number in range(52):
        # Two of each instant, so that the id decides as well.
        factory.clock.us += number % 2
        with factory.plane.db.transaction() as tx:
            audit_log.record(tx, team, "tool.denied", factory.clock.us, payload={"number": number})
            audit_log.record(tx, other, "tool.denied", factory.clock.us)
    url = f"/api/teams/{team}/audit-events"
    pages, cursor = [], None
    while True:
        body = (await ada.token.get(url, params={} if cursor is None else {"cursor": cursor})).json()
        assert body["viewer"] == {"canManage": True}
        pages.append(body["events"])
        cursor = body["nextCursor"]
        if cursor is None:
            break
    assert [len(page) for page in pages] == [25, 25, 2]
    events = [event for page in pages for event in page]
    assert sorted(event["payload"]["number"] for event in events) == list(range(52))
    order = [(event["createdAt"], event["id"]) for event in events]
    assert order == sorted(order, reverse=True)


async def test_audit_event_names_actor_action_and_target(people: People, factory: RowFactory) -> None:
    ada = await people.owner()
    team = people.team(ada)
    await ada.browser.put(f"/api/teams/{team}/keys", json={"provider": "openai", "key": "sk-0123456789"})
    (event,) = (await ada.token.get(f"/api/teams/{team}/audit-events")).json()["events"]
    assert event == {
        "id": event["id"],
        "action": "team_provider_key.updated",
        "decisionCode": None,
        "targetType": "provider_key",
        "targetId": "openai",
        "actorUserId": ada.id,
        "repoId": None,
        "sandboxRecordId": None,
        "aiCallId": None,
        "jobRunId": None,
        "requestId": None,
        "authSource": "session",
        "payload": {"provider": "openai"},
        "createdAt": iso_db(factory.clock.us),
    }


async def test_audit_log_redacts_secrets_and_deep_values(people: People, factory: RowFactory) -> None:
    ada = await people.owner()
    team = people.team(ada)
    deep: Any = {
        "a": {"b": {"c": {"d": {"e": {"f": 1}}}}},
        "list": [{"api_key": "x", "name": "y"}],
        "token": 7,
    }
    with factory.plane.db.transaction() as tx:
        audit_log.record(tx, team, "sandbox.denied", factory.clock.us, payload=deep)
    (event,) = (await ada.token.get(f"/api/teams/{team}/audit-events")).json()["events"]
    assert event["payload"] == {
        "a": {"b": {"c": {"d": {"e": {"f": 1}}}}},
        "list": [{"api_key": "[redacted]", "name": "y"}],
        "token": "[redacted]",
    }
    with factory.plane.db.transaction() as tx:
        audit_log.record(tx, team, "sandbox.denied", factory.clock.us + 1, payload={"top": deep})
    newest = (await ada.token.get(f"/api/teams/{team}/audit-events")).json()["events"][0]
    assert newest["payload"]["top"]["a"] == {"b": {"c": {"d": {"e": "[truncated]"}}}}


def cursor(value: Any) -> str:
    """Return a value encoded as a cursor."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        "!!!",
        "ä",
        "abc",
        cursor("x"),
        cursor([]),
        cursor({"id": "x"}),
        cursor({"createdAt": 7, "id": "00000000-0000-4000-8000-000000000000"}),
        cursor({"createdAt": "yesterday", "id": "00000000-0000-4000-8000-000000000000"}),
        cursor({"createdAt": "2026-08-03T15:00:20+00:00", "id": "x"}),
    ],
)
async def test_invalid_cursor_is_refused(people: People, text: str) -> None:
    ada = await people.owner()
    team = people.team(ada)
    answer = await ada.token.get(f"/api/teams/{team}/audit-events", params={"cursor": text})
    assert refused(answer) == (400, "Invalid cursor")


async def upload(person: Person, team: str, content: bytes, field: str = "file") -> httpx.Response:
    """Upload an icon."""
    return await person.token.post(f"/api/teams/{team}/icon", files={field: ("icon.png", content)})


async def test_icon_is_stored_shown_and_removed(people: People, anonymous: httpx.AsyncClient) -> None:
    ada = await people.owner()
    team = people.team(ada)
    stored = await upload(ada, team, PNG)
    url = stored.json()["icon_url"]
    assert stored.status_code == 200
    assert url.startswith(people.server.base_url + "/storage/v1/object/public/team-icons/")
    seen = await anonymous.get(url)
    assert (seen.content, seen.headers["content-type"]) == (PNG, "image/png")
    assert (await ada.token.get("/api/memberships")).json()["teams"][0]["iconUrl"] == url
    assert (await ada.token.get(f"/api/teams/{team}/members")).json()["team"]["iconUrl"] == url
    second = (await upload(ada, team, b"GIF89a....")).json()["icon_url"]
    assert (await anonymous.get(url)).status_code == 404
    assert (await anonymous.get(second)).headers["content-type"] == "image/gif"
    again = (await upload(ada, team, b"GIF89a....")).json()["icon_url"]
    assert (await anonymous.get(again)).content == b"GIF89a...."
    removed = await ada.token.delete(f"/api/teams/{team}/icon")
    assert (removed.status_code, removed.json()) == (200, {"icon_url": None})
    assert (await anonymous.get(second)).status_code == 404
    assert (await ada.token.get("/api/memberships")).json()["teams"][0]["iconUrl"] is None
    actions = [event[0] for event in people.events(team)]
    assert actions == [*["team.icon.updated"] * 3, "team.icon.removed"]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\xff\xd8\xff\xe0....", "image/jpeg"),
        (b"GIF87a....", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
    ],
)
async def test_pictures_are_known_by_their_first_bytes(
    people: People, anonymous: httpx.AsyncClient, content: bytes, kind: str
) -> None:
    ada = await people.owner()
    url = (await upload(ada, people.team(ada), content)).json()["icon_url"]
    assert (await anonymous.get(url)).headers["content-type"] == kind


async def test_non_image_file_is_refused(people: People) -> None:
    ada = await people.owner()
    team = people.team(ada)
    url = f"/api/teams/{team}/icon"
    requests: tuple[dict[str, Any], ...] = (
        {"json": {}},
        {"content": b""},
        {"headers": {"content-type": "multipart/form-data"}},
    )
    for request in requests:
        assert refused(await ada.token.post(url, **request)) == (400, "Expected multipart/form-data")
    assert refused(await upload(ada, team, PNG, "picture")) == (400, "Missing file")
    plain = await ada.token.post(url, files={"file": (None, "just a field")})
    assert refused(plain) == (400, "Missing file")
    assert refused(await upload(ada, team, b"")) == (400, "Empty file")
    most = 2 * 1024 * 1024
    assert (await upload(ada, team, PNG.ljust(most, b"."))).status_code == 200
    assert (await upload(ada, team, PNG.ljust(most + 1, b"."))).status_code == 413
    assert (await upload(ada, team, PNG.ljust(2 * most, b"."))).status_code == 413
    assert (await upload(ada, team, b"<svg/>")).status_code == 415
    assert len(people.events(team)) == 1


def installation(factory: RowFactory, person: Person, number: int) -> str:
    """Insert a GitHub installation of a user."""
    with factory.plane.db.transaction() as tx:
        row_id = tx.new_id()
        tx.insert(
            "github_installations",
            id=row_id,
            user_id=person.id,
            installation_id=number,
            account_login=f"org-{number}",
            target_type="Organization",
            created_at=1,
        )
    return row_id


async def test_installation_attach_and_detach(people: People, factory: RowFactory) -> None:
    ada, ben = await people.owner(), await people.new("ben")
    team, other = people.team(ada), people.team(ada, "day-shift")
    people.join(team, ben, "admin")
    row_id = installation(factory, ada, 88)
    installation(factory, ben, 99)
    url = f"/api/teams/{team}/installations"
    assert (await ada.token.get(url)).json() == {"installations": []}
    attached = {
        "id": row_id,
        "installation_id": 88,
        "account_login": "org-88",
        "account_type": "Organization",
        "target_type": "Organization",
        "product_team_id": team,
        "attached_by_user_id": ada.id,
    }
    first = await ada.token.post(url, json={"installation_id": "88"})
    assert (first.status_code, first.json()) == (201, {"attached": attached})
    second = await ada.token.post(url, json={"installation_id": 88})
    assert (second.status_code, second.json()) == (200, {"attached": attached})
    assert (await ben.token.get(url)).json() == {"installations": [attached]}
    elsewhere = await ada.token.post(f"/api/teams/{other}/installations", json={"installation_id": 88})
    assert elsewhere.status_code == 409
    # Only one's own can be given; anybody who manages can let go.
    assert (await ada.token.post(url, json={"installation_id": 99})).status_code == 404
    for bad in (None, True, 8.5, "8x", -1, ""):
        assert (await ada.token.post(url, json={"installation_id": bad})).status_code == 422
    assert refused(await ben.token.delete(f"{url}/x")) == (422, "installationId must be numeric")
    assert (await ada.token.delete(f"/api/teams/{other}/installations/88")).status_code == 404
    gone = await ben.token.delete(f"{url}/88")
    assert (gone.status_code, gone.json()) == (200, {"detached": True})
    assert (await ben.token.delete(f"{url}/88")).status_code == 404
    assert factory.row("github_installations", row_id)["attached_by_user_id"] is None
    about = {"installation_id": 88, "account_login": "org-88"}
    assert people.events(team) == [
        ("team.installation.attached", about),
        ("team.installation.detached", about),
    ]


async def test_installation_attach_sends_realtime_frame(
    people: People, factory: RowFactory, server: PlaneServer
) -> None:
    ada = await people.owner()
    team = people.team(ada)
    installation(factory, ada, 88)
    path = "/api/realtime/events?tables=github_installations,end_of_test"
    async with ada.token.stream("GET", path) as response:
        stream = RealtimeReader(response, server.plane)
        await stream.line()
        await ada.token.post(f"/api/teams/{team}/installations", json={"installation_id": 88})
        assert await stream.frames() == [("github_installations", "UPDATE")]
