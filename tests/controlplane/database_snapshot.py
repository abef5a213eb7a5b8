"""A copy of a plane's database at one moment, to compare with and to restore."""

from __future__ import annotations

import sqlite3
from functools import cached_property
from pathlib import Path
from typing import Any

Dump = dict[str, list[str]]
Row = dict[str, Any]


def _rows(connection: sqlite3.Connection, table: str) -> dict[str, Row]:
    """Return the rows of a table by their text."""
    found = connection.execute(f'SELECT * FROM "{table}"')
    names = [column[0] for column in found.description]
    return {repr(row): dict(zip(names, row, strict=True)) for row in found}


class DatabaseSnapshot:
    """A copy of a database, to compare with the live one and to restore it."""

    def __init__(self, path: Path) -> None:
        self._live = sqlite3.connect(path, isolation_level=None)
        self._kept = sqlite3.connect(":memory:")
        self._version = self.version()
        self._live.backup(self._kept)

    def restore(self) -> None:
        """Make the database what it was when the snapshot was made."""
        if (version := self.version()) != self._version:
            self._version = version
            self._kept.backup(self._live)

    def version(self) -> int:
        """Return a number that changes after another connection has written."""
        (number,) = self._live.execute("PRAGMA data_version").fetchone()
        return int(number)

    def changed(self) -> tuple[list[tuple[str, Row]], list[tuple[str, Row]]]:
        """Return the rows that are gone or changed, and those that are new or changed.

        Each row comes with its table.
        """
        gone, new = [], []
        for table in self._tables():
            kept, live = (_rows(one, table) for one in (self._kept, self._live))
            gone += [(table, row) for text, row in kept.items() if text not in live]
            new += [(table, row) for text, row in live.items() if text not in kept]
        return gone, new

    def _tables(self) -> list[str]:
        names = self._live.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        return [name for (name,) in names.fetchall() if not name.startswith("sqlite_")]

    def dump(self) -> Dump:
        """Return every row of every table as text."""
        if self.version() == self._version:
            return self._kept_dump
        return self._dump(self._live)

    @cached_property
    def _kept_dump(self) -> Dump:
        return self._dump(self._kept)

    def _dump(self, connection: sqlite3.Connection) -> Dump:
        return {
            table: sorted(map(repr, connection.execute(f'SELECT * FROM "{table}"').fetchall()))
            for table in self._tables()
        }

    def close(self) -> None:
        """Close both databases."""
        self._live.close()
        self._kept.close()
