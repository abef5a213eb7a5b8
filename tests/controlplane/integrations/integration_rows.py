"""Create connections, MCP servers and Slack installations."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.controlplane.row_factory import RowFactory

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


def add_connection(factory: RowFactory, user_id: str | None = None, **columns: Any) -> str:
    """Insert a connection, by default an MCP server with a bearer token.

    The clock decides its place in the order.
    """
    columns = {
        "name": "Linear",
        "type": "mcp_server",
        "auth_type": "bearer",
        "auth_header": "Authorization",
        "mcp_transport": "http",
        "mcp_url": "https://mcp.linear.app/mcp",
        "credentials": "lin_1",
        "created_at": factory.clock.us,
        "updated_at": factory.clock.us,
    } | columns
    with factory.plane.db.transaction() as tx:
        connection_id = tx.new_id()
        tx.insert("connections", id=connection_id, user_id=user_id or factory.user, **columns)
    return connection_id


def add_server(factory: RowFactory, name: str = "files", user_id: str | None = None, **columns: Any) -> str:
    """Insert a custom MCP server that is started as a command."""
    columns = {
        "transport": "stdio",
        "command": "mcp-files",
        "args": json.dumps(["--root", "."]),
        "created_at": factory.clock.us,
        "updated_at": factory.clock.us,
    } | columns
    with factory.plane.db.transaction() as tx:
        server_id = tx.new_id()
        tx.insert("user_mcp_servers", id=server_id, user_id=user_id or factory.user, name=name, **columns)
    return server_id


def add_slack(factory: RowFactory, team_id: str = "T024", user_id: str | None = None, **columns: Any) -> str:
    """Insert a Slack workspace in which the app is installed."""
    columns = {
        "team_name": "Acme",
        "bot_user_id": "U99",
        "scopes": json.dumps(["chat:write"]),
        "installed_at": factory.clock.us,
    } | columns
    with factory.plane.db.transaction() as tx:
        row_id = tx.new_id()
        tx.insert(
            "slack_installations", id=row_id, team_id=team_id, user_id=user_id or factory.user, **columns
        )
    return row_id
