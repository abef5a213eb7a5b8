"""Every changing call with its key and its end, written before the request leaves (design decision 6)."""

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
from mogplex_tui.config.state_file import FileTroubles

log = logging.getLogger("mogplex.live")

# Lines kept in memory for the screen; the file holds all of them.
KEPT = 500
# The states in which a call has ended.
ENDS = frozenset({"done", "refused", "unknown"})


class LedgerEntry(NamedTuple):
    """One changing call: its action, its subject, its idempotency key, and its state.

    `sent`, and `queued` after a rate limit refused it, are states on the way: a call whose last state is `queued` has
    done nothing. It ends as `done`, `refused` or `unknown`.
    """

    id: str
    at: str
    action: str
    subject: str
    key: str | None
    state: str = "sent"
    detail: str | None = None


class Ledger:
    """An append-only file of JSON lines, one for the request and one for its end.

    A call that a rate limit refused has two lines more for each wait: `queued`, and `sent` before it leaves again.
    """

    def __init__(self, directory: Path | None, troubles: FileTroubles | None = None) -> None:
        self._path = directory / "ledger.jsonl" if directory else None
        self._troubles = troubles or FileTroubles()
        self.entries: deque[LedgerEntry] = deque(maxlen=KEPT)

    def open(self, action: str, subject: str, key: str | None = None) -> LedgerEntry:
        """Write down a call that is about to leave; what looks like a secret in `subject` is left out."""
        from mogplex_tui.live import redact

        entry = LedgerEntry(
            os.urandom(16).hex(), datetime.now(UTC).isoformat(), action, redact.text(subject), key
        )
        self._put(entry)
        return entry

    def mark(self, entry: LedgerEntry, state: str) -> None:
        """Write down that a call waits (`queued`) or is about to leave again (`sent`)."""
        self._put(entry._replace(at=datetime.now(UTC).isoformat(), state=state))

    def close(self, entry: LedgerEntry, state: str, detail: str | None = None) -> None:
        """Write down how a call ended: `done`, `refused` or `unknown`."""
        from mogplex_tui.live import redact

        detail = None if detail is None else redact.text(detail)
        self._put(entry._replace(at=datetime.now(UTC).isoformat(), state=state, detail=detail))

    def last_end(self, key: str) -> str | None:
        """Return how the last call with this idempotency key ended, in any process; None when none has ended."""
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
            # Not blocking: where somebody has put a pipe, nobody may ever read from it.
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK
            handle = os.open(self._path, flags, 0o600)
            try:
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise NotAFile(errno.EINVAL, "it is not a regular file")
                _append(handle, json.dumps(entry._asdict()))
            finally:
                os.close(handle)
        except OSError as error:
            # A full disk must not keep anybody from cancelling a run.
            log.warning("ledger not written: %s", error)
            self._troubles.report_unwritten(
                self._path,
                error,
                f"The ledger of changes could not be written to {self._path}: {error.strerror or error}. "
                "Changes are sent all the same.",
            )


def _append(handle: int, line: str) -> None:
    """Write one line, on a line of its own also behind one that a full disk has cut off."""
    end = os.lseek(handle, 0, os.SEEK_END)
    broken = end > 0 and os.pread(handle, 1, end - 1) != b"\n"
    data = (("\n" if broken else "") + line + "\n").encode()
    if os.write(handle, data) < len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
