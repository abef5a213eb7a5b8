"""Read the objects of a scenario file; error messages name the invalid field."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

_T = TypeVar("_T")


class ScenarioError(ValueError):
    """An invalid scenario; the message names the field and says what is wrong."""


def shown(value: Any) -> str:
    """Return the repr of a value, shortened for an error message."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


class Fields:
    """A reader of one object of a scenario file, which validates the fields' values.

    `where` names the object in error messages; it is "" for the whole file. A method that reads a
    field returns its default if the field is missing, and raises ScenarioError for an invalid
    value. Call `end` last: it raises ScenarioError for fields that were not read.
    """

    def __init__(self, value: Any, where: str = "") -> None:
        self.where = where
        if not isinstance(value, dict):
            raise ScenarioError(f"{where or 'the file'} must be an object, not {shown(value)}")
        self._value: dict[str, Any] = value
        self._known: list[str] = []

    def wrong(self, name: str, problem: str) -> ScenarioError:
        """Return a ScenarioError that names a field and states the problem."""
        return ScenarioError(f"{self._path(name)} {problem}")

    def _path(self, name: str) -> str:
        return f"{self.where}.{name}" if self.where else name

    def _get(self, name: str, default: _T) -> Any:
        self.know(name)
        return self._value.get(name, default)

    def has(self, name: str) -> bool:
        """Return whether the object has a field."""
        return name in self._value

    def know(self, *names: str) -> None:
        """Mark fields as valid, so that `end` does not reject them."""
        self._known += [name for name in names if name not in self._known]

    def names(self) -> tuple[str, ...]:
        """Return the names of the object's fields."""
        return tuple(self._value)

    def boolean(self, name: str, default: bool) -> bool:
        """Read a boolean."""
        value = self._get(name, default)
        if not isinstance(value, bool):
            raise self.wrong(name, f"must be true or false, not {shown(value)}")
        return value

    def number(self, name: str, low: float, high: float, default: float | None = None) -> float:
        """Read a number from `low` to `high`.

        If there is no default, the field is required.
        """
        if default is None and name not in self._value:
            raise self.wrong(name, "is missing")
        value = self._get(name, default)
        # Neither nan nor infinity is within bounds.
        if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
            raise self.wrong(name, f"must be a number from {low:g} to {high:g}, not {shown(value)}")
        return float(value)

    def maybe(self, name: str, low: float, high: float) -> float | None:
        """Read a number from `low` to `high`; return None if the field is missing."""
        return self.number(name, low, high) if name in self._value else self._get(name, None)

    def integer(self, name: str, high: int) -> int:
        """Read an integer from 0 to `high`; return 0 if the field is missing."""
        value = self._get(name, 0)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= high:
            raise self.wrong(name, f"must be a whole number from 0 to {high}, not {shown(value)}")
        return value

    def text(self, name: str, default: str | None = None) -> str:
        """Read a non-empty line of text.

        If there is no default, the field is required.
        """
        if default is None and name not in self._value:
            raise self.wrong(name, "is missing")
        value = self._get(name, default)
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            raise self.wrong(name, f"must be a line of text, not {shown(value)}")
        return value

    def choice(self, name: str, options: Sequence[str], default: str | None = None) -> str:
        """Read one of the words in `options`.

        If there is no default, the field is required.
        """
        if default is None and name not in self._value:
            raise self.wrong(name, f"is missing; it is one of {', '.join(options)}")
        value = self._get(name, default)
        if value not in options:
            raise self.wrong(name, f"must be one of {', '.join(options)}, not {shown(value)}")
        return str(value)

    def shares(
        self, name: str, keys: Sequence[str], high: float, default: Mapping[str, float]
    ) -> dict[str, float]:
        """Read an object that maps `keys` to numbers from 0 to `high`.

        A key that the object does not contain gets 0. `default` is returned if the field is missing.
        """
        if name not in self._value:
            self._get(name, None)
            return dict(default)
        inner = self.nested(name)
        found = {key: inner.number(key, 0, high, 0.0) for key in keys}
        inner.end()
        return found

    def nested(self, name: str) -> Fields:
        """Return a reader of a nested object, which is empty if the field is missing."""
        return Fields(self._get(name, {}), self._path(name))

    def objects(self, name: str, read: Callable[[Fields], _T]) -> tuple[_T, ...]:
        """Read a list of objects by calling `read` with a reader of each object.

        Afterwards `end` is called for each object, so that `read` need not call it.
        """
        value = self._get(name, [])
        if not isinstance(value, list):
            raise self.wrong(name, f"must be a list, not {shown(value)}")
        found = []
        for index, item in enumerate(value):
            entry = Fields(item, f"{self._path(name)}[{index}]")
            found.append(read(entry))
            entry.end()
        return tuple(found)

    def end(self) -> None:
        """Raise ScenarioError if the object has a field that was neither read nor marked."""
        for name in self._value:
            if name not in self._known:
                raise self.wrong(name, f"means nothing; known are {', '.join(self._known)}")
