"""Formats of columns: how each type of value is shown, sorted and filtered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from mogplex_tui.operate import formatting
from mogplex_tui.operate.formatting import first_line, joined
from mogplex_tui.operate.model import (
    Cell,
    Column,
    FilterValue,
    Format,
    Layout,
    RenderTime,
    Row,
    SortKey,
    V,
    column,
)
from mogplex_tui.operate.toggle_delete_actions import DISABLING, ENABLING

# The number of characters by which texts are sorted.
_SORTED_BY = 256


def _text_sort(value: str) -> SortKey:
    return (3, value[:_SORTED_BY].lower())


def text(tone: str = "plain") -> Format[str]:
    """Return the format of a text, which shows its first line.

    With the tone `error`, credentials in the text are masked.
    """
    shown = _error_line if tone == "error" else first_line
    return Format(lambda value, _: Cell(shown(value), tone), _text_sort, lambda value, _: first_line(value))


def _error_line(value: str) -> str:
    """Return the first line of an error message, with credentials masked.

    The message may quote a command that has a credential (v1.md §5.4).
    """
    # Importing the redaction rules takes time before the first frame, which rarely has an error.
    from mogplex_tui.live import redact

    return redact.text(first_line(value))


def short_id() -> Format[str]:
    """Return the format of an id: cells show eight characters, filters match all."""
    return Format(
        lambda value, _: Cell(formatting.short_id(value), "dim"), _text_sort, lambda value, _: value
    )


def texts(tone: str = "plain") -> Format[tuple[str, ...]]:
    """Return the format of several short texts, shown on one line with commas.

    A filter is compared with each of the texts.
    """
    return Format(
        lambda value, _: Cell(joined(value), tone),
        lambda value: _text_sort(joined(value)),
        lambda value, _: tuple(map(first_line, value)),
    )


def count(tone: str = "plain") -> Format[int]:
    """Return the format of a count; zero is drawn dim."""
    return Format(
        lambda value, _: Cell(formatting.count(value), tone if value else "dim"),
        lambda value: (1, float(value)),
        lambda value, _: float(value),
        align="right",
    )


MONEY: Format[Decimal] = Format(
    lambda value, _: Cell(formatting.money(value)),
    lambda value: (1, float(value)),
    lambda value, _: float(value),
    align="right",
)
"""The format of an amount of US dollars, in which `~` marks an estimate."""

PRICE_PER_MILLION: Format[Decimal] = Format(
    lambda value, _: Cell(f"${value * 1_000_000:,.2f}"),
    lambda value: (1, float(value)),
    lambda value, _: float(value * 1_000_000),
    align="right",
)
"""The format of a price per token, shown and filtered as US dollars per million tokens."""


def at_least(shown: Column[Row], is_partial: Callable[[Row], bool]) -> Column[Row]:
    """Return a copy of a column that adds `+` to values that are lower bounds.

    `is_partial` returns whether the value of a row is only a lower bound.
    """

    def cell(row: Row, moment: RenderTime) -> Cell:
        content = shown.cell(row, moment)
        if content.text == formatting.DASH or not is_partial(row):
            return content
        return content._replace(text=f"{content.text}+")

    return replace(shown, cell=cell)


def _age(value: datetime, moment: RenderTime) -> Cell:
    return Cell(formatting.age(value, moment.now), "dim")


def time_left(soon: float) -> Format[datetime]:
    """Return the format of a future time, shown as the time left until then.

    The cell is highlighted in the last `soon` seconds.
    """

    def show(value: datetime, moment: RenderTime) -> Cell:
        seconds = (value - moment.now).total_seconds()
        if seconds <= 0:
            return Cell("expired", "dim")
        return Cell(formatting.short_duration(seconds), "warn" if seconds < soon else "plain")

    return Format(
        show,
        lambda value: (2, value.timestamp()),
        lambda value, now: (value - now).total_seconds(),
        align="right",
        is_span=True,
    )


AGE: Format[datetime] = Format(
    _age,
    lambda value: (1, -value.timestamp()),
    lambda value, now: (now - value).total_seconds(),
    align="right",
    is_span=True,
)
"""The format of a time that is shown as its age; the newest time sorts first."""


def sort_key(value: str | float | datetime | None) -> SortKey:
    """Return a sort key: None comes first, then numbers, then times, then texts."""
    if value is None:
        return (0, "")
    if isinstance(value, datetime):
        return (2, value.timestamp())
    return _text_sort(value) if isinstance(value, str) else (1, float(value))


def state(*, is_own: bool = True) -> Format[str]:
    """Return the format of a state, shown as a symbol and a word.

    A filter matches the shown word and the service's word. `is_own` is true for the state of
    the record itself: the column then shows a change in progress in place of the state. It is
    false for the state of something else, such as a record's last run.
    """

    def show(value: str, _: RenderTime) -> Cell:
        glyph, name, tone = formatting.state(first_line(value))
        return Cell(f"{glyph} {name}", tone)

    return Format(
        show,
        _text_sort,
        lambda value, _: (formatting.state(first_line(value))[1], first_line(value)),
        is_state=is_own,
    )


LOCAL_TIME: Format[datetime] = Format(
    lambda value, _: Cell(formatting.local_time(value), "dim"),
    lambda value: (2, value.timestamp()),
    lambda value, now: (now - value).total_seconds(),
)
"""The format of a time that is shown as local date and time."""

SECONDS: Format[float] = Format(
    lambda value, _: Cell(formatting.seconds(value)),
    lambda value: (1, value),
    lambda value, _: value,
    align="right",
    is_span=True,
)
"""The format of a duration in seconds."""

MODEL: Format[str] = Format(
    lambda value, _: Cell(formatting.model(value), "dim"),
    _text_sort,
    lambda value, _: (formatting.model(value), value),
)
"""The format of a model id, shown without the provider.

