"""Schemas of MCP arguments: validated in full, published in part (mcp.md §2, §4).

A check adds issues as `path: message` with the messages of the service's validator, and returns the normalised value:
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
    """The name of a JSON value's type."""
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
    """Add one issue; the root has a name of its own."""
    issues.append(f"{'.'.join(path) or _ROOT}: {message}")


class Field(ABC):
    """The rule of one value."""

    @abstractmethod
    def check(self, value: Any, path: Path, issues: Issues) -> Any:
        """Return the normalised value; add a message to `issues` for each fault in it."""

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """The JSON Schema that is published."""


def _expect(kind: str, value: Any, path: Path, issues: Issues) -> bool:
    if kind_of(value) == kind:
        return True
    report(issues, path, f"Expected {kind}, received {kind_of(value)}")
    return False


@dataclass(frozen=True)
class Text(Field):
    """A text; trimmed and not empty unless it is `free`. `longest` is in UTF-16 units."""

    longest: int | None = None
    free: bool = False
    nullable: bool = False
    pattern: tuple[str, str] | None = None
    publish_longest: bool = False

    def check(self, value: Any, path: Path, issues: Issues) -> Any:
        """Check the text; every rule that it breaks is an issue."""
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
        """Return the JSON schema of this value."""
        limit = {"maxLength": self.longest} if self.publish_longest else {}
        return {"type": ["string", "null"] if self.nullable else "string"} | limit


@dataclass(frozen=True)
class WholeNumber(Field):
    """An integer from `low`, and up to `high` if given.

    `positive` words the lower bound as "> 0".
    """

    low: int = 1
    high: int | None = None
    positive: bool = False

    def check(self, value: Any, path: Path, issues: Issues) -> Any:
        """Check that the value is an integer within the bounds; return it as an int."""
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
        """Return the JSON schema of this value."""
        limit = {} if self.high is None else {"maximum": self.high}
        return {"type": "integer", "minimum": self.low} | limit


@dataclass(frozen=True)
class Number(Field):
    """A finite number, above 0 if `positive`."""

    positive: bool = False

    def check(self, value: Any, path: Path, issues: Issues) -> Any:
        """Check that the value is a number within its bounds; return it normalised."""
        if _expect("number", value, path, issues):
            if self.positive and value <= 0:
                report(issues, path, "Number must be greater than 0")
            if not math.isfinite(value):
                report(issues, path, "Number must be finite")
        return value

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of this value."""
        return {"type": "number"}


@dataclass(frozen=True)
class Flag(Field):
    """true or false."""

    def check(self, value: Any, path: Path, issues: Issues) -> Any:
        """Check that the value is a boolean; return it normalised."""
        _expect("boolean", value, path, issues)
        return value

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of this value."""
        return {"type": "boolean"}


@dataclass(frozen=True)
class Choice(Field):
    """A string field that accepts only the listed values."""

    options: tuple[str, ...]

    def check(self, value: Any, path: Path, issues: Issues) -> Any:
        """Check that the value is one of the choices; return it normalised."""
        expected = " | ".join(f"'{option}'" for option in self.options)
        if not isinstance(value, str):
            report(issues, path, f"Expected {expected}, received {kind_of(value)}")
        elif value not in self.options:
            report(issues, path, f"Invalid enum value. Expected {expected}, received '{value}'")
        return value

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of this value."""
        return {"type": "string", "enum": list(self.options)}


@dataclass(frozen=True)
class ListOf(Field):
    """A list of values of one kind, with at least `least` of them."""

    item: Field
    least: int = 0

    def check(self, value: Any, path: Path, issues: Issues) -> Any:
        """Check that the value is a list; return it normalised."""
        if not _expect("array", value, path, issues):
            return value
        if len(value) < self.least:
            report(issues, path, f"Array must contain at least {self.least} element(s)")
        return [self.item.check(item, (*path, str(index)), issues) for index, item in enumerate(value)]

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of this value."""
        return {"type": "array", "items": self.item.schema()}


@dataclass(frozen=True)
class AnyObject(Field):
    """An object with whatever keys."""

    def check(self, value: Any, path: Path, issues: Issues) -> Any:
        """Check that the value is an object; return it normalised."""
        _expect("object", value, path, issues)
        return value

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of this value."""
        return {"type": "object"}


@dataclass(frozen=True)
class Shape(Field):
    """An object with known keys; other keys are refused if it is `strict`."""

    fields: Mapping[str, Field]
    required: Sequence[str] = ()
    strict: bool = True
    opaque: bool = False

    def check(self, value: Any, path: Path, issues: Issues) -> Any:
        """Check each field; keys that the caller left out stay left out."""
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
        """Return the JSON schema; an opaque shape is described as any object."""
        if self.opaque:
            return {"type": "object"}
        out: dict[str, Any] = {"type": "object"}
        if self.fields:
            out["properties"] = {name: rule.schema() for name, rule in self.fields.items()}
        if self.required:
            out["required"] = list(self.required)
        return {**out, "additionalProperties": False}
