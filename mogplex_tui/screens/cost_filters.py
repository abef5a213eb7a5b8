"""Filters of the list of runs for the groups and ranges of a cost report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mogplex_tui.live.call_sums import CostDimension, Interval
from mogplex_tui.operate.filters import quoted
from mogplex_tui.screens.usage_bars import started_filter

if TYPE_CHECKING:
    from mogplex_tui.live.names import Names
    from mogplex_tui.operate.time_ranges import TimeSpan

_HARNESS: Final = "harness:"
_FIELDS: Final = {
    CostDimension.MODEL: "model",
    CostDimension.TYPE: "type",
    CostDimension.REPO: "repo",
    CostDimension.AGENT: "agent",
    CostDimension.AUTOMATION: "automation",
    CostDimension.SANDBOX: "sandbox",
    CostDimension.PULL_REQUEST: "pull",
    CostDimension.OUTCOME: "state",
}


def group_filter(dimension: CostDimension, label: str | None, names: Names) -> str | None:
    """Return the filter that selects the runs of a group, or None if there is none.

    All runs that a user sees are the user's own, so a user needs no filter.
    """
    if dimension is CostDimension.USER:
        return ""
    if label is None:
        return None
    if dimension is CostDimension.MODEL and label.startswith(_HARNESS):
        return f"harness:={quoted(label.removeprefix(_HARNESS))}"
    if dimension is CostDimension.AUTOMATION and list(names.automations.values()).count(label) > 1:
        # A name that several automations have would select the runs of all of them.
        return None
    return f"{_FIELDS[dimension]}:={quoted(label)}"


def interval_filter(span: TimeSpan, interval: Interval, *, is_open: bool) -> str:
    """Return the filter that selects the runs of a range; `is_open` if it ends now."""
    if is_open and span.length is not None:
        return f"age:<{span.text}"
    return started_filter(interval.since, None if is_open else interval.until)
