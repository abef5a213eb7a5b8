"""The kind registry: how each kind of thing is named, listed, sorted and searched (design decision 11)."""

from mogplex_tui.operate.kinds import runs
from mogplex_tui.operate.kinds.base import Cell, Context, Field, Kind
from mogplex_tui.operate.kinds.typed import for_run_list

RUNS = for_run_list(runs.KIND)
KINDS: dict[str, Kind] = {RUNS.name: RUNS}

__all__ = ["KINDS", "RUNS", "Cell", "Context", "Field", "Kind"]
