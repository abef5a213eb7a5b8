"""API keys of AI providers, which can be stored and checked but not read.

identity.md §5, §8.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..db.database import Database, Row, Tx
from ..http.authentication import digest

PROVIDERS = ("ai_gateway", "anthropic", "openai", "openrouter")

# How the keys of each provider begin. Nothing here reaches a provider, so a key of this form counts as accepted.
_FORMS = {
    "ai_gateway": re.compile(r"vck_\w{8,}", re.ASCII),
    "anthropic": re.compile(r"sk-ant-[\w-]{8,}", re.ASCII),
    "openai": re.compile(r"sk-(?!ant-|or-)[\w-]{8,}", re.ASCII),
    "openrouter": re.compile(r"sk-or-[\w-]{8,}", re.ASCII),
}


class Owner(NamedTuple):
    """The owner of provider keys: the table, its owner column and the owner's id."""

    table: str
    column: str
    id: str


def of_user(user_id: str) -> Owner:
    """Return the Owner value for the provider keys of a user."""
    return Owner("provider_keys", "user_id", user_id)


def of_team(team_id: str) -> Owner:
    """Return the Owner value for the provider keys of a team."""
    return Owner("team_provider_keys", "team_id", team_id)


def plausible(provider: str, key: str) -> bool:
    """Return whether a key has the format of the provider's keys."""
    return _FORMS[provider].fullmatch(key) is not None


def stored(db: Database, owner: Owner) -> list[Row]:
    """Return the provider, format check and times of each key of an owner.

    The keys are sorted by provider. Their text is not returned, because only digests are stored.
    """
    return db.all(
        f"SELECT provider, is_plausible, created_at, updated_at FROM {owner.table}"
        f" WHERE {owner.column} = ? ORDER BY provider",
        (owner.id,),
    )


def put(tx: Tx, owner: Owner, provider: str, key: str, now_us: int) -> None:
    """Store the owner's key of a provider, or replace the present key.

    A replaced key keeps its creation time.
    """
    tx.execute(
        f"INSERT INTO {owner.table} (id, {owner.column}, provider, key_hash, is_plausible, created_at, updated_at)"
        f" VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT ({owner.column}, provider) DO UPDATE SET"
        " key_hash = excluded.key_hash, is_plausible = excluded.is_plausible, updated_at = excluded.updated_at",
        (tx.new_id(), owner.id, provider, digest(key), int(plausible(provider, key)), now_us, now_us),
    )


def remove(tx: Tx, owner: Owner, provider: str) -> None:
    """Delete the owner's key of a provider; do nothing if there is no such key."""
    tx.execute(f"DELETE FROM {owner.table} WHERE {owner.column} = ? AND provider = ?", (owner.id, provider))
