"""Rows by kind and key, with their freshness and signals for changed keys.

The store sends no requests.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from mogplex_tui.live.freshness import Freshness, SourceState
from mogplex_tui.live.reasons import Notice
from mogplex_tui.live.signals import Signal

R = TypeVar("R")


class RowChanges(NamedTuple):
    """The effect of one update: keys that are new or changed, and removed keys."""

    changed: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()


class RowSet(Generic[R]):
    """The rows of one kind by key, in no defined order."""

    def __init__(self) -> None:
        self.rows: dict[str, R] = {}
        # Freshness of the whole read, and of each source that may fail by itself, by name.
        self.freshness = Freshness()
        self.sources: dict[str, SourceState] = {}
        # The number of rows on the service, if it says so.
        self.total: int | None = None
        # The start time from which all rows are known; None if unknown.
        self.whole_since: datetime | None = None
        # Shown above the rows: which rows are not visible, and why.
        self.notices: tuple[Notice, ...] = ()
        self.changes: Signal[RowChanges] = Signal()

    def apply(self, rows: Iterable[tuple[str, R]], *, complete: bool = False) -> RowChanges:
        """Add or replace rows by key, and signal which of them changed.

        If `complete` is true, the given rows are the whole set: all other rows are removed.
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
        """Remove the rows with these keys, and signal which of them existed."""
        removed = frozenset(key for key in keys if self.rows.pop(key, None) is not None)
        change = RowChanges(removed=removed)
        if removed:
            self.changes(change)
        return change


AnyRowSet = RowSet[Any]
"""Rows of a type that whoever asks for them by name knows."""


class Store:
    """All row sets by name; a set is created on first use."""

    def __init__(self) -> None:
        self._sets: dict[str, AnyRowSet] = {}

    def set(self, name: str) -> AnyRowSet:
        """Return the row set with a name, creating it on first use."""
        if name not in self._sets:
            self._sets[name] = RowSet()
        return self._sets[name]

    def sets(self) -> list[tuple[str, AnyRowSet]]:
        """Return every row set with its name."""
        return list(self._sets.items())
