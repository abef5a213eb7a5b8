"""Keep bytes in memory up to a limit, and the rest in an unnamed temporary file."""

from __future__ import annotations

import logging
import os
import weakref
from dataclasses import dataclass
from typing import IO

log = logging.getLogger("mogplex.live")

# Bytes of payloads that one tail keeps in memory.
BOUND = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SpilledBytes:
    """The position of bytes in a temporary file; `bytes(…)` reads them.

    Raises OSError if the bytes cannot be read.
    """

    spill: Spill
    offset: int
    size: int

    def __bytes__(self) -> bytes:
        """Read the bytes from the file."""
        return self.spill.read(self.offset, self.size)


class Spill:
    """Keeps bytes in memory up to a limit, and the rest in an unnamed temporary file."""

    def __init__(self, bound: int = BOUND) -> None:
        self._room = bound
        self._file: IO[bytes] | None = None
        self._end = 0

    def keep(self, data: bytes) -> bytes | SpilledBytes:
        """Store data; return the data itself, or its position if it was put in the file.

        If the file cannot be written, this is logged once and all data stays in memory.
        """
        if len(data) <= self._room:
            self._room -= len(data)
            return data
        try:
            self._write(data)
        except OSError as error:
            log.warning("what is long is kept in memory: %s", error)
            self._room = 1 << 62
            return data
        place = SpilledBytes(self, self._end, len(data))
        self._end += len(data)
        return place

    def _write(self, data: bytes) -> None:
        if self._file is None:
            # Most tails are short, and the first frame has none.
            import tempfile

            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (closed with its owner)
            weakref.finalize(self, self._file.close)
        self._file.seek(self._end)
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]

    def read(self, offset: int, size: int) -> bytes:
        """Read bytes from the file. Raises OSError, or ValueError if nothing was written.

        The position for writing is not moved, so that one thread may read while another writes.
        """
        if self._file is None:
            raise ValueError("nothing was written")
        return os.pread(self._file.fileno(), size, offset)
