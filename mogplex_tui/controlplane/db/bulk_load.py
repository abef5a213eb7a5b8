"""Loads into a database that nobody relies on yet: without journal, checks, indexes and triggers while they last."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .database import Database, Tx

# What a broken load leaves behind is thrown away, so it need not be written twice or waited for on the disk, and
# its rows are trusted to keep the rules of the schema. The order matters: changing the journal writes, too.
_FREE = ("synchronous=OFF", "journal_mode=MEMORY", "foreign_keys=OFF", "ignore_check_constraints=ON")
_STRICT = ("ignore_check_constraints=OFF", "foreign_keys=ON", "journal_mode=WAL", "synchronous=NORMAL")


@contextmanager
def loading(db: Database) -> Iterator[Tx]:
    """A silent transaction for very many rows; a file that it does not end well in must be thrown away."""
    for pragma in _FREE:
        db.all(f"PRAGMA {pragma}")
    try:
        with db.transaction(announce=False) as tx:
            yield tx
    finally:
        for pragma in _STRICT:
            db.all(f"PRAGMA {pragma}")


@contextmanager
def suspended(tx: Tx) -> Iterator[None]:
    """Do without indexes and triggers until the end; who writes calls also sees to call_days.

    An index is built from all rows much faster than it is kept up to date row by row.
    """
    kept = tx.all(
        "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND type IN ('index', 'trigger')"
        " ORDER BY type"
    )
    for entry in kept:
        tx.execute(f"DROP {entry['type']} {entry['name']}")
    yield
    for entry in kept:
        tx.execute(entry["sql"])
