"""A log file of requests that change something, written before they are sent.

Each entry has the request's idempotency key and its outcome.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import stat
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from mogplex_tui.config.paths import NotAFile
from mogplex_tui.config.state_file import FileErrorReporter

log = logging.getLogger("mogplex.live")

# Entries kept in memory for the screen; the file has all of them.
MAX_ENTRIES = 500
# Final states of a request.
ENDS = frozenset({"done", "refused", "unknown"})


class LedgerEntry(NamedTuple):
    """A ledger entry about a request: action, subject, idempotency key and state.

    The state is `sent` while the request is in progress, and `queued` while it waits to be sent
    again because a rate limit refused it. A request whose last state is `queued` changed nothing.
    The final state is `done`, `refused` or `unknown`.
    """

    id: str
    at: str
    action: str
    subject: str
    key: str | None
    state: str = "sent"
    detail: str | None = None


class Ledger:
    """An append-only file of JSON lines about requests that change something.

    A request has one line when it is sent and one when it ends. If a rate limit refuses it, each
    wait adds two lines: `queued`, and `sent` before it is sent again.
    """

    def __init__(self, directory: Path | None, errors: FileErrorReporter | None = None) -> None:
        self._path = directory / "ledger.jsonl" if directory else None
        self._errors = errors or FileErrorReporter()
        self.entries: deque[LedgerEntry] = deque(maxlen=MAX_ENTRIES)

    def open(self, action: str, subject: str, key: str | None = None) -> LedgerEntry:
        """Record a request that is about to be sent, and return its entry.

        Secrets in `subject` are removed.
        """
        from mogplex_tui.live import redact

        entry = LedgerEntry(
            os.urandom(16).hex(), datetime.now(UTC).isoformat(), action, redact.text(subject), key
        )
        self._put(entry)
        return entry

    def mark(self, entry: LedgerEntry, state: str) -> None:
        """Record a state that is not final: `queued`, or `sent` before another attempt."""
        self._put(entry._replace(at=datetime.now(UTC).isoformat(), state=state))

    def close(self, entry: LedgerEntry, state: str, detail: str | None = None) -> None:
        """Record the final state of a request: `done`, `refused` or `unknown`."""
        from mogplex_tui.live import redact

        detail = None if detail is None else redact.text(detail)
        self._put(entry._replace(at=datetime.now(UTC).isoformat(), state=state, detail=detail))

    def last_end(self, key: str) -> str | None:
        """Return the final state of the last request with an idempotency key.

        Returns None if no request with the key has ended.
        """
        try:
            lines = self._path.read_text("utf-8", "replace").splitlines() if self._path else []
        except OSError as error:
            log.warning("ledger not read: %s", error)
            return None
        written = json.dumps(key)
        for line in reversed(lines):
            if written not in line:
                continue
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict) and entry.get("key") == key and entry.get("state") in ENDS:
                return str(entry.get("state"))
        return None

    def _put(self, entry: LedgerEntry) -> None:
        self.entries.append(entry)
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Do not block: the file may be a pipe that nobody reads.
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK
            handle = os.open(self._path, flags, 0o600)
            try:
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise NotAFile(errno.EINVAL, "it is not a regular file")
                _append(handle, json.dumps(entry._asdict()))
            finally:
                os.close(handle)
        except OSError as error:
            # A full disk must not prevent a cancel.
            log.warning("ledger not written: %s", error)
            self._errors.report_unwritten(
                self._path,
                error,
                f"The ledger of changes could not be written to {self._path}: {error.strerror or error}. "
                "Changes are sent all the same.",
            )


def _append(handle: int, line: str) -> None:
    """Append one line to an open file.

    If the file's last line is incomplete because the disk was full, a line break is written first.
    Raises OSError if the line cannot be written completely.
    """
    end = os.lseek(handle, 0, os.SEEK_END)
    broken = end > 0 and os.pread(handle, 1, end - 1) != b"\n"
    data = (("\n" if broken else "") + line + "\n").encode()
    if os.write(handle, data) < len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