A filter matches the id with and without the provider.
"""

REASON: Format[str] = Format(
    lambda value, _: Cell(formatting.reason(first_line(value))),
    _text_sort,
    lambda value, _: (formatting.reason(first_line(value)), first_line(value)),
)
"""The format of a reason code of the dispatch log, shown as text.

A filter matches the code and the text.
"""

DIM_REASON = replace(REASON, show=lambda value, _: Cell(formatting.reason(first_line(value)), "dim"))
"""The format of a reason that does not describe the present state; it is drawn dim."""


def _cause(value: str) -> str:
    return formatting.cause(_error_line(value))


ERROR: Format[str] = Format(
    lambda value, _: Cell(_cause(value), "error"),
    _text_sort,
    lambda value, _: (_cause(value), _error_line(value)),
)
"""The format of an error, shown as its cause, with credentials masked."""


def error_column(value: Callable[[Row], str | None], field: str, *, min_width: int = 20) -> Column[Row]:
    """Return the column that shows a record's error, the last column of a list.

    The cell shows the cause of the error; a filter also matches the complete first line.
    """
    base = column("error", "", value, ERROR, Layout(24, flex=3, min_width=min_width), field=field)

    def cell(row: Row, moment: RenderTime) -> Cell:
        return base.cell(row, moment) if value(row) else Cell("", "error")

    return replace(base, cell=cell, is_error=True)


def time_column(
    name: str,
    title: str,
    value: Callable[[Row, datetime], V | None],
    format: Format[V],
    layout: Layout | None = None,
    *,
    final: Callable[[Row], V | None],
    field: str,
) -> Column[Row]:
    """Return a column whose value grows with time, such as a duration.

    `value` returns the value at a given time. `final` returns the value for JSON and CSV, or None
    while the value still grows.
    """

    def cell(row: Row, moment: RenderTime) -> Cell:
        content = value(row, moment.as_of)
        return Cell(formatting.DASH, "dim") if content is None else format.show(content, moment)

    def sort_at(row: Row, as_of: datetime) -> SortKey:
        content = value(row, as_of)
        return (0, "") if content is None else format.sort(content)

    def filter_value(row: Row, as_of: datetime) -> FilterValue:
        content = value(row, as_of)
        return None if content is None else format.filter_value(content, as_of)

    base = column(name, title, final, format, layout, field=field)
    return replace(base, cell=cell, filter_value=filter_value, sort_at=sort_at)


def error_or_reason_column(
    error: Callable[[Row], str | None], code: Callable[[Row], str | None], field: str
) -> Column[Row]:
    """Return a column that shows a record's error, or the reason of its state.

    The reason is shown for records without an error.
    """
    errors = error_column(error, field)
    reasons = column("error", "WHY", code, DIM_REASON, errors.layout, field=field)

    def cell(row: Row, moment: RenderTime) -> Cell:
        return errors.cell(row, moment) if error(row) else reasons.cell(row, moment)

    def filter_value(row: Row, now: datetime) -> FilterValue:
        return errors.filter_value(row, now) or reasons.filter_value(row, now)

    def value(row: Row) -> str | None:
        return error(row) or code(row)

    return replace(reasons, value=value, cell=cell, filter_value=filter_value, is_error=True)


def flag(yes: str = "on", no: str = "off", tone: str = "ok") -> Format[bool]:
    """Return the format of a flag that is shown as one of two words.

    A filter also matches `true` and `false`. `tone` is the tone of a true value. A false value
    is drawn dim, or not shown if `no` is empty.
    """

    def show(value: bool, _: RenderTime) -> Cell:
        if not value and not no:
            return Cell("", "dim")
        return Cell(f"{'✓' if value else '·'} {yes if value else no}", tone if value else "dim")

    return Format(
        show,
        lambda value: (1, float(value)),
        lambda value, _: (yes, "true") if value else (no, "false") if no else ("false",),
        is_state=True,
    )


def switch() -> Format[bool]:
    """Return the format of a flag that the actions enable and disable change.

    While one of them is in progress, the new value is shown.
    """
    return replace(flag(), in_progress={ENABLING: "on", DISABLING: "off"})
