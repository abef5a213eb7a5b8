"""Ids and names of recently read records, stored on disk for shell completions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mogplex_tui.config.paths import read_regular

if TYPE_CHECKING:
    from mogplex_tui.config.state_file import FileErrorReporter, StateFile

FILE = "known_records.json"
_TITLE = "the list of names for completions"
# Limits: records per kind, and characters of a name.
MAX_RECORDS = 500
LONGEST = 120
# Bytes: more than 25 kinds with 500 records each.
_LARGEST_FILE = 16 * 1024 * 1024
# Seconds to wait for another process that is writing the file.
_LOCK_SECONDS = 0.5


class KnownRecord(NamedTuple):
    """The id and name of a record; the name is empty if it cannot be typed in a shell."""

    id: str
    name: str = ""


class KnownRecords:
    """The ids and names of the records that a session has read, by kind.

    They are stored in a file if the session has a directory.
    """

    def __init__(self, directory: Path | None, errors: FileErrorReporter | None = None) -> None:
        self._path = None if directory is None else directory / FILE
        self._errors = errors
        self._read: dict[str, list[KnownRecord]] = {}
        self._complete_kinds: set[str] = set()

    def remember(self, kind: str, records: Iterable[KnownRecord], *, is_complete: bool = False) -> None:
        """Add records of a kind.

        If `is_complete` is true, the records are the complete list and replace all earlier records of
        the kind.
        """
        new_records = [
            KnownRecord(each.id, each.name if _is_typable(each.name) else "")
            for each in records
            if _is_typable(each.id)
        ]
        before = [] if is_complete else self._read.get(kind, [])
        self._read[kind] = _newest([*new_records, *before])
        if is_complete:
            self._complete_kinds.add(kind)

    def save(self) -> None:
        """Merge the session's records into the file, before the records stored earlier.

        Errors are ignored.
        """
        if self._path is None or not self._read:
            return
        from mogplex_tui.config.file_locks import locked
        from mogplex_tui.config.state_file import StateFile

        file = StateFile(self._path, _TITLE, self._errors)
        try:
            with locked(self._path.with_suffix(".lock"), _LOCK_SECONDS):
                self._write(file)
        except OSError:
            # Without a lock, records that another process writes at the same time may be lost.
            self._write(file)

    def _write(self, file: StateFile) -> None:
        from mogplex_tui.config.state_file import StateFile

        content = file.read(_is_valid) or {}
        stored = {kind: _records(rows) for kind, rows in content.items()}
        merged = dict(stored)
        for kind, records in self._read.items():
            before = [] if kind in self._complete_kinds else stored.get(kind, [])
            merged[kind] = _newest([*records, *before])
        if merged != stored:
            # A full disk is not worth a message here.
            StateFile(file.path, _TITLE).write(merged)


def read_known(directory: Path, kind: str) -> list[KnownRecord]:
    """Return the stored records of a kind, newest first.

    Returns an empty list if the file is missing or damaged; the damage is reported when the file is
    next written.
    """
    try:
        content = json.loads(read_regular(directory / FILE, _LARGEST_FILE))
    except (OSError, ValueError, RecursionError):
        return []
    return _records(content.get(kind)) if _is_valid(content) else []


def forget_known(directory: Path) -> None:
    """Remove the stored records of a directory. Raises OSError if this fails."""
    for path in (directory / FILE, (directory / FILE).with_suffix(".lock")):
        path.unlink(missing_ok=True)


def _newest(records: Iterable[KnownRecord]) -> list[KnownRecord]:
    """Return at most MAX_RECORDS records, keeping only the first record of each id.

    The records are given and returned in order, newest first.
    """
    by_id: dict[str, KnownRecord] = {}
    for each in records:
        by_id.setdefault(each.id, each)
        if len(by_id) == MAX_RECORDS:
            break
    return list(by_id.values())


def _is_typable(text: str) -> bool:
    """Return whether a text can be typed as a command's argument and is not an option."""
    return 0 < len(text) <= LONGEST and text.isprintable() and text == text.strip() and text[0] != "-"


def _is_valid(content: object) -> bool:
    return isinstance(content, Mapping) and all(isinstance(rows, list) for rows in content.values())


def _records(rows: object) -> list[KnownRecord]:
    """Return the stored records of one kind, leaving out unreadable ones.

    `rows` is the kind's list in the JSON file.
    """
    return [
        KnownRecord(*row)
        for row in (rows if isinstance(rows, list) else ())
        if isinstance(row, list) and len(row) == 2 and all(isinstance(text, str) for text in row)
    ]
