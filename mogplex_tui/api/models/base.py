"""What all models share: a tolerant reader, a strict writer, rows that never break a list (errors.md §6)."""

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
from mogplex_tui.api.cost_estimate import Estimate
from mogplex_tui.api.errors import InvalidInput
from mogplex_tui.api.safe_text import visible

# Plugins of other packages have no business with what travels here, and looking for them is slow.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


# No column of the service holds so many dollars.
_MAX_MONEY = Decimal(10) ** 15


def _money(value: object) -> object:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError("is not an amount")
    try:
        # A float by its text: 0.1 means one tenth, not the binary number beside it.
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        raise ValueError("is not an amount") from None
    if not amount.is_finite() or amount.copy_abs() >= _MAX_MONEY:
        raise ValueError("is not an amount")
    return amount


def _or(default: object) -> BeforeValidator:
    return BeforeValidator(lambda value: default if value is None else value)


Time = Annotated[datetime, AfterValidator(aware)]
"""An aware moment, from either wire form (offset with microseconds, or Z with milliseconds)."""
Money = Annotated[Decimal, BeforeValidator(_money)]
"""US dollars, from a JSON number or a numeric string."""

Estimated = Annotated[Money, AfterValidator(Estimate)]
"""US dollars of which the contract does not promise that all of them were billed."""
Text = Annotated[str, _or("")]
"""A text that the contract promises; null is read as empty."""
Int64 = Annotated[int, Field(ge=-(2**63), lt=2**63)]
"""A whole number as the service stores them; what is beyond cannot be read, and is neither counted nor sorted."""
Count = Int64 | None
"""A count that the contract promises; None where the answer lacks it, for a missing count is not 0."""
Measured = Annotated[Int64 | None, BeforeValidator(lambda value: value or None)]
"""A sum that the service computes also of nothing: its 0 is as good as unknown (observability.md §2.1)."""
Flag = Annotated[bool, _or(False)]
"""A yes or no that the contract promises; null is read as no."""
JsonObject = Annotated[dict[str, Any], BeforeValidator(lambda value: {} if value is None else value)]
"""A free JSON object; null is read as empty."""

TextList = Annotated[
    list[str],
    BeforeValidator(
        lambda value: [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
    ),
]
"""A list of texts; null is read as empty, and what is no text is left out."""

NULL_IS_EMPTY = _or({})
"""For an object inside a row that the contract promises: null is read as one without values."""


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _both_cases(name: str) -> str | AliasChoices:
    camel = _camel(name)
    return name if camel == name else AliasChoices(name, camel)


# The modules of this package do without postponed annotations where they can: evaluating those texts again is a
# quarter of the cost of a model class.
class Inbound(BaseModel):
    """What the service sends: unknown keys ignored, snake_case or camelCase, nulls where sensible."""

    model_config = ConfigDict(
        extra="ignore",
        frozen=True,
        # Python reads NaN and 1e999 as numbers; no count, span or rate of the service is one.
        allow_inf_nan=False,
        alias_generator=AliasGenerator(validation_alias=_both_cases),
        populate_by_name=True,
        protected_namespaces=(),
        # Built at first use: half a second of schemas would otherwise be paid at every start.
        defer_build=True,
    )


class Outbound(BaseModel):
    """What leaves: unknown fields refused, limits checked, sent in camelCase; raises InvalidInput in plain
    words.
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
            problems = {_place(item): _plain(item) for item in error.errors(include_url=False)}
            raise InvalidInput(next(iter(problems.values())), problems=problems) from None

    def set_fields(self) -> dict[str, Any]:
        """Return the JSON body with only the fields that the caller set, null included."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class OutboundSnake(Outbound):
    """What leaves to a route that reads snake_case."""

    model_config = ConfigDict(alias_generator=None)


@dataclass(frozen=True)
class BadRow:
    """A row that does not parse: its raw JSON and the first thing that is wrong with it."""

    raw: Any
    reason: str


class Rows(list[T]):
    """A list of parsed rows, in the service's order, that also keeps the rows that did not parse in `bad`.

    `raws` is the JSON that each row was parsed from, in the same order; empty when the rows were made otherwise.
    """

    def __init__(self, rows: Iterable[T] = (), bad: Iterable[BadRow] = (), raws: Iterable[Any] = ()) -> None:
        super().__init__(rows)
        self.bad: list[BadRow] = list(bad)
        self.raws: list[Any] = list(raws)

    @property
    def total(self) -> int:
        """How many rows came, the bad ones included."""
        return len(self) + len(self.bad)

    def sorted_by(self, key: Callable[[T], Any]) -> Rows[T]:
        """Return the rows in the order of what `by` makes of them, each with its JSON."""
        indexes = sorted(range(len(self)), key=lambda index: key(self[index]))
        raws = [self.raws[index] for index in indexes] if self.raws else ()
        return Rows((self[index] for index in indexes), self.bad, raws)


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of rows and the cursor of the next one (None: this is the last)."""

    rows: Rows[T]
    next_cursor: str | None = None


def parse_rows(model: type[M], items: Iterable[Any]) -> Rows[M]:
    """Return the items that fit the model, and mark the others instead of failing."""
    rows: Rows[M] = Rows()
    for item in items:
        try:
            rows.append(model.model_validate(item))
            rows.raws.append(item)
        except ValidationError as error:
            rows.bad.append(BadRow(item, validation_message(error)))
    return rows


def nested(model: type[BaseModel]) -> PlainValidator:
    """Return the validator of a list inside a row: `Annotated[Rows[X], nested(X)]`; null or no list is
    empty.
    """
    return PlainValidator(
        lambda value: value if isinstance(value, Rows) else parse_rows(model, _listed(value))
    )


def empty_rows() -> Any:
    """Return the default of a nested list."""
    return Field(default_factory=Rows)


# What a value is not, by the first word of the library's name for the fault.
_WRONG = {
    "string": "is no text",
    "int": "is no whole number",
    "float": "is no number",
    "decimal": "is no number",
    "bool": "is neither yes nor no",
    "datetime": "is no time",
    "list": "is no list",
    "dict": "is no object",
    "model": "is no object",
    "finite": "is no finite number",
    "less": "is too large",
    "greater": "is too small",
}


def validation_message(error: ValidationError) -> str:
    """Return the first thing that is wrong, without the value itself: it may hold anything."""
    first = error.errors(include_url=False, include_input=False)[0]
    cause = first.get("ctx", {}).get("error")
    told = _WRONG.get(first["type"].partition("_")[0])
    if first["type"] == "missing":
        told = "is missing"
    elif isinstance(cause, ValueError):
        told = str(cause)
    # What is of no known kind says it in the library's own words.
    return visible(f"{_place(first) or 'it'} {told}" if told else f"{_place(first)}: {first['msg']}", 120)


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _place(item: Any) -> str:
    return ".".join(str(part) for part in item["loc"])


def _plain(item: Any) -> str:
    cause = item.get("ctx", {}).get("error")
    if isinstance(cause, ValueError):
        return str(cause)
    if item["type"] == "extra_forbidden":
        return f"There is no field {visible(_place(item), 60)!r}"
    if item["type"] == "missing":
        return f"{_place(item)} is required"
    return f"{_place(item)}: {item['msg']}"
