"""The spans of a waterfall as rows for the table widget."""

from __future__ import annotations

from collections.abc import Sequence

from mogplex_tui.operate import waterfall as texts
from mogplex_tui.operate.waterfall import Waterfall, Window
from mogplex_tui.widgets.line_table import Column
from mogplex_tui.widgets.styles import Cell, Tone

_TIME, _COST = 7, 8
# The share of the width that titles take, and their least and greatest width.
_TITLE_SHARE, _LEAST_TITLE, _MOST_TITLE = 0.36, 22, 60
# Below this width there is no column of costs.
_WITH_COST = 70
_GAPS = 6


class WaterfallRows:
    """The rows of a waterfall at one zoom and one width of the bars."""

    stale = False

    def __init__(self) -> None:
        self.waterfall: Waterfall | None = None
        self.window = Window(0.0, 1.0)
        self.cells_wide = 1
        self._indexes: dict[str, int] = {}

    def set(self, waterfall: Waterfall, window: Window) -> None:
        """Replace the rows by the spans of a waterfall, of which `window` is shown."""
        if self.waterfall is None or waterfall.spans is not self.waterfall.spans:
            self._indexes = texts.indexes(waterfall.spans)
        self.waterfall, self.window = waterfall, window

    def columns(self, width: int, *, has_cost: bool) -> list[Column]:
        """Return the columns for a table; the title of the bars is the time axis."""
        with_cost = has_cost and width >= _WITH_COST
        room = width - 3 - _TIME - (_COST + 2 if with_cost else 0) - 4
        title = max(_LEAST_TITLE, min(_MOST_TITLE, int(room * _TITLE_SHARE)))
        self.cells_wide = max(1, room - title)
        axis = "" if self.waterfall is None else self.waterfall.axis(self.window, self.cells_wide)
        columns = [
            Column("span", "SPAN", title),
            Column("bar", axis, self.cells_wide),
            Column("time", "TIME", _TIME, align="right"),
        ]
        return [*columns, Column("cost", "COST", _COST, align="right")] if with_cost else columns

    def __len__(self) -> int:
        return 0 if self.waterfall is None else len(self.waterfall.spans)

    def key_at(self, index: int) -> str:
        """Return the key of the span at an index."""
        return "" if self.waterfall is None else self.waterfall.spans[index].key

    def index_of(self, key: str) -> int | None:
        """Return the index of the span with a key, or None if there is none."""
        return self._indexes.get(key)

    def cells(self, key: str) -> Sequence[Cell]:
        """Return the title, the bar, the duration and the cost of a span."""
        index, waterfall = self._indexes.get(key), self.waterfall
        if index is None or waterfall is None:
            return [("", Tone.PLAIN)] * 4
        span = waterfall.spans[index]
        return [
            (texts.title(span), Tone(texts.title_tone(span))),
            (waterfall.bar(index, self.window, self.cells_wide), Tone(texts.tone(span))),
            (waterfall.time(index), Tone.PLAIN if key in waterfall.critical else Tone.DIM),
            (texts.cost(span), Tone.PLAIN),
        ]

    def mark(self, _key: str) -> bool:
        """Return False, because spans cannot be marked."""
        return False
