"""Collect many rows in memory and write them with one statement per table."""

from __future__ import annotations

import json.encoder
from collections.abc import Callable
from typing import Any

from .database import Tx

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def _compact_encoder() -> Callable[[Any], str]:
    """Return a compact JSON encoder that is created once and used for all rows.

    JSONEncoder.encode creates its C encoder for each value, which costs three times as much as encoding the value.
    """
    make = getattr(json.encoder, "c_make_encoder", None)
    text = getattr(json.encoder, "c_encode_basestring", None)
    if make is None or text is None:
        return _ENCODER.encode
    parts = make(None, _ENCODER.default, text, None, ":", ",", False, False, True)
    return lambda value: "".join(parts(value, 0))


encode = _compact_encoder()

# Parent tables before children, so that foreign keys hold; other tables follow in the order in which they occur.
_ORDER = (
    "profiles",
    "github_installations",
    "repos",
    "models",
    "model_preferences",
    "agents",
    "flows",
    "flow_versions",
    "sandboxes",
    "sandbox_lifecycle_events",
    "job_runs",
    "flow_node_runs",
    "flow_waits",
    "review_findings",
    "ai_calls",
    "ai_call_events",
    "external_agent_runs",
    "automation_dispatch_events",
    "limit_events",
)


class Rows:
    """Rows to be inserted, by table.

    All rows of a table must have the same columns in the same order.
    """

    def __init__(self) -> None:
        self._columns: dict[str, tuple[str, ...]] = {}
        self._rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in _ORDER}

    def add(self, table: str, **columns: Any) -> None:
        """Add one row to a table.

        Raises ValueError if its columns differ from those of the table's first row.
        """
        names = self._columns.setdefault(table, tuple(columns))
        if names != tuple(columns):
            raise ValueError(f"{table}: columns {tuple(columns)} instead of {names}")
        self._rows.setdefault(table, []).append(tuple(columns.values()))

    def adder(self, table: str, *names: str) -> Callable[[tuple[Any, ...]], None]:
        """Return a function that adds a row given as a tuple of values.

        The values are in the order of `names`. Raises ValueError if `names` differ from the columns
        of the table's earlier rows.
        """
        if self._columns.setdefault(table, names) != names:
            raise ValueError(f"{table}: columns {names} instead of {self._columns[table]}")
        return self._rows[table].append

    def count(self, table: str) -> int:
        """Return the number of collected rows of a table."""
        return len(self._rows[table])

    def flush(self, tx: Tx) -> None:
        """Insert all collected rows, parent tables first, and forget them."""
        cursor = tx.execute("SELECT 1")
        for table, rows in self._rows.items():
            if rows:
                names = self._columns[table]
                marks = ", ".join("?" * len(names))
                cursor.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", rows)
                rows.clear()
