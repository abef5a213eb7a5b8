"""The model that supplies a `LineTable` with the sorted rows of a kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from mogplex_tui.live.sorted_view import SortedView
from mogplex_tui.operate import kind_rows
from mogplex_tui.operate.model import AnyKind, RenderTime
from mogplex_tui.operate.model import Column as KindColumn
from mogplex_tui.screens.list_model import AnyRow
from mogplex_tui.widgets.line_table import Column
from mogplex_tui.widgets.styles import Cell, Tone

_TONES = {tone.value: tone for tone in Tone}


def columns_of(kind: AnyKind) -> list[Column]:
    """Return a kind's columns as the table widget's `Column` objects."""
    return [_column(each) for each in kind.columns]


def _column(column: KindColumn[AnyRow]) -> Column:
    layout = column.layout
    return Column(
        column.name,
        column.title,
        layout.width,
        min_width=layout.min_width,
        flex=layout.flex,
        align="right" if column.format.align == "right" else "left",
        priority=layout.priority,
        cut="middle" if layout.cut == "middle" else "end",
    )


class RowTableModel:
    """The rows of one kind for a `LineTable`.

    The cells of a row are made only when the table asks for them: when the row is on screen.
    """

    def __init__(
        self, kind: AnyKind, rows: Mapping[str, AnyRow], view: SortedView[AnyRow], now: datetime
    ) -> None:
        self._kind, self._rows, self._view = kind, rows, view
        self.moment = RenderTime(now)
        # The times to draw rows with whose last read is older than that of the others, by key.
        self.moments: Mapping[str, RenderTime] = {}
        # True if all rows are stale, else the keys of stale rows and the indexes of stale columns.
        self.stale = False
        self.stale_rows: frozenset[str] = frozenset()
        self._stale_columns: list[int] = []
        self.marked: set[str] = set()

    def __len__(self) -> int:
        return len(self._view)

    def key_at(self, index: int) -> str:
        """Return the key of the row at an index."""
        return self._view.key_at(index)

    def index_of(self, key: str) -> int | None:
        """Return the index of the row with a key, or None if the row is not shown."""
        return self._view.index_of(key)

    def set_stale_columns(self, columns: frozenset[str]) -> None:
        """Set the names of the columns to draw as stale."""
        self._stale_columns = [index for index, each in enumerate(self._kind.columns) if each.name in columns]

    def cells(self, key: str) -> Sequence[Cell]:
        """Return the cells of a row, one for each column; cells with stale values are dim."""
        entry, moment = self._rows.get(key), self.moments.get(key, self.moment)
        if entry is None:
            # The row was removed after the last update of the order.
            return [("", Tone.PLAIN) for _ in self._kind.columns]
        cells = [(text, _TONES[tone]) for text, tone in kind_rows.cells(self._kind, entry, moment)]
        if key in self.stale_rows:
            return [(text, Tone.DIM) for text, _ in cells]
        for index in self._stale_columns:
            cells[index] = (cells[index][0], Tone.DIM)
        if entry.row is None or not self._kind.is_quiet(entry.row):
            return cells
        return [(text, Tone.DIM if tone is Tone.PLAIN else tone) for text, tone in cells]

    def mark(self, key: str) -> bool:
        """Return whether a row is marked."""
        return key in self.marked
