"""What a kind declares: names, roads to its rows, columns, facts, links and verbs (design decision 11)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Cell = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Context:
    """What a cell depends on besides its row."""

    now: datetime
    ascii_only: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """A column: its widths, how important it is (0 never drops), what it shows and what it is sorted by."""

    key: str
    title: str
    width: int
    cell: Callable[[Any, Context], Cell]
    sort: Callable[[Any], Any] | None = None
    align: str = "left"
    priority: int = 0
    flex: int = 0
    min_width: int | None = None
    cut: str = "end"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of thing: its names, columns and the values that `/` searches."""

    name: str
    title: str
    noun: str
    fields: Sequence[Field]
    search: Callable[[Any], Mapping[str, Any]]
    default_sort: Callable[[Any], Any]
    descending: bool = True

    def field(self, key: str) -> Field:
        """Return a column by its key. Raises KeyError."""
        return next((field for field in self.fields if field.key == key), None) or _unknown(key)


def _unknown(key: str) -> Field:
    raise KeyError(key)
