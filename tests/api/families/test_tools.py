"""MCP servers, connections and Slack over HTTP.

library.md §8, §9, §14, v1.md §6.
"""

from __future__ import annotations

import logging
from typing import Any

import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api.client import MogplexClient
from mogplex_tui.api.models.base import parse_rows
from mogplex_tui.api.models.connections import PRESETS, Connection, ConnectionDraft, PresetDraft
from mogplex_tui.api.models.mcp_servers import McpServer, McpServerDraft, McpServerUpdate, ServerTransport
from mogplex_tui.api.models.slack import SlackInstallation, SlackLinkDraft, SlackPolicy
from mogplex_tui.config.secret import Secret
from tests.api.families.minimal_plane import NOBODY, Call, MinimalPlane, assert_not_sent
from tests.api.support import Seen, http, ok, serving
from tests.controlplane.integrations.integration_rows import add_slack

KEY = "s3cr3t-value-0123"


STDIO: dict[str, Any] = {
    "name": "files",
    "transport": ServerTransport.STDIO,
    "command": "mcp-files",
    "args": ["--root", "."],
    "env_plain": {"LOG": "debug"},
    "env_secrets": {"TOKEN": Secret(KEY)},
}
HTTP: dict[str, Any] = {"name": "remote", "transport": "http", "url": f"https://mcp.example.dev/x?key={KEY}"}


# MCP servers


async def test_a_server_is_added_read_changed_and_removed(minimal_plane: MinimalPlane) -> None:
    servers = minimal_plane.client.mcp_servers
    made = await servers.create(McpServerDraft(**STDIO, extra={"startup_timeout_sec": 5}))
    assert (made.name, made.enabled, made.command, made.args) == ("files", True, "mcp-files", ["--root", "."])
    assert (made.env_plain, made.env_secret_names) == ({"LOG": "debug"}, ["TOKEN"])
    assert made.extra == {"startup_timeout_sec": 5} and made.location == "mcp-files"
    with pytest.raises(e.Conflict, match="already exists") as caught:
        await servers.create(McpServerDraft(**STDIO))
    assert caught.value.code == "DUPLICATE_NAME"
    change = McpServerUpdate(enabled=False, env_plain={}, env_secrets={"TOKEN": None, "OTHER": Secret("x")})
    changed = await servers.update(made.id, change)
    assert (changed.enabled, changed.env_plain, changed.env_secret_names) == (False, {}, ["OTHER"])
    assert changed.args == ["--root", "."]
    moved = await servers.update(made.id, McpServerUpdate(transport="http", url="https://mcp.example.dev"))
    assert (moved.command, moved.env_secret_names, moved.location) == (None, [], "https://mcp.example.dev")
    minimal_plane.clock.advance(1)
    other = await servers.create(McpServerDraft(**HTTP, header_secrets={"X-Key": Secret(KEY)}))
    assert [server.id for server in await servers.list()] == [other.id, made.id]
    assert (await servers.get(other.id)).header_secret_names == ["X-Key"]
    await servers.delete(made.id)
    await servers.delete(made.id)
    assert [server.id for server in await servers.list()] == [other.id]
    with pytest.raises(e.NotFound, match="Server not found"):
        await servers.get(made.id)
    with pytest.raises(e.NotFound):
        await servers.update(made.id, McpServerUpdate(enabled=True))


