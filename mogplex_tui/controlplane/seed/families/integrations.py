"""Seed connections, custom MCP servers, and overrides of connections.

library.md §8, §9.
"""

from __future__ import annotations

from random import Random
from typing import Any

from ...db.batch_insert import Rows, encode
from ...db.clock import DAY_US, HOUR_US, SECOND_US
from ...sample_data.loader import material
from ...workload.account import SeededAccount
from ...workload.rng import new_uuid, token, whole

_TOKEN_DAYS = 30


def write(rows: Rows, world: SeededAccount, rng: Random, now: int) -> None:
    """Collect the rows of connections, their events and overrides, and MCP servers.

    `now` is in µs; all times are before it.
    """
    owners = {"ada": world.user_id, "jonas": world.other_user_id}
    written = material("tools")
    ids: dict[str, str] = {}
    for row in written["connections"]:
        ids[row["name"]] = new_uuid(rng)
        made = _ago(rng, now, row["days"])
        columns = _connection(row, world, rng, now, made)
        rows.add("connections", id=ids[row["name"]], user_id=owners[row["owner"]], **columns)
        if row.get("error") is not None:
            rows.add(
                "connection_events",
                id=new_uuid(rng),
                user_id=owners[row["owner"]],
                connection_id=ids[row["name"]],
                event="test_failed",
                surface="test",
                message=row["error"],
                created_at=columns["last_tested_at"],
            )
    for row in written["excluded"]:
        rows.add(
            "repo_connection_overrides",
            id=new_uuid(rng),
            repo_id=world.repos[row["repo"]].id,
            connection_id=ids[row["connection"]],
            created_at=_ago(rng, now, row["days"]),
        )
    for row in written["servers"]:
        made = _ago(rng, now, row["days"])
        rows.add(
            "user_mcp_servers",
            id=new_uuid(rng),
            user_id=owners[row["owner"]],
            **_server(row, rng),
            created_at=made,
            updated_at=made if row["changed"] == row["days"] else _ago(rng, now, row["changed"]),
        )


def _ago(rng: Random, now: int, days: int) -> int:
    return now - days * DAY_US - whole(rng, 0, 9 * 3600) * SECOND_US


def _secret(prefix: str | None, rng: Random) -> str | None:
    return None if prefix is None else token(rng, prefix, 20)


def _connection(
    row: dict[str, Any], world: SeededAccount, rng: Random, now: int, made: int
) -> dict[str, Any]:
    is_server = row.get("type", "mcp_server") == "mcp_server"
    tested = None if "tested_hours" not in row else now - int(row["tested_hours"] * HOUR_US)
    authorised = None if "authorised_days" not in row else now - row["authorised_days"] * DAY_US
    return {
        "name": row["name"],
        "type": "mcp_server" if is_server else "rest_api",
        "base_url": None if is_server else row["url"],
        "auth_type": row["auth"],
        "auth_header": row.get("header", "Authorization"),
        "mcp_transport": row.get("transport", "http") if is_server else None,
        "mcp_url": row["url"] if is_server else None,
        "description": row["description"],
        "is_enabled": int(row.get("enabled", True)),
        "health_status": row["health"],
        "scope": "project" if "repo" in row else "global",
        "repo_id": world.repos[row["repo"]].id if "repo" in row else None,
        "credentials": _secret(row.get("secret"), rng),
        "oauth_access_token": _secret(row.get("token"), rng),
        "oauth_authorized_at": authorised,
        "oauth_token_expires_at": None if authorised is None else authorised + _TOKEN_DAYS * DAY_US,
        "source_preset": row.get("preset"),
        "last_tested_at": tested,
        "last_test_error": row.get("error"),
        "last_test_http_status": row.get("http"),
        "last_test_tool_count": row.get("tools"),
        "created_at": made,
        "updated_at": tested or made,
    }


def _server(row: dict[str, Any], rng: Random) -> dict[str, Any]:
    is_command = "command" in row
    secrets = {name: token(rng, prefix, 16) for name, prefix in row.get("secrets", {}).items()}
    return {
        "name": row["name"],
        "enabled": int(row.get("enabled", True)),
        "transport": "stdio" if is_command else "http",
        "command": row.get("command"),
        "args": encode(row.get("args", [])),
        "env_plain": encode(row.get("env", {})),
        "env_secrets": encode(secrets if is_command else {}),
        "url": row.get("url"),
        "header_plain": encode(row.get("headers", {})),
        "header_secrets": encode({} if is_command else secrets),
        "extra": encode(row.get("extra", {})),
    }
