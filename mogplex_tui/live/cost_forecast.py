"""Forecasts of the cost up to a time, from the costs of intervals before now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import sqrt
from statistics import fmean, stdev
from typing import Final

MIN_SAMPLES: Final = 8
"""The fewest priced calls in the window of a forecast."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """The expected cost of a period up to `until`, in US dollars.

    `error` is the standard error, from the spread of the intervals. The window of the forecast has
    `intervals` parts of length `step`.
    """

    until: datetime
    cost: Decimal
    error: Decimal
    intervals: int
    step: timedelta

    @property
    def window(self) -> timedelta:
        """The time before now on which the forecast is based."""
        return self.step * self.intervals


def forecast(
    spent: Decimal,
    intervals: Sequence[Decimal],
    step: timedelta,
    now: datetime,
    until: datetime,
    *,
    least: int,
) -> Forecast | None:
    """Return the expected cost at a time: the cost so far and the mean for the rest.

    Returns None if there are fewer than `least` intervals. The intervals count as independent: the
    error has the spread of the time to come, and that of the mean itself.
    """
    if len(intervals) < max(2, least) or until <= now:
        return None
    costs = [float(cost) for cost in intervals]
    rest = (until - now) / step
    error = stdev(costs) * sqrt(rest + rest * rest / len(costs))
    expected = spent + Decimal(fmean(costs) * rest)
    return Forecast(until, expected, Decimal(error), len(costs), step)
