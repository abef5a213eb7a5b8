"""Load many rows into a new database without disk syncs, checks and indexes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .database import Database, Tx

# A failed load is thrown away, so no journal and no disk sync is needed, and its rows are trusted to satisfy the
# schema. The order matters: changing the journal mode writes too.
_FREE = ("synchronous=OFF", "journal_mode=MEMORY", "foreign_keys=OFF", "ignore_check_constraints=ON")
_STRICT = ("ignore_check_constraints=OFF", "foreign_keys=ON", "journal_mode=WAL", "synchronous=NORMAL")


@contextmanager
def fast_transaction(db: Database) -> Iterator[Tx]:
    """Open a fast transaction without disk syncs, constraint checks and notifications.

    If the transaction fails, the caller must delete the database file.
    """
    for pragma in _FREE:
        db.all(f"PRAGMA {pragma}")
    try:
        with db.transaction(announce=False) as tx:
            yield tx
    finally:
        for pragma in _STRICT:
            db.all(f"PRAGMA {pragma}")


@contextmanager
def without_indexes_and_triggers(tx: Tx) -> Iterator[None]:
    """Drop all indexes and triggers inside the block, and restore them at its end.

    The block must update the table call_days itself, because its triggers are dropped. Building
    an index from all rows is much faster than updating it row by row.
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
