"""The account that a new database contains, and the account's credentials."""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import sqlite3
import string
from pathlib import Path
from typing import NamedTuple

from ..core.plane import Plane
from ..db.clock import DAY_US
from ..http.authentication import SESSION_COOKIE, TOKEN_PREFIX, digest
from . import slugs

_ALPHABET = string.ascii_letters + string.digits


class Credentials(NamedTuple):
    """Plaintext credentials of the seeded account.

    `session_cookie` is a Cookie header value; `webhook_secret` signs deliveries to /api/webhooks (system.md §2).
    """

    token: str
    read_only_token: str
    session_cookie: str
    webhook_secret: str


def credentials(plane: Plane) -> Credentials:
    """Return the account's credentials, which never change for a database file.

    They are derived from a secret in the file, so that nothing else on the machine can guess them.
    """
    secret = plane.db.meta("secret")
    if secret is None:
        secret = secrets.token_hex(32)
        plane.db.set_meta("secret", secret)
    return Credentials(
        _token(secret, "write"),
        _token(secret, "read"),
        f"{SESSION_COOKIE}={_letters(secret, 'session', 32)}",
        _letters(secret, "webhook", 40),
    )


def kept_webhook_secret(path: Path) -> str | None:
    """Return the webhook secret from a plane's database file, or None.

    None means that the file cannot be read or has no secret yet. The file is only read, so that a
    plane may be running on it.
    """
    try:
        with contextlib.closing(
            sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        ) as connection:
            row = connection.execute("SELECT value FROM plane_meta WHERE key = 'secret'").fetchone()
    except sqlite3.Error:
        return None
    return None if row is None else _letters(row[0], "webhook", 40)


def _letters(secret: str, name: str, length: int) -> str:
    derived = hashlib.shake_256(f"{secret}/{name}".encode()).digest(length)
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in derived)


def _token(secret: str, name: str) -> str:
    return TOKEN_PREFIX + _letters(secret, name, 24)


def create_profile(plane: Plane) -> None:
    """Insert the profile of the account into a new database."""
    now = plane.clock.now_us()
    with plane.db.transaction() as tx:
        tx.insert(
            "profiles",
            id=plane.user_id,
            email="ada@acme.dev",
            username="ada-okafor",
            name="Ada Okafor",
            github_username="ada-okafor",
            slug=slugs.fresh(tx, "ada-okafor", "ada@acme.dev", plane.user_id),
            default_model="anthropic/claude-sonnet-5",
            models_seen_at=now - 20 * DAY_US,
            created_at=now - 90 * DAY_US,
        )


def create_credentials(plane: Plane) -> None:
    """Insert a read-write token, a read-only token and a session for the account."""
    now = plane.clock.now_us()
    account = credentials(plane)
    with plane.db.transaction() as tx:
        for name, token, scopes in (
            ("Console", account.token, ["read", "write"]),
            ("Console, read only", account.read_only_token, ["read"]),
        ):
            tx.insert(
                "user_api_keys",
                id=tx.new_id(),
                user_id=plane.user_id,
                name=name,
                token_hash=digest(token),
                token_prefix=token[:12],
                scopes=json.dumps(scopes),
                created_at=now,
            )
        tx.insert(
            "sessions",
            token_hash=digest(account.session_cookie.partition("=")[2]),
            user_id=plane.user_id,
            expires_at=now + 3650 * DAY_US,
        )
