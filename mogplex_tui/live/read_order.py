"""Which of two answers about a row was asked for later: one that was on its way must not undo what came after it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

R = TypeVar("R")


class Turns:
    """Numbers the readings of a list, and remembers the last one of each row that was read back after a change."""

    def __init__(self) -> None:
        self._asked = 0
        self._told: dict[str, int] = {}

    def ask(self) -> int:
        """Return the number of a reading that begins now."""
        self._asked += 1
        return self._asked

    def read_back(self, key: str, turn: int) -> None:
        """Keep that a row was read back by this reading: answers that were asked for before it say nothing of it."""
        self._told[key] = max(turn, self._told.get(key, 0))

    def overtaken(self, key: str, turn: int) -> bool:
        """Return whether what this reading says of a row is older than what has been read of it since."""
        told = self._told.get(key)
        if told is None:
            return False
        self._told[key] = max(turn, told)
        return turn < told

    def still_news(self, pairs: Iterable[tuple[str, R]], turn: int) -> list[tuple[str, R]]:
        """Return the rows of a reading without those that it is too late for."""
        return [(key, row) for key, row in pairs if not self.overtaken(key, turn)]
