"""Connections over HTTP (library.md §8)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.clock import HOUR_US
from mogplex_tui.controlplane.connections import mcp_count, runnable
from mogplex_tui.controlplane.plane import Settings
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.support import ManualClock, Stream, World
from tests.controlplane.tools.support import add_connection

PATH = "/api/connections"
REST = {"type": "rest_api", "name": "Status page", "base_url": "https://status.example.dev"}
SERVER = {"type": "mcp_server", "name": "Notes", "mcp_url": "https://notes.example.dev/mcp"}
OAUTH = {
    **SERVER,
    "auth_type": "oauth",
    "oauth_client_id": "client-1",
    "oauth_authorize_url": "https://id.example.dev/authorize",
    "oauth_token_url": "https://id.example.dev/token",
    "credentials": '{"client_secret": "shh"}',
}


async def make(client: httpx.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post(PATH, json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()["connection"]
    return made


async def test_a_connection_is_made_from_a_preset_and_never_shows_its_credential(
    client: httpx.AsyncClient, world: World
) -> None:
    made = await make(client, {"source_preset": "linear", "credentials": " lin_api_1 ", "name": "ignored"})
    assert made == {
        "id": made["id"],
        "user_id": world.user,
        "name": "Linear",
        "type": "mcp_server",
        "base_url": None,
        "auth_type": "bearer",
        "auth_header": "Authorization",
        "mcp_transport": "http",
        "mcp_url": "https://mcp.linear.app/mcp",
        "description": None,
        "is_enabled": True,
        "health_status": "unknown",
        "scope": "global",
        "repo_id": None,
        "oauth_client_id": None,
        "oauth_authorize_url": None,
        "oauth_token_url": None,
        "oauth_scopes": None,
        "oauth_authorized_at": None,
        "oauth_token_expires_at": None,
        "source_preset": "linear",
        "last_tested_at": None,
        "last_test_error": None,
        "last_test_http_status": None,
        "last_test_tool_count": None,
        "created_at": "2026-08-05T10:00:00+00:00",
        "updated_at": "2026-08-05T10:00:00+00:00",
    }
    assert world.row("connections", made["id"])["credentials"] == "lin_api_1"
    answer = await client.post(PATH, json={"source_preset": "linear", "credentials": "again"})
    assert (answer.status_code, answer.json()["code"]) == (409, "PRESET_ALREADY_CONNECTED")
    assert answer.json()["connection"] == made


async def test_connections_are_listed_from_the_oldest_in_every_scope_and_state(
    client: httpx.AsyncClient, world: World, clock: ManualClock
) -> None:
    repo = world.repo()
    first = await make(client, {**REST, "scope": "project", "repo_id": repo.upper()})
    assert (first["scope"], first["repo_id"]) == ("project", repo)
    clock.advance(1)
    second = await make(client, {**SERVER, "repo_id": repo})
    assert (second["scope"], second["repo_id"]) == ("global", None)
    await client.patch(PATH, json={"id": second["id"], "is_enabled": False})
    found = (await client.get(PATH)).json()["connections"]
    assert [(entry["id"], entry["is_enabled"]) for entry in found] == [
        (first["id"], True),
        (second["id"], False),
    ]


@pytest.mark.parametrize(
    ("body", "header", "url"),
    [
        (
            {**SERVER, "auth_type": "api_key", "credentials": "k"},
            "X-API-Key",
            "https://notes.example.dev/mcp",
        ),
        (
            {
                **SERVER,
                "auth_type": "bearer",
                "credentials": "k",
                "auth_header": " X-Auth ",
                "mcp_transport": "sse",
            },
            "X-Auth",
            "https://notes.example.dev/mcp",
        ),
        (
            {**SERVER, "mcp_url": " https://Notes.Example.dev:443 "},
            "Authorization",
            "https://notes.example.dev/",
        ),
        (OAUTH, "Authorization", "https://notes.example.dev/mcp"),
    ],
)
async def test_headers_have_defaults_and_addresses_are_stored_parsed(
    client: httpx.AsyncClient, body: dict[str, Any], header: str, url: str
) -> None:
    made = await make(client, body)
    assert (made["auth_header"], made["mcp_url"], made["base_url"]) == (header, url, None)
    assert made["mcp_transport"] == body.get("mcp_transport", "http")


async def test_an_oauth_client_keeps_its_secret_out_of_json(client: httpx.AsyncClient, world: World) -> None:
    made = await make(client, {**OAUTH, "oauth_scopes": "read"})
    assert (made["oauth_client_id"], made["oauth_scopes"]) == ("client-1", "read")
    assert world.row("connections", made["id"])["credentials"] == "shh"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (None, "Connection payload is required"),
        ("text", "Connection payload is required"),
        ([REST], "type must be rest_api or mcp_server"),
        ({**REST, "type": "soap"}, "type must be rest_api or mcp_server"),
        ({**REST, "name": " "}, "Connection name is required"),
        ({**REST, "auth_type": "digest"}, "Unsupported auth type"),
        ({**REST, "base_url": None}, "base_url must be a valid URL"),
        ({**SERVER, "mcp_url": "not a url"}, "mcp_url must be a valid URL"),
        ({**SERVER, "mcp_url": "ftp://x.example.dev/"}, "mcp_url must use http or https"),
        ({**SERVER, "mcp_url": "http://localhost:3000/"}, "mcp_url must target a public host"),
        ({**SERVER, "mcp_url": "http://printer.lan/"}, "mcp_url must target a public host"),
        ({**SERVER, "mcp_url": "http://0x7f.1/"}, "mcp_url must target a public host"),
        ({**SERVER, "mcp_url": "http://169.254.169.254/"}, "mcp_url must target a public host"),
        ({**SERVER, "mcp_url": "http://[::ffff:10.0.0.1]/"}, "mcp_url must target a public host"),
        ({**OAUTH, "oauth_client_id": ""}, "oauth_client_id is required"),
        ({**OAUTH, "oauth_token_url": "http://10.0.0.1/"}, "oauth_token_url must target a public host"),
        ({**OAUTH, "credentials": '{"client_secret": ""}'}, "OAuth client secret is required"),
        ({"source_preset": "jira"}, "Unknown connection preset"),
        ({"source_preset": "zapier"}, "mcp_url is required"),
        ({"source_preset": "sanity", "credentials": " "}, "credentials is required"),
    ],
)
async def test_what_is_not_right_is_refused_before_anything_is_stored(
    client: httpx.AsyncClient, body: Any, error: str
) -> None:
    answer = await client.post(PATH, content=json.dumps(body))
    assert (answer.status_code, answer.json()) == (400, {"error": error, "code": "INVALID_CONNECTION"})
    assert (await client.get(PATH)).json() == {"connections": []}


async def test_a_credential_and_a_repository_are_needed_where_they_are_used(
    client: httpx.AsyncClient, world: World
) -> None:
    answer = await client.post(PATH, json={**REST, "auth_type": "basic"})
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_CONNECTION")
    answer = await client.post(PATH, json={**REST, "scope": "project"})
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_CONNECTION")
    theirs = world.repo(user_id=world.profile("jonas"))
    answer = await client.post(PATH, json={**REST, "scope": "project", "repo_id": theirs})
    assert answer.status_code == 404
    assert answer.json() == {"error": "Repo not found", "code": "REPO_NOT_FOUND"}
    answer = await client.post(PATH, content=b"{")
    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid JSON body"})


async def test_five_enabled_mcp_connections_are_the_most(client: httpx.AsyncClient, world: World) -> None:
    repo, other = world.repo(), world.repo("acme/web")
    for number in range(4):
        add_connection(world, name=f"Server {number}")
    add_connection(world, name="Off", is_enabled=0)
    inside = add_connection(world, name="Inside", scope="project", repo_id=repo)
    answer = await client.post(PATH, json=SERVER)
    too_many = {"error": "Maximum 5 MCP connections allowed", "code": "INVALID_CONNECTION"}
    assert (answer.status_code, answer.json()) == (400, too_many)
    assert (await client.post(PATH, json=REST)).status_code == 201
    answer = await client.post(PATH, json={**SERVER, "scope": "project", "repo_id": repo})
    assert (answer.status_code, answer.json()) == (400, too_many)
    # What counts for a repository is what a run there would get.
    assert (await client.post(PATH, json={**SERVER, "scope": "project", "repo_id": other})).status_code == 201
    assert (await client.patch(PATH, json={"id": inside, "is_enabled": False})).status_code == 200
    assert (await client.patch(PATH, json={"id": inside, "is_enabled": True})).status_code == 200


async def test_a_run_gets_its_repository_s_servers_first_and_no_excluded_one(
    world: World, clock: ManualClock
) -> None:
    repo = world.repo()
    names = [add_connection(world, name=f"Global {number}", created_at=number) for number in range(6)]
    own = add_connection(world, name="Own", scope="project", repo_id=repo, created_at=9)
    rest = add_connection(world, name="REST", type="rest_api", created_at=10)
    add_connection(world, name="Off", is_enabled=0)
    with world.plane.db.transaction() as tx:
        override = tx.new_id()
        tx.insert(
            "repo_connection_overrides",
            id=override,
            repo_id=repo,
            connection_id=names[0],
            created_at=clock.us,
        )
    rows = runnable(world.plane.db, world.user, repo)
    assert [row["id"] for row in rows] == [*names[1:5], own, rest]
    assert mcp_count(rows) == 5


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_a_change_names_its_connection(client: httpx.AsyncClient, world: World, method: str) -> None:
    answer = await client.request(method, PATH, json={"is_enabled": True})
    assert (answer.status_code, answer.json()) == (400, {"error": "id required"})
    theirs = add_connection(world, user_id=world.profile("jonas"))
    for unknown in (theirs, "nothing"):
        answer = await client.request(method, PATH, json={"id": unknown, "is_enabled": False})
        assert (answer.status_code, answer.json()) == (403, {"error": "Forbidden"})
    assert world.row("connections", theirs)["is_enabled"] == 1


async def test_only_the_switch_can_be_changed(client: httpx.AsyncClient, world: World) -> None:
    made = add_connection(world)
    answer = await client.patch(PATH, json={"id": made, "is_enabled": "no"})
    assert (answer.status_code, answer.json()) == (400, {"error": "is_enabled must be a boolean"})
    answer = await client.patch(PATH, json={"id": made, "is_enabled": False, "name": "Other"})
    assert answer.json() == {"ok": True}
    row = world.row("connections", made)
    assert (row["is_enabled"], row["name"]) == (0, "Linear")


async def test_a_deleted_connection_takes_its_overrides_along_and_is_announced(
    client: httpx.AsyncClient, world: World
) -> None:
    repo, made = world.repo(), add_connection(world)
    with world.plane.db.transaction() as tx:
        tx.insert("repo_connection_overrides", id=tx.new_id(), repo_id=repo, connection_id=made, created_at=1)
    url = "/api/realtime/events?tables=connections,repo_connection_overrides"
    async with client.stream("GET", url) as response:
        stream = Stream(response, world.plane)
        assert await stream.line() == ": connected"
        await make(client, REST)
        assert (await client.request("DELETE", PATH, json={"id": made})).json() == {"ok": True}
        found = [await stream.line() for _ in range(3)]
    assert [line.count('"DELETE"') for line in found] == [0, 1, 1]
    assert world.plane.db.value("SELECT COUNT(*) FROM repo_connection_overrides") == 0


@pytest.mark.parametrize(
    ("columns", "status", "found"),
    [
        ({}, "healthy", {"summary": "23 tools detected", "toolCount": 23}),
        (
            {"type": "rest_api", "base_url": "https://api.example.dev/", "mcp_url": None},
            "healthy",
            {"summary": "HTTP 204", "httpStatus": 204},
        ),
        ({"mcp_url": "https://x.example.dev/503"}, "error", {"error": "HTTP 503", "httpStatus": 503}),
        ({"mcp_url": "https://x.example.dev/403"}, "auth_failed", {"error": "HTTP 403", "httpStatus": 403}),
        ({"credentials": "expired-1"}, "auth_failed", {"error": "HTTP 401", "httpStatus": 401}),
        ({"mcp_url": "https://gone.test/"}, "unreachable", {"error": "fetch failed"}),
        (
            {"mcp_url": "https://gone.invalid/"},
            "error",
            {"error": "mcp_url must resolve to a public host"},
        ),
        ({"mcp_url": None}, "misconfigured", {}),
        ({"credentials": None}, "misconfigured", {}),
        ({"auth_type": "oauth"}, "auth_failed", {}),
    ],
)
async def test_a_test_says_what_it_found_and_the_row_keeps_it(
    client: httpx.AsyncClient, world: World, columns: dict[str, Any], status: str, found: dict[str, Any]
) -> None:
    made = add_connection(world, source_preset="linear", **columns)
    answer = await client.post(f"{PATH}/{made}/test")
    assert answer.status_code == 200
    body = answer.json()
    assert body | found == body
    assert (body["status"], body["healthy"]) == (status, status == "healthy")
    assert body["testedAt"] == "2026-08-05T10:00:00.000Z"
    assert "persisted" not in body
    (row,) = (await client.get(PATH)).json()["connections"]
    assert (row["health_status"], row["last_tested_at"]) == (status, "2026-08-05T10:00:00+00:00")
    assert row["last_test_error"] == body.get("error")
    assert row["last_test_http_status"] == body.get("httpStatus")
    assert row["last_test_tool_count"] == body.get("toolCount")
    events = world.plane.db.all("SELECT event, surface, message FROM connection_events")
    failed = [] if status == "healthy" else [("test_failed", "test", body["error"])]
    assert [tuple(event) for event in events] == failed


async def test_a_newer_test_overtakes_an_older_one() -> None:
    async with PlaneServer(Settings(speed=4, seeded=False)) as server:
        headers = {"Authorization": f"Bearer {server.token}"}
        async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as client:
            made = await make(client, {"source_preset": "linear", "credentials": "k"})
            async with client.stream("GET", "/api/realtime/events?tables=connections") as response:
                stream = Stream(response, server.plane)
                assert await stream.line() == ": connected"
                first = asyncio.create_task(client.post(f"{PATH}/{made['id']}/test"))
                await stream.line()
                (row,) = (await client.get(PATH)).json()["connections"]
                assert row["health_status"] == "testing"
                second = await client.post(f"{PATH}/{made['id']}/test")
                overtaken = (await first).json()
            assert (overtaken["persisted"], overtaken["superseded"]) == (False, True)
            assert "persisted" not in second.json()


async def test_another_account_s_connection_cannot_be_tested(client: httpx.AsyncClient, world: World) -> None:
    theirs = add_connection(world, user_id=world.profile("jonas"))
    answer = await client.post(f"{PATH}/{theirs}/test")
    assert (answer.status_code, answer.json()) == (404, {"error": "Connection not found"})
    assert world.row("connections", theirs)["health_status"] == "unknown"


async def test_a_browser_authorises_a_connection_whose_service_signs_in(
    client: httpx.AsyncClient, world: World
) -> None:
    made = await make(client, {"source_preset": "notion"})
    start = await client.get(f"{PATH}/oauth?connectionId={made['id']}")
    assert start.status_code == 302
    back = httpx.URL(start.headers["location"])
    assert back.path == f"{PATH}/oauth/callback"
    wrong = await client.get(f"{PATH}/oauth/callback?code=x&state=y")
    assert wrong.headers["location"] == "/settings?tab=connections&oauth=invalid_state"
    client.cookies.clear()
    start = await client.get(f"{PATH}/oauth?connectionId={made['id']}")
    end = await client.get(start.headers["location"])
    assert (end.status_code, end.headers["location"]) == (302, "/settings?tab=connections&oauth=success")
    row = world.row("connections", made["id"])
    assert row["oauth_authorized_at"] == world.clock.us
    assert row["oauth_token_expires_at"] > world.clock.us + HOUR_US
    listed = (await client.get("/api/mcp-servers?format=cli")).json()
    assert [server["name"] for server in listed] == ["Notion"]


async def test_a_client_of_the_user_s_own_is_sent_to_its_provider_and_not_exchanged(
    client: httpx.AsyncClient, nobody: httpx.AsyncClient
) -> None:
    made = await make(client, {**OAUTH, "oauth_scopes": "read write"})
    start = await client.get(f"{PATH}/oauth?connectionId={made['id']}")
    target = httpx.URL(start.headers["location"])
    assert (target.host, target.path) == ("id.example.dev", "/authorize")
    assert target.params["client_id"] == "client-1"
    assert (target.params["scope"], target.params["code_challenge_method"]) == ("read write", "S256")
    callback = f"{PATH}/oauth/callback?code=x&state={target.params['state']}"
    assert (await nobody.get(callback)).headers["location"] == "/login?error=unauthorized"
    await client.request("DELETE", PATH, json={"id": made["id"]})
    end = await client.get(callback)
    assert end.headers["location"] == "/settings?tab=connections&oauth=not_found"
    made = await make(client, OAUTH)
    start = await client.get(f"{PATH}/oauth?connectionId={made['id']}")
    state = httpx.URL(start.headers["location"]).params["state"]
    end = await client.get(f"{PATH}/oauth/callback?code=x&state={state}")
    assert end.headers["location"] == "/settings?tab=connections&oauth=token_error"


async def test_the_broker_is_for_its_own_connections(client: httpx.AsyncClient, world: World) -> None:
    sentry = await make(client, {"source_preset": "sentry"})
    rest = await make(client, REST)
    for path in ("oauth", "managed-auth"):
        answer = await client.get(f"{PATH}/{path}")
        assert (answer.status_code, answer.json()) == (400, {"error": "connectionId required"})
        answer = await client.get(f"{PATH}/{path}?connectionId=nothing")
        assert (answer.status_code, answer.json()) == (404, {"error": "Connection not found"})
    answer = await client.get(f"{PATH}/managed-auth?connectionId={rest['id']}")
    assert answer.json() == {"error": "Connection does not use managed auth"}
    for other in (rest, sentry):
        answer = await client.get(f"{PATH}/oauth?connectionId={other['id']}")
        assert answer.json() == {"error": "Connection is not configured for OAuth"}
    answer = await client.get(f"{PATH}/managed-auth?connectionId={sentry['id']}")
    assert answer.headers["location"] == "/settings?tab=connections&oauth=success"
    assert world.row("connections", sentry["id"])["oauth_authorized_at"] is not None


async def test_connections_need_a_credential(nobody: httpx.AsyncClient) -> None:
    assert (await nobody.get(PATH)).status_code == 401
    assert (await nobody.get(f"{PATH}/oauth?connectionId=x")).status_code == 401


async def test_hosts_of_this_network_pass_where_the_plane_allows_them() -> None:
    async with PlaneServer(Settings(speed=0, seeded=False, private_hosts=True)) as server:
        headers = {"Authorization": f"Bearer {server.token}"}
        async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as client:
            made = await make(client, {**SERVER, "mcp_url": "http://127.0.0.1:7777/mcp"})
            assert made["mcp_url"] == "http://127.0.0.1:7777/mcp"
