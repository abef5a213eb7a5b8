"""Rules for the arguments of MCP tools: validation and schemas (mcp.md §2, §4).

A rule can be stricter than its published schema. A check adds an issue `path: message` for each
violation, with the messages of the service's validator, and returns the normalised value:
trimmed texts, whole numbers as integers.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..http import params

Path = tuple[str, ...]
Issues = list[str]

_ROOT = "arguments"


def kind_of(value: Any) -> str:
    """Return the name of a JSON value's type, such as `array`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def utf16_length(text: str) -> int:
    """Return the length of a text in UTF-16 code units, as the service counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def report(issues: Issues, path: Path, message: str) -> None:
    """Add an issue `path: message` to `issues`.

    An empty path stands for the arguments object itself.
    """
    issues.append(f"{'.'.join(path) or _ROOT}: {message}")


class Field(ABC):
    """A rule that an argument's value must follow."""

    @abstractmethod
    def check(self, value: Any, path: Path, issues: Issues) -> Any:
        """Return the normalised value, and add a message to `issues` for each violation.

        `path` are the keys and indexes that lead to the value.
        """

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema that tools/list publishes for the value."""


def _expect(kind: str, value: Any, path: Path, issues: Issues) -> bool:
    if kind_of(value) == kind:
        return True
    report(issues, path, f"Expected {kind}, received {kind_of(value)}")
    return False


@dataclass(frozen=True)
class Text(Field):
    """A rule for a text.

    The text is trimmed and must not be empty, unless the rule is `free`. `longest` is the maximum
    length in UTF-16 code units. `pattern` is a regular expression, and the message for a text that
    does not match it.
    """

    longest: int | None = None
    free: bool = False
    nullable: bool = False
    pattern: tuple[str, str] | None = None
    publish_longest: bool = False

    def check(self, value: Any, path: Path, issues: Issues) -> Any:
        """Return the text, trimmed unless the rule is `free`; add violations to `issues`."""
        if value is None and self.nullable:
            return None
        if not _expect("string", value, path, issues):
            return value
        text: str = value if self.free else params.trim(value)
        if not text and not self.free:
            report(issues, path, "String must contain at least 1 character(s)")
        if self.longest is not None and utf16_length(text) > self.longest:
            report(issues, path, f"String must contain at most {self.longest} character(s)")
        if self.pattern is not None and not re.fullmatch(self.pattern[0], text, re.ASCII):
            report(issues, path, self.pattern[1])
        return text

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the text."""
        limit = {"maxLength": self.longest} if self.publish_longest else {}
        return {"type": ["string", "null"] if self.nullable else "string"} | limit


@dataclass(frozen=True)
class WholeNumber(Field):
    """A rule for an integer from `low` to `high`.

    If `high` is None, there is no upper limit. With `positive` the message about the lower limit
    says "greater than 0".
    """

    low: int = 1
    high: int | None = None
    positive: bool = False

    def check(self, value: Any, path: Path, issues: Issues) -> Any:
        """Return the number as an integer, and add violations to `issues`."""
        if not _expect("number", value, path, issues):
            return value
        if isinstance(value, float):
            if not value.is_integer():
                report(issues, path, "Expected integer, received float")
            else:
                value = int(value)
        if value < self.low:
            bound = "greater than 0" if self.positive else f"greater than or equal to {self.low}"
            report(issues, path, f"Number must be {bound}")
        if self.high is not None and value > self.high:
            report(issues, path, f"Number must be less than or equal to {self.high}")
        return value

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the integer."""
        limit = {} if self.high is None else {"maximum": self.high}
        return {"type": "integer", "minimum": self.low} | limit


@dataclass(frozen=True)
class Number(Field):
    """A rule for a finite number, which must be above 0 if the rule is `positive`."""

    positive: bool = False

    def check(self, value: Any, path: Path, issues: Issues) -> Any:
        """Return the number, and add violations to `issues`."""
        if _expect("number", value, path, issues):
            if self.positive and value <= 0:
                report(issues, path, "Number must be greater than 0")
            if not math.isfinite(value):
                report(issues, path, "Number must be finite")
        return value

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the number."""
        return {"type": "number"}


@dataclass(frozen=True)
class Flag(Field):
    """A rule for a boolean."""

    def check(self, value: Any, path: Path, issues: Issues) -> Any:
        """Return the value, and add an issue if it is no boolean."""
        _expect("boolean", value, path, issues)
        return value

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the boolean."""
        return {"type": "boolean"}


@dataclass(frozen=True)
class Choice(Field):
    """A rule for a text that must be one of `options`."""

    options: tuple[str, ...]

    def check(self, value: Any, path: Path, issues: Issues) -> Any:
        """Return the value, and add an issue if it is not one of the options."""
        expected = " | ".join(f"'{option}'" for option in self.options)
        if not isinstance(value, str):
            report(issues, path, f"Expected {expected}, received {kind_of(value)}")
        elif value not in self.options:
            report(issues, path, f"Invalid enum value. Expected {expected}, received '{value}'")
        return value

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the text with its options."""
        return {"type": "string", "enum": list(self.options)}


@dataclass(frozen=True)
class ListOf(Field):
    """A rule for a list of `least` or more values that each match `item`."""

    item: Field
    least: int = 0

    def check(self, value: Any, path: Path, issues: Issues) -> Any:
        """Return the list with normalised values, and add all violations to `issues`."""
        if not _expect("array", value, path, issues):
            return value
        if len(value) < self.least:
            report(issues, path, f"Array must contain at least {self.least} element(s)")
        return [self.item.check(item, (*path, str(index)), issues) for index, item in enumerate(value)]

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the list."""
        return {"type": "array", "items": self.item.schema()}


@dataclass(frozen=True)
class AnyObject(Field):
    """A rule for an object with any keys and values."""

    def check(self, value: Any, path: Path, issues: Issues) -> Any:
        """Return the value, and add an issue if it is no object."""
        _expect("object", value, path, issues)
        return value

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of any object."""
        return {"type": "object"}


@dataclass(frozen=True)
class Shape(Field):
    """A rule for an object whose values follow `fields`.

    Keys that are not in `fields` are refused if the rule is `strict`, and kept otherwise. If the
    rule is `opaque`, the published schema allows any object.
    """

    fields: Mapping[str, Field]
    required: Sequence[str] = ()
    strict: bool = True
    opaque: bool = False

    def check(self, value: Any, path: Path, issues: Issues) -> Any:
        """Return the object with normalised values, and add all violations to `issues`.

        Optional keys that are missing stay missing.
        """
        if not _expect("object", value, path, issues):
            return value
        out = {} if self.strict else dict(value)
        for name, rule in self.fields.items():
            if name in value:
                out[name] = rule.check(value[name], (*path, name), issues)
            elif name in self.required:
                report(issues, (*path, name), "Required")
        unknown = [name for name in value if name not in self.fields]
        if self.strict and unknown:
            names = ", ".join(f"'{name}'" for name in unknown)
            report(issues, path, f"Unrecognized key(s) in object: {names}")
        return out

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the object.

        If the rule is `opaque`, the schema allows any object.
        """
        if self.opaque:
            return {"type": "object"}
        out: dict[str, Any] = {"type": "object"}
        if self.fields:
            out["properties"] = {name: rule.schema() for name, rule in self.fields.items()}
        if self.required:
            out["required"] = list(self.required)
        return {**out, "additionalProperties": False}
