"""A file in which all programs of one user record their requests with a token.

The service counts the requests of a token, whichever program sends them. Consoles and commands
therefore write their requests to one file, and count the requests of other programs (auth.md §6).
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections.abc import Mapping
from pathlib import Path

from mogplex_tui.api.clock import Clock
from mogplex_tui.config.file_locks import locked
from mogplex_tui.config.paths import NotAFile, read_regular, write_private

# Bytes that the file never reaches; a larger one is not read.
LARGEST = 256 * 1024
# Seconds to wait for another program that is writing the file, and seconds between two looks at it.
PATIENCE, LOOK_EVERY = 0.05, 0.2
# Seconds after which an entry was written with a wrong clock.
LONGEST = 600.0


class SharedRequests:
    """The requests with a token that all programs on this machine have sent.

    Times are seconds since the epoch, because each program has its own monotonic clock. If the
    file cannot be used, only the program's own requests are counted.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path, self._clock = path, clock
        self._prefix = f"{os.getpid()}-{os.urandom(4).hex()}-"
        self._numbers = itertools.count()
        self._others: list[float] = []
        self._looked_at: float | None = None
        self._stamp: tuple[int, int] | None = None

    def add(self, seconds: float) -> str:
        """Record a request that counts against the limit for `seconds`; return its id."""
        request_id = f"{self._prefix}{next(self._numbers)}"
        self._update({request_id: self._now() + seconds})
        return request_id

    def extend(self, request_id: str, seconds: float) -> None:
        """Make a recorded request count against the limit for `seconds` from now on."""
        self._update({request_id: self._now() + seconds})

    def remove(self, request_id: str) -> None:
        """Remove a recorded request that the service did not count."""
        self._update({request_id: None})

    def others(self) -> list[float]:
        """Return the requests of other programs that still count against the limit.

        Each is given as the number of seconds for which it still counts.
        """
        monotonic, now = self._clock.monotonic(), self._now()
        if self._looked_at is None or not 0 <= monotonic - self._looked_at < LOOK_EVERY:
            self._looked_at = monotonic
            self._read_if_changed()
        return [until - now for until in self._others if until > now]

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _read_if_changed(self) -> None:
        """Read the file if it has changed since it was last read."""
        try:
            found = self._path.stat()
        except OSError:
            self._others, self._stamp = [], None
            return
        stamp = (found.st_mtime_ns, found.st_ino)
        if stamp != self._stamp:
            self._stamp = stamp
            self._keep_others(self._read())

    def _keep_others(self, entries: Mapping[str, float]) -> None:
        self._others = [until for key, until in entries.items() if not key.startswith(self._prefix)]

    def _read(self) -> dict[str, float]:
        """Return the requests in the file that still count: when each expires, by id.

        Returns an empty dict if the file cannot be read.
        """
        try:
            content = json.loads(read_regular(self._path, LARGEST))
        except (NotAFile, OSError, ValueError, RecursionError):
            return {}
        if not isinstance(content, dict):
            return {}
        now = self._now()
        return {
            key: float(until)
            for key, until in content.items()
            if isinstance(until, int | float) and now < until < now + LONGEST
        }

    def _update(self, changes: Mapping[str, float | None]) -> None:
        try:
            with locked(self._path.with_suffix(".lock"), PATIENCE):
                entries = self._read()
                self._keep_others(entries)
                for key, until in changes.items():
                    entries.pop(key, None)
                    if until is not None:
                        entries[key] = until
                write_private(self._path, json.dumps(entries))
        except OSError:
            # Without the file the others do not know of this request; the service still counts it.
            return


def path_for(directory: Path, token: str) -> Path:
    """Return the path of a token's file, which is shared by all contexts.

    Contexts may use the same token, so the file is above their state directories. Its name does not
    reveal the token.
    """
    digest = hashlib.sha256(b"requests of " + token.encode("utf-8", "replace")).hexdigest()
    return directory.parent / "requests" / f"{digest[:16]}.json"
