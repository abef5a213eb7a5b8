"""Discard stale responses.

A read that began before a row's last re-read must not overwrite it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

R = TypeVar("R")


class ReadOrder:
    """Number the reads of a list, and remember the last re-read of each row."""

    def __init__(self) -> None:
        self._asked = 0
        self._latest_turns: dict[str, int] = {}

    def ask(self) -> int:
        """Return the number of a read that starts now."""
        self._asked += 1
        return self._asked

    def read_back(self, key: str, turn: int) -> None:
        """Record the re-read of a row, so that earlier reads are ignored for it."""
        self._latest_turns[key] = max(turn, self._latest_turns.get(key, 0))

    def overtaken(self, key: str, turn: int) -> bool:
        """Return whether a read is older than the last re-read of a row."""
        latest_turn = self._latest_turns.get(key)
        if latest_turn is None:
            return False
        self._latest_turns[key] = max(turn, latest_turn)
        return turn < latest_turn

    def still_news(self, pairs: Iterable[tuple[str, R]], turn: int) -> list[tuple[str, R]]:
        """Return the rows of a read without those that are outdated."""
        return [(key, row) for key, row in pairs if not self.overtaken(key, turn)]
