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
    """The values of one row by name. `finders` may hold a value under several names, `words` its words once."""

    __slots__ = ("_finders", "_now", "_row", "_words")

    def __init__(self, row: Any, now: datetime, finders: Mapping[str, Find], words: Iterable[Find]) -> None:
        self._row, self._now, self._finders, self._words = row, now, finders, words

    def __getitem__(self, name: str) -> Any:
        return self._finders[name](self._row, self._now)

    def __contains__(self, name: object) -> bool:
        return name in self._finders

    def __iter__(self) -> Iterator[str]:
        return iter(self._finders)

    def __len__(self) -> int:
        return len(self._finders)

    def values(self) -> Iterator[Any]:  # type: ignore[override]
        """Return what is looked at for a word without a name, every value once."""
        row, now = self._row, self._now
        return (find(row, now) for find in self._words)


def fields_at(
    now: datetime, finders: Mapping[str, Find], numbers: Iterable[Find] = ()
) -> Callable[[Any], Told]:
    """Return what makes of a row its values by name at an instant; no words are looked for in `numbers`."""
    words = tuple(dict.fromkeys(find for find in finders.values() if find not in set(numbers)))
    return lambda row: Told(row, now, finders, words)
