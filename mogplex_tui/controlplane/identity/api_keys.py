"""Create, use and revoke personal access tokens (auth.md §2)."""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Sequence
from typing import NamedTuple

from ..db.database import Tx
from ..http.authentication import TOKEN_PREFIX, digest

SCOPES = ("read", "write")
SHOWN = 12

_ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits


class Minted(NamedTuple):
    """A new API key with its plaintext `token`, which is not stored."""

    id: str
    token: str
    prefix: str


def mint(
    tx: Tx, user_id: str, name: str, scopes: Sequence[str], now_us: int, expires_at: int | None = None
) -> Minted:
    """Create an API key, store its digest and return the key with its token.

    `expires_at` is in µs; None means that the key never expires.
    """
    random_text = "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in secrets.token_bytes(24))
    key = Minted(tx.new_id(), TOKEN_PREFIX + random_text, (TOKEN_PREFIX + random_text)[:SHOWN])
    tx.insert(
        "user_api_keys",
        id=key.id,
        user_id=user_id,
        name=name,
        token_hash=digest(key.token),
        token_prefix=key.prefix,
        scopes=json.dumps(list(scopes)),
        created_at=now_us,
        expires_at=expires_at,
    )
    return key


def revoke(tx: Tx, user_id: str, key_id: str, now_us: int) -> None:
    """Revoke an active key of a user; do nothing if the user has no such active key."""
    tx.execute(
        "UPDATE user_api_keys SET revoked_at = ? WHERE id = ? AND user_id = ? AND revoked_at IS NULL",
        (now_us, key_id, user_id),
    )
