"""Types with which the columns of a list are declared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Generic, NamedTuple, TypeVar

from mogplex_tui.operate import formatting

Row = TypeVar("Row")
V = TypeVar("V")

Value = str | bool | int | float | Decimal | datetime | Sequence[str] | None
"""The value of a column or fact. JSON and CSV print it without the column's format."""
SortKey = tuple[int, float | str]
FilterValue = str | float | datetime | tuple[str, ...] | None
"""A value that filters are compared with: a text, a number, a time, several texts, or None."""


class Cell(NamedTuple):
    """A formatted value and its tone, a name for which the widgets have a style."""

    text: str
    tone: str = "plain"


class RenderTime(NamedTuple):
    """The time at which a cell is drawn, and the time of the last read if earlier."""

    now: datetime
    last_read_at: datetime | None = None
    """The time of the last successful read of the row, None unless later reads have failed."""

    @property
    def as_of(self) -> datetime:
        """The time at which durations of running work end.

        It is the time of the last read if later reads have failed, otherwise now.
        """
        return self.last_read_at or self.now


@dataclass(frozen=True, slots=True)
class Format(Generic[V]):
    """The functions that show, sort and filter values of one type."""

    show: Callable[[V, RenderTime], Cell]
    sort: Callable[[V], SortKey]
    filter_value: Callable[[V, datetime], FilterValue]
    align: str = "left"
    is_span: bool = False
    """Whether filters compare the value as a time span, such as `age:<2h`."""
    is_state: bool = False
    """Whether the column shows a change in progress in place of the record's state."""
    in_progress: dict[str, str] = field(default_factory=dict)
    """The text for each change in progress, by the action's `in_progress`."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The width of a column, and the order in which narrow tables drop columns."""

    width: int = 16
    """The width in terminal cells."""
    priority: int = 0
    """The column with the highest number is dropped first; 0 is never dropped."""
    flex: int = 0
    """The share of the spare width that the column gets."""
    min_width: int | None = None
    cut: str = "end"
    """Where a text that is too long is cut: `end` or `middle`."""


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """A column of a list. Use `column` to make one."""

    name: str
    """The name in filters and in `--sort`."""
    title: str
    field: str
    """The service's name of the field, used as the CSV header."""
    value: Callable[[Row], Value]
    cell: Callable[[Row, RenderTime], Cell]
    sort: Callable[[Row], SortKey]
    filter_value: Callable[[Row, datetime], FilterValue]
    layout: Layout
    format: Format[Value]
    is_text: bool = False
    is_error: bool = False
    """Whether the column also shows the reason for a record that could not be read."""
    sort_at: Callable[[Row, datetime], SortKey] | None = None
    """Used in place of `sort` for a value that changes with time."""


def is_empty(value: object) -> bool:
    """Return whether a value is shown as a dash: None, or an empty text or list."""
    return value is None or value in ("", (), [])


def column(
    name: str,
    title: str,
    value: Callable[[Row], V | None],
    format: Format[V],
    layout: Layout | None = None,
    *,
    field: str = "",
    is_text: bool = False,
    show: Callable[[Row, RenderTime], Cell] | None = None,
    filter_value: Callable[[Row], FilterValue] | None = None,
) -> Column[Row]:
    """Return a column that shows a value of each row in a format.

    An absent value is shown as a dash. `show` and `filter_value` replace the functions of the format; they
    get the whole row and not only the value.
    """

    def cell(row: Row, moment: RenderTime) -> Cell:
        content = value(row)
        if content is None or is_empty(content):
            return Cell(formatting.DASH, "dim")
        return format.show(content, moment)

    def sort(row: Row) -> SortKey:
        content = value(row)
        return (0, "") if content is None else format.sort(content)

    def value_for_filters(row: Row, now: datetime) -> FilterValue:
        content = value(row)
        return None if content is None or is_empty(content) else format.filter_value(content, now)

    return Column(
        name,
        title,
        field or name,
        value,  # type: ignore[arg-type]  # V is one of Value's types wherever a format exists for it
        show or cell,
        sort,
        value_for_filters if filter_value is None else lambda row, _: filter_value(row),
        layout or Layout(),
        format,  # type: ignore[arg-type]  # the column calls it with its own value alone
        is_text,
    )
