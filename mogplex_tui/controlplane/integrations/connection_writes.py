"""Write connections, the results of their tests, and OAuth tokens (library.md §8)."""

from __future__ import annotations

from typing import Any

from ..db.database import Tx


def insert_connection(tx: Tx, *, user_id: str, at: int, **columns: Any) -> str:
    """Insert a connection and return its id.

    Raises sqlite3.IntegrityError if a constraint fails.
    """
    connection_id = tx.new_id()
    tx.insert("connections", id=connection_id, user_id=user_id, created_at=at, updated_at=at, **columns)
    tx.record_change("connections", "INSERT", user_id, connection_id)
    return connection_id


def update_connection(tx: Tx, user_id: str, connection_id: str, at: int, **columns: Any) -> None:
    """Update columns of a connection and publish the change to its user."""
    tx.update("connections", connection_id, updated_at=at, **columns)
    tx.record_change("connections", "UPDATE", user_id, connection_id)


def delete_connection(tx: Tx, user_id: str, connection_id: str) -> None:
    """Delete a connection with its events and with the repositories' overrides of it.

    The deletions of the connection and of its overrides are published.
    """
    for row in tx.all("SELECT id FROM repo_connection_overrides WHERE connection_id = ?", (connection_id,)):
        tx.record_change("repo_connection_overrides", "DELETE", None, row["id"])
    tx.execute("DELETE FROM connections WHERE id = ?", (connection_id,))
    tx.record_change("connections", "DELETE", user_id, connection_id)


def begin_test(tx: Tx, user_id: str, connection_id: str, at: int) -> str:
    """Mark a connection as being tested and return the token of this test.

    A test that began earlier can no longer store its result.
    """
    token = tx.new_id()
    update_connection(tx, user_id, connection_id, at, health_status="testing", active_test_token=token)
    return token


def end_test(
    tx: Tx,
    user_id: str,
    connection_id: str,
    token: str,
    at: int,
    *,
    status: str,
    error: str | None,
    http_status: int | None,
    tool_count: int | None,
) -> bool:
    """Store the result of a test, and return whether it was stored.

    Nothing is stored if `token` is not that of the connection's latest test. A failed test adds a
    connection event (library.md §15).
    """
    current = tx.one(
        "SELECT 1 FROM connections WHERE id = ? AND active_test_token = ?", (connection_id, token)
    )
    if current is None:
        return False
    update_connection(
        tx,
        user_id,
        connection_id,
        at,
        health_status=status,
        active_test_token=None,
        last_tested_at=at,
        last_test_error=error,
        last_test_http_status=http_status,
        last_test_tool_count=tool_count,
    )
    if status != "healthy":
        tx.insert(
            "connection_events",
            id=tx.new_id(),
            user_id=user_id,
            connection_id=connection_id,
            event="test_failed",
            surface="test",
            message=error,
            created_at=at,
        )
    return True


def authorise(tx: Tx, user_id: str, connection_id: str, access_token: str, at: int, expires_at: int) -> None:
    """Store an OAuth access token, which is valid until `expires_at` (µs)."""
    update_connection(
        tx,
        user_id,
        connection_id,
        at,
        oauth_access_token=access_token,
        oauth_authorized_at=at,
        oauth_token_expires_at=expires_at,
    )
