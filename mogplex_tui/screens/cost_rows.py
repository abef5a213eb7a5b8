"""The groups of a cost report as rows for the table widget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from mogplex_tui.operate import cost_texts, formatting
from mogplex_tui.operate.cost_report import CostGroup, CostReport
from mogplex_tui.widgets.chart import FILLS
from mogplex_tui.widgets.line_table import Column
from mogplex_tui.widgets.styles import Cell, Tone

_BAR: Final = 8
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
NO_VALUE: Final = "\0"
"""The key of the group of calls that have no value in the dimension."""


def columns(title: str) -> tuple[Column, ...]:
    """Return the columns, of which the first one has this title."""
    return (
        Column("fill", "", 1),
        Column("group", title, 20, min_width=14, flex=1, cut="middle"),
        Column("cost", "COST", 9, align="right"),
        Column("bar", "", _BAR, priority=2),
        Column("calls", "CALLS", 6, align="right"),
        Column("unpriced", "NO PRICE", 8, align="right", priority=1),
        Column("failed", "FAILED", 6, align="right", priority=3),
        Column("tokens", "TOKENS", 7, align="right", priority=5),
        Column("cached", "CACHED", 6, align="right", priority=6),
        Column("success", "PER SUCCESS", 11, align="right", priority=4),
    )


class CostRows:
    """The shown groups of a report, in order of cost, with the fills of the plot."""

    stale = False

    def __init__(self, *, ascii_mode: bool) -> None:
        self._ascii = ascii_mode
        self._report: CostReport | None = None
        self._groups: Mapping[str, CostGroup] = {}
        self._keys: list[str] = []
        self._indexes: Mapping[str, int] = {}
        self._most = 0

    def set(self, report: CostReport) -> None:
        """Replace the rows by the groups of a report."""
        self._report = report
        self._groups = {key_of(group): group for group in report.groups}
        self._keys = list(self._groups)
        self._indexes = {key: index for index, key in enumerate(self._keys)}
        self._most = max((group.sum.units for group in report.groups), default=0)

    def get(self, key: str) -> CostGroup | None:
        """Return the group in the row with a key, or None if there is no such row."""
        return self._groups.get(key)

    def __len__(self) -> int:
        return len(self._keys)

    def key_at(self, index: int) -> str:
        """Return the key of the row at an index."""
        return self._keys[index]

    def index_of(self, key: str) -> int | None:
        """Return the index of the row with a key, or None if the row is not shown."""
        return self._indexes.get(key)

    def cells(self, key: str) -> Sequence[Cell]:
        """Return the cells of a group."""
        group, report = self._groups.get(key), self._report
        if group is None or report is None:
            return [("", Tone.PLAIN)] * len(columns(""))
        each, label = group.sum, cost_texts.label(report.question.plotted, group.labels[-1])
        fill = FILLS[min(self._indexes[key], len(FILLS) - 1)]
        has_fill = each.units > 0
        return [
            ((fill.ascii if self._ascii else fill.glyph) if has_fill else "", fill.tone),
            (label, Tone.PLAIN if group.labels[-1] is not None else Tone.DIM),
            (formatting.money(each.cost), Tone.STRONG if has_fill else Tone.DIM),
            (self._bar(each.units), Tone.ACCENT),
            (f"{each.calls:,}", Tone.PLAIN),
            (cost_texts.unpriced(each), Tone.WARN),
            (f"{each.failed:,}" if each.failed else "", Tone.ERROR),
            (formatting.count(each.tokens or None), Tone.DIM),
            (cost_texts.share(each.cached_share), Tone.DIM),
            (formatting.money(each.cost_per_success), Tone.PLAIN),
        ]

    def mark(self, _key: str) -> bool:
        """Return False, because groups cannot be marked."""
        return False

    def _bar(self, units: int) -> str:
        share = units / self._most if self._most else 0.0
        if self._ascii:
            return "#" * round(share * _BAR)
        eighths = max(round(share * _BAR * 8), 1 if share else 0)
        return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def key_of(group: CostGroup) -> str:
    """Return the key of the row of a group: the label in its last dimension."""
    return NO_VALUE if group.labels[-1] is None else group.labels[-1]
