"""Read connections: as JSON, for a run in a repository, and with credentials.

library.md §8, projects.md §4.1.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from ..db import row_json
from ..db.database import Database, Row

MCP_CAP = 5

COLUMNS = (
    "id, user_id, name, type, base_url, auth_type, auth_header, mcp_transport, mcp_url, description,"
    " is_enabled, health_status, scope, repo_id, oauth_client_id, oauth_authorize_url, oauth_token_url,"
    " oauth_scopes, oauth_authorized_at, oauth_token_expires_at, source_preset, last_tested_at,"
    " last_test_error, last_test_http_status, last_test_tool_count, created_at, updated_at"
)

_INSTANTS = ("oauth_authorized_at", "oauth_token_expires_at", "last_tested_at", "created_at", "updated_at")
_GLOBALS = "user_id = :user AND scope = 'global' AND is_enabled = 1"
_PROJECT = "user_id = :user AND scope = 'project' AND is_enabled = 1 AND repo_id = :repo"
_KEPT = (
    "NOT EXISTS (SELECT 1 FROM repo_connection_overrides o"
    " WHERE o.connection_id = connections.id AND o.repo_id = :repo AND o.excluded = 1)"
)


def connection(row: Row) -> dict[str, Any]:
    """Return the JSON object of a connection, without credentials (library.md §8.1).

    `row` must contain the columns in COLUMNS.
    """
    out = row_json.timed(row, *_INSTANTS)
    out["is_enabled"] = bool(row["is_enabled"])
    return out


def runnable(db: Database, user_id: str, repo_id: str) -> list[Row]:
    """Return the connections that runs in a repository can use, oldest first.

    These are the enabled global connections that the repository does not exclude, and the
    repository's own enabled connections. If more than five of them are MCP servers, the
    repository's own are preferred to global ones, and older ones to newer ones (projects.md §4.1).
    """
    rows = db.all(
        f"SELECT {COLUMNS} FROM connections WHERE ({_GLOBALS} AND {_KEPT}) OR ({_PROJECT})"
        " ORDER BY scope = 'global', created_at, id",
        {"user": user_id, "repo": repo_id},
    )
    servers = [row["id"] for row in rows if row["type"] == "mcp_server"][:MCP_CAP]
    kept = [row for row in rows if row["type"] != "mcp_server" or row["id"] in servers]
    return sorted(kept, key=lambda row: (row["created_at"], row["id"]))


def mcp_count(rows: list[Row]) -> int:
    """Return how many of the connections are MCP servers."""
    return sum(row["type"] == "mcp_server" for row in rows)


def secret_of(row: Row) -> str | None:
    """Return the credential to send to the connected service, or None.

    For OAuth connections it is the access token. `row` must contain all columns of the table.
    """
    secret: str | None = row["oauth_access_token"] if row["auth_type"] == "oauth" else row["credentials"]
    return secret or None


def is_complete(row: Row, now: int) -> bool:
    """Return whether a connection has a URL and valid credentials at `now` (µs).

    `row` must contain all columns of the table (library.md §9.1).
    """
    if not (row["mcp_url"] if row["type"] == "mcp_server" else row["base_url"]):
        return False
    if row["auth_type"] in (None, "none"):
        return True
    expires = row["oauth_token_expires_at"]
    if row["auth_type"] == "oauth" and (
        row["oauth_authorized_at"] is None or (expires is not None and expires <= now)
    ):
        return False
    return secret_of(row) is not None


def mcp_config(row: Row) -> dict[str, Any]:
    """Return the URL and headers for an MCP connection, with its secret in plain text.

    `row` must contain all columns of the table (library.md §8.3, §9.1).
    """
    url, secret = row["mcp_url"], secret_of(row)
    if secret is None:
        return {"url": url, "http_headers": {}}
    if row["source_preset"] == "browserbase":
        joint = "&" if "?" in url else "?"
        return {"url": f"{url}{joint}browserbaseApiKey={quote(secret, safe='')}", "http_headers": {}}
    prefix = {"api_key": "", "basic": "Basic "}.get(row["auth_type"], "Bearer ")
    header = row["auth_header"] or "Authorization"
    return {"url": url, "http_headers": {header: prefix + secret}}
