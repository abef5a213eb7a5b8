"""Cost, tokens and number of stored calls in a range, by group or by interval.

Pure functions of an open database of `live.call_tables`. A range includes its start and excludes
its end.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from operator import add
from typing import Final, NamedTuple

from mogplex_tui.api.estimated_amount import Estimate
from mogplex_tui.live.call_spans import EPOCH
from mogplex_tui.live.call_tables import dollars, to_ticks
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
        return CallSum(*map(add, self, other))


class Group(NamedTuple):
    """The sums of a group of calls, and its value (or None) in each dimension."""

    keys: tuple[str | None, ...]
    sum: CallSum


class Point(NamedTuple):
    """The sums of the calls of a group that began in the interval from `start`.

    `place` is the index of the group; the number of groups stands for all others. The tokens and
    outcomes are not summed.
    """

    place: int
    start: datetime
    sum: CallSum


class Selection(NamedTuple):
    """The groups of a dimension, by their keys, of which calls are summed."""

    dimension: CostDimension
    keys: frozenset[str | None]


_COSTS: Final = (
    "count(*), ifnull(sum(cost IS NULL), 0), "
    f"sum(cost IS NOT NULL AND cost_source = '{Cost.ESTIMATED.value}'), ifnull(sum(cost), 0)"
)
_SUMS: Final = ", ".join(
    [_COSTS, *(f"ifnull(sum({name}), 0)" for name in ("tokens", "prompt_tokens", "cached_tokens"))]
)
_OUTCOMES: Final = {"success": "succeeded", "failed": "failed", "cancelled": "cancelled"}


class CallReader:
    """Reads sums of the stored calls of a range, or of some groups of them."""

    def __init__(self, connection: sqlite3.Connection, span: Interval, only: Selection | None = None) -> None:
        self._connection = connection
        # Two queries: SQLite uses the index for a single minimum or maximum only.
        first, last = connection.execute(
            "SELECT (SELECT min(started) FROM calls), (SELECT max(started) FROM calls)"
        ).fetchone()
        since, until = to_ticks(span.since), to_ticks(span.until)
        # Most rows are read faster in their own order, or in that of their groups, than by time.
        self._is_most = first is not None and min(until, last) - max(since, first) > (last - first) / 2
        self._where = "WHERE started >= ? AND started < ?"
        self._values: tuple[object, ...] = (since, until)
        if only is not None:
            condition, values = self._condition(only.dimension, only.keys)
            self._where, self._values = f"{self._where} AND {condition}", (*self._values, *values)
        self._is_limited = only is not None

    @cached_property
    def _labels(self) -> dict[object, str]:
        return dict(self._connection.execute("SELECT id, text FROM labels").fetchall())

    def _source(self, grouped: CostDimension | None = None) -> str:
        """Return table and condition; `grouped` is the only dimension of the groups."""
        hint = ""
        if self._is_most and not self._is_limited:
            hint = "NOT INDEXED" if grouped is None else f"INDEXED BY calls_by_{grouped.column}"
        return f"calls {hint} {self._where}"

    def groups(self, dimensions: Sequence[CostDimension]) -> list[Group]:
        """Return the sums by one or more dimensions, in no defined order; `opened` is 0."""
        grouped = list(dict.fromkeys(each for each in dimensions if each is not CostDimension.OUTCOME))
        # Each column once, or no index would have the order of the groups.
        columns = ", ".join([*(dimension.column for dimension in grouped), "status"])
        only_one = grouped[0] if len(grouped) == 1 else None
        rows = self._connection.execute(
            f"SELECT {columns}, {_SUMS} FROM {self._source(only_one)} GROUP BY {columns}", self._values
        )
        places = [
            len(grouped) if dimension is CostDimension.OUTCOME else grouped.index(dimension)
            for dimension in dimensions
        ]
        status, sums = len(grouped), dict[tuple[object, ...], CallSum]()
        for row in rows.fetchall():
            ids, each = tuple(row[place] for place in places), _sum_of(row[status], row[status + 1 :])
            before = sums.get(ids)
            sums[ids] = each if before is None else before.plus(each)
        return [Group(self._keys(ids), each) for ids, each in sums.items()]

    def opened(self, dimensions: Sequence[CostDimension]) -> list[tuple[tuple[str | None, ...], int]]:
        """Return the pull requests that calls have opened, by the groups of these calls."""
        columns = ", ".join(dimension.column for dimension in dimensions)
        rows = self._connection.execute(
            f"SELECT DISTINCT opened, {columns} FROM {self._source()} AND opened IS NOT NULL", self._values
        )
        return [(self._keys(ids), opened) for opened, *ids in rows.fetchall()]

    def points(
        self, step: timedelta, dimension: CostDimension, shown: Sequence[frozenset[str | None]]
    ) -> list[Point]:
        """Return the costs by interval, of groups of a dimension and of all others.

        Each of the groups in `shown` has one or more keys. Intervals begin at multiples of `step` since
        1970, UTC; those without calls are left out.
        """
        ticks = step // timedelta(microseconds=1)
        cases, values = "", tuple[object, ...]()
        for place, keys in enumerate(shown):
            condition, more = self._condition(dimension, keys)
            cases, values = f"{cases} WHEN {condition} THEN {place}", (*values, *more)
        place_of, places = (f"CASE{cases} ELSE {len(shown)} END" if shown else "0"), len(shown) + 1
        # One number as the key: rows are sorted to be grouped, and two keys would take twice as long.
        rows = self._connection.execute(
            f"SELECT started / {ticks} * {places} + {place_of} AS key, {_COSTS} FROM {self._source()} GROUP BY key",
            (*values, *self._values),
        )
        return [
            Point(key % places, EPOCH + step * (key // places), _sum_of("", (*costs, 0, 0, 0)))
            for key, *costs in rows.fetchall()
        ]

    def keys(self, dimension: CostDimension) -> list[str]:
        """Return all texts that may be keys of a dimension."""
        return self._statuses() if dimension is CostDimension.OUTCOME else list(self._labels.values())

    def _statuses(self) -> list[str]:
        return [status for (status,) in self._connection.execute("SELECT DISTINCT status FROM calls")]

    def _condition(
        self, dimension: CostDimension, keys: frozenset[str | None]
    ) -> tuple[str, tuple[object, ...]]:
        """Return the SQL condition for some groups, and its values."""
        column, values = dimension.column, tuple[object, ...](key for key in keys if key is not None)
        marks = ", ".join("?" * len(values))
        if dimension is not CostDimension.OUTCOME:
            found = self._connection.execute(f"SELECT id FROM labels WHERE text IN ({marks})", values)
            values = tuple(id for (id,) in found)
            marks = ", ".join("?" * len(values))
        condition = f"{column} IN ({marks})"
        return (f"({condition} OR {column} IS NULL)" if None in keys else condition), values

    def _keys(self, values: Sequence[object]) -> tuple[str | None, ...]:
        return tuple(value if isinstance(value, str) else self._labels.get(value) for value in values)


def _sum_of(status: str, sums: Sequence[int]) -> CallSum:
    calls, unpriced, estimated, units, tokens, prompt_tokens, cached_tokens = sums
    each = CallSum(
        calls,
        unpriced=unpriced,
        estimated=estimated,
        units=units,
        tokens=tokens,
        prompt_tokens=prompt_tokens,
        cached_tokens=cached_tokens,
    )
    name = _OUTCOMES.get(status)
    return each._replace(**{name: calls}) if name is not None else each


def total(connection: sqlite3.Connection, span: Interval) -> CallSum:
    """Return the sums over all calls of a range."""
    reader, out = CallReader(connection, span), CallSum()
    for group in reader.groups([CostDimension.OUTCOME]):
        out = out.plus(group.sum)
    return out._replace(opened=len({opened for _, opened in reader.opened([CostDimension.OUTCOME])}))


def names(connection: sqlite3.Connection) -> dict[str, str]:
    """Return the stored names of records by their ids."""
    return dict(connection.execute("SELECT key, name FROM names").fetchall())
