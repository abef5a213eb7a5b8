"""Custom MCP servers over HTTP (library.md §9, v1.md §6)."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from mogplex_tui.controlplane.server import PlaneServer
from tests.controlplane.api_paths import V1
from tests.controlplane.integrations.integration_rows import add_connection, add_server
from tests.controlplane.manual_clock import ManualClock
from tests.controlplane.row_factory import RowFactory

SERVERS = "/api/mcp-servers"
FILES = {"name": "files", "transport": "stdio", "command": "mcp-files"}
SEARCH = {"name": "search", "transport": "http", "url": "https://mcp.example.dev/mcp"}


async def make(client: httpx.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post(SERVERS, json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()["server"]
    return made


async def test_stdio_server_shows_only_the_names_of_its_secrets(
    client: httpx.AsyncClient,
) -> None:
    body = {
        **FILES,
        "name": "  files ",
        "args": ["--root", "."],
        "envPlain": {"LOG": "debug"},
        "envSecrets": {"TOKEN": "s3cr3t", "API": "x"},
        "headerPlain": {"X": "1"},
        "extra": {"startup_timeout_sec": 10},
    }
    made = await make(client, body)
    assert made == {
        "id": made["id"],
        "name": "files",
        "enabled": True,
        "transport": "stdio",
        "command": "mcp-files",
        "args": ["--root", "."],
        "envPlain": {"LOG": "debug"},
        "envSecretNames": ["API", "TOKEN"],
        "url": None,
        "headerPlain": {},
        "headerSecretNames": [],
        "extra": {"startup_timeout_sec": 10},
        "createdAt": "2026-08-05T10:00:00+00:00",
        "updatedAt": "2026-08-05T10:00:00+00:00",
    }
    assert (await client.get(f"{SERVERS}/{made['id']}")).json() == {"server": made}


async def test_http_server_drops_arguments_and_environment(client: httpx.AsyncClient) -> None:
    made = await make(
        client, {**SEARCH, "args": ["x"], "envSecrets": {"A": "b"}, "headerSecrets": {"K": "v"}}
    )
    assert (made["args"], made["envSecretNames"], made["headerSecretNames"]) == ([], [], ["K"])


async def test_servers_are_listed_newest_first(
    client: httpx.AsyncClient, factory: RowFactory, clock: ManualClock
) -> None:
    add_server(factory, "old")
    clock.advance(1)
    add_server(factory, "new")
    found = (await client.get(SERVERS)).json()["servers"]
    assert [server["name"] for server in found] == ["new", "old"]


@pytest.mark.parametrize(
    ("change", "error", "code"),
    [
        ({"name": " "}, "name is required", "INVALID_MCP_SERVER"),
        ({"name": "a__b"}, 'name must not contain "__"', "INVALID_NAME"),
        ({"enabled": "yes"}, "enabled must be a boolean", "INVALID_MCP_SERVER"),
        ({"transport": "sse"}, "transport must be stdio or http", "INVALID_TRANSPORT"),
        ({"args": "x"}, "args must be an array", "INVALID_MCP_SERVER"),
        ({"args": ["x", 1]}, "args[1] must be a string", "INVALID_MCP_SERVER"),
        ({"envPlain": []}, "envPlain must be an object", "INVALID_MCP_SERVER"),
        ({"envPlain": {" ": "x"}}, "envPlain contains an empty key", "INVALID_MCP_SERVER"),
        ({"headerPlain": {"K": 1}}, "headerPlain.K must be a string", "INVALID_MCP_SERVER"),
        ({"envSecrets": {"K": " "}}, "envSecrets.K must be a non-empty string", "INVALID_MCP_SERVER"),
        ({"extra": []}, "extra must be an object", "INVALID_EXTRA"),
        ({"command": None}, "command is required for stdio servers", "INVALID_TRANSPORT_FIELDS"),
        ({"url": "https://x.example.dev"}, "stdio servers cannot include url", "INVALID_TRANSPORT_FIELDS"),
        (
            {"transport": "http", "command": None},
            "url is required for http servers",
            "INVALID_TRANSPORT_FIELDS",
        ),
        (
            {"transport": "http", "url": "https://x.example.dev"},
            "http servers cannot include command",
            "INVALID_TRANSPORT_FIELDS",
        ),
    ],
)
async def test_invalid_field_is_named(
    client: httpx.AsyncClient, change: dict[str, Any], error: str, code: str
) -> None:
    answer = await client.post(SERVERS, json=FILES | change)
    assert (answer.status_code, answer.json()) == (400, {"error": error, "code": code})


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"extra": {"env": {}}}, "INVALID_EXTRA"),
        ({"envPlain": {"K": "a"}, "envSecrets": {"K": "b"}}, "INVALID_DUPLICATE_KEY"),
    ],
)
async def test_reserved_and_doubled_keys_have_their_codes(
    client: httpx.AsyncClient, change: dict[str, Any], code: str
) -> None:
    answer = await client.post(SERVERS, json=FILES | change)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


async def test_bodies_that_are_no_objects_are_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post(SERVERS, json=[1])
    assert answer.status_code == 400
    assert answer.json() == {"error": "request body must be an object", "code": "INVALID_MCP_SERVER"}
    answer = await client.post(SERVERS, content=b"{")
    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid JSON body"})


async def test_a_name_is_taken_once_letter_for_letter(client: httpx.AsyncClient, factory: RowFactory) -> None:
    add_server(factory, "files", user_id=factory.profile("jonas"))
    await make(client, FILES)
    await make(client, {**FILES, "name": "Files"})
    answer = await client.post(SERVERS, json=FILES)
    taken = {"error": "A server with that name already exists", "code": "DUPLICATE_NAME"}
    assert (answer.status_code, answer.json()) == (409, taken)
    other = await make(client, {**FILES, "name": "other"})
    answer = await client.patch(f"{SERVERS}/{other['id']}", json={"name": "files"})
    assert (answer.status_code, answer.json()) == (409, taken)


async def test_a_change_replaces_maps_and_merges_secrets(
    client: httpx.AsyncClient, factory: RowFactory, clock: ManualClock
) -> None:
    made = await make(
        client, {**FILES, "args": ["a"], "envPlain": {"A": "1", "B": "2"}, "envSecrets": {"X": "1", "Y": "2"}}
    )
    clock.advance(5)
    change = {"envPlain": {"C": "3"}, "envSecrets": {"X": None, "Z": "9"}, "enabled": False}
    changed = (await client.patch(f"{SERVERS}/{made['id']}", json=change)).json()["server"]
    assert (changed["envPlain"], changed["envSecretNames"]) == ({"C": "3"}, ["Y", "Z"])
    assert (changed["enabled"], changed["args"], changed["command"]) == (False, ["a"], "mcp-files")
    assert changed["updatedAt"] == "2026-08-05T10:00:05+00:00"
    assert json.loads(factory.row("user_mcp_servers", made["id"])["env_secrets"]) == {"Y": "2", "Z": "9"}
    answer = await client.patch(f"{SERVERS}/{made['id']}", json={"envSecrets": {"Y": ""}})
    assert answer.json()["error"] == "envSecrets.Y must be a non-empty string or null"


async def test_transport_change_clears_old_fields(client: httpx.AsyncClient) -> None:
    made = await make(client, {**FILES, "args": ["a"], "envSecrets": {"X": "1"}})
    path = f"{SERVERS}/{made['id']}"
    answer = await client.patch(path, json={"transport": "http"})
    assert answer.json()["error"] == "url is required for http servers"
    changed = (await client.patch(path, json={"transport": "http", "url": "http://127.0.0.1:9/mcp"})).json()
    assert changed["server"]["command"] is None
    assert (changed["server"]["args"], changed["server"]["envSecretNames"]) == ([], [])
    answer = await client.patch(path, json={"command": "mcp-files"})
    assert answer.json()["error"] == "http servers cannot include command"


async def test_a_deleted_server_is_gone(client: httpx.AsyncClient, factory: RowFactory) -> None:
    path = f"{SERVERS}/{add_server(factory)}"
    assert (await client.delete(path)).json() == {"ok": True}
    answer = await client.delete(path)
    assert (answer.status_code, answer.json()) == (404, {"error": "Server not found"})


async def test_another_account_s_server_is_not_there(client: httpx.AsyncClient, factory: RowFactory) -> None:
    theirs = add_server(factory, user_id=factory.profile("jonas"))
    assert (await client.get(SERVERS)).json() == {"servers": []}
    for method, body in (("GET", None), ("PATCH", {"enabled": False}), ("DELETE", None)):
        answer = await client.request(method, f"{SERVERS}/{theirs}", json=body)
        assert (answer.status_code, answer.json()) == (404, {"error": "Server not found"})
    assert factory.row("user_mcp_servers", theirs)["enabled"] == 1


async def test_cli_list_merges_servers_and_connections(
    client: httpx.AsyncClient, factory: RowFactory, clock: ManualClock
) -> None:
    add_server(factory, "files", env_plain='{"A": "1", "TOKEN": "no"}', env_secrets='{"TOKEN": "s3cr3t"}')
    clock.advance(1)
    add_server(factory, "Taken", enabled=0, extra='{"cwd": "/srv"}')
    add_connection(factory, name="Linear")
    clock.advance(1)
    add_connection(factory, name="Taken")
    add_connection(factory, name="Off", is_enabled=0)
    add_connection(factory, name="No credential", credentials=None)
    add_connection(factory, name="Not authorised", auth_type="oauth", credentials="client secret")
    add_connection(
        factory,
        name="Run out",
        auth_type="oauth",
        oauth_access_token="t",
        oauth_authorized_at=1,
        oauth_token_expires_at=2,
    )
    add_connection(factory, name="REST", type="rest_api", base_url="https://api.example.dev/", mcp_url=None)
    clock.advance(1)
    add_connection(factory, name="Linear", auth_type="api_key", auth_header="X-API-Key")
    add_connection(
        factory,
        name="Notion",
        auth_type="oauth",
        oauth_access_token="at",
        oauth_authorized_at=1,
        credentials="secret",
    )
    add_connection(factory, name="Basic", auth_type="basic", credentials="dTpw")
    add_connection(factory, name="Open", auth_type="none", credentials=None)
    add_connection(
        factory,
        name="Browserbase",
        source_preset="browserbase",
        auth_type="api_key",
        mcp_url="https://mcp.browserbase.com/mcp",
        credentials="bb+1",
    )
    linear = "https://mcp.linear.app/mcp"
    expected = [
        {
            "name": "files",
            "enabled": True,
            "config": {
                "command": "mcp-files",
                "args": ["--root", "."],
                "env": {"A": "1", "TOKEN": "s3cr3t"},
            },
        },
        {
            "name": "Taken",
            "enabled": False,
            "config": {"cwd": "/srv", "command": "mcp-files", "args": ["--root", "."], "env": {}},
        },
        *(
            {"name": name, "enabled": True, "config": {"url": url, "http_headers": headers}}
            for name, url, headers in (
                ("Linear", linear, {"Authorization": "Bearer lin_1"}),
                ("Linear", linear, {"X-API-Key": "lin_1"}),
                ("Notion", linear, {"Authorization": "Bearer at"}),
                ("Basic", linear, {"Authorization": "Basic dTpw"}),
                ("Open", linear, {}),
                ("Browserbase", "https://mcp.browserbase.com/mcp?browserbaseApiKey=bb%2B1", {}),
            )
        ),
    ]
    assert (await client.get(f"{SERVERS}?format=cli")).json() == expected
    assert (await client.get(f"{V1}/mcp/servers")).json() == {"ok": True, "data": {"servers": expected}}


async def test_lists_need_credential_and_v1_needs_read_scope(
    anonymous: httpx.AsyncClient, server: PlaneServer, factory: RowFactory
) -> None:
    assert (await anonymous.get(SERVERS)).status_code == 401
    writer = {"Authorization": f"Bearer {factory.token(scopes=('write',))}"}
    assert (await anonymous.get(f"{V1}/mcp/servers", headers=writer)).json()["error"]["code"] == "FORBIDDEN"
    reader = {"Authorization": f"Bearer {server.read_only_token}"}
    assert (await anonymous.post(SERVERS, json=FILES, headers=reader)).status_code == 201
