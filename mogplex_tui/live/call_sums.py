"""Cost, tokens and number of stored calls in a range, by group or by interval.

Pure functions of an open database of `live.call_tables`. A range includes its start and excludes
its end.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from mogplex_tui.api.estimated_amount import Estimate
from mogplex_tui.live.call_spans import EPOCH
from mogplex_tui.live.call_tables import dollars, from_ticks, to_ticks
from mogplex_tui.live.run_row import Cost


class CostDimension(StrEnum):
    """A property of calls by which they are grouped."""

    MODEL = "model"
    TYPE = "type"
    REPO = "repo"
    AGENT = "agent"
    AUTOMATION = "automation"
    SANDBOX = "sandbox"
    PULL_REQUEST = "pull-request"
    USER = "user"
    OUTCOME = "outcome"

    @property
    def column(self) -> str:
        """The column of the table of calls."""
        return "status" if self is CostDimension.OUTCOME else self.value.replace("-", "_")


class Interval(NamedTuple):
    """A range of time from `since` up to, but not including, `until`."""

    since: datetime
    until: datetime


class CallSum(NamedTuple):
    """Sums over some calls. Costs are units of 1e-8 US dollars.

    `unpriced` calls have no known cost, `estimated` calls have an estimated one; `units` is the sum of
    all known costs. `prompt_tokens` include the `cached_tokens`. `opened` is the number of different
    pull requests that the calls have opened.
    """

    calls: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    unpriced: int = 0
    estimated: int = 0
    units: int = 0
    tokens: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    opened: int = 0

    @property
    def priced(self) -> int:
        """The number of calls with a known cost."""
        return self.calls - self.unpriced

    @property
    def cost(self) -> Decimal | None:
        """The known cost in US dollars, or None if no call has a price; 0 without calls."""
        if self.calls and not self.priced:
            return None
        return Estimate(dollars(self.units)) if self.estimated else dollars(self.units)

    @property
    def cached_share(self) -> float | None:
        """The share of prompt tokens that were cached, or None without tokens."""
        return self.cached_tokens / self.prompt_tokens if self.prompt_tokens else None

    @property
    def cost_per_success(self) -> Decimal | None:
        """The known cost of all calls for each successful call, or None."""
        return self._cost_per(self.succeeded)

    @property
    def cost_per_opened(self) -> Decimal | None:
        """The known cost of all calls for each pull request opened, or None."""
        return self._cost_per(self.opened)

    def _cost_per(self, number: int) -> Decimal | None:
        cost = self.cost
        if cost is None or not number:
            return None
        return Estimate(cost / number) if self.estimated else cost / number

    def plus(self, other: CallSum) -> CallSum:
        """Return the sums over the calls of both."""
        return CallSum(*(left + right for left, right in zip(self, other, strict=True)))


class Group(NamedTuple):
    """The sums of a group of calls, and its value (or None) in each dimension."""

    keys: tuple[str | None, ...]
    sum: CallSum


class Point(NamedTuple):
    """The sums of the calls of one group that began in the interval from `start`."""

    keys: tuple[str | None, ...]
    start: datetime
    sum: CallSum


def _sums() -> str:
    parts = ["count(*)"]
    parts += [f"ifnull(sum(status = '{status}'), 0)" for status in ("success", "failed", "cancelled")]
    parts += ["ifnull(sum(cost IS NULL), 0)"]
    parts += [f"ifnull(sum(cost IS NOT NULL AND cost_source = '{Cost.ESTIMATED.value}'), 0)"]
    parts += [f"ifnull(sum({name}), 0)" for name in ("cost", "tokens", "prompt_tokens", "cached_tokens")]
    return ", ".join(parts)


_SUMS: Final = _sums()
# The number of sums in a row.
_WIDTH: Final = len(CallSum._fields)
_RANGE: Final = "started >= ? AND started < ?"


def total(connection: sqlite3.Connection, span: Interval) -> CallSum:
    """Return the sums over all calls of a range."""
    row = connection.execute(
        f"SELECT {_SUMS}, count(DISTINCT opened) FROM calls WHERE {_RANGE}", _ticks(span)
    ).fetchone()
    return CallSum(*row)


def groups(
    connection: sqlite3.Connection, span: Interval, dimensions: Sequence[CostDimension]
) -> list[Group]:
    """Return the sums of a range by one or two dimensions, in no defined order."""
    columns = ", ".join(dimension.column for dimension in dimensions)
    rows = connection.execute(
        f"SELECT {_SUMS}, count(DISTINCT opened), {columns} FROM calls WHERE {_RANGE} GROUP BY {columns}",
        _ticks(span),
    ).fetchall()
    labels = _labels(connection)
    return [Group(_keys(row[_WIDTH:], labels), CallSum(*row[:_WIDTH])) for row in rows]


def points(
    connection: sqlite3.Connection, span: Interval, step: timedelta, dimensions: Sequence[CostDimension]
) -> list[Point]:
    """Return the sums of a range by interval and by one or two dimensions.

    Intervals begin at multiples of `step` since 1970, UTC. Intervals without calls are left out.
    `opened` is 0.
    """
    ticks = step // timedelta(microseconds=1)
    columns = ", ".join(dimension.column for dimension in dimensions)
    rows = connection.execute(
        f"SELECT {_SUMS}, 0, started / {ticks} AS place, {columns} FROM calls WHERE {_RANGE} GROUP BY place, {columns}",
        _ticks(span),
    ).fetchall()
    labels = _labels(connection)
    return [
        Point(_keys(row[_WIDTH + 1 :], labels), EPOCH + step * row[_WIDTH], CallSum(*row[:_WIDTH]))
        for row in rows
    ]


def _keys(values: Sequence[int | str | None], labels: Mapping[int | None, str]) -> tuple[str | None, ...]:
    return tuple(value if isinstance(value, str) else labels.get(value) for value in values)


def first_start(connection: sqlite3.Connection) -> datetime | None:
    """Return the start of the oldest stored call, or None if there are no calls."""
    (started,) = connection.execute("SELECT min(started) FROM calls").fetchone()
    return None if started is None else from_ticks(started)


def names(connection: sqlite3.Connection) -> dict[str, str]:
    """Return the stored names of records by their ids."""
    return dict(connection.execute("SELECT key, name FROM names").fetchall())


def _ticks(span: Interval) -> tuple[int, int]:
    return to_ticks(span.since), to_ticks(span.until)


def _labels(connection: sqlite3.Connection) -> dict[int | None, str]:
    return dict(connection.execute("SELECT id, text FROM labels").fetchall())