@pytest.mark.parametrize("by_token", [False, True])
async def test_merged_list_hides_secrets(
    minimal_plane: MinimalPlane, by_token: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    servers = minimal_plane.client.mcp_servers
    await servers.create(McpServerDraft(**STDIO, extra={"note": KEY}))
    await servers.create(McpServerDraft(**HTTP, enabled=False))
    await minimal_plane.client.connections.create(
        PresetDraft(source_preset="linear", credentials=Secret(KEY))
    )
    rows = await (servers.configured_by_token() if by_token else servers.configured())
    assert [(row.name, row.enabled) for row in rows] == [
        ("files", True), ("remote", False), ("Linear", True),
    ]  # fmt: skip
    files, remote, linear = (row.config for row in rows)
    assert files.env["TOKEN"].reveal() == KEY and files.args == ["--root", "."]
    assert files.extra == {"note": KEY} and files.location == "mcp-files"
    assert remote.url is not None and KEY in remote.url.reveal()
    assert remote.location == "https://mcp.example.dev"
    assert linear.http_headers["Authorization"].reveal() == f"Bearer {KEY}"
    shown = f"{rows!r} {rows} {[str(row) for row in rows]} {caplog.text}"
    assert KEY not in shown and "••••" in shown
    assert KEY not in repr(vars(rows))


async def test_unparsable_merged_row_is_marked_without_secrets() -> None:
    broken = [{"name": "a", "config": {"env": {"T": KEY}}}, {"name": "b", "config": [KEY]}, KEY, {"x": KEY}]
    async with serving(http(200, broken)) as service, service.client() as client:
        rows = await client.mcp_servers.configured()
    assert [row.name for row in rows] == ["a", ""]
    assert [bad.raw for bad in rows.bad] == [{"name": "b"}, {"name": ""}]
    assert KEY not in f"{rows!r} {rows.bad!r} {vars(rows)!r}"
    async with serving(ok({"servers": {"a": KEY}})) as service, service.client() as client:
        with pytest.raises(e.InvalidResponse) as caught:
            await client.mcp_servers.configured_by_token()
    assert KEY not in f"{caught.value} {vars(caught.value)}"


@pytest.mark.parametrize("still_there", [False, True])
async def test_delete_not_found_rereads_list(still_there: bool) -> None:
    row = {"id": NOBODY, "name": "files", "transport": "stdio"}

    async def hosted(seen: Seen, _: Any) -> bytes:
        if seen.method == "DELETE":
            return http(404, {"error": "Server not found"})
        return http(200, {"servers": [row] if still_there else []})

    async with serving(hosted) as service, service.client() as client:
        if still_there:
            with pytest.raises(e.NotFound):
                await client.mcp_servers.delete(NOBODY)
        else:
            await client.mcp_servers.delete(NOBODY)
        assert [seen.method for seen in service.seen] == ["DELETE", "GET"]


def test_typed_secret_is_hidden_until_sent() -> None:
    draft = McpServerDraft(**STDIO)
    assert KEY not in f"{draft!r} {draft}"
    assert draft.body() == {
        "name": "files", "transport": "stdio", "command": "mcp-files", "args": ["--root", "."],
        "envPlain": {"LOG": "debug"}, "envSecrets": {"TOKEN": KEY},
    }  # fmt: skip
    change = McpServerUpdate(header_secrets={"A": Secret(KEY), "B": None})
    assert KEY not in repr(change)
    assert change.body() == {"headerSecrets": {"A": KEY, "B": None}}
    with pytest.raises(e.InvalidInput) as caught:
        McpServerDraft(**STDIO | {"env_secrets": {"TOKEN": [KEY]}})
    assert KEY not in f"{caught.value!r} {caught.value} {vars(caught.value)}"


# Connections


async def test_connection_create_toggle_delete(minimal_plane: MinimalPlane) -> None:
    connections = minimal_plane.client.connections
    linear = await connections.create(PresetDraft(source_preset="linear", credentials=Secret(KEY)))
    assert (linear.name, linear.auth_type, linear.is_enabled) == ("Linear", "bearer", True)
    assert linear.origin == "https://mcp.linear.app" and not linear.needs_sign_in
    with pytest.raises(e.Conflict) as caught:
        await connections.create(PresetDraft(source_preset="linear", credentials=Secret(KEY)))
    assert caught.value.code == "PRESET_ALREADY_CONNECTED"
    assert caught.value.extra["connection"]["id"] == linear.id
    minimal_plane.clock.advance(1)
    repo = minimal_plane.world.repo()
    own = await connections.create(
        ConnectionDraft(
            type="rest_api", name="Weather", base_url="https://api.example.dev/204", auth_type="api_key",
            credentials=Secret(KEY), scope="project", repo_id=repo, description=" d ",
        )
    )  # fmt: skip
    assert (own.auth_header, own.scope, own.repo_id, own.description) == ("X-API-Key", "project", repo, "d")
    assert [row.id for row in await connections.list()] == [linear.id, own.id]
    await connections.set_enabled(linear.id, False)
    assert [row.is_enabled for row in await connections.list()] == [False, True]
    await connections.delete(linear.id)
    assert [row.id for row in await connections.list()] == [own.id]
    for call in (connections.delete(linear.id), connections.set_enabled(linear.id, True)):
        with pytest.raises(e.NotAllowed):
            await call
    with pytest.raises(e.NotFound, match="Repo not found"):
        await connections.create(
            PresetDraft(source_preset="sanity", credentials=Secret("x"), scope="project", repo_id=NOBODY)
        )


async def test_connection_test_returns_result_for_any_outcome(minimal_plane: MinimalPlane) -> None:
    connections = minimal_plane.client.connections
    linear = await connections.create(PresetDraft(source_preset="linear", credentials=Secret("lin_1")))
    found = await connections.test(linear.id)
    assert (found.healthy, found.status, found.tool_count, found.persisted) == (True, "healthy", 23, True)
    assert found.tested_at is not None and found.tested_at.tzinfo
    down = await connections.create(
        ConnectionDraft(type="rest_api", name="x", base_url="https://api.example.dev/503")
    )
    found = await connections.test(down.id)
    assert (found.healthy, found.status, found.http_status) == (False, "error", 503)
    with pytest.raises(e.NotFound, match="Connection not found"):
        await connections.test(NOBODY)


async def test_sign_in_address_depends_on_connection(minimal_plane: MinimalPlane) -> None:
    connections = minimal_plane.client.connections
    notion = await connections.create(PresetDraft(source_preset="notion"))
    sentry = await connections.create(PresetDraft(source_preset="sentry"))
    assert notion.needs_sign_in and sentry.managed
    base = minimal_plane.server.base_url
    address = connections.sign_in_address(notion)
    assert address == f"{base}/api/connections/oauth?connectionId={notion.id}"
    assert connections.sign_in_address(sentry).startswith(f"{base}/api/connections/managed-auth?")
    assert minimal_plane.client.slack.install_address() == f"{base}/api/integrations/slack/install"


async def test_private_host_and_sixth_server_are_refused(minimal_plane: MinimalPlane) -> None:
    connections = minimal_plane.client.connections
    with pytest.raises(e.BadRequest, match="must target a public host") as caught:
        await connections.create(
            ConnectionDraft(type="mcp_server", name="x", mcp_url=Secret("http://localhost:1/mcp"))
        )
    assert caught.value.code == "INVALID_CONNECTION"
    for number in range(5):
        await connections.create(
            ConnectionDraft(type="mcp_server", name=f"s{number}", mcp_url=Secret("https://mcp.example.dev"))
        )
    with pytest.raises(e.BadRequest, match="Maximum 5 MCP connections"):
        await connections.create(PresetDraft(source_preset="linear", credentials=Secret("x")))


def test_mcp_url_with_key_is_secret() -> None:
    url = f"https://hooks.zapier.com/mcp/{KEY}"
    draft = PresetDraft(source_preset="zapier", mcp_url=Secret(url))
    assert KEY not in repr(draft) and draft.body()["mcp_url"] == url
    row = Connection(id="a", mcp_url=Secret(url), base_url=None)
    assert KEY not in f"{row!r}" and row.origin == "https://hooks.zapier.com"
    oauth = ConnectionDraft(
        type="mcp_server", name="x", mcp_url=Secret("https://a.dev"), auth_type="oauth", credentials=Secret(KEY),
        oauth_client_id="c", oauth_authorize_url="https://a.dev/auth", oauth_token_url="https://a.dev/token",
    )  # fmt: skip
    assert oauth.body()["credentials"] == KEY and "repo_id" not in oauth.body()
    assert KEY not in repr(oauth)


# Slack


async def test_workspace_policy_links_and_removal(minimal_plane: MinimalPlane) -> None:
    slack = minimal_plane.client.slack
    add_slack(minimal_plane.world)
    [found] = await slack.workspaces()
    assert (found.team_id, found.allowed_slack_user_ids, found.repo_agent_enabled) == ("T024", None, True)
    changed = await slack.change_policy(
        "T024", SlackPolicy(allowed_slack_user_ids=[" U1 ", "U1", ""], monthly_repo_run_limit=50)
    )
    assert (changed.allowed_slack_user_ids, changed.monthly_repo_run_limit) == (["U1"], 50)
    nobody = await slack.change_policy(
        "T024", SlackPolicy(allowed_slack_user_ids=[], monthly_repo_run_limit=None)
    )
    assert (nobody.allowed_slack_user_ids, nobody.monthly_repo_run_limit) == ([], None)
    repo = minimal_plane.world.repo()
    link = await slack.link("T024", SlackLinkDraft(channel_id="C1", repo_id=repo, channel_name="dev"))
    assert (link.channel_id, link.channel_name, link.repo_id) == ("C1", "dev", repo)
    with pytest.raises(e.Conflict, match="Channel already linked"):
        await slack.link("T024", SlackLinkDraft(channel_id="C1", repo_id=repo))
    with pytest.raises(e.NotFound, match="repo_not_found"):
        await slack.link("T024", SlackLinkDraft(channel_id="C2", repo_id=NOBODY))
    assert [row.id for row in await slack.links("T024")] == [link.id]
    await slack.unlink("T024", link.id)
    assert await slack.links("T024") == []
    with pytest.raises(e.ServiceFailed, match="no_bot_token"):
        await slack.channels("T024")
    await slack.disconnect("T024")
    assert await slack.workspaces() == []


async def test_foreign_workspace_is_refused(minimal_plane: MinimalPlane) -> None:
    add_slack(minimal_plane.world, "T9", minimal_plane.world.profile("other"))
    with pytest.raises(e.NotAllowed):
        await minimal_plane.client.slack.links("T9")
    with pytest.raises(e.NotFound):
        await minimal_plane.client.slack.change_policy("T9", SlackPolicy(repo_agent_enabled=False))


async def test_channel_pages_end_with_empty_cursor() -> None:
    async def two_pages(seen: Seen, _: Any) -> bytes:
        last = "cursor=next" in seen.query
        channel = {"id": "C2" if last else "C1", "name": None, "isPrivate": last}
        return http(200, {"channels": [channel], "nextCursor": "" if last else "next"})

    async with serving(two_pages) as service, service.client() as client:
        first = await client.slack.channels("T/1")
        second = await client.slack.channels("T/1", first.next_cursor)
        assert service.seen[0].path == "/api/integrations/slack/installations/T%2F1/channels"
    assert (first.rows[0].id, first.next_cursor) == ("C1", "next")
    assert (second.rows[0].is_private, second.next_cursor) == (True, None)


# What never leaves


def server(**more: Any) -> Call:
    return lambda c: c.mcp_servers.create(McpServerDraft(**STDIO | more))


def made(**fields: Any) -> Call:
    return lambda c: c.connections.create(ConnectionDraft(**{"type": "mcp_server", "name": "n"} | fields))


URL = "https://a.dev"


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (server(name=" "), "name is required"),
        (server(name="a__b"), "must not contain"),
        (server(transport="sse"), "stdio or http"),
        (server(command=" "), "command is required"),
        (server(command=None), "command is required"),
        (server(url=URL), "cannot include url"),
        (server(args="x"), "args"),
        (server(env_plain={"TOKEN": "x"}), "both plain and secret"),
        (server(env_plain={" ": "x"}), "empty key"),
        (server(env_plain={"A": 5}), "envPlain.A must be a string"),
        (server(env_secrets={"A": " "}), "envSecrets.A must be a non-empty string"),
        (server(extra={"env": {}}), "extra must not contain"),
        (lambda c: c.mcp_servers.create(McpServerDraft(name="x", transport="http")), "url is required"),
        (lambda c: c.mcp_servers.update(NOBODY, McpServerUpdate()), "nothing to change"),
        (lambda c: c.mcp_servers.update(NOBODY, McpServerUpdate(name=None)), "cannot be cleared"),
        (lambda c: c.mcp_servers.update("x", McpServerUpdate(enabled=True)), "not the id of a server"),
        (
            lambda c: c.mcp_servers.update(NOBODY, McpServerUpdate(env_secrets={"A": Secret("")})),
            "non-empty string or null",
        ),
        (made(type="grpc", mcp_url=Secret(URL)), "rest_api or mcp_server"),
        (made(name=" ", mcp_url=Secret(URL)), "Connection name is required"),
        (made(), "mcp_url must be a valid URL"),
        (made(type="rest_api"), "base_url must be a valid URL"),
        (made(mcp_url=Secret("ftp://a.dev")), "must use http or https"),
        (made(mcp_url=Secret("https://a.dev:port/")), "valid URL"),
        (made(mcp_url=Secret(URL), auth_type="digest"), "Unsupported auth type"),
        (made(mcp_url=Secret(URL), auth_type="bearer"), "credentials are required"),
        (
            made(mcp_url=Secret(URL), auth_type="oauth", credentials=Secret("x")),
            "oauth_client_id is required",
        ),
        (made(mcp_url=Secret(URL), scope="project"), "repo_id is required"),
        (lambda c: c.connections.create(PresetDraft(source_preset="x")), "Unknown connection preset"),
        (lambda c: c.connections.create(PresetDraft(source_preset="zapier")), "mcp_url is required"),
        (lambda c: c.connections.create(PresetDraft(source_preset="linear")), "credentials is required"),
        (lambda c: c.connections.delete("linear"), "not the id"),
        (lambda c: c.slack.change_policy("T1", SlackPolicy()), "nothing to change"),
        (lambda c: c.slack.change_policy("T1", SlackPolicy(monthly_repo_run_limit=0)), "from 1 to 10,000"),
        (
            lambda c: c.slack.change_policy("T1", SlackPolicy(allowed_slack_user_ids=["U"] * 101)),
            "At most 100",
        ),
        (lambda c: c.slack.change_policy("T1", SlackPolicy(allowed_slack_user_ids=[" "])), "for nobody"),
        (lambda c: c.slack.change_policy("..", SlackPolicy(repo_agent_enabled=True)), "does not name"),
        (lambda c: c.slack.link("T1", SlackLinkDraft(channel_id=" ", repo_id=NOBODY)), "are required"),
    ],
)
async def test_invalid_input_is_not_sent(call: Call, says: str) -> None:
    async def attempt(client: MogplexClient) -> Any:
        return await call(client)

    await assert_not_sent(attempt, says)


def test_presets_declare_required_fields() -> None:
    assert [preset.name for preset in PRESETS] == [
        "Zapier", "Notion", "Supabase", "Browserbase", "Sentry", "Sanity CMS", "Linear",
    ]  # fmt: skip
    assert {p.key for p in PRESETS if not (p.needs_url or p.needs_credential)} == {"notion", "sentry"}


# What arrives


def test_rows_with_holes_are_rows() -> None:
    servers = parse_rows(
        McpServer,
        [{"id": "a"}, {"id": "b", "args": None, "envPlain": [], "envSecretNames": 5, "transport": "ws"}, {}],
    )
    assert [(row.id, row.args, row.env_plain, row.location) for row in servers] == [
        ("a", [], {}, ""), ("b", [], {}, ""),
    ]  # fmt: skip
    assert len(servers.bad) == 1
    rows = parse_rows(Connection, [{"id": "a", "health_status": "sleepy", "mcp_url": None}, {"id": 1}])
    assert (rows[0].health_status, rows[0].origin, rows.total) == ("sleepy", "", 2)
    found = parse_rows(SlackInstallation, [{"teamId": "T", "scopes": None, "allowedSlackUserIds": None}])
    assert found[0].scopes == []
