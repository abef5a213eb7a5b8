"""Shift all times in a cached database, so that its recent work is recent again."""

from __future__ import annotations

import json
from typing import Any

from .bulk_load import fast_transaction, without_indexes_and_triggers
from .clock import iso_app, parse_instant
from .database import Database, Tx

# Tables that also contain copies of older work; the copies are so old that they need no shift.
_WITH_COPIES = ("ai_calls", "ai_call_events", "external_agent_runs")


def mark_existing_rows(tx: Tx) -> None:
    """Mark the existing rows; `shift_times` does not shift rows that are added later."""
    for table in _WITH_COPIES:
        tx.execute(f"INSERT INTO plane_meta SELECT 'own.{table}', MAX(rowid) FROM {table}")


def shift_times(db: Database, by_us: int) -> None:
    """Add `by_us` to all times in a database, and update the sums per day.

    Rows that were added after `mark_existing_rows` are copies of older work. They stay unchanged: they are
    more than two weeks old, so that a shift within a day is not visible in them. Raises
    sqlite3.DatabaseError for a damaged file.
    """
    if by_us == 0:
        return
    with fast_transaction(db) as tx:
        if db.meta("own.ai_calls") is not None:
            # Few rows among very many: the triggers and indexes follow faster than they would be made again.
            _move_rows(tx, by_us)
            return
        with without_indexes_and_triggers(tx):
            _move_rows(tx, by_us)
            tx.execute("DELETE FROM call_days")
            tx.execute("INSERT INTO call_days SELECT * FROM call_sums")


def _move_rows(tx: Tx, by_us: int) -> None:
    own = {row["key"].partition(".")[2]: int(row["value"]) for row in tx.all(_OWN)}
    columns: dict[str, list[str]] = {}
    for row in tx.all(_INSTANTS):
        columns.setdefault(row["table"], []).append(row["column"])
    for table, names in columns.items():
        moved = ", ".join(f"{name} = {name} + :by" for name in names)
        bound = "" if table not in own else f" WHERE rowid <= {own[table]}"
        tx.execute(f"UPDATE {table} SET {moved}{bound}", {"by": by_us})
    _move_texts(tx, by_us)


_OWN = "SELECT key, value FROM plane_meta WHERE key LIKE 'own.%'"
_INSTANTS = (
    'SELECT t.name AS "table", c.name AS "column" FROM sqlite_master t JOIN pragma_table_info(t.name) c'
    " WHERE t.type = 'table' AND c.name LIKE '%\\_at' ESCAPE '\\' ORDER BY 1, 2"
)


def _move_texts(tx: Tx, by_us: int) -> None:
    """Shift the times that dispatch events contain as text in their metadata."""
    table = "automation_dispatch_events"
    for row in tx.all(f"SELECT id, metadata FROM {table} WHERE metadata LIKE '%\\_at\":\"%' ESCAPE '\\'"):
        moved = {name: _shifted(name, value, by_us) for name, value in json.loads(row["metadata"]).items()}
        tx.update(table, row["id"], metadata=json.dumps(moved, ensure_ascii=False, separators=(",", ":")))


def _shifted(name: str, value: Any, by_us: int) -> Any:
    at = parse_instant(value) if name.endswith("_at") and isinstance(value, str) else None
    return value if at is None else iso_app(at + by_us)
