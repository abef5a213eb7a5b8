"""The base classes and field types of all models.

Models of responses ignore unknown fields and accept unknown words in place of enum members.
Rows of a list that do not parse are collected separately, so that the other rows can be used.
Models of requests accept only known fields and valid values. Contract: errors.md §6.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Generic, TypeVar

from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasGenerator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
)

from mogplex_tui.api.clock import aware
from mogplex_tui.api.errors import InvalidInput
from mogplex_tui.api.estimated_amount import Estimate
from mogplex_tui.api.safe_text import visible

# Plugins of other packages must not see the data, and looking for them is slow.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


# US dollars; the service stores no larger amount.
_MAX_MONEY = Decimal(10) ** 15


def _money(value: object) -> object:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError("is not an amount")
    try:
        # Convert a float through its text: 0.1 means one tenth, not the nearest binary number.
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        raise ValueError("is not an amount") from None
    if not amount.is_finite() or amount.copy_abs() >= _MAX_MONEY:
        raise ValueError("is not an amount")
    return amount


def _null_as(default: object) -> BeforeValidator:
    return BeforeValidator(lambda value: default if value is None else value)


Time = Annotated[datetime, AfterValidator(aware)]
"""A time with a zone.

The service sends it with an offset and microseconds, or with Z and milliseconds.
"""
Money = Annotated[Decimal, BeforeValidator(_money)]
"""US dollars, sent as a number or as a numeric text."""

Estimated = Annotated[Money, AfterValidator(Estimate)]
"""US dollars that may be estimated in whole or in part."""
Text = Annotated[str, _null_as("")]
"""A text; null is read as an empty text."""
Int64 = Annotated[int, Field(ge=-(2**63), lt=2**63)]
"""A 64-bit integer, as the service stores it.

Larger integers are invalid, because they could not be added or sorted.
"""
Count = Int64 | None
"""A count that every response should contain; None if it is missing, because that is not 0."""
Measured = Annotated[Int64 | None, BeforeValidator(lambda value: value or None)]
"""A sum of measured values; 0 is read as None.

The service also sends 0 if nothing was measured (observability.md §2.1).
"""
Flag = Annotated[bool, _null_as(False)]
"""A flag; null is read as False."""
JsonObject = Annotated[dict[str, Any], BeforeValidator(lambda value: {} if value is None else value)]
"""A JSON object of any shape; null is read as empty."""

TextList = Annotated[
    list[str],
    BeforeValidator(
        lambda value: [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
    ),
]
"""A list of texts; null is read as empty, and other items are left out."""

NULL_IS_EMPTY = _null_as({})
"""Validator of an object inside a row; null is read as an empty object."""


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _both_cases(name: str) -> str | AliasChoices:
    camel = _camel(name)
    return name if camel == name else AliasChoices(name, camel)


# The modules of this package have no postponed annotations where possible: evaluating them costs a quarter of the time
# to create a model class.
class Inbound(BaseModel):
    """Base class of the models of responses.

    Unknown fields are ignored. The names of fields in the JSON may be in snake_case or camelCase.
    """

    model_config = ConfigDict(
        extra="ignore",
        frozen=True,
        # Python parses NaN and 1e999 as numbers, but no value of the service is one.
        allow_inf_nan=False,
        alias_generator=AliasGenerator(validation_alias=_both_cases),
        populate_by_name=True,
        protected_namespaces=(),
        # Build the schema at first use: all schemas would add half a second to each start.
        defer_build=True,
    )


class Outbound(BaseModel):
    """Base class of the models of requests, which are sent in camelCase.

    Unknown fields and invalid values raise InvalidInput with a message for the user.
    """

    model_config = ConfigDict(
        extra="forbid",
        alias_generator=_camel,
        populate_by_name=True,
        protected_namespaces=(),
        loc_by_alias=False,
        defer_build=True,
    )

    def __init__(self, **data: Any) -> None:
        try:
            super().__init__(**data)
        except ValidationError as error:
            problems = {_field_path(item): _problem_text(item) for item in error.errors(include_url=False)}
            raise InvalidInput(next(iter(problems.values())), problems=problems) from None

    def set_fields(self) -> dict[str, Any]:
        """Return the JSON body with the fields that the caller set, including nulls."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class OutboundSnake(Outbound):
    """Base class of the models of requests that are sent in snake_case."""

    model_config = ConfigDict(alias_generator=None)


