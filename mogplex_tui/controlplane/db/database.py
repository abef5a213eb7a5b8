"""The SQLite file of the plane, with realtime notifications after each commit."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

from .change_hub import Frame, Hub
from .ids import Ids

MIGRATIONS = Path(__file__).with_name("migrations")

Row = sqlite3.Row
Params = Sequence[Any] | Mapping[str, Any]


class DatabaseMismatchError(Exception):
    """The file is not a plane's database, or a newer version of the plane wrote it."""


class WriteRefusedError(Exception):
    """A transaction was rolled back because REFUSED_WRITES is set in its context."""


# With a list every transaction of the task is rolled back and recorded in it. The hosted profile uses it for routes
# that store nothing on the hosted service (projects.md §8).
REFUSED_WRITES: ContextVar[list[None] | None] = ContextVar("refused_writes", default=None)


class Tx:
    """An open write transaction, with the changes to publish after its commit."""

    def __init__(self, connection: sqlite3.Connection, ids: Ids) -> None:
        self._connection = connection
        self._ids = ids
        self.notes: dict[Frame, None] = {}

    def execute(self, sql: str, params: Params = ()) -> sqlite3.Cursor:
        """Run one statement. Raises sqlite3.IntegrityError if a constraint fails."""
        return self._connection.execute(sql, params)

    def one(self, sql: str, params: Params = ()) -> Row | None:
        """Run a query and return its first row, or None."""
        row: Row | None = self._connection.execute(sql, params).fetchone()
        return row

    def all(self, sql: str, params: Params = ()) -> list[Row]:
        """Run a query and return all rows."""
        return self._connection.execute(sql, params).fetchall()

    def insert(self, table: str, **columns: Any) -> None:
        """Insert one row; the keyword arguments are its columns."""
        names = ", ".join(columns)
        marks = ", ".join("?" * len(columns))
        self._connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(columns.values()))

    def update(self, table: str, row_id: str, **columns: Any) -> None:
        """Update the given columns of the row with the id `row_id`."""
        sets = ", ".join(f"{name} = ?" for name in columns)
        self._connection.execute(f"UPDATE {table} SET {sets} WHERE id = ?", (*columns.values(), row_id))

    def record_change(self, table: str, op: str, user_id: str | None, row_id: str) -> None:
        """Record a changed row, to be published to realtime streams after the commit.

        Equal notes of a transaction are published once (realtime.md §5).
        """
        self.notes[Frame(table, op, user_id, row_id)] = None

    def new_id(self) -> str:
        """Return the next row id from the transaction's stream of ids."""
        return self._ids.uuid()


def _steps() -> list[Path]:
    return sorted(MIGRATIONS.glob("*.sql"))


def _migrate(connection: sqlite3.Connection, steps: list[Path], done: int) -> None:
    """Run the migration scripts after number `done`, each in its own transaction."""
    for number, step in enumerate(steps[done:], start=done + 1):
        keep = f"INSERT OR REPLACE INTO plane_meta (key, value) VALUES ('schema_version', '{number}')"
        connection.executescript(f"BEGIN IMMEDIATE;\n{step.read_text()}\n;{keep};\nCOMMIT;")


def _empty() -> bytes:
    """Return the bytes of an empty database file with the newest schema."""
    return zlib.decompress(_compressed_empty())


@cache
def _compressed_empty() -> bytes:
    """Return the compressed bytes of an empty database file with the newest schema.

    The database is built in memory, because the migrations alter tables many times and on disk
    each change would be written. The result is cached, because a process may open many planes.
    It is compressed because its two megabytes are nearly all zeros.
    """
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        # Rows of calls are wide; with small pages a large history takes a fifth longer to write.
        connection.execute("PRAGMA page_size=8192")
        connection.execute("PRAGMA foreign_keys=ON")
        _migrate(connection, _steps(), 0)
        made = bytearray(connection.serialize())
        # These bytes enable the write-ahead log; enabling it later would make each new plane wait for the disk.
        made[18:20] = b"\x02\x02"
        return zlib.compress(made, 1)
    finally:
        connection.close()


class Database:
    """A synchronous connection to the plane's SQLite file, used on one event loop.

    A missing or empty file is created; an older schema is migrated. Raises
    DatabaseMismatchError if the file is not a plane's database or has a newer schema.
    """

    def __init__(self, path: Path, hub: Hub, ids: Ids) -> None:
        self.path = path
        self.hub = hub
        self.is_new = not path.exists() or path.stat().st_size == 0
        if self.is_new:
            path.touch(mode=0o600)
            path.write_bytes(_empty())
        self._connection = sqlite3.connect(path, isolation_level=None, cached_statements=512)
        self._connection.row_factory = sqlite3.Row
        self._ids = ids
        self._open = False
        try:
            self._prepare()
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise DatabaseMismatchError(f"{path} is not a control plane database: {error}") from error
        except DatabaseMismatchError:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "temp_store=MEMORY"):
            self._connection.execute(f"PRAGMA {pragma}")
        done, steps = int(self.meta("schema_version") or 0), _steps()
        if not 0 < done <= len(steps):
            raise DatabaseMismatchError(f"{self.path} was written by a newer version of the control plane")
        _migrate(self._connection, steps, done)

    @contextmanager
    def transaction(self, *, announce: bool = True, ids: Ids | None = None) -> Iterator[Tx]:
        """Open a write transaction: commit it and publish its notes, or roll it back.

        With `announce=False` nothing is published. `ids` is the stream from which Tx.new_id draws; None
        selects the database's own stream. Raises RuntimeError if a transaction is already open.
        """
        if self._open:
            raise RuntimeError("transactions do not nest")
        self._open = True
        tx = Tx(self._connection, ids or self._ids)
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            yield tx
            if (refused := REFUSED_WRITES.get()) is not None:
                refused.append(None)
                raise WriteRefusedError
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        finally:
            self._open = False
        if announce:
            self.hub.publish(tx.notes)

    def one(self, sql: str, params: Params = ()) -> Row | None:
        """Return the first row of a query, or None."""
        row: Row | None = self._connection.execute(sql, params).fetchone()
        return row

    def all(self, sql: str, params: Params = ()) -> list[Row]:
        """Return all rows of a query."""
        return self._connection.execute(sql, params).fetchall()

    def only(self, sql: str, params: Params = ()) -> Row:
        """Return the first row of a query that must have a result.

        Raises LookupError if the query returns no row.
        """
        row = self.one(sql, params)
        if row is None:
            raise LookupError(sql)
        return row

    def value(self, sql: str, params: Params = ()) -> Any:
        """Return the first column of the first row of a query, or None."""
        row = self._connection.execute(sql, params).fetchone()
        return None if row is None else row[0]

    def meta(self, key: str) -> str | None:
        """Return the value of a key in the table plane_meta, or None."""
        found: str | None = self.value("SELECT value FROM plane_meta WHERE key = ?", (key,))
        return found

    def set_meta(self, key: str, value: str) -> None:
        """Store a value under a key in the table plane_meta."""
        self._connection.execute("INSERT OR REPLACE INTO plane_meta (key, value) VALUES (?, ?)", (key, value))

    def use_ids(self, ids: Ids) -> None:
        """Draw the ids of new rows from another stream from now on."""
        self._ids = ids

    def close(self) -> None:
        """Close the connection and merge the write-ahead log into the file."""
        self._connection.close()
