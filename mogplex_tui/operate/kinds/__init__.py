"""The kind registry: how each kind of thing is named, listed, sorted and searched (design decision 11)."""

from mogplex_tui.operate.kinds.base import Cell, Context, Field, Kind
from mogplex_tui.operate.kinds.runs import RUNS, duration_seconds

KINDS: dict[str, Kind] = {RUNS.name: RUNS}

__all__ = ["KINDS", "RUNS", "Cell", "Context", "Field", "Kind", "duration_seconds"]
