"""A plane's database as it was at one moment."""

from __future__ import annotations

import sqlite3
from pathlib import Path

Dump = dict[str, list[str]]


class Vault:
    """The database as it is now, to compare with and to go back to."""

    def __init__(self, path: Path) -> None:
        self._live = sqlite3.connect(path, isolation_level=None)
        self._kept = sqlite3.connect(":memory:")
        self._live.backup(self._kept)

    def restore(self) -> None:
        """Make the database what it was when the vault was made."""
        self._kept.backup(self._live)

    def version(self) -> int:
        """A number that is another after somebody else has written to the database."""
        (number,) = self._live.execute("PRAGMA data_version").fetchone()
        return int(number)

    def dump(self) -> Dump:
        """Every row of every table as text."""
        names = self._live.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        tables = [name for (name,) in names.fetchall() if not name.startswith("sqlite_")]
        return {
            table: sorted(map(repr, self._live.execute(f'SELECT * FROM "{table}"').fetchall()))
            for table in tables
        }

    def close(self) -> None:
        """Close both databases."""
        self._live.close()
        self._kept.close()
