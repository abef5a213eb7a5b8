"""Discard stale responses.

A read that began before a row's last re-read must not overwrite it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

R = TypeVar("R")


class ReadOrder:
    """Number the reads of a list, and remember the last re-read of each row."""

    def __init__(self) -> None:
        self._last_number = 0
        self._last_rereads: dict[str, int] = {}

    def ask(self) -> int:
        """Return the number of a read that starts now."""
        self._last_number += 1
        return self._last_number

    def read_back(self, key: str, number: int) -> None:
        """Record the re-read of a row, so that earlier reads are ignored for it."""
        self._last_rereads[key] = max(number, self._last_rereads.get(key, 0))

    def is_outdated(self, key: str, number: int) -> bool:
        """Return whether a read is older than the last re-read of a row."""
        latest = self._last_rereads.get(key)
        if latest is None:
            return False
        self._last_rereads[key] = max(number, latest)
        return number < latest

    def without_outdated(self, pairs: Iterable[tuple[str, R]], number: int) -> list[tuple[str, R]]:
        """Return the rows of a read without those that are outdated."""
        return [(key, row) for key, row in pairs if not self.is_outdated(key, number)]
