"""Rows by kind and key with their freshness. Applies a diff, then signals the changed keys; never fetches."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from mogplex_tui.live.freshness import Freshness, SourceState
from mogplex_tui.live.reasons import Notice
from mogplex_tui.live.signals import Signal

R = TypeVar("R")


class RowChanges(NamedTuple):
    """What one apply did: keys that are new or different, and keys that went."""

    changed: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()


class RowSet(Generic[R]):
    """The rows of one kind, by key, in no order."""

    def __init__(self) -> None:
        self.rows: dict[str, R] = {}
        # Of the reading as a whole, and of each source that may fail without it, by a name of its own.
        self.freshness = Freshness()
        self.sources: dict[str, SourceState] = {}
        # How many there are on the service, when it says so.
        self.total: int | None = None
        # From this start on nothing is missing, as far as rows have a start; None where that is not known.
        self.whole_since: datetime | None = None
        # Shown above the rows: which rows cannot be seen, and why.
        self.notices: tuple[Notice, ...] = ()
        self.changes: Signal[RowChanges] = Signal()

    def apply(self, rows: Iterable[tuple[str, R]], *, complete: bool = False) -> RowChanges:
        """Put rows in by key and signal those that differ.

        Args:
            rows: pairs of key and row.
            complete: whether these are all there are, so that the others go.
        """
        fresh = dict(rows)
        changed = frozenset(key for key, row in fresh.items() if self.rows.get(key) != row)
        removed: frozenset[str] = frozenset()
        if complete:
            removed = frozenset(self.rows.keys() - fresh.keys())
            for key in removed:
                del self.rows[key]
        self.rows.update(fresh)
        change = RowChanges(changed, removed)
        if changed or removed:
            self.changes(change)
        return change

    def drop(self, keys: Iterable[str]) -> RowChanges:
        """Take rows out and signal those that were there."""
        removed = frozenset(key for key in keys if self.rows.pop(key, None) is not None)
        change = RowChanges(removed=removed)
        if removed:
            self.changes(change)
        return change


AnyRowSet = RowSet[Any]
"""Rows of a type that whoever asks for them by name knows."""


class Store:
    """Every set the console holds, by name; a set exists from the moment somebody asks for it."""

    def __init__(self) -> None:
        self._sets: dict[str, AnyRowSet] = {}

    def set(self, name: str) -> AnyRowSet:
        """Return the set of that name."""
        if name not in self._sets:
            self._sets[name] = RowSet()
        return self._sets[name]

    def sets(self) -> list[tuple[str, AnyRowSet]]:
        """Return every set with its name."""
        return list(self._sets.items())