@dataclass(frozen=True)
class BadRow:
    """A row that does not parse, with its JSON and the first problem in it.

    `raw` is the JSON of the row, and `reason` describes the problem.
    """

    raw: Any
    reason: str


class Rows(list[T]):
    """A list of parsed rows in the order of the response.

    `bad` holds the rows that do not parse. `raws` holds the JSON of the parsed rows in the same
    order; it is empty if the rows were not parsed from JSON.
    """

    def __init__(self, rows: Iterable[T] = (), bad: Iterable[BadRow] = (), raws: Iterable[Any] = ()) -> None:
        super().__init__(rows)
        self.bad: list[BadRow] = list(bad)
        self.raws: list[Any] = list(raws)

    @property
    def total(self) -> int:
        """The number of rows in the response, including those that do not parse."""
        return len(self) + len(self.bad)

    def sorted_by(self, key: Callable[[T], Any]) -> Rows[T]:
        """Return the rows sorted by a key; `raws` is sorted in the same order."""
        indexes = sorted(range(len(self)), key=lambda index: key(self[index]))
        raws = [self.raws[index] for index in indexes] if self.raws else ()
        return Rows((self[index] for index in indexes), self.bad, raws)


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list that the service returns in pages.

    `next_cursor` is the cursor to pass for the next page, or None on the last page.
    """

    rows: Rows[T]
    next_cursor: str | None = None


def parse_rows(model: type[M], items: Iterable[Any]) -> Rows[M]:
    """Parse each item as a row; items that do not fit the model are put in `Rows.bad`."""
    rows: Rows[M] = Rows()
    for item in items:
        try:
            rows.append(model.model_validate(item))
            rows.raws.append(item)
        except ValidationError as error:
            rows.bad.append(BadRow(item, validation_message(error)))
    return rows


def nested(model: type[BaseModel]) -> PlainValidator:
    """Return a validator for a field that holds a list of rows.

    Use it as `Annotated[Rows[X], nested(X)]`. Null and values that are not a list are read as an
    empty list.
    """
    return PlainValidator(
        lambda value: value if isinstance(value, Rows) else parse_rows(model, _list_or_empty(value))
    )


def empty_rows() -> Any:
    """Return the field definition whose default is an empty list of rows."""
    return Field(default_factory=Rows)


# The message for each type of pydantic error, by the first word of the type.
_MESSAGES = {
    "string": "is not a text",
    "int": "is not a whole number",
    "float": "is not a number",
    "decimal": "is not a number",
    "bool": "is neither true nor false",
    "datetime": "is not a time",
    "list": "is not a list",
    "dict": "is not an object",
    "model": "is not an object",
    "finite": "is not a finite number",
    "less": "is too large",
    "greater": "is too small",
}


def validation_message(error: ValidationError) -> str:
    """Return the first problem of a validation error as text for the user.

    The text does not contain the invalid value, which may be a secret.
    """
    first = error.errors(include_url=False, include_input=False)[0]
    cause = first.get("ctx", {}).get("error")
    message = _MESSAGES.get(first["type"].partition("_")[0])
    if first["type"] == "missing":
        message = "is missing"
    elif isinstance(cause, ValueError):
        message = str(cause)
    # Other types of errors have pydantic's own message.
    return visible(
        f"{_field_path(first) or 'it'} {message}" if message else f"{_field_path(first)}: {first['msg']}", 120
    )


def _list_or_empty(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _field_path(item: Any) -> str:
    return ".".join(str(part) for part in item["loc"])


def _problem_text(item: Any) -> str:
    cause = item.get("ctx", {}).get("error")
    if isinstance(cause, ValueError):
        return str(cause)
    if item["type"] == "extra_forbidden":
        return f"There is no field {visible(_field_path(item), 60)!r}"
    if item["type"] == "missing":
        return f"{_field_path(item)} is required"
    return f"{_field_path(item)}: {item['msg']}"
