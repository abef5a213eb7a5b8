"""Discard responses that are older than what is already known.

The response to a read that began before a row's last re-read must not overwrite the row.
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
        """Return the number for a read that starts now. Numbers increase."""
        self._last_number += 1
        return self._last_number

    def record_reread(self, key: str, number: int) -> None:
        """Record that the read with this number re-read a row.

        For this row, the responses of earlier reads are outdated from then on.
        """
        self._last_rereads[key] = max(number, self._last_rereads.get(key, 0))

    def is_outdated(self, key: str, number: int) -> bool:
        """Return whether the read with this number began before a row's last re-read.

        If it did not, it counts as the row's last re-read from then on, provided there was one before.
        """
        latest = self._last_rereads.get(key)
        if latest is None:
            return False
        self._last_rereads[key] = max(number, latest)
        return number < latest

    def without_outdated(self, pairs: Iterable[tuple[str, R]], number: int) -> list[tuple[str, R]]:
        """Return the rows of a read, leaving out rows that were re-read after it began."""
        return [(key, row) for key, row in pairs if not self.is_outdated(key, number)]
