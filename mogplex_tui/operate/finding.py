"""What `/` looks at in a row: values by name, looked up only where a filter asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

Find = Callable[[Any, datetime], Any]
"""Makes of a row and the instant what a filter is held against: a text, a number as float, several texts, or None."""


def word_of(title: str) -> str:
    """Return how a filter names a column: the letters of its title or key alone, as in `lastrunstatus`."""
    return "".join(filter(str.isalpha, title)).lower()


class Told(Mapping[str, Any]):
    """The values of one row by name. `finders` may hold a value under several names, `each` holds it once."""

    __slots__ = ("_each", "_finders", "_now", "_row")

    def __init__(self, row: Any, now: datetime, finders: Mapping[str, Find], each: Iterable[Find]) -> None:
        self._row, self._now, self._finders, self._each = row, now, finders, each

    def __getitem__(self, name: str) -> Any:
        return self._finders[name](self._row, self._now)

    def __contains__(self, name: object) -> bool:
        return name in self._finders

    def __iter__(self) -> Iterator[str]:
        return iter(self._finders)

    def __len__(self) -> int:
        return len(self._finders)

    def values(self) -> Iterator[Any]:  # type: ignore[override]
        """Return every value once, whatever it is called."""
        return (find(self._row, self._now) for find in self._each)


def fields_at(now: datetime, finders: Mapping[str, Find]) -> Callable[[Any], Told]:
    """Return what makes of a row its values by name at an instant."""
    each = tuple(dict.fromkeys(finders.values()))
    return lambda row: Told(row, now, finders, each)
