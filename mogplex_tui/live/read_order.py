"""Discard responses that are older than the data already shown.

The response to a read must not overwrite a row that was re-read after the read began.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

R = TypeVar("R")


class ReadOrder:
    """Numbers the reads of a list, and remembers the last re-read of each row."""

    def __init__(self) -> None:
        self._last_number = 0
        self._last_rereads: dict[str, int] = {}

    def start_read(self) -> int:
        """Return the number of a read that starts now; later reads have larger numbers."""
        self._last_number += 1
        return self._last_number

    def record_reread(self, key: str, number: int) -> None:
        """Record that the read with this number read a single row again.

        Responses of earlier reads are outdated for this row from then on.
        """
        self._last_rereads[key] = max(number, self._last_rereads.get(key, 0))

    def is_outdated(self, key: str, number: int) -> bool:
        """Return whether a row was re-read after the read with this number began.

        If the row has been re-read before and this read is newer, this read is recorded as the row's
        last re-read.
        """
        latest = self._last_rereads.get(key)
        if latest is None:
            return False
        self._last_rereads[key] = max(number, latest)
        return number < latest

    def without_outdated(self, pairs: Iterable[tuple[str, R]], number: int) -> list[tuple[str, R]]:
        """Return the rows of a read, leaving out rows that were re-read after it began."""
        return [(key, row) for key, row in pairs if not self.is_outdated(key, number)]
