"""The MCP servers that coding CLIs can use, with secrets (library.md §9.1)."""

from __future__ import annotations

import json
from typing import Any

from ..db.database import Database, Row
from . import connections


def custom_config(row: Row) -> dict[str, Any]:
    """Return the configuration of a custom MCP server, with secrets in plain text.

    If a variable or header is stored both as a plain value and as a secret, the secret is used.
    """
    extra: dict[str, Any] = json.loads(row["extra"])
    if row["transport"] == "stdio":
        env = json.loads(row["env_plain"]) | json.loads(row["env_secrets"])
        return {**extra, "command": row["command"], "args": json.loads(row["args"]), "env": env}
    headers = json.loads(row["header_plain"]) | json.loads(row["header_secrets"])
    return {**extra, "url": row["url"], "http_headers": headers}


def merged(db: Database, user_id: str, now: int) -> list[dict[str, Any]]:
    """Return a user's custom MCP servers and MCP connections, with secrets.

    Each entry is `{name, enabled, config}`. First come the custom servers, including disabled
    ones; then the enabled and complete MCP connections, except those that have the name of a
    custom server. Each group is ordered by creation; `now` is in µs.
    """
    servers = db.all(
        "SELECT * FROM user_mcp_servers WHERE user_id = ? ORDER BY created_at, rowid", (user_id,)
    )
    out = [
        {"name": row["name"], "enabled": bool(row["enabled"]), "config": custom_config(row)}
        for row in servers
    ]
    taken = {row["name"] for row in servers}
    rows = db.all(
        "SELECT * FROM connections WHERE user_id = ? AND type = 'mcp_server' AND is_enabled = 1"
        " ORDER BY created_at, rowid",
        (user_id,),
    )
    out += [
        {"name": row["name"], "enabled": True, "config": connections.mcp_config(row)}
        for row in rows
        if row["name"] not in taken and connections.is_complete(row, now)
    ]
    return out
