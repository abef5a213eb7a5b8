"""The history of AI calls on disk, one SQLite file for each context.

The service sums costs only for a whole account, so that costs by group over weeks need every call.
The calls that the console reads anyway are kept here, with the periods that are complete. One
thread does all the work; it ends with the program, and a transaction that it did not finish has no
effect.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, TypeVar

from mogplex_tui.config.state_file import FileErrorReporter, StateFile
from mogplex_tui.live.call_spans import CoveredSpan
from mogplex_tui.live.call_tables import SCHEMA, SCHEMA_VERSION, CallTables
from mogplex_tui.live.run_row import RunRow

T = TypeVar("T")
log = logging.getLogger("mogplex.live")

FILE_NAME: Final = "calls.sqlite3"
# Seconds to wait for another process that writes the file, and for the last writes at the end.
_BUSY_SECONDS, _CLOSE_SECONDS = 2.0, 2.0
_TITLE = "the history of calls"


class CallHistory:
    """Calls and covered periods of one context, in a file or in memory.

    The file is opened at the first use. A damaged file is renamed, and the history starts empty; a
    file of a newer version is left as it is, and the history is kept in memory.
    """

    def __init__(self, directory: Path | None, errors: FileErrorReporter | None = None) -> None:
        self._errors = errors or FileErrorReporter()
        path = None if directory is None else directory / FILE_NAME
        self._file = StateFile(path, _TITLE, self._errors)
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._connection: sqlite3.Connection | None = None
        self._tables: CallTables | None = None
        # Sentences about the file, until the event loop's thread reports them.
        self._sentences: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    # For the event loop ------------------------------------------------------------------------------------------

    def put(self, rows: Iterable[RunRow], account: str | None = None) -> None:
        """Store calls soon; `account` is the id of the account that owns them."""
        kept = list(rows)
        if kept:
            self._submit(lambda: self._write(lambda tables: tables.put(kept, account)))

    def cover(self, span: CoveredSpan) -> None:
        """Store soon that all calls of a period are stored."""
        self._submit(lambda: self._write(lambda tables: tables.cover(span)))

    async def spans(self) -> list[CoveredSpan]:
        """Return the covered periods, the oldest first."""
        return await self.query(lambda connection: CallTables(connection).spans())

    async def query(self, read: Callable[[sqlite3.Connection], T]) -> T:
        """Call a function with the database in the history's thread; return its result."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()

        def work() -> None:
            try:
                result = self._with_recovery(lambda: read(self._opened()))
            except Exception as error:
                failure = error
                _call_in(loop, lambda: None if done.done() else done.set_exception(failure))
            else:
                _call_in(loop, lambda: None if done.done() else done.set_result(result))

        self._submit(work)
        try:
            return await done
        finally:
            self._report()

    async def close(self) -> None:
        """Finish the writes and close the file; gives up after two seconds."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._work.put(None)
            deadline = asyncio.get_running_loop().time() + _CLOSE_SECONDS
            while thread.is_alive() and asyncio.get_running_loop().time() < deadline:
                await asyncio.to_thread(thread.join, 0.05)
        self._report()

    def _submit(self, work: Callable[[], None]) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True, name=_TITLE)
            self._thread.start()
        self._work.put(work)
        self._report()

    def _report(self) -> None:
        """Report the errors of the thread; listeners may change the screen."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._sentences.get_nowait()()

    # For the thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            try:
                work()
            except Exception:
                log.exception("the history of calls")
        if self._connection is not None:
            self._connection.close()
            self._connection = self._tables = None

    def _write(self, write: Callable[[CallTables], None]) -> None:
        def attempt() -> None:
            self._opened()
            if self._tables is not None:
                write(self._tables)

        try:
            self._with_recovery(attempt)
        except (sqlite3.Error, OSError) as error:
            sentence = f"The history of calls could not be kept: {error}. Costs of past days may be missing."
            log.warning("%s", sentence)
            self._sentences.put(lambda: self._errors.report(sentence))

    def _with_recovery(self, call: Callable[[], T]) -> T:
        """Call a function, once more with an empty file if the file is damaged."""
        try:
            return call()
        except sqlite3.DatabaseError as error:
            # Locked files and full disks are errors of a subclass: the file itself is sound.
            if type(error) is not sqlite3.DatabaseError:
                raise
            log.warning("the history of calls is damaged: %s", error)
            self._rename_damaged()
            return call()

    def _rename_damaged(self) -> None:
        """Rename a damaged file and the files that belong to it."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._tables = None
        path = self._file.path
        if path is None:
            return
        for suffix in ("-wal", "-shm"):
            with contextlib.suppress(OSError):
                path.with_name(path.name + suffix).unlink()
        reporter = FileErrorReporter()
        sentences: list[str] = []
        reporter.subscribe(sentences.append)
        damaged = StateFile(path, _TITLE, reporter)
        damaged.rename_damaged(f"{_TITLE} starts empty and is read again")
        if damaged.path is None:
            self._file = damaged
        for sentence in sentences:
            self._sentences.put(lambda sentence=sentence: self._errors.report(sentence))  # type: ignore[misc]

    def _opened(self) -> sqlite3.Connection:
        """Return the connection; open or create the database first."""
        if self._connection is not None:
            return self._connection
        path = self._file.path
        try:
            connection = _connect(path)
        except (sqlite3.OperationalError, OSError) as error:
            self._use_memory(
                f"The history of calls could not be opened in {path}: {error}. It is kept until the console ends."
            )
            connection = _connect(None)
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            connection.close()
            self._use_memory(
                f"{path} was written by a newer version. It is left as it is; nothing new is kept in it."
            )
            connection, version = _connect(None), 0
        if version < SCHEMA_VERSION:
            _make_tables(connection)
        self._connection, self._tables = connection, CallTables(connection)
        self._tables.drop_provisional()
        return connection

    def _use_memory(self, sentence: str) -> None:
        self._file = StateFile(None, _TITLE, self._errors)
        self._sentences.put(lambda: self._errors.report(sentence))


def _connect(path: Path | None) -> sqlite3.Connection:
    """Open a database that only its owner can read, or one in memory."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # SQLite gives its other files the mode of this one.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o600))
    name = ":memory:" if path is None else str(path)
    connection = sqlite3.connect(name, timeout=_BUSY_SECONDS)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        # With a write-ahead log, a kill loses nothing; a power failure may lose the last transactions.
        connection.execute("PRAGMA synchronous = NORMAL")
        # Sums read most of the file, and sort in memory; KiB.
        connection.execute("PRAGMA cache_size = -32768")
        connection.execute("PRAGMA temp_store = MEMORY")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _make_tables(connection: sqlite3.Connection) -> None:
    """Make the tables; remove those of an older version, which are read again."""
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    # Another process may have made them since.
    if version < SCHEMA_VERSION:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in tables:
            connection.execute(f'DROP TABLE "{name}"')
        for statement in SCHEMA.split(";"):
            connection.execute(statement)
    connection.commit()


def _call_in(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    # The event loop may have ended in the meantime.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(call)
