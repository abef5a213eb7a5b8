"""Connections over HTTP (library.md §8)."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.controlplane.integrations.connections import mcp_count, runnable
from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.integrations.integration_rows import OAUTH, PATH, REST, SERVER, add_connection, make
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.realtime_reader import RealtimeReader
from tests.controlplane.row_factory import RowFactory


async def test_preset_connection_never_shows_its_credential(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    made = await make(client, {"source_preset": "linear", "credentials": " lin_api_1 ", "name": "ignored"})
    assert made == {
        "id": made["id"],
        "user_id": factory.user,
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
    assert factory.row("connections", made["id"])["credentials"] == "lin_api_1"
    answer = await client.post(PATH, json={"source_preset": "linear", "credentials": "again"})
    assert (answer.status_code, answer.json()["code"]) == (409, "PRESET_ALREADY_CONNECTED")
    assert answer.json()["connection"] == made


async def test_connections_are_listed_oldest_first(
    client: httpx.AsyncClient, factory: RowFactory, clock: ManualClock
) -> None:
    repo = factory.repo()
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


async def test_oauth_client_secret_is_not_in_json(client: httpx.AsyncClient, factory: RowFactory) -> None:
    made = await make(client, {**OAUTH, "oauth_scopes": "read"})
    assert (made["oauth_client_id"], made["oauth_scopes"]) == ("client-1", "read")
    assert factory.row("connections", made["id"])["credentials"] == "shh"


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
async def test_invalid_fields_are_refused_before_anything_is_stored(
    client: httpx.AsyncClient, body: Any, error: str
) -> None:
    answer = await client.post(PATH, content=json.dumps(body))
    assert (answer.status_code, answer.json()) == (400, {"error": error, "code": "INVALID_CONNECTION"})
    assert (await client.get(PATH)).json() == {"connections": []}


async def test_connection_needs_credential_and_repository(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    answer = await client.post(PATH, json={**REST, "auth_type": "basic"})
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_CONNECTION")
    answer = await client.post(PATH, json={**REST, "scope": "project"})
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_CONNECTION")
    theirs = factory.repo(user_id=factory.profile("jonas"))
    answer = await client.post(PATH, json={**REST, "scope": "project", "repo_id": theirs})
    assert answer.status_code == 404
    assert answer.json() == {"error": "Repo not found", "code": "REPO_NOT_FOUND"}
    answer = await client.post(PATH, content=b"{")
    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid JSON body"})


async def test_at_most_five_mcp_connections_are_enabled(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    repo, other = factory.repo(), factory.repo("acme/web")
    for number in range(4):
        add_connection(factory, name=f"Server {number}")
    add_connection(factory, name="Off", is_enabled=0)
    inside = add_connection(factory, name="Inside", scope="project", repo_id=repo)
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


async def test_run_gets_repository_servers_first_and_no_excluded_one(
    factory: RowFactory, clock: ManualClock
) -> None:
    repo = factory.repo()
    names = [add_connection(factory, name=f"Global {number}", created_at=number) for number in range(6)]
    own = add_connection(factory, name="Own", scope="project", repo_id=repo, created_at=9)
    rest = add_connection(factory, name="REST", type="rest_api", created_at=10)
    add_connection(factory, name="Off", is_enabled=0)
    with factory.plane.db.transaction() as tx:
        override = tx.new_id()
        tx.insert(
            "repo_connection_overrides",
            id=override,
            repo_id=repo,
            connection_id=names[0],
            created_at=clock.us,
        )
    rows = runnable(factory.plane.db, factory.user, repo)
    assert [row["id"] for row in rows] == [*names[1:5], own, rest]
    assert mcp_count(rows) == 5


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_a_change_names_its_connection(
    client: httpx.AsyncClient, factory: RowFactory, method: str
) -> None:
    answer = await client.request(method, PATH, json={"is_enabled": True})
    assert (answer.status_code, answer.json()) == (400, {"error": "id required"})
    theirs = add_connection(factory, user_id=factory.profile("jonas"))
    for unknown in (theirs, "nothing"):
        answer = await client.request(method, PATH, json={"id": unknown, "is_enabled": False})
        assert (answer.status_code, answer.json()) == (403, {"error": "Forbidden"})
    assert factory.row("connections", theirs)["is_enabled"] == 1


async def test_connection_change_accepts_only_enabled(client: httpx.AsyncClient, factory: RowFactory) -> None:
    made = add_connection(factory)
    answer = await client.patch(PATH, json={"id": made, "is_enabled": "no"})
    assert (answer.status_code, answer.json()) == (400, {"error": "is_enabled must be a boolean"})
    answer = await client.patch(PATH, json={"id": made, "is_enabled": False, "name": "Other"})
    assert answer.json() == {"ok": True}
    row = factory.row("connections", made)
    assert (row["is_enabled"], row["name"]) == (0, "Linear")


async def test_connection_delete_removes_overrides_and_sends_frame(
    client: httpx.AsyncClient, factory: RowFactory
) -> None:
    repo, made = factory.repo(), add_connection(factory)
    with factory.plane.db.transaction() as tx:
        tx.insert("repo_connection_overrides", id=tx.new_id(), repo_id=repo, connection_id=made, created_at=1)
    url = "/api/realtime/events?tables=connections,repo_connection_overrides"
    async with client.stream("GET", url) as response:
        stream = RealtimeReader(response, factory.plane)
        assert await stream.line() == ": connected"
        await make(client, REST)
        assert (await client.request("DELETE", PATH, json={"id": made})).json() == {"ok": True}
        found = [await stream.line() for _ in range(3)]
    assert [line.count('"DELETE"') for line in found] == [0, 1, 1]
    assert factory.plane.db.value("SELECT COUNT(*) FROM repo_connection_overrides") == 0


async def test_connections_need_a_credential(anonymous: httpx.AsyncClient) -> None:
    assert (await anonymous.get(PATH)).status_code == 401
    assert (await anonymous.get(f"{PATH}/oauth?connectionId=x")).status_code == 401


async def test_private_hosts_pass_if_allowed() -> None:
    async with PlaneServer(Settings(speed=0, seeded=False, private_hosts=True)) as server:
        headers = {"Authorization": f"Bearer {server.token}"}
        async with httpx.AsyncClient(base_url=server.base_url, headers=headers) as client:
            made = await make(client, {**SERVER, "mcp_url": "http://127.0.0.1:7777/mcp"})
            assert made["mcp_url"] == "http://127.0.0.1:7777/mcp"
