"""Slugs of teams and users, which share one namespace (identity.md §8, §12)."""

from __future__ import annotations

import re

from ..db.database import Database, Tx

LONGEST = 39
_FORM = re.compile(r"[a-z0-9](?:[a-z0-9]|-(?=[a-z0-9])){0,38}", re.ASCII)
_OTHER = re.compile(r"[^a-z0-9]+", re.ASCII)

# Paths of the console in the browser; the database refuses further ones by itself (reserved_slugs).
_PAGES = frozenset(
    (
        "agents",
        "assignments",
        "automations",
        "flows",
        "library",
        "observability",
        "primitives",
        "projects",
        "runs",
        "settings",
        "triggers",
    )
)

_RESERVED = "SELECT 1 FROM reserved_slugs WHERE slug = ?"
_TAKEN = "SELECT 1 FROM teams WHERE slug = :slug UNION ALL SELECT 1 FROM profiles WHERE slug = :slug"


def problem(db: Database | Tx, slug: str) -> str | None:
    """Return why a slug is not available, or None if it is available.

    The reason is `invalid`, `reserved` or `taken`.
    """
    if _FORM.fullmatch(slug) is None:
        return "invalid"
    if slug in _PAGES or db.one(_RESERVED, (slug,)) is not None:
        return "reserved"
    return None if db.one(_TAKEN, {"slug": slug}) is None else "taken"


def fresh(db: Database | Tx, github_username: str | None, email: str, unique: str) -> str:
    """Return a free slug for a new profile.

    The slug is made from the GitHub user name or, without one, from the e-mail address. If the text
    gives no valid slug, the profile's id `unique` is used. If the slug is taken, a number or the
    start of the id is appended.
    """
    source = github_username or email.partition("@")[0]
    base = _OTHER.sub("-", source.lower()).strip("-")[:LONGEST].strip("-")
    if problem(db, base) in ("invalid", "reserved"):
        base = f"user-{unique[:8]}"
    for candidate in (base, *(f"{base[: LONGEST - 2]}-{number}" for number in range(2, 6))):
        if problem(db, candidate) is None:
            return candidate
    return f"{base[: LONGEST - 9]}-{unique[:8]}"
