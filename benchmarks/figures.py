"""Medians, percentiles and the lines in which they are printed."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def milliseconds(values: Sequence[float]) -> str:
    """Median and 99th percentile in words."""
    return f"p50 {statistics.median(values) * 1000:6.1f} ms   p99 {percentile(values, 0.99) * 1000:6.1f} ms"


def ratio(ours: Sequence[float], floor: Sequence[float], share: float = 0.5) -> str:
    """Return our percentile divided by the floor's, with two decimals."""
    return f"{percentile(ours, share) / percentile(floor, share):.2f}"


def say(text: str) -> None:
    """Print one line of the report and flush it."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
